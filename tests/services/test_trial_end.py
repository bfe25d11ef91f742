"""Trials that end with and without a card (billing.md §11), by the clock and by the calendar."""

from datetime import UTC, datetime, timedelta

import pytest

from sumac.billing.quote import terms_of
from sumac.billing.requests import RedirectMode
from sumac.catalog.model import Plan
from tests.support.build import feature, free_plan, item, plan, trial, usage_price
from tests.support.services import GOOD_CARD, Services

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
TRIAL_END = NEW_YEAR + timedelta(days=14)
OPEN_TRIAL = trial(14, card_required=False)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A paid plan on trial for everybody, for which no card is needed, and a free plan to fall back to."""
    await services.offer(free_plan("free", auto_enable=True), plan("pro", free_trial=OPEN_TRIAL))
    await services.add_customer()
    await services.attach("pro")
    return services


async def test_without_a_card_the_plan_is_over(shop: Services) -> None:
    """No invoice that nobody can pay: the plan ends with its trial and the free plan follows."""
    assert {"pro": "active"} == await shop.statuses()

    await shop.advance(TRIAL_END)

    assert ({"free": "active"}, []) == (await shop.statuses(), await shop.totals())


async def test_with_a_card_it_is_paid_for(shop: Services) -> None:
    """A card stored during the trial is charged at its end, and the plan goes on."""
    await shop.advance(NEW_YEAR + timedelta(days=3))
    await shop.add_card(number=GOOD_CARD)

    await shop.advance(TRIAL_END)

    assert ({"pro": "active"}, ["20.00"]) == (await shop.statuses(), await shop.totals())
    assert [2000] == await shop.charged()


@pytest.mark.parametrize(("card", "held"), [(None, "free"), (GOOD_CARD, "pro")])
async def test_on_the_wall_clock(shop: Services, card: str | None, held: str) -> None:
    """The calendar decides the same as the customer's own clock."""
    if card is not None:
        await shop.add_card(number=card)
    shop.clock.move_to(TRIAL_END)

    assert 1 == await shop.billing.settle_due_customers()

    assert {held: "active"} == await shop.statuses()


USED = plan("tried", item("messages", 100, price=usage_price("0.10")), price=None, free_trial=OPEN_TRIAL)


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        pytest.param(free_plan("tried", item("messages", 100), free_trial=OPEN_TRIAL),
                     "then it ends. Nothing is charged.", id="free"),
        pytest.param(plan("tried", free_trial=OPEN_TRIAL),
                     "then $20.00 per month, charged automatically until you cancel.", id="paid"),
        pytest.param(USED, "then charged automatically until you cancel. Usage beyond what is included is added.",
                     id="paid-after-use"),
    ],
)  # fmt: skip
async def test_the_page_says_what_follows(services: Services, offer: Plan, words: str) -> None:
    """A page says what is charged after the trial; a plan that costs nothing is over with it."""
    await services.offer(feature(), offer)
    await services.add_customer(card=GOOD_CARD)
    proposal = await services.preview("tried", redirect_mode=RedirectMode.ALWAYS)

    assert f"Free until January 15, 2026, {words}" == terms_of(proposal)
