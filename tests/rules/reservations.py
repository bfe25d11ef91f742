"""Holding units and settling them, as the rules are tried on it (billing.md §7)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sumac.balances.model import BalanceSnapshot, Grant, Reservation, UsageDecision
from sumac.balances.requests import FinalizeRequest, LockRequest
from sumac.balances.rules.reserve import decide_finalize, decide_reserve
from sumac.customers.model import Customer, Entity
from tests.rules.offers import FEATURES, JANUARY

ADA = Customer("cus_1", JANUARY, "ada")
WEST, EAST = Entity("ent_w", "cus_1", "seats", JANUARY, "west"), Entity("ent_e", "cus_1", "seats", JANUARY, "east")
LATER = JANUARY + timedelta(minutes=5)


def holding(*grants: Grant, **changes: Any) -> BalanceSnapshot:  # noqa: ANN401  # fields of the snapshot
    """A customer with these grants and two entities."""
    return replace(BalanceSnapshot(ADA, grants, tuple(FEATURES.values()), (WEST, EAST)), **changes)


def reserve(
    snapshot: BalanceSnapshot, value: str | int, feature_id: str = "messages", **changes: object
) -> tuple[BalanceSnapshot, UsageDecision, Reservation]:
    """The snapshot with the units held, the decision, and the reservation."""
    request = replace(LockRequest("ada", feature_id, Decimal(value)), **changes)  # type: ignore[arg-type]  # fields
    decision = decide_reserve(snapshot, request, lock_id="job", now=JANUARY, event_id="evt_1", reservation_id="rsv_1")
    assert decision.reservation is not None
    return snapshot.after(decision), decision, decision.reservation


def finalize(
    snapshot: BalanceSnapshot,
    reservation: Reservation,
    value: str | int | None,
    *,
    absent: Sequence[Grant] = (),
    **changes: object,
) -> tuple[BalanceSnapshot, UsageDecision]:
    """The snapshot with the reservation settled for the value, and the decision."""
    request = FinalizeRequest("job", override_value=None if value is None else Decimal(value))
    request = replace(request, **changes)  # type: ignore[arg-type]  # fields of the request
    decision = decide_finalize(snapshot, reservation, request, now=LATER, event_id="evt_2", absent=absent)
    return snapshot.after(decision), decision


def left(snapshot: BalanceSnapshot) -> Mapping[str, str]:
    """The balance of each grant."""
    return {each.id: f"{each.balance:f}" for each in snapshot.grants}
