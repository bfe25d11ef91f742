"""What turns at one instant of a customer: renewals, resets, starts, ends (billing.md §2.2, §9, §10.3, §11, §12.5).

Everything due at the same instant is decided together, so an old plan's last usage and its successor's first price land
on one invoice.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.balances.model import ExpireReservations, Grant, Reservation
from sumac.billing.model import (
    Action,
    CustomerPlan,
    Decision,
    EndPlan,
    Holding,
    IssueInvoice,
    PlanStatus,
    ReleaseLines,
    RenewPlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.rules.cancel import start_default
from sumac.billing.rules.carry import carried_of, count_carried, grants_of
from sumac.billing.rules.change import Terms, keep_units, unused_lines
from sumac.billing.rules.discounts import with_discounts
from sumac.billing.rules.lines import advance_lines, extension_lines, one_off_lines, overage_lines
from sumac.billing.rules.provision import provisions_of
from sumac.billing.rules.refill import is_given_anew, refill, refill_pools
from sumac.billing.rules.revert import find_paused, resume
from sumac.billing.rules.rolled import carry_rolled
from sumac.billing.rules.seats import renewal_seat_lines, starting_seat_lines
from sumac.billing.rules.transition import place_of
from sumac.catalog.rules.shape import is_free, is_main_recurring, shortest_cadence
from sumac.core.time import Period, cycle
from sumac.invoices.model import InvoiceDraft, InvoiceKind, LineDraft


def compute_due_at(
    holdings: Iterable[CustomerPlan],
    grants: Iterable[Grant],
    reservations: Iterable[Reservation] = (),
    withheld: Collection[str] = (),
) -> datetime | None:
    """The next instant at which anything of the customer turns, or an open reservation expires; None for never.

    `withheld` are the customer plans whose free units are not given anew for now.
    """
    plans = list(holdings)
    instants = [instant for held in plans if (instant := _due_of(held)) is not None]
    instants += [each.expires_at for each in reservations if each.expires_at is not None]
    resting = {held.id for held in plans if held.paused_at is not None}
    for grant in (each for each in grants if each.customer_plan_id not in resting):
        resets_at = grant.resets_at if is_given_anew(grant, withheld) else None
        instants += [instant for instant in (resets_at, grant.expires_at) if instant is not None]
    return min(instants, default=None)


def decide_turn(snapshot: Snapshot, *, at: datetime) -> Decision:
    """The actions of everything that is due at exactly `at`.

    A reset that would be older than `at` is not possible: the caller turns every due instant in order. Reservations
    that expire then come first, alone: what they give back is not used by a period that is over.
    """
    expired = tuple(each for each in snapshot.reservations if each.expires_at is not None and each.expires_at <= at)
    if expired:
        return Decision((ExpireReservations(expired),))
    turn = _what_turns(snapshot, at)
    renewed = {after.held.id: after for _, after in turn.renewing}
    actions: list[Action] = [*refill_pools(snapshot, renewed, at=at)]
    lines: list[LineDraft] = []
    for each in turn.ending:
        lines += [*_last_usage(snapshot, each, at), *_unused_time(snapshot, each, turn.starting, at)]
        actions += [EndPlan(replace(each.held, status=PlanStatus.EXPIRED, ends_at=at))]
        if each.held.recurring:
            actions += keep_units(snapshot, each, Terms())
    for before, after in turn.renewing:
        lines += _renewal_lines(snapshot, before, after, at)
        actions.append(RenewPlan(after.held))
    for each in turn.starting:
        started = _started(each, at)
        lines += _starting_lines(snapshot, started, at)
        replaced = _replaced_by(snapshot, each, turn.ending)
        carried = carried_of(replaced, snapshot.features)
        provisions = provisions_of(started, snapshot, now=at, usage=count_carried(replaced, carried))
        provisions = carry_rolled(provisions, replaced, carried, now=at)
        lines += starting_seat_lines(snapshot, started, provisions, now=at)
        actions.append(StartPlan(started.held, started.plan.add_on, provisions))
    for paused, tried in turn.resuming:
        actions += resume(snapshot, paused, tried, now=at)
    mains = [each for each in turn.expiring if is_main_recurring(each.plan)]
    for each, plan_id in zip(mains, snapshot.plan_ids, strict=False):
        actions += start_default(_scope(snapshot, each), each, plan_id=plan_id, now=at)
    actions += refill(snapshot, {each.held.id for each in (*turn.ending, *snapshot.paused)}, renewed, at=at)
    held_lines = [each for each in snapshot.held_lines if each.line.customer_plan_id in turn.billed_ids]
    actions += [ReleaseLines(tuple(each.id for each in held_lines))] if held_lines else []
    lines += [each.line for each in held_lines]
    return with_discounts(Decision((*actions, *_invoice(snapshot, turn, lines, at))), snapshot, now=at)


@dataclass(frozen=True, slots=True)
class _Turn:
    """The plans that turn: `renewing` before and after; `expiring` are those of `ending` that are over with a trial.

    `resuming` are paused plans that go on, each with the one of `ending` that was tried in its place.
    """

    ending: Sequence[Holding]
    expiring: Sequence[Holding]
    renewing: Sequence[tuple[Holding, Holding]]
    starting: Sequence[Holding]
    resuming: Sequence[tuple[Holding, Holding]]

    @property
    def billed(self) -> list[Holding]:
        return [*(before for before, _ in self.renewing), *self.starting, *self.ending]

    @property
    def billed_ids(self) -> frozenset[str]:
        return frozenset(each.held.id for each in self.billed)


def _what_turns(snapshot: Snapshot, at: datetime) -> _Turn:
    due = [each for each in snapshot.holdings if _due_of(each.held) == at]
    expiring = [each for each in due if _trial_runs_out(snapshot, each, at)]
    starting = [each for each in due if each.held.status is PlanStatus.SCHEDULED]
    ending = [each for each in due if each.held.is_usable and each.held.ends_at == at] + expiring
    ending += [each for each in snapshot.holdings if each not in ending and _is_displaced(each, starting)]
    freed = [(paused, each) for each in ending for paused in find_paused(_scope(snapshot, each), each.plan)]
    taken = {place_of(each) for each in starting}
    return _Turn(
        ending=[*ending, *(paused for paused, _ in freed if place_of(paused) in taken)],
        expiring=expiring,
        renewing=[(each, _renewed(each, at)) for each in due if each.held.is_usable and each not in ending],
        starting=starting,
        resuming=[(paused, tried) for paused, tried in freed if place_of(paused) not in taken],
    )


def _scope(snapshot: Snapshot, holding: Holding) -> Snapshot:
    return snapshot.scoped(holding.held.entity_key)


def _is_displaced(holding: Holding, starting: Sequence[Holding]) -> bool:
    """Whether a plan that a schedule starts takes the place of this one, whatever put it there."""
    main = holding.held.is_usable and is_main_recurring(holding.plan)
    return main and _placed_after(holding, starting)


def _placed_after(holding: Holding, starting: Sequence[Holding]) -> bool:
    """Whether a schedule starts another plan in the place of this one."""
    placed = [each for each in starting if each.held.schedule_id is not None]
    return any(place_of(each) == place_of(holding) for each in placed)


def _is_followed(holding: Holding, starting: Sequence[Holding]) -> bool:
    """Whether a paid main plan takes the place of this one."""
    paid = [each for each in starting if is_main_recurring(each.plan) and not is_free(each.plan)]
    return any(place_of(each) == place_of(holding) for each in paid)


def _due_of(held: CustomerPlan) -> datetime | None:
    if held.status is PlanStatus.SCHEDULED:
        return held.starts_at
    instants = (held.ends_at, held.period_end, held.next_anchor_at) if held.is_usable else ()
    return min((instant for instant in instants if instant is not None), default=None)


def _trial_runs_out(snapshot: Snapshot, holding: Holding, at: datetime) -> bool:
    """Whether the plan is over with its trial: it is free, or no card could pay for it (billing.md §11)."""
    held = holding.held
    ends_then = held.ends_at is not None and (held.schedule_id is None or held.ends_at == at)
    if not held.is_usable or ends_then or held.trial_ends_at != at:
        return False
    reverts = bool(find_paused(_scope(snapshot, holding), holding.plan))
    return reverts or is_free(holding.plan) or not snapshot.has_payment_method


def _last_usage(snapshot: Snapshot, holding: Holding, at: datetime) -> Iterator[LineDraft]:
    trial_ends_at = holding.held.trial_ends_at
    if trial_ends_at is not None and at <= trial_ends_at:
        return iter(())
    return overage_lines(
        holding,
        snapshot.grants,
        snapshot.features,
        currency=snapshot.currency,
        at=holding.held.paused_at or at,
        closing=True,
        unbilled=snapshot.unbilled,
    )


def _unused_time(snapshot: Snapshot, ending: Holding, starting: Sequence[Holding], at: datetime) -> Iterator[LineDraft]:
    """What ends before its period is over, for a schedule or a paid plan in its place, is given back (§10.10, §13.2).

    So is the rest of a paused plan. A cancelled plan has run to the end. What is still owed was not paid, and is not
    given back.
    """
    followed = _placed_after(ending, starting) or _is_followed(ending, starting)
    cut_short = ending.held.schedule_id is not None or followed or ending.held.paused_at is not None
    if not cut_short or ending.held.status is PlanStatus.PAST_DUE:
        return iter(())
    return unused_lines(snapshot, ending, now=at)


def _renewed(holding: Holding, at: datetime) -> Holding:
    """The plan in its next period, with the quantities that were waiting for it; counted from here if that is due."""
    held = holding.held
    begins_anew = held.next_anchor_at == at
    anchor = at if begins_anew else held.anchor_at
    due = {
        item.feature_id
        for item in holding.plan.items
        if item.price is not None
        and item.price.cadence.recurs
        and (begins_anew or cycle(anchor, item.price.cadence, at).start == at)
    }
    waiting = {key: quantity for key, quantity in held.upcoming_quantities.items() if key in due}
    cadence = shortest_cadence(holding.plan)
    period = cycle(anchor, cadence, at) if cadence else Period(at, at)
    renewed = replace(
        held,
        anchor_at=anchor,
        next_anchor_at=None if begins_anew else held.next_anchor_at,
        quantities={**held.quantities, **waiting},
        upcoming_quantities={key: each for key, each in held.upcoming_quantities.items() if key not in due},
        period_start=period.start if cadence else None,
        period_end=period.end if cadence else None,
    )
    return Holding(renewed, holding.plan)


def _renewal_lines(snapshot: Snapshot, before: Holding, after: Holding, at: datetime) -> Iterator[LineDraft]:
    features, currency = snapshot.features, snapshot.currency
    begins_anew = before.held.next_anchor_at == at
    if begins_anew:
        yield from extension_lines(before, after, features, currency=currency, at=at)
    else:
        yield from advance_lines(after, features, currency=currency, now=at, boundary_only=True)
    yield from renewal_seat_lines(snapshot, before, after, at)
    if before.held.trial_ends_at != at:
        yield from overage_lines(
            before,
            snapshot.grants,
            features,
            currency=currency,
            at=at,
            closing=begins_anew,
            unbilled=snapshot.unbilled,
        )


def _started(holding: Holding, at: datetime) -> Holding:
    cadence = shortest_cadence(holding.plan)
    period = cycle(holding.held.anchor_at, cadence, at) if cadence else None
    started = replace(
        holding.held,
        status=PlanStatus.ACTIVE,
        period_start=at if period else None,
        period_end=period.end if period else None,
    )
    return Holding(started, holding.plan)


def _starting_lines(snapshot: Snapshot, started: Holding, at: datetime) -> Iterator[LineDraft]:
    yield from advance_lines(started, snapshot.features, currency=snapshot.currency, now=at)
    yield from one_off_lines(started, snapshot.features, currency=snapshot.currency)


def _replaced_by(snapshot: Snapshot, starting: Holding, ending: Sequence[Holding]) -> list[Grant]:
    scheduled = starting.held.schedule_id is not None
    same = [each for each in ending if place_of(each) == place_of(starting)]
    replaced = [each for each in same if each.held.recurring and (scheduled or is_main_recurring(each.plan))]
    return grants_of(snapshot.grants, replaced[0].held.id) if replaced else []


def _invoice(snapshot: Snapshot, turn: _Turn, lines: Sequence[LineDraft], at: datetime) -> Iterator[IssueInvoice]:
    if not lines:
        return
    payers = [each for each in turn.billed if not is_free(each.plan)]
    first = min(payers, key=lambda each: (each.held.starts_at, each.held.id))
    yield IssueInvoice(
        InvoiceDraft(
            kind=InvoiceKind.RENEWAL,
            currency=snapshot.currency,
            lines=tuple(lines),
            plan_ids=tuple(dict.fromkeys(line.plan_id for line in lines if line.plan_id is not None)),
            customer_plan_id=first.held.id,
            period_start=at,
            net_terms_days=first.held.net_terms_days,
        ),
    )
