"""Trials that revert: the plan before them is paused, and goes on with the paid time that was left (billing.md §11)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.billing.model import Payment
from sumac.billing.quote import terms_of
from sumac.billing.requests import CancelAction, CancelRequest, PlanTiming, RedirectMode, RefundKind, UpdateRequest
from sumac.catalog.model import Customization
from sumac.core.errors import BadRequest, Conflict
from sumac.core.money import Money
from sumac.pages.changes import quote_of
from tests.support.build import feature, free_plan, held_item, item, plan, price, seats, trial, usage_price
from tests.support.services import ACTOR, GOOD_CARD, Services

NOW, LATER, KEEP = CancelAction.CANCEL_IMMEDIATELY, CancelAction.CANCEL_END_OF_CYCLE, CancelAction.UNCANCEL
JANUARY_11, JANUARY_15, JANUARY_25 = (datetime(2026, 1, day, tzinfo=UTC) for day in (11, 15, 25))
FEBRUARY, FEBRUARY_15 = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 15, tzinfo=UTC)
REVERTS = trial(14, on_end="revert")
TO_STAY = Customization(free_trial=None, sets_trial=True)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer who paid for Pro on the first, has used 30 of 100 messages, and tries Premium from the 11th on."""
    await services.offer(
        feature(),
        seats(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price("0.10")), held_item("seats", 5)),
        plan("premium", item("messages", 500), held_item("seats", 50), price=price(50), free_trial=REVERTS),
        plan("growth", item("messages", 900), price=price(100)),
        plan("lite", item("messages", 50), price=price(5)),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.track(30)
    await services.advance(JANUARY_11)
    await services.attach("premium")
    return services


async def allowance(shop: Services) -> Decimal | None:
    """The messages the customer may use now."""
    balance = (await shop.check()).access.balance
    return None if balance is None else balance.remaining


async def test_the_plan_rests_meanwhile(shop: Services) -> None:
    """Nothing is charged, only the plan on trial gives units, and nothing of the paused one renews or resets."""
    assert {"pro": "paused", "premium": "active"} == await shop.statuses()
    assert ["20.00"] == await shop.totals()
    assert Decimal(500) == await allowance(shop)
    premium = await shop.held("premium")
    assert (JANUARY_25, JANUARY_25, JANUARY_25) == (premium.trial_ends_at, premium.ends_at, premium.period_end)
    assert JANUARY_25 == (await shop.customer()).due_at


async def test_the_trial_ends(shop: Services) -> None:
    """Pro goes on for the 21 days that were left, with its units as they were, and renews once after them."""
    await shop.track(200)

    move = await shop.advance(JANUARY_25)

    assert ["plan_ended", "plan_resumed", "lines_held"] == [each.kind for each in move.happened]
    assert {"pro": "active"} == await shop.statuses()
    assert Decimal(70) == await allowance(shop)
    pro = await shop.held("pro")
    assert (JANUARY_15, FEBRUARY_15, None, None) == (pro.period_start, pro.period_end, pro.ends_at, pro.canceled_at)
    await shop.advance(FEBRUARY_15 - timedelta(seconds=1))
    assert ["20.00"] == await shop.totals()
    await shop.advance(FEBRUARY_15)
    assert ["20.00", "20.00"] == await shop.totals()
    assert [2000, 2000] == await shop.charged()
    assert Decimal(100) == await allowance(shop)
    await shop.advance(FEBRUARY_15 + timedelta(days=28))
    assert ["20.00", "20.00", "20.00"] == await shop.totals()


async def test_the_payment_goes_back_for_the_moved_time(shop: Services) -> None:
    """Cancelled on the first of February, when 14 of the 31 days that were paid for are left: $9.03 of the $20."""
    await shop.advance(JANUARY_25)
    await shop.advance(FEBRUARY)

    await shop.cancel(NOW, plan_id="pro", refund=RefundKind.PRORATED)
    await shop.billing.resume_attempts()

    assert [2000 - 903] == await shop.charged()
    assert ({"free": "active"}, ["20.00"]) == (await shop.statuses(), await shop.totals())


async def test_the_page_says_so(services: Services) -> None:
    """Whoever is asked first reads what is paused, that nothing is charged, and what comes after the trial."""
    await services.offer(plan("pro"), plan("premium", price=price(50), free_trial=REVERTS))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    proposal = await services.preview("premium", redirect_mode=RedirectMode.ALWAYS)

    assert Payment.CONFIRM is proposal.decision.payment
    assert (
        "Free until January 15, 2026, then the plan before it goes on. Nothing is charged for the trial."
    ) == terms_of(proposal)
    quote = quote_of(proposal, Money.zero("usd"))
    assert [
        ("Pro", "is paused, and goes on after the trial"),
        ("Premium", "starts now, free until January 15, 2026"),
    ] == [(each.plan_name, each.words) for each in quote.changes]
    assert () == quote.next_charges


