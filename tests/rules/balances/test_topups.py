"""When more units are bought by themselves, and where they go (billing.md §6.6)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.rules.topups import (
    compute_topups,
    find_topup,
    is_bought_once,
    repay_units,
    spread_units,
    switched_on,
)
from sumac.catalog.model import BillingMethod, ItemPrice, Tier, TierBehavior
from tests.rules.limited import CAP, PAID, REJECT, balances, decided, held_plan, limited, topup, used
from tests.rules.offers import JANUARY, MONTHLY, ONCE, grant
from tests.rules.pooled import contribution

ONE_OFF = ItemPrice(ONCE, BillingMethod.PREPAID, amount=Decimal(10), billing_units=Decimal(100))
EVERY_MONTH = ItemPrice(MONTHLY, BillingMethod.PREPAID, amount=Decimal(10), billing_units=Decimal(100))
TIERS = (Tier(to=None, amount=Decimal(10)),)
VOLUME = ItemPrice(ONCE, BillingMethod.PREPAID, tiers=TIERS, tier_behavior=TierBehavior.VOLUME)
GRADUATED = ItemPrice(ONCE, BillingMethod.PREPAID, tiers=TIERS, tier_behavior=TierBehavior.GRADUATED)
AFTERWARDS = ItemPrice(ONCE, BillingMethod.USAGE_BASED, amount=Decimal(1))


def bought(units: int = 0, used_up: int = 0, feature_id: str = "messages", **changes: object) -> Grant:
    """Units that were bought once, some of them used."""
    return grant(
        feature_id, 0, used_up, **{"id": "bought", "prepaid": units, "price": ONE_OFF, "reset": None, **changes}
    )


@pytest.mark.parametrize(
    ("before", "tracked", "triggers"),
    [
        pytest.param(limited([bought(100)], topup(20, 100)), 79, False, id="above-the-threshold"),
        pytest.param(limited([bought(100)], topup(20, 100)), 80, True, id="exactly-the-threshold"),
        pytest.param(limited([bought(100)], topup(20, 100)), 85, True, id="below-the-threshold"),
        pytest.param(limited([bought(100, 85)], topup(20, 100)), 1, True, id="below-it-already"),
        pytest.param(limited([bought(100, 100)], topup(20, 100)), 1, True, id="nothing-was-left-to-take"),
        pytest.param(limited([bought(100)], topup(0, 100)), "99.9999999999", False, id="zero-with-a-hair-left"),
        pytest.param(limited([bought(100)], topup(0, 100)), 100, True, id="zero"),
        pytest.param(limited([bought(100)], topup(20, 100, enabled=False)), 85, False, id="disabled"),
        pytest.param(limited([bought(100)], topup(20, 100, "words")), 85, False, id="another-feature"),
        pytest.param(limited([bought(100)]), 85, False, id="no-top-up"),
        pytest.param(limited([bought(100)], plans=[held_plan("pro", topup(20, 100))]), 85, True, id="the-plan"),
        pytest.param(
            limited([bought(100)], topup(20, 100, enabled=False), plans=[held_plan("pro", topup(20, 100))]),
            85,
            False,
            id="the-customer-hides-the-plan",
        ),
        pytest.param(
            limited([bought(100)], plans=[held_plan("pro", topup(20, 100), entity_key="one")]),
            85,
            False,
            id="no-tier-of-entities",
        ),
        pytest.param(limited([grant("messages", 100)], topup(20, 100)), 85, False, id="nothing-to-buy"),
        pytest.param(limited([bought(100, price=EVERY_MONTH)], topup(20, 100)), 85, False, id="bought-again-and-again"),
        pytest.param(limited([bought(100, entity_key="one")], topup(20, 100)), 85, False, id="bought-for-an-entity"),
        pytest.param(limited([bought(100, price=VOLUME)], topup(20, 100)), 85, False, id="priced-by-the-total"),
        pytest.param(
            limited([bought(100), grant("messages", unlimited=True)], topup(20, 100)), 85, False, id="unlimited"
        ),
        pytest.param(
            limited([bought(100), grant("messages", 30, id="kept", rollover_of="x", reset=None)], topup(20, 100)),
            109,
            False,
            id="what-rolled-over-is-left-too",
        ),
        pytest.param(
            limited([bought(60), grant("messages", 0, 50, id="base", **PAID)], topup(20, 100)),
            1,
            True,
            id="what-is-owed-counts-against-it",
        ),
        pytest.param(
            limited([bought(10), grant("messages", 15, id="own", entity_key="one")], topup(20, 100)),
            4,
            False,
            id="what-entities-have-is-left-too",
        ),
    ],
)
def test_what_triggers_a_top_up(before: BalanceSnapshot, tracked: int | str, *, triggers: bool) -> None:
    """No more than the threshold is left after the usage, whatever there was before it."""
    assert (("messages",) if triggers else ()) == decided(before, tracked).topups


def test_credits_are_bought_when_what_they_pay_for_is_used() -> None:
    """845 at 0.2 leave 31 of 200 credits, 10 more leave 29."""
    before = limited([bought(200, feature_id="credits")], topup(30, 100, "credits"))
    first = used(before, 845, CAP, "action1")

    assert [Decimal(31)] == balances(first)
    assert () == decided(before, 845, CAP, "action1").topups
    assert ("credits",) == decided(first, 10, CAP, "action1").topups


def test_two_features_at_once() -> None:
    """Each feature that the usage may be paid from is looked at, in their order, and no other one."""
    before = limited(
        [bought(5, id="a", feature_id="action1"), bought(9, id="b", feature_id="credits"), bought(1, id="c")],
        topup(9, 100, "credits"),
        topup(20, 100, "action1"),
        topup(20, 100),
    )

    assert ("action1", "credits") == decided(before, 1, CAP, "action1").topups
    assert ("credits",) == decided(before, 1, REJECT, "action2").topups
    assert ("messages",) == compute_topups(before, ["messages", "messages", "words"])


def test_the_newest_plan_says_how_much() -> None:
    """Among plans the one attached last decides, and it is known which it was."""
    old, new = held_plan("old", topup(20, 100)), held_plan("new", topup(20, 500))
    found = find_topup(limited([bought(10)], plans=[old, new]), "messages")

    assert found is not None
    assert (Decimal(500), new) == (found.entry.quantity, found.plan)


@pytest.mark.parametrize(
    ("price", "once"),
    [
        pytest.param(ONE_OFF, True, id="in-advance-once"),
        pytest.param(GRADUATED, True, id="by-tiers"),
        pytest.param(VOLUME, False, id="by-the-total"),
        pytest.param(EVERY_MONTH, False, id="every-month"),
        pytest.param(AFTERWARDS, False, id="afterwards"),
        pytest.param(None, False, id="for-nothing"),
    ],
)
def test_what_is_bought_once(price: ItemPrice | None, *, once: bool) -> None:
    """Paid for in advance, once, at a price that does not depend on everything bought."""
    assert once == is_bought_once(price)


LATER = JANUARY + timedelta(days=1)


@pytest.mark.parametrize(
    ("others", "units", "left"),
    [
        pytest.param([], 600, [600], id="nothing-is-owed"),
        pytest.param([grant("messages", 1000, 1500, **PAID)], 600, [0, 100], id="500-are-owed"),
        pytest.param([grant("messages", 0, 1000, **PAID)], 600, [-400, 0], id="more-is-owed-than-bought"),
        pytest.param([grant("messages", 0, 600, **PAID)], 600, [0, 0], id="exactly-as-much"),
        pytest.param([grant("messages", 100, 40)], 600, [60, 600], id="something-is-left"),
        pytest.param(
            [grant("messages", 0, 50, id="a"), grant("messages", 0, 50, id="b", created_at=LATER, **PAID)],
            70,
            [-30, 0, 0],
            id="what-bills-overage-first",
        ),
        pytest.param(
            [
                grant("messages", 0, 50, id="a", created_at=LATER, **PAID),
                grant("messages", 0, 50, id="b", **PAID),
            ],
            70,
            [-30, 0, 0],
            id="then-the-older-one",
        ),
        pytest.param([grant("messages", 0, 50, entity_key="one", **PAID)], 70, [-50, 70], id="not-what-an-entity-owes"),
        pytest.param(
            [contribution(50, entity_key=None, balance=Decimal(-50))], 70, [-50, 70], id="not-what-gives-to-a-pool"
        ),
        pytest.param([grant("messages", 0, 50, price=EVERY_MONTH)], 70, [-50, 70], id="not-what-was-bought"),
        pytest.param([grant("words", 0, 50, **PAID)], 70, [-50, 70], id="not-another-feature"),
    ],
)
def test_where_bought_units_go(others: list[Grant], units: int, left: list[int]) -> None:
    """They pay for what was used beyond what nobody bought; the rest is there to be used, and all of it was bought."""
    target = bought()
    changed = {each.id: each for each in spread_units([*others, target], target, Decimal(units))}
    after = [changed.get(each.id, each) for each in [*others, target]]

    assert left == [each.balance for each in after]
    assert units == after[-1].prepaid
    assert sum(each.balance for each in [*others, target]) + units == sum(each.balance for each in after)


def test_what_was_bought_before_is_paid_back_too() -> None:
    """Bought units that were overdrawn are among those that more of are bought."""
    target = bought(100, 130)

    assert [(Decimal(200), Decimal(70))] == [
        (each.prepaid, each.balance) for each in spread_units([target], target, Decimal(100))
    ]


@pytest.mark.parametrize(
    ("others", "target", "left"),
    [
        pytest.param([grant("messages", 0, 127_803)], bought(5_000_000), [0, 4_872_197], id="less-is-owed"),
        pytest.param([grant("messages", 10, 70)], bought(50), [-10, 0], id="more-is-owed"),
        pytest.param([grant("messages", 10, "10.3")], bought(50), [0, "49.7"], id="a-part-of-a-unit"),
        pytest.param([grant("messages", 10, 70)], bought(50, 20), [-30, 0], id="what-was-counted-on-them-already"),
        pytest.param([grant("messages", 10, 70)], bought(50, 60), [-60, -10], id="when-all-of-them-were"),
        pytest.param([grant("messages", 10, 4)], bought(50), [6, 50], id="nothing-is-owed"),
        pytest.param([grant("messages", 10, 70, **PAID)], bought(50), [-60, 50], id="not-what-is-billed"),
        pytest.param([grant("messages", 10, 70, reset=None)], bought(50), [-60, 50], id="not-what-never-comes-back"),
        pytest.param([grant("messages", 10, 70)], bought(50, entity_key="one"), [-60, 50], id="not-by-an-entity"),
        pytest.param(
            [grant("messages", 10, 70)],
            contribution(0, entity_key=None, prepaid=50, price=ONE_OFF, reset=None, pool_id=None),
            [-60, 50],
            id="not-with-what-a-pool-is-given",
        ),
        pytest.param(
            [grant("messages", 10, 70)], bought(50, price=EVERY_MONTH), [-60, 50], id="not-with-units-of-every-month"
        ),
    ],
)
def test_bought_units_pay_for_free_overage(others: list[Grant], target: Grant, left: list[int | str]) -> None:
    """Where it counts for the next period: 5,000,000 bought beside 127,803 of overage are 4,872,197 (§9.3)."""
    held = [*others, target]
    changed = {each.id: each for each in repay_units(held, target)}
    after = [changed.get(each.id, each) for each in held]

    assert [Decimal(each) for each in left] == [each.balance for each in after]
    assert [each.granted for each in held] == [each.granted for each in after]
    assert sum(each.balance for each in held) == sum(each.balance for each in after)


def test_what_is_switched_on() -> None:
    """The first feature of the list whose top-up is on and was not: a new one, or one that was off."""
    on, off = topup(20, 100), topup(20, 100, enabled=False)
    words = topup(5, 10, "words")

    assert "messages" == switched_on([], [on, words])
    assert "messages" == switched_on([off], [on])
    assert "words" == switched_on([on], [topup(99, 1), words])
    assert switched_on([on], [off]) is None
    assert switched_on([on], []) is None
