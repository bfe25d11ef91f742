"""Purchases that are used up and were made again since are over (billing.md §15.3)."""

from dataclasses import replace
from datetime import datetime

from sumac.balances.model import Grant
from sumac.billing.model import Decision, EndPlan, Holding, PlanStatus, Snapshot
from sumac.billing.rules.carry import grants_of
from sumac.catalog.model import FeatureKind
from sumac.catalog.rules.shape import is_one_off


def decide_cleanup(snapshot: Snapshot, *, now: datetime) -> Decision:
    """The actions of ending what was bought once, is used up, and is replaced by a newer purchase of the same plan."""
    bought = [each for each in snapshot.holdings if is_one_off(each.plan) and each.held.status is PlanStatus.ACTIVE]
    over = [each for each in bought if any(_makes_up_for(snapshot, newer, each) for newer in bought)]
    ended = (replace(each.held, status=PlanStatus.EXPIRED, ends_at=now) for each in over if _is_used_up(snapshot, each))
    return Decision(tuple(EndPlan(each) for each in ended))


def _is_used_up(snapshot: Snapshot, holding: Holding) -> bool:
    """Whether nothing is left of what it gave, nor can be again: its flags may stand, as another purchase has them."""
    own = grants_of(snapshot.grants, holding.held.id)
    return bool(own) and all(_is_flag(snapshot, each) or _is_drained(snapshot, each) for each in own)


def _makes_up_for(snapshot: Snapshot, newer: Holding, older: Holding) -> bool:
    """Whether it is a later purchase of the same plan in the same scope, with all the flags of the earlier one."""
    same = newer.plan.id == older.plan.id and newer.held.entity_key == older.held.entity_key
    if not same or (newer.held.created_at, newer.held.id) <= (
        older.held.created_at,
        older.held.id,
    ):
        return False
    of_older, of_newer = (
        {grant.feature_id for grant in grants_of(snapshot.grants, each.held.id) if _is_flag(snapshot, grant)}
        for each in (older, newer)
    )
    return of_older <= of_newer


def _is_flag(snapshot: Snapshot, grant: Grant) -> bool:
    feature = snapshot.features.get(grant.feature_id)
    return feature is not None and feature.kind is FeatureKind.BOOLEAN


def _is_drained(snapshot: Snapshot, grant: Grant) -> bool:
    """Whether units that last were used up; those that are held or pooled, reset or are without number, never are."""
    feature = snapshot.features.get(grant.feature_id)
    lasting = feature is not None and feature.consumable and grant.reset is None and not grant.unlimited
    return lasting and not grant.is_contribution and grant.balance <= 0
