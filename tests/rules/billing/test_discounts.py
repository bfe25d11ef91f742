"""Which invoices rewards are taken off, and what becomes of them with a change (billing.md §14.4, §18.1, §20)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.billing.model import HeldLine, Payment, SchedulePlan
from sumac.billing.requests import CancelAction, CancelRequest, PlanTiming
from sumac.billing.rules.decision import decide
from sumac.billing.rules.discounts import lower_held, rewards_after, with_discounts
from sumac.billing.rules.preview import compute_next_cycle
from sumac.billing.rules.turn import decide_turn
from sumac.catalog.model import Customization
from sumac.core.errors import BadRequest
from sumac.core.time import Period
from sumac.invoices.model import LineDraft
from sumac.rewards.model import AppliedReward, RewardDuration, RewardKind, RewardUse
from sumac.rewards.rules.standing import stands
from tests.rules.decisions import FEBRUARY, HALF, MARCH, cents, kinds, metered
from tests.rules.offers import ADD_ON, FREE, GROWTH, JANUARY, PREMIUM, PRO, held, item, plan, prepaid, snapshot
from tests.rules.rewarded import ONE_OFF, attached, credits_of, given, has, moved, off, percent, total, updated, use

SEATS = plan("team", None, item("seats", price=prepaid("10")))


def seat_lines(quantity: int, paid: int) -> tuple[LineDraft, ...]:
    """What was charged for so many seats at $10, for so many cents less."""
    period = Period(JANUARY, FEBRUARY)
    line = LineDraft("Seats", "Seats", Decimal(paid), Decimal(quantity), "team", "seats", period, "held-team")
    return (line,)


TABLE = [
    pytest.param([], [], "50.00", id="none"),
    pytest.param([percent(20)], [], "30.00", id="20%"),
    pytest.param([percent(100)], [], "-50.00", id="100%"),
    pytest.param([off(10)], [], "40.00", id="10-off"),
    pytest.param([off(100)], [], "-50.00", id="100-off"),
    pytest.param([percent(20), percent(10)], [], "22.00", id="20%-and-10%"),
    pytest.param([off(5), percent(30)], [], "15.00", id="30%-and-5-off"),
    pytest.param([off(5), percent(20), percent(10)], [], "17.00", id="20%-10%-and-5-off"),
    pytest.param([percent(10)], [percent(50)], "40.00", id="customer-50%-and-subscription-10%"),
    pytest.param([], [percent(50)], "0.00", id="customer-50%"),
]


@pytest.mark.parametrize(("of_plan", "of_customer", "expected"), TABLE)
def test_five_seats_to_ten(of_plan: list, of_customer: list, expected: str) -> None:  # type: ignore[type-arg]  # terms
    """Every row of §14.4: five seats were paid for at $50, ten cost $100, and credits are never lowered."""
    rewards = [has(each, f"p{number}", ["held-team"]) for number, each in enumerate(of_plan)]
    rewards += [has(each, f"c{number}") for number, each in enumerate(of_customer)]
    five = held(SEATS, quantities={"seats": Decimal(5)})
    state = snapshot(five, charges=seat_lines(5, 5000), rewards=tuple(rewards))

    assert expected == total(updated(state, SEATS, quantities={"seats": Decimal(10)}))


def test_ten_seats_to_five() -> None:
    """$20 off five of ten seats: -100 + (50 - 20) (§14.4)."""
    team = plan("team", None, item("seats", price=prepaid("10"), proration=None))
    ten = held(team, quantities={"seats": Decimal(10)})
    state = snapshot(ten, charges=seat_lines(10, 10000), rewards=(has(off(20), plans=["held-team"]),))

    assert "-70.00" == total(updated(state, team, quantities={"seats": Decimal(5)}))


@pytest.mark.parametrize(("before", "after", "expected"), [("10", "20", "30.00"), ("20", "10", "-60.00")])
def test_a_version_that_costs_something_else(before: str, after: str, expected: str) -> None:
    """20 % off five seats that cost $10 and then $20, or the other way round (§14.4)."""
    first, second = (plan("team", None, item("seats", price=prepaid(rate))) for rate in (before, after))
    second = replace(second, version=2)
    five = held(first, quantities={"seats": Decimal(5)})
    charged = seat_lines(5, int(before) * 500)
    state = snapshot(five, charges=charged, rewards=(has(percent(20), plans=["held-team"]),))

    assert expected == total(updated(state, second, version=2, quantities={"seats": Decimal(5)}))


def test_a_discounted_switch() -> None:
    """20 % forever, $16 paid for Pro: Premium at half is -8 + 20 = $12, and the reward goes on with it (§20 34)."""
    paid = LineDraft("Pro", "Pro", Decimal(1600), Decimal(1), "pro", None, Period(JANUARY, FEBRUARY), "held-pro")
    state = snapshot(held(PRO), charges=(paid,), rewards=(has(percent(20), plans=["held-pro"]),))

    decision = attached(state, PREMIUM, now=HALF)

    assert ("12.00", [("use-launch", ("held-pro", "new-plan"))]) == (total(decision), moved(decision))


def test_overage_is_lowered_too() -> None:
    """Base $20 and overage $10 with 20 % come to $24 (§14.4)."""
    pro = held(PRO)
    state = snapshot(pro, grants=[metered(pro, 100, 200, "0.10")], rewards=(has(percent(20)),))

    assert "24.00" == total(decide_turn(state, at=FEBRUARY))


def test_credits_roll_over() -> None:
    """$50 of invoice credits over invoices of $20: 0, 0 and 10 are paid, and then all of it (§18.1)."""
    pro, rewards, paid = held(PRO), (has(credits_of(50)),), []
    state = snapshot(pro, rewards=rewards)
    for at in (FEBRUARY, MARCH, MARCH.replace(month=4), MARCH.replace(month=5)):
        decision = decide_turn(state, at=at)
        renewed = next(each.held for each in decision.actions if hasattr(each, "held"))
        paid.append(total(decision))
        after = rewards_after(decision, state, now=at)
        state = snapshot(replace(pro, held=renewed), rewards=after)

    assert ["0.00", "0.00", "10.00", "20.00"] == paid


@pytest.mark.parametrize(
    ("terms", "paid"),
    [
        (percent(50, ONE_OFF), ["10.00", "20.00", "20.00"]),
        (off(100, ONE_OFF), ["0.00", "20.00", "20.00"]),
        (percent(50, RewardDuration.MONTHS, months=2), ["10.00", "10.00", "20.00"]),
        (off(5), ["15.00", "15.00", "15.00"]),
        (percent(50, plan_ids=("premium",)), ["20.00", "20.00", "20.00"]),
        (percent(100, plan_ids=("pro",), kind=RewardKind.FREE_PRODUCT), ["0.00", "0.00", "0.00"]),
        (off(5, currency="eur"), ["20.00", "20.00", "20.00"]),
    ],
)
def test_for_how_long(terms: object, paid: list[str]) -> None:
    """Once, for some months, forever; a fixed amount beyond the invoice lapses; other plans and currencies stay."""
    state = snapshot(rewards=())
    first = attached(state, PRO, use(terms))  # type: ignore[arg-type]  # terms of a discount
    after = rewards_after(first, replace(state, new_rewards=()), now=JANUARY)
    seen, pro = [total(first)], held(PRO, id="new-plan")
    for at in (FEBRUARY, MARCH):
        state = snapshot(pro, rewards=after)
        decision = decide_turn(state, at=at)
        seen.append(total(decision))
        after = rewards_after(decision, state, now=at)
        pro = replace(pro, held=next(each.held for each in decision.actions if hasattr(each, "held")))

    assert paid == seen


def test_what_is_asked_for_is_beside_the_customers_own() -> None:
    """At once both are taken off; later the plan has its own, and the customer's stays for others (§14.4)."""
    state = snapshot(rewards=(has(percent(50), "own"),))

    decision = attached(state, PRO, use(percent(10)))

    assert ("9.00", [("launch", ("new-plan",))]) == (total(decision), given(decision))
    after = rewards_after(decision, state, now=JANUARY)
    later = snapshot(held(PRO, id="new-plan"), held(ADD_ON), rewards=after)
    assert "28.00" == total(decide_turn(later, at=FEBRUARY))


