"""A balance set by hand: what is left, what is granted, when it resets and expires (billing.md §5.6, §8.1).

What is asked for is what is shown afterwards: the number is the signed sum over the grants that are meant, so below
zero it is overage. Lowering it takes from them in the order in which they pay; raising it pays off overage first, then
fills each up to what it grants, and what is more goes onto the first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NoReturn

from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.requests import EditRequest, OverageBehavior, TrackRequest
from sumac.balances.rules.deduct import NEVER, Source, compute_deduction
from sumac.balances.rules.target import Target, after, find_target
from sumac.balances.rules.usage import check_value
from sumac.catalog.model import FeatureKind
from sumac.core.errors import BadRequest
from sumac.core.quantity import LARGEST, rounded

ZERO = Decimal(0)


def decide_edit(snapshot: BalanceSnapshot, request: EditRequest, *, now: datetime) -> tuple[Grant, ...]:
    """The grants that change, as they are afterwards; prorated seats are for `seats_of_edit`.

    Raises NotFound as `find_target` does, BadRequest for what is not possible.
    """
    target = _checked(snapshot, request, now)
    before = {source.grant.id: source.grant for source in target.sources}
    sources = target.sources
    if request.included_grant is not None:
        sources = _granting(sources, request.included_grant)
    if request.changes_units:
        sources = _set_units(sources, request)
    edited = [_marked(before[source.grant.id], source.grant, now) for source in sources]
    edited = _dated(edited, request)
    if any(abs(grant.balance) > LARGEST for grant in edited):
        message = f"A balance must stay between -{LARGEST:f} and {LARGEST:f}"
        raise BadRequest(message, code="invalid_inputs")
    return tuple(grant for grant in edited if grant != before[grant.id])


def seats_of_edit(snapshot: BalanceSnapshot, request: EditRequest, *, now: datetime) -> TrackRequest | None:
    """The usage that an edit of prorated seats is, None for any other edit: they are billed when they are taken (§5.8).

    Raises as `decide_edit` does, and BadRequest when anything else is changed together with them.
    """
    if not request.changes_units:
        return None
    target = _checked(snapshot, request, now)
    if all(source.grant.proration is None for source in target.sources):
        return None
    if request.included_grant is not None or request.resets_at is not None or request.expires_at is not None:
        message = f"Seats of {target.feature.id} are billed when they are taken; change their number by itself"
        raise BadRequest(message)
    which = request.which
    return TrackRequest(
        which.customer_id,
        which.feature_id,
        entity_id=which.entity_id,
        value=-_change(target.sources, request),
        overage_behavior=OverageBehavior.REJECT,
        properties={} if request.reason is None else {"reason": request.reason},
    )


def _checked(snapshot: BalanceSnapshot, request: EditRequest, now: datetime) -> Target:
    named = {"remaining": request.remaining, "add_to_balance": request.add_to_balance, "usage": request.usage}
    given = {name: value for name, value in named.items() if value is not None}
    others = [each for each in (request.included_grant, request.resets_at, request.expires_at) if each is not None]
    if len(given) > 1:
        _refuse("remaining: give at most one of remaining, add_to_balance and usage")
    if not given and not others:
        _refuse("remaining: give something to change")
    for name, value in given.items():
        check_value(name, value)
    if request.included_grant is not None:
        check_value("included_grant", request.included_grant)
        if request.included_grant < 0:
            _refuse("included_grant: must not be negative")
    for name, instant in (("next_reset_at", request.resets_at), ("expires_at", request.expires_at)):
        if instant is not None and instant <= now:
            _refuse(f"{name}: must be in the future")
    target = find_target(snapshot, request.which)
    if target.feature.kind is FeatureKind.BOOLEAN and (given or request.included_grant is not None):
        _refuse(f"{target.feature.id} is a boolean feature; there are no units of it")
    unlimited = any(source.grant.unlimited for source in target.own)
    if unlimited and ((request.usage is None and given) or request.included_grant is not None):
        _refuse(f"The balance of {target.feature.id} is unlimited; only its usage can be set")
    return target


def _set_units(sources: tuple[Source, ...], request: EditRequest) -> tuple[Source, ...]:
    if request.remaining is not None:
        sources = _netted(sources)
    change = _change(sources, request)
    deducted = compute_deduction(sources, -change, OverageBehavior.OVERFLOW)
    sources = after(sources, deducted.taken)
    return _raised(sources, -deducted.shortfall) if deducted.shortfall < 0 else sources


def _change(sources: Sequence[Source], request: EditRequest) -> Decimal:
    """By how much the sum of the balances is to change."""
    if request.remaining is not None:
        return rounded(request.remaining) - sum((source.grant.balance for source in sources), ZERO)
    if request.usage is not None:
        return sum((source.grant.usage for source in sources), ZERO) - rounded(request.usage)
    return rounded(request.add_to_balance or ZERO)


def _netted(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """The sources with their overage paid from what is left of others: then what is shown is their sum."""
    overdrawn = [source for source in sources if source.grant.balance < 0]
    full = [source for source in sources if source.grant.balance > 0]
    both = min(
        sum((source.grant.overage for source in overdrawn), ZERO),
        sum((source.grant.balance for source in full), ZERO),
    )
    lifted = compute_deduction(overdrawn, -both, OverageBehavior.CAP)
    drained = compute_deduction(full, both, OverageBehavior.CAP)
    return after(sources, (*lifted.taken, *drained.taken))


def _raised(sources: Sequence[Source], rest: Decimal) -> tuple[Source, ...]:
    """The sources with more than they grant: on the first that did not roll over."""
    first = next(source for source in sources if source.grant.rollover_of is None)
    raised = replace(first.grant, balance=rounded(first.grant.balance + rest))
    return tuple(source._replace(grant=raised) if source is first else source for source in sources)


def _granting(sources: Sequence[Source], included: Decimal) -> tuple[Source, ...]:
    """The sources with the first of them granting as much, apart from what was bought."""
    first = next(source for source in sources if source.grant.rollover_of is None)
    slots = [source for source in sources if source.grant.public_id == first.grant.public_id]
    if len(slots) > 1:
        _refuse("entity_id: each entity has its own grant of it; say whose is meant")
    granting = replace(first.grant, adjustment=rounded(included) - first.grant.included)
    return tuple(source._replace(grant=granting) if source is first else source for source in sources)


def _marked(before: Grant, grant: Grant, now: datetime) -> Grant:
    """The grant as edited now, if its units changed."""
    same = grant.balance == before.balance and grant.adjustment == before.adjustment
    return grant if same else replace(grant, edited_at=now)


def _dated(grants: list[Grant], request: EditRequest) -> list[Grant]:
    """The grants with the dates asked for: on the one that resets, or expires, next."""
    lasting = [grant for grant in grants if grant.rollover_of is None]
    if request.expires_at is not None:
        ending = min(lasting, key=lambda grant: grant.expires_at or NEVER)
        _check_free(ending, "expires_at")
        grants = _changed(grants, ending, expires_at=request.expires_at)
    if request.resets_at is not None:
        resetting = [grant for grant in lasting if grant.resets_at is not None]
        if not resetting:
            _refuse("next_reset_at: this balance never resets")
        next_one = min(resetting, key=lambda grant: grant.resets_at or NEVER)
        _check_free(next_one, "next_reset_at")
        grants = _changed(grants, next_one, anchor_at=request.resets_at, resets_at=request.resets_at)
        if any(grant.id == next_one.id and (grant.expires_at or NEVER) <= request.resets_at for grant in grants):
            _refuse("next_reset_at: must be before the balance expires")
    return grants


def _changed(grants: Iterable[Grant], chosen: Grant, **dates: datetime) -> list[Grant]:
    """The grants with other dates for one and, if it is a slot of an item, for its other slots."""
    return [
        replace(grant, **dates) if grant.public_id == chosen.public_id and grant.rollover_of is None else grant  # type: ignore[arg-type]  # names of dates
        for grant in grants
    ]


def _check_free(grant: Grant, name: str) -> None:
    if grant.price is not None and grant.price.cadence.recurs:
        _refuse(f"{name}: a balance with a recurring price follows the billing cycle of its plan")


def _refuse(message: str) -> NoReturn:
    raise BadRequest(message, code="invalid_inputs")