async def test_the_calendar_does_the_same(services: Services) -> None:
    """On the wall clock the job that turns what is due ends the trial; a second run finds nothing to do."""
    await services.offer(
        free_plan("free", auto_enable=True), plan("pro"), plan("premium", price=price(50), free_trial=REVERTS)
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.attach("premium")
    services.clock.move_to(JANUARY_15)

    assert 1 == await services.billing.settle_due_customers()
    assert {"pro": "active"} == await services.statuses()
    assert 0 == await services.billing.settle_due_customers()
    assert FEBRUARY_15 == (await services.held("pro")).period_end


@pytest.mark.parametrize("action", [NOW, LATER])
async def test_the_trial_is_cancelled(shop: Services, action: CancelAction) -> None:
    """At once or with its end, it is Pro that follows and never Free, with the same 21 days to go."""
    await shop.advance(JANUARY_15)
    await shop.cancel(action, plan_id="premium")
    ended_at = JANUARY_15 if action is NOW else JANUARY_25
    assert {"pro": "active"} == await shop.statuses() or action is LATER

    await shop.advance(JANUARY_25)

    assert {"pro": "active"} == await shop.statuses()
    assert ended_at + timedelta(days=21) == (await shop.held("pro")).period_end
    assert ["20.00"] == await shop.totals()


async def test_a_cancellation_is_undone(shop: Services) -> None:
    """The trial runs to its end again, and still reverts."""
    await shop.cancel(LATER, plan_id="premium")
    await shop.cancel(KEEP, plan_id="premium")

    premium = await shop.held("premium")
    assert (None, JANUARY_25) == (premium.canceled_at, premium.ends_at)
    await shop.advance(JANUARY_25)
    assert {"pro": "active"} == await shop.statuses()


async def test_back_at_once(shop: Services) -> None:
    """Attaching the paused plan ends the trial; tried and left at one instant, nothing has moved."""
    await shop.attach("pro")

    assert {"pro": "active"} == await shop.statuses()
    pro = await shop.held("pro")
    assert (datetime(2026, 1, 1, tzinfo=UTC), FEBRUARY) == (pro.anchor_at, pro.period_end)
    await shop.advance(FEBRUARY)
    assert ["20.00", "20.00"] == await shop.totals()


async def test_what_was_left_is_worth_what_was_paid(shop: Services) -> None:
    """After the pause a cancellation gives back exactly the time that is left: 7 of 31 days of $20."""
    await shop.advance(JANUARY_25 + timedelta(days=14))
    await shop.cancel(NOW, plan_id="pro")

    assert ["20.00", "-4.52"] == await shop.totals()


async def test_another_plan_is_bought(shop: Services) -> None:
    """Growth takes the place of the trial, and Pro ends: the 21 days that it did not run are given back."""
    await shop.advance(JANUARY_15)
    preview = await shop.preview("growth")
    receipt = await shop.attach("growth")

    assert receipt.invoice is not None
    assert preview.decision.invoice is not None
    assert [line.exact_minor for line in preview.decision.invoice.lines] == [
        each.exact_minor for each in receipt.invoice.lines
    ]
    assert {"growth": "active"} == await shop.statuses()
    assert ["20.00", "86.45"] == await shop.totals()
    await shop.advance(FEBRUARY_15)
    assert ["20.00", "86.45", "100.00"] == await shop.totals()


async def test_the_trial_is_bought(shop: Services) -> None:
    """Attached with free_trial null, the plan on trial stays, paid for less what Pro is worth."""
    await shop.attach("premium", customize=TO_STAY)

    assert {"premium": "active"} == await shop.statuses()
    assert ["20.00", "36.45"] == await shop.totals()
    premium = await shop.held("premium")
    assert (None, None) == (premium.trial_ends_at, premium.ends_at)


async def test_a_smaller_plan_follows(shop: Services) -> None:
    """Lite starts when the trial ends, and Pro ends then: what it did not run is given back on that invoice."""
    await shop.attach("lite", timing=PlanTiming.END_OF_CYCLE)
    assert {"pro": "paused", "premium": "active", "lite": "scheduled"} == await shop.statuses()

    await shop.advance(JANUARY_25)

    assert {"lite": "active"} == await shop.statuses()
    assert ["20.00", "-8.55"] == await shop.totals()


async def test_units_that_are_held_go_along_both_ways(services: Services) -> None:
    """Seats taken during the trial are still held when Pro goes on, beyond what it includes."""
    await services.offer(
        seats(),
        plan("pro", held_item("seats", 5)),
        plan("premium", held_item("seats", 50), price=price(50), free_trial=REVERTS),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.track(2, "seats")
    await services.attach("premium")
    assert (await services.check(feature_id="seats")).access.allowed
    await services.track(5, "seats")

    await services.advance(JANUARY_15)

    grant = await services.balance("seats")
    assert grant is not None
    assert (Decimal(5), Decimal(7)) == (grant.granted, grant.usage)
    assert not (await services.check(feature_id="seats")).access.allowed


async def test_only_once(shop: Services) -> None:
    """Who had the trial before pays, as with every trial; a running one cannot be had again."""
    with pytest.raises(Conflict):
        await shop.attach("premium")
    await shop.cancel(NOW, plan_id="premium")

    await shop.attach("premium")

    assert {"premium": "active"} == await shop.statuses()
    assert None is (await shop.held("premium")).trial_ends_at


async def test_the_paused_plan_is_left_alone(shop: Services) -> None:
    """It can be neither cancelled nor changed, nor the trial before it extended."""
    changes = (
        (CancelRequest("ada", NOW, plan_id="pro"), "plan_paused"),
        (CancelRequest("ada", NOW, plan_id="pro", refund=RefundKind.FULL), "plan_paused"),
        (UpdateRequest("ada", plan_id="pro", customize=Customization(price=price(9), sets_price=True)), "plan_paused"),
        (UpdateRequest("ada", plan_id="premium", customize=TO_STAY), "trial_reverts"),
        (UpdateRequest("ada", plan_id="premium", anchor="now"), "trial_reverts"),
    )
    for request, code in changes:
        with pytest.raises(BadRequest) as refused:
            await shop.billing.perform(shop.tenant, request, actor=ACTOR)
        assert code == refused.value.code
    assert {"pro": "paused", "premium": "active"} == await shop.statuses()