def test_the_same_reward_is_not_stacked() -> None:
    """Asked for again, it is had once: whether the plan has it or the customer (security.md 10)."""
    has_it = snapshot(held(PRO), rewards=(has(percent(20), plans=["held-pro"]),))
    customer_has_it = snapshot(rewards=(has(percent(20)),))

    again = updated(has_it, PRO, use(percent(20)), anchor="now", now=JANUARY)
    beside = attached(customer_has_it, PRO, use(percent(20)))

    assert ([], []) == (given(again), moved(again))
    assert ("16.00", [("launch", ("new-plan",))]) == (total(beside), given(beside))


def test_a_reward_alone_is_an_update() -> None:
    """It costs nothing now, and is taken off the renewal; without one there is nothing to update (§12.1)."""
    state = snapshot(held(PRO))

    decision = updated(state, PRO, use(percent(20)))

    assert ("-", Payment.NONE, [("launch", ("held-pro",))]) == (total(decision), decision.payment, given(decision))
    with pytest.raises(BadRequest, match="Nothing to update"):
        updated(state, PRO)


def test_a_later_plan_takes_the_reward_along() -> None:
    """A scheduled plan follows the one that ends; neither a free one in its place does, nor an add-on."""
    state = snapshot(held(PREMIUM), rewards=(has(percent(20), plans=["held-premium"]), has(off(1), "own")))

    down = attached(state, PRO, timing=PlanTiming.END_OF_CYCLE)
    ends = CancelRequest("acme", CancelAction.CANCEL_END_OF_CYCLE, plan_id="premium")
    free = decide(replace(state, auto_enabled=(FREE,)), [], ends, now=JANUARY)
    add_on = attached(state, ADD_ON)

    assert [("use-launch", ("held-premium", "new-plan"))] == moved(down)
    assert SchedulePlan in kinds(free)
    assert ([], []) == (moved(free), moved(add_on))


