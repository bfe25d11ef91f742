"""One customer's plan goes on at another version, as a migration moves it (billing.md §16.2)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import Grant
from sumac.billing.migration_model import Effect, OverageLine, SkipReason, UnitsChange
from sumac.billing.model import Decision, Holding, HoldLines, PlanStatus, ReplaceTerms, Snapshot
from sumac.billing.rules.carry import EVERYTHING, grants_of
from sumac.billing.rules.change import Terms
from sumac.billing.rules.lines import advance_lines, overage_lines
from sumac.billing.rules.quantities import is_bought_again
from sumac.billing.rules.terms import TermsChange, replace_terms
from sumac.billing.rules.transition import is_trialing
from sumac.billing.units import Provision
from sumac.catalog.model import Feature, Plan
from sumac.core.money import round_half_up, round_sum
from sumac.invoices.model import LineDraft

Owner = tuple[str, str | None]
ZERO = Decimal(0)
NOT_RUNNING = {
    PlanStatus.SCHEDULED: SkipReason.NOT_STARTED,
    PlanStatus.PAUSED: SkipReason.PAUSED,
    PlanStatus.EXPIRED: SkipReason.ENDED,
}
UNBILLED = Terms(bill=False, prorate=False, carry_usages=EVERYTHING)


@dataclass(frozen=True, slots=True)
class Move:
    """What moving a plan comes to: the decision, the plan before and after, and the lines that wait."""

    decision: Decision
    before: Holding
    after: Holding
    lines: tuple[LineDraft, ...]


def find_obstacle(target: Holding | None, to_version: int, *, include_custom: bool) -> SkipReason | None:
    """Why the plan stays as it is; None where it can be moved. One that is set to end runs out as it was sold."""
    if target is None:
        return SkipReason.ENDED
    held = target.held
    if not held.recurring:
        return SkipReason.BOUGHT_ONCE
    if held.status in NOT_RUNNING:
        return NOT_RUNNING[held.status]
    if held.is_canceling:
        return SkipReason.CANCELING
    if held.terms is not None:
        return None if include_custom else SkipReason.CUSTOM
    return SkipReason.ALREADY_THERE if held.version == to_version else None


def decide_move(snapshot: Snapshot, target: Holding, plan: Plan, *, now: datetime) -> Move:
    """The plan goes on at the version now, with all usage; nothing is billed before its next renewal.

    What is used up and was used beyond its units goes on the next invoice, at the old price, and is not owed a second
    time: where the new version gives fewer units than that, the balance is better by what the line bills. Of what is
    bought in advance only from now on, nothing is bought; what was bought once lives on and does not come again. Raises
    BadRequest where the plan cannot go on at the version.
    """
    own = grants_of(snapshot.grants, target.held.id)
    change = TermsChange(plan, _nothing_bought(target.plan, plan))
    replaced = replace_terms(snapshot, target, change, UNBILLED, now=now)
    bills = replaced.holding.held.period_end is not None and not is_trialing(target, now)
    used = [each for each in own if _comes_back(each, snapshot.features)] if bills else []
    lines = tuple(
        overage_lines(
            target,
            used,
            snapshot.features,
            currency=snapshot.currency,
            at=now,
            closing=True,
            unbilled=snapshot.unbilled,
        )
    )
    billed = {line.feature_id for line in lines}
    paid = _overage(each for each in used if each.feature_id in billed and each.id not in snapshot.unbilled)
    once = {_owner(each) for each in own if each.price is not None and not each.price.cadence.recurs}
    actions = [
        replace(each, provisions=tuple(_settled(each.provisions, paid, once)))
        if isinstance(each, ReplaceTerms)
        else each
        for each in replaced.actions
    ]
    waiting = (HoldLines(lines),) if lines else ()
    return Move(Decision((*actions, *waiting)), target, replaced.holding, lines)


def compute_effect(snapshot: Snapshot, move: Move) -> Effect:
    """Who pays what from the next renewal on, and which units change."""
    before, after = move.before, move.after
    renews_at = after.held.period_end
    return Effect(
        from_version=before.held.version,
        to_version=after.held.version,
        was_custom=before.held.terms is not None,
        currency=snapshot.currency,
        renews_at=renews_at,
        charge_before_minor=_renewal(snapshot, before),
        charge_after_minor=_renewal(snapshot, after),
        lines=tuple(
            OverageLine(line.feature_id, line.description, round_half_up(line.exact_minor)) for line in move.lines
        ),
        units=tuple(_units(snapshot, move)),
    )


def _comes_back(grant: Grant, features: Mapping[str, Feature]) -> bool:
    """Whether its units are used up and come back: units that are held are billed for as long as they are."""
    feature = features.get(grant.feature_id)
    return feature is not None and feature.consumable and grant.reset is not None


def _nothing_bought(before: Plan, after: Plan) -> dict[str, Decimal]:
    """Quantities that buy nothing, of what is bought in advance only from now on, and of what is bought once."""
    bought = {item.feature_id for item in before.items if is_bought_again(item)}
    newly = [item for item in after.items if item.is_prepaid and item.feature_id not in bought]
    return {item.feature_id: item.included for item in newly}


def _owner(units: Grant | Provision) -> Owner:
    return units.feature_id, units.entity_key


def _overage(grants: Iterable[Grant]) -> dict[Owner, Decimal]:
    found: dict[Owner, Decimal] = {}
    for each in grants:
        found[_owner(each)] = found.get(_owner(each), ZERO) + each.overage
    return found


def _settled(
    provisions: Sequence[Provision], paid: dict[Owner, Decimal], once: Collection[Owner]
) -> Iterator[Provision]:
    """The units, with what is on a line already no longer owed, and without those that were given `once` before."""
    for each in provisions:
        owner = _owner(each)
        if owner in once and each.price is not None and not each.price.cadence.recurs:
            yield replace(each, included=ZERO, prepaid=ZERO, balance=ZERO)
            continue
        settled = min(each.overage, paid.get(owner, ZERO))
        paid[owner] = paid.get(owner, ZERO) - settled
        yield replace(each, balance=each.balance + settled)


def _renewal(snapshot: Snapshot, holding: Holding) -> int:
    at = holding.held.period_end
    if at is None:
        return 0
    lines = advance_lines(holding, snapshot.features, currency=snapshot.currency, now=at, boundary_only=True)
    return round_sum([line.exact_minor for line in lines])


def _units(snapshot: Snapshot, move: Move) -> Iterator[UnitsChange]:
    """Of each feature of which the customer, or an entity, has more or fewer units than before."""
    sums: dict[Owner, list[Decimal]] = {}
    for grant in grants_of(snapshot.grants, move.before.held.id):
        _count(sums, grant, 0)
    for action in move.decision.actions:
        for given in action.provisions if isinstance(action, ReplaceTerms) else ():
            _count(sums, given, 1)
    for (feature_id, entity_key), (granted, granted_after, left, left_after) in sums.items():
        if (granted, left) != (granted_after, left_after):
            yield UnitsChange(feature_id, entity_key, granted, granted_after, left, left_after)


def _count(sums: dict[Owner, list[Decimal]], units: Grant | Provision, place: int) -> None:
    own = sums.setdefault(_owner(units), [ZERO] * 4)
    own[place] += units.granted
    own[place + 2] += units.balance
