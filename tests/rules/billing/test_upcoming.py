"""The next invoices as they would be if nothing happened until then (api.md §2.1 `invoice_previews`)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from sumac.balances.model import Grant, Reservation
from sumac.billing.model import Holding
from sumac.billing.rules.upcoming import compute_upcoming
from tests.rules.decisions import FEBRUARY, HALF, amounts, metered, turn
from tests.rules.offers import FREE, JANUARY, PRO, YEARLY, at, canceling, grant, held, plan, scheduled, snapshot

PRO_HELD, FREE_HELD = held(PRO), held(FREE)
ANNUAL = held(plan("annual", 200, cadence=YEARLY))
WORTH_3 = metered(PRO_HELD, 100, 130, "0.10")
SET_BELOW_ZERO = replace(metered(PRO_HELD, 100, 0, "0.10"), balance=Decimal(-50), edited_at=HALF)


def seen(holdings: Sequence[Holding], grants: Sequence[Grant] = ()) -> list[tuple[datetime, list[Decimal]]]:
    """When, and the lines in exact cents."""
    found = compute_upcoming(snapshot(*holdings, grants=grants))
    return [(each.at, [line.exact_minor for line in each.draft.lines]) for each in found]


@pytest.mark.parametrize(
    ("holdings", "grants", "expected"),
    [
        ([], [], []),
        ([FREE_HELD], [grant("messages", 100, 30)], []),
        ([PRO_HELD], [], [(FEBRUARY, [2000])]),
        ([PRO_HELD], [WORTH_3], [(FEBRUARY, [2000, 300])]),
        ([PRO_HELD], [SET_BELOW_ZERO], [(FEBRUARY, [2000, 500])]),
        ([FREE_HELD, PRO_HELD, ANNUAL], [], [(FEBRUARY, [2000]), (at("2027-01-01"), [20000])]),
        ([canceling(PRO_HELD, FEBRUARY)], [WORTH_3], [(FEBRUARY, [300])]),
        ([canceling(FREE_HELD, HALF), PRO_HELD], [], [(FEBRUARY, [2000])]),
        ([scheduled(PRO, HALF)], [], [(HALF, [2000])]),
    ],
)
def test_what_is_charged_next(
    holdings: Sequence[Holding], grants: Sequence[Grant], expected: list[tuple[datetime, list[int]]]
) -> None:
    """The soonest first, with the usage as it is now; nothing for what costs nothing."""
    assert expected == seen(holdings, grants)


def test_it_is_what_the_turn_decides() -> None:
    """The preview is the decision that is made at that instant."""
    assert [(FEBRUARY, amounts(turn(PRO_HELD, grants=[WORTH_3])))] == seen([PRO_HELD], [WORTH_3])


def test_what_is_held_for_a_caller_changes_nothing() -> None:
    """Holds that expire until then are taken as they are."""
    hold = Reservation("lck_1", "job", "cus_1", "messages", None, Decimal(1), {}, (), JANUARY, HALF)
    found = compute_upcoming(snapshot(PRO_HELD, grants=[WORTH_3], reservations=(hold,)))

    assert [FEBRUARY] == [each.at for each in found]