def test_nothing_is_paid_for_what_is_free_with_a_reward() -> None:
    """With 100 % off the card is stored, not charged; without a card the page only asks for one."""
    without_card, with_card = (
        attached(snapshot(card=card, rewards=(has(percent(100)),)), GROWTH) for card in (False, True)
    )

    assert [Payment.SETUP, Payment.NONE] == [without_card.payment, with_card.payment]
    assert (10000, "0.00") == (cents(with_card), total(with_card))


def test_done_again_it_comes_to_the_same() -> None:
    """Discounts are taken off what lines cost, however often that is worked out."""
    state = snapshot(new_rewards=(use(percent(20)),))
    once = attached(state, PRO, use(percent(20)))

    assert once == with_discounts(once, state, about=["new-plan"], plans=[PRO], now=JANUARY)


def test_what_waits_for_an_invoice_is_worth_what_is_left_of_it() -> None:
    """A credit for a line that waits is a share of what it would be lowered to, never of the whole (security.md 9)."""
    period = Period(HALF, FEBRUARY)
    waiting = LineDraft("Seat", "Seat", Decimal(2500), Decimal(1), "pro", "seats", period, "held-pro")
    other = replace(waiting, customer_plan_id="held-other")
    lines = [HeldLine("one", waiting), HeldLine("two", other)]

    kept = lower_held(lines, [has(percent(100), plans=["held-pro"])], currency="usd", at=HALF)

    state = snapshot(held_lines=kept)
    assert [Decimal(0), Decimal(2500)] == [line.exact_minor for line in state.billed_beyond]
    assert lines == list(lower_held(lines, [], currency="usd", at=HALF))


def test_once_is_not_in_the_next_cycle() -> None:
    """It is consumed by the immediate invoice; where there is none, the renewal has it (§14.4)."""
    state = snapshot()
    decision = attached(state, PRO, use(percent(50, ONE_OFF)))
    quiet = attached(state, PRO, use(percent(50, ONE_OFF)), bill=False)
    following = compute_next_cycle(held(PRO), state.features, currency="usd")

    assert following is not None
    left = [
        [each.use.reward_id for each in rewards_after(made, state, now=JANUARY) if stands(each, at=FEBRUARY)]
        for made in (decision, quiet)
    ]
    assert [[], ["launch"]] == left


def test_a_reward_that_gives_features_takes_nothing_off() -> None:
    """Such a use never comes to an invoice."""
    feature = RewardUse("use-f", "key-f", "gift", None, None, "test", JANUARY)
    state = snapshot(new_rewards=(feature,))

    assert () == rewards_after(attached(state, PRO, feature), state, now=JANUARY)


@pytest.mark.parametrize(("taken", "net"), [(400, 1600), (2000, 0)])
@pytest.mark.parametrize("rewards", [(), (has(percent(20), plans=["held-pro"]),)])
def test_the_same_price_on_other_terms_costs_nothing(taken: int, net: int, rewards: tuple[AppliedReward, ...]) -> None:
    """What was taken off at the start is not charged in the middle because another item comes along (§14.3)."""
    period = Period(JANUARY, FEBRUARY)
    charged = LineDraft("Pro", "Pro", Decimal(net), Decimal(1), "pro", None, period, "held-pro")
    charged = replace(charged, exact_waived_minor=Decimal(taken))
    more = replace(PRO, items=(*PRO.items, item("words", 5)))
    state = snapshot(held(PRO), charges=(charged,), rewards=rewards)

    changed = updated(state, more, now=HALF, customize=Customization(items=more.items))

    assert ("-", []) == (total(changed), given(changed))


def test_what_was_waived_altogether_is_not_given_back() -> None:
    """A switch away from a plan that cost nothing has no line for it."""
    charged = LineDraft("Pro", "Pro", Decimal(0), Decimal(1), "pro", None, Period(JANUARY, FEBRUARY), "held-pro")
    state = snapshot(held(PRO), charges=(replace(charged, exact_waived_minor=Decimal(2000)),))

    switched = attached(state, PREMIUM, now=HALF)

    assert switched.invoice is not None
    assert [("premium", "25.00")] == [
        (line.plan_id, f"{line.exact_minor / 100:.2f}") for line in switched.invoice.lines
    ]
