"""Whether a stored card is still needed for a plan."""

import pytest

from sumac.billing.model import Holding, PlanStatus
from sumac.billing.rules.cards import is_charged_again
from tests.rules.offers import FREE, GROWTH, JANUARY, ONE_OFF, PRO, at, held

FEBRUARY = at("2026-02-01")


@pytest.mark.parametrize(
    ("holding", "expected"),
    [
        pytest.param(held(FREE), False, id="free"),
        pytest.param(held(ONE_OFF), False, id="bought-once"),
        pytest.param(held(GROWTH, net_terms_days=30), False, id="paid-by-sent-invoice"),
        pytest.param(held(GROWTH), True, id="runs-on"),
        pytest.param(held(GROWTH, status=PlanStatus.PAST_DUE), True, id="past-due"),
        pytest.param(held(GROWTH, FEBRUARY, status=PlanStatus.SCHEDULED), True, id="starts-later"),
        pytest.param(held(GROWTH, canceled_at=JANUARY, ends_at=FEBRUARY), False, id="ends-with-its-period"),
        pytest.param(held(GROWTH, canceled_at=JANUARY, ends_at=at("2026-06-01")), True, id="ends-after-more-periods"),
        pytest.param(held(PRO, canceled_at=JANUARY, ends_at=FEBRUARY), True, id="ends-with-usage-to-bill"),
        pytest.param(
            held(GROWTH, ends_at=FEBRUARY, period_start=None, period_end=None), False, id="ends-without-a-period"
        ),
    ],
)
def test_is_charged_again(holding: Holding, *, expected: bool) -> None:
    """Only what renews, or has usage to bill at its end, needs a card."""
    assert expected is is_charged_again(holding)
