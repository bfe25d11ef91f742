"""The record of one change of a grant (billing.md §1.7)."""

from datetime import datetime
from decimal import Decimal

from sumac.balances.model import EntryKind, Grant, GrantEntry, GrantTerms
from sumac.core.ids import new_id

ZERO = Decimal(0)


def entry_of(
    grant: Grant,
    kind: EntryKind,
    *,
    before: Grant | None,
    cause: str,
    actor: str,
    at: datetime,
    reason: str | None = None,
) -> GrantEntry:
    """The entry of a change of the grant from `before`, None for a new one; nothing is left where it ends."""
    granted, balance = (ZERO, ZERO) if kind is EntryKind.ENDED else (grant.granted, grant.balance)
    return GrantEntry(
        id=new_id("ent", now=at),
        customer_key=grant.customer_key,
        grant_id=grant.id,
        feature_id=grant.feature_id,
        kind=kind,
        granted_change=granted - (before.granted if before is not None else ZERO),
        balance_change=balance - (before.balance if before is not None else ZERO),
        cause=cause,
        actor=actor,
        at=at,
        granted_after=granted,
        balance_after=balance,
        reason=reason,
        terms_after=GrantTerms.of(grant, before),
    )
