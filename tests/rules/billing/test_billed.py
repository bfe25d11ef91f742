"""Which billing cycles a customer has (api.md §2.7)."""

from datetime import datetime

import pytest

from sumac.billing.model import Holding
from sumac.billing.rules.billed import billed_by
from sumac.core.time import Cadence, Interval
from tests.rules.offers import JANUARY, at, held, item, plan, scheduled, usage_based

FEBRUARY = at("2026-02-10")
MONTH = Cadence(Interval.MONTH)
FREE = plan("free", None, item("messages", 10))
PRO = plan("pro", 20)
METERED = plan("metered", None, item("messages", price=usage_based("0.10")))
ADDON = plan("addon", 5, add_on=True)
TABLE: list[tuple[str, list[Holding], tuple[datetime, Cadence] | None]] = [
    ("nothing held", [], None),
    ("an add-on alone", [held(ADDON)], None),
    ("what is yet to start", [scheduled(PRO, FEBRUARY)], None),
    ("a free plan", [held(FREE)], (JANUARY, MONTH)),
    ("a priced plan", [held(ADDON), held(PRO, FEBRUARY)], (FEBRUARY, MONTH)),
    ("usage is a price too", [held(METERED, FEBRUARY)], (FEBRUARY, MONTH)),
    ("one that costs before one that does not", [held(FREE), held(PRO, FEBRUARY)], (FEBRUARY, MONTH)),
    ("the first of two", [held(METERED), held(PRO, FEBRUARY)], (JANUARY, MONTH)),
]


@pytest.mark.parametrize(("holdings", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_billing_cycles(holdings: list[Holding], expected: tuple[datetime, Cadence] | None) -> None:
    """Those of the main plan, the first one with a price."""
    assert expected == billed_by(holdings)
