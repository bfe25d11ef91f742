"""What the pages say about a schedule: what is bought now, and every later phase (billing.md §13.2)."""

from datetime import UTC, datetime

from sumac.billing.requests import Phase, PlanWish, RedirectMode, ScheduleRequest
from sumac.core.time import Cadence, Interval
from tests.pages.shop import Shop, words_of

NEXT_MONTH = Cadence(Interval.MONTH)
HALF = datetime(2026, 1, 16, 12, tzinfo=UTC)


async def asked(shop: Shop, *phases: Phase) -> str:
    """The address of the page that asks about the phases."""
    request = ScheduleRequest("ada", phases, redirect_mode=RedirectMode.ALWAYS)
    receipt = await shop.services.billing.perform(shop.services.tenant, request, actor="test")
    assert receipt.payment_url is not None
    return receipt.payment_url


async def test_a_checkout_names_the_later_phases(shop: Shop) -> None:
    """Pro is bought now; the month after, Team takes its place at its own price."""
    await shop.services.add_card()

    words = words_of(await shop.visit(await asked(shop, _phase("pro"), _phase("team", NEXT_MONTH))))

    assert "Subscribe to Pro" in words
    assert "From February 1, 2026: Team at $99.00 per month." in words
    assert "Renews on" not in words


async def test_a_change_is_confirmed_with_all_that_follows(shop: Shop) -> None:
    """Team takes the place of Pro now and Pro that of Team later: both, and what each costs."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    shop.services.clock.move_to(HALF)
    url = await asked(shop, _phase("team"), _phase("pro", NEXT_MONTH))

    words = words_of(await shop.visit(url))

    later = ("Pro starts on February 16, 2026", "From February 16, 2026: Pro at")
    for part in ("Pro ends now", "Team starts now", *later):
        assert part in words
    await shop.submit(url, answer="yes", shown="3950", currency="usd")
    assert {"team": "active", "pro": "scheduled"} == await shop.services.statuses()


def _phase(plan_id: str, starts_at: Cadence | None = None) -> Phase:
    return Phase((PlanWish(plan_id),), starts_at)
