"""One change of what a customer holds, put together from the plans that go and come (billing.md §10.8, §11).

Whatever is asked for, the parts are these: the last usage and the unused time of each plan that goes, the price of each
that comes, what waited for the next invoice, and the plans billed along that begin anew with them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import Grant
from sumac.billing.model import (
    Action,
    ChangePlan,
    EndPlan,
    GiveUnits,
    Holding,
    IssueInvoice,
    PlanStatus,
    ReleaseLines,
    Snapshot,
    StartPlan,
)
from sumac.billing.requests import CarryOver, CustomLine, InvoiceMode
from sumac.billing.rules.carry import NOTHING, carried_of, count_carried, grants_of, kept_of, kept_units
from sumac.billing.rules.lines import advance_lines, credit_lines, elapsed_lines, one_off_lines, overage_lines
from sumac.billing.rules.provision import provisions_of
from sumac.billing.rules.rolled import carry_rolled
from sumac.billing.rules.seats import bills_seats, renewed_seats, starting_seat_lines, unused_seat_lines
from sumac.billing.rules.start import move_along
from sumac.billing.rules.transition import find_paid, is_trialing
from sumac.catalog.rules.shape import is_free
from sumac.core.money import exact_minor
from sumac.core.time import cycle_end
from sumac.invoices.model import InvoiceDraft, InvoiceKind, LineDraft

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a change is billed: how much of it, and how the invoice reaches the payer."""

    bill: bool = True
    prorate: bool = True
    custom_lines: tuple[CustomLine, ...] = ()
    invoice_mode: InvoiceMode | None = None
    carry_usages: CarryOver = NOTHING
    carry_balances: CarryOver = NOTHING

    @property
    def bills_usage(self) -> bool:
        """Whether the last usage of a plan that is left is on the invoice."""
        return self.bill and self.prorate and not self.custom_lines


@dataclass(frozen=True, slots=True)
class Arrival:
    """A plan that starts, and the plan whose place it takes or whose usage it goes on with.

    It goes on with what is used of the `removed` plans, too: with none yet, it may be by the time that it is paid for.
    One that starts `apart` is billed by itself: no other plan begins anew because of it.
    """

    holding: Holding
    replaced: Holding | None = None
    apart: bool = False
    removed: tuple[Holding, ...] = ()


def end_and_start(
    snapshot: Snapshot, leaving: Sequence[Holding], arrivals: Sequence[Arrival], terms: Terms, *, now: datetime
) -> tuple[Action, ...]:
    """The actions of ending and starting plans at one instant: one invoice first, then the plans in order."""
    moved = _moved_along(snapshot, leaving, arrivals, now)
    lines = _lines(snapshot, leaving, arrivals, moved, terms, now)
    actions: list[Action] = list(_invoice(snapshot, leaving, arrivals, lines, terms, now))
    actions += release_lines(snapshot, {each.held.id for each in leaving})
    for each in leaving:
        ended = replace(each.held, status=PlanStatus.EXPIRED, ends_at=now)
        ended = replace(ended, canceled_at=each.held.canceled_at or now)
        own = _terms_of(each, terms)
        billed = tuple(grant.id for grant in _last_used(snapshot, each, own, now)) if own.bills_usage else ()
        actions.append(EndPlan(ended, units_kept(snapshot, each, own), billed))
        actions += keep_units(snapshot, each, own)
    actions += [_started(snapshot, each, leaving, terms, now) for each in arrivals]
    actions += [_realigned(snapshot, after, now) for _, after in moved]
    actions += _moving_later(snapshot, leaving, arrivals, now)
    return tuple(actions)


def begin_anew(
    snapshot: Snapshot, leader: Holding, terms: Terms, *, now: datetime
) -> tuple[tuple[Action, ...], Holding]:
    """A plan, and all that is billed along with it, begin a new period now: the old one's rest is given back.

    Answers the actions, and the plan as it goes on.
    """
    first = move_along(leader, Holding(replace(leader.held, anchor_at=now, trial_ends_at=None), leader.plan), now)
    along = _along(find_paid(snapshot.everywhere), leader, {leader.held.id}, now)
    moved = [(leader, first), *((each, move_along(each, first, now)) for each in along)]
    lines = list(_moved_lines(snapshot, moved, terms, now)) if terms.bill else []
    invoice = invoice_of(
        snapshot,
        lines,
        terms,
        kind=InvoiceKind.CHANGE,
        plan_ids=[after.plan.id for _, after in moved],
        customer_plan_id=leader.held.id,
        now=None,
    )
    return (*invoice, *(_realigned(snapshot, after, now) for _, after in moved)), first


def bring_along(
    snapshot: Snapshot, before: Holding, after: Holding, terms: Terms, *, now: datetime
) -> tuple[list[LineDraft], tuple[Action, ...]]:
    """What is billed along with a plan that goes on in other periods, or whose trial begins or ends, does so too.

    Answers the lines of their invoice, and the plans as they go on.
    """
    if is_free(before.plan) or is_free(after.plan) or _phase(before, now) == _phase(after, now):
        return [], ()
    along = _along(find_paid(snapshot.everywhere), before, {before.held.id}, now)
    moved = [(each, move_along(each, after, now)) for each in along]
    lines = list(_moved_lines(snapshot, moved, terms, now)) if terms.bill and not terms.custom_lines else []
    return lines, tuple(_realigned(snapshot, each, now) for _, each in moved)


def leaving_lines(snapshot: Snapshot, leaving: Holding, terms: Terms, *, now: datetime) -> Iterator[LineDraft]:
    """The last usage of what is used up, what waited for the next invoice, and the unused time given back."""
    at = leaving.held.paused_at or now
    used = _last_used(snapshot, leaving, terms, now)
    features, currency, unbilled = snapshot.features, snapshot.currency, snapshot.unbilled
    yield from overage_lines(leaving, used, features, currency=currency, at=at, closing=True, unbilled=unbilled)
    yield from settling_lines(snapshot, leaving, now=now)


def _last_used(snapshot: Snapshot, leaving: Holding, terms: Terms, now: datetime) -> list[Grant]:
    """The plan's grants of which the usage is billed at last: of what is used up and does not go along."""
    if is_trialing(leaving, now):
        return []
    consumable = {each.id for each in snapshot.features.values() if each.consumable}
    along = {key for key in consumable if terms.carry_usages.covers(key) or terms.carry_balances.covers(key)}
    return [each for each in grants_of(snapshot.grants, leaving.held.id) if each.feature_id in consumable - along]


def settling_lines(snapshot: Snapshot, leaving: Holding, *, now: datetime) -> Iterator[LineDraft]:
    """What waited for the plan's next invoice, and what was paid in advance for the time after `now`, given back."""
    yield from (each.line for each in snapshot.held_lines if each.line.customer_plan_id == leaving.held.id)
    yield from unused_lines(snapshot, leaving, now=now)


def unused_lines(snapshot: Snapshot, leaving: Holding, *, now: datetime) -> Iterator[LineDraft]:
    """Gives back what was paid in advance for the time after `now`; of a paused plan, for all that it has not run."""
    since = leaving.held.paused_at or now
    yield from credit_lines(
        leaving, snapshot.features, currency=snapshot.currency, now=since, charges=snapshot.billed_beyond
    )
    yield from unused_seat_lines(snapshot, leaving, now=since)


def release_lines(snapshot: Snapshot, customer_plan_ids: Collection[str]) -> Iterator[ReleaseLines]:
    """Lines that waited for the next invoice of these plans wait no longer."""
    waiting = tuple(each.id for each in snapshot.held_lines if each.line.customer_plan_id in customer_plan_ids)
    if waiting:
        yield ReleaseLines(waiting)


def arriving_lines(snapshot: Snapshot, arriving: Holding, *, now: datetime) -> Iterator[LineDraft]:
    """What a plan costs as it starts: one-off prices whole, the others to the end of their period."""
    held, features, currency = arriving.held, snapshot.features, snapshot.currency
    if held.starts_at < now:
        yield from elapsed_lines(arriving, features, currency=currency, now=now)
    elif held.trial_ends_at is None and held.anchor_at <= now:
        yield from advance_lines(arriving, features, currency=currency, now=now)
    yield from one_off_lines(arriving, features, currency=currency)


def units_kept(snapshot: Snapshot, ended: Holding, terms: Terms) -> dict[str, datetime | None]:
    """Of which of the plan's grants the rest outlives it, and until when."""
    own = grants_of(snapshot.grants, ended.held.id)
    return kept_of(own, snapshot.features, balances=terms.carry_balances, until=ended.held.period_end)


def keep_units(snapshot: Snapshot, ended: Holding, terms: Terms) -> Iterator[GiveUnits]:
    """What of the plan's units outlives it."""
    yield from kept_units(snapshot.grants, units_kept(snapshot, ended, terms))


def stated_lines(lines: Iterable[CustomLine], currency: str) -> tuple[LineDraft, ...]:
    """Lines that the caller states, as lines of an invoice."""
    return tuple(
        LineDraft(
            display_name=line.description,
            description=line.description,
            exact_minor=exact_minor(line.amount, currency),
            quantity=ONE,
            plan_id=None,
            feature_id=None,
            period=None,
        )
        for line in lines
    )


def invoice_of(
    snapshot: Snapshot,
    lines: Sequence[LineDraft],
    terms: Terms,
    *,
    kind: InvoiceKind,
    plan_ids: Sequence[str],
    customer_plan_id: str,
    now: datetime | None,
) -> Iterator[IssueInvoice]:
    """The invoice of a change, if there is anything on it; `now` makes it the only one of its kind at that instant."""
    if not lines:
        return
    mode = terms.invoice_mode
    yield IssueInvoice(
        InvoiceDraft(
            kind=kind,
            currency=snapshot.currency,
            lines=tuple(lines),
            plan_ids=tuple(dict.fromkeys(plan_ids)),
            customer_plan_id=customer_plan_id,
            period_start=now,
            net_terms_days=mode.net_terms_days if mode else None,
            finalize=mode is None or mode.finalize,
        ),
    )


def _invoice(
    snapshot: Snapshot,
    leaving: Sequence[Holding],
    arrivals: Sequence[Arrival],
    lines: Sequence[LineDraft],
    terms: Terms,
    now: datetime,
) -> Iterator[IssueInvoice]:
    billed = [each.holding for each in arrivals] or leaving
    return invoice_of(
        snapshot,
        lines,
        terms,
        kind=InvoiceKind.CHANGE if leaving else InvoiceKind.START,
        plan_ids=[each.plan.id for each in billed],
        customer_plan_id=billed[0].held.id,
        now=now,
    )


def _lines(
    snapshot: Snapshot,
    leaving: Sequence[Holding],
    arrivals: Sequence[Arrival],
    moved: Sequence[tuple[Holding, Holding]],
    terms: Terms,
    now: datetime,
) -> list[LineDraft]:
    if not terms.bill:
        return []
    if terms.custom_lines:
        return list(stated_lines(terms.custom_lines, snapshot.currency))
    given_back = [line for each in leaving for line in leaving_lines(snapshot, each, _terms_of(each, terms), now=now)]
    charged = [
        line
        for each in arrivals
        if _is_charged(snapshot, each, terms, now)
        for line in (
            *arriving_lines(snapshot, each.holding, now=now),
            *starting_seat_lines(
                snapshot, each.holding, _started(snapshot, each, leaving, terms, now).provisions, now=now
            ),
        )
    ]
    own = [*given_back, *charged] if terms.prorate else charged
    return [*own, *_moved_lines(snapshot, moved, terms, now)]


def _is_charged(snapshot: Snapshot, arrival: Arrival, terms: Terms, now: datetime) -> bool:
    """Whether the rest of its first period is charged: without proration, only where that begins now."""
    return terms.prorate or not _joins(arrival, find_paid(snapshot.everywhere), now)


def _terms_of(leaving: Holding, terms: Terms) -> Terms:
    """Usage and balances go along from what runs, not from the paused plan behind it."""
    if leaving.held.paused_at is None:
        return terms
    return replace(terms, carry_usages=NOTHING, carry_balances=NOTHING)


def _moved_lines(
    snapshot: Snapshot, moved: Sequence[tuple[Holding, Holding]], terms: Terms, now: datetime
) -> Iterator[LineDraft]:
    features, currency = snapshot.features, snapshot.currency
    for before, after in moved:
        if terms.prorate:
            yield from credit_lines(before, features, currency=currency, now=now, charges=snapshot.billed_beyond)
            yield from unused_seat_lines(snapshot, before, now=now)
        if after.held.trial_ends_at is None:
            yield from advance_lines(after, features, currency=currency, now=now)
            yield from starting_seat_lines(snapshot, after, grants_of(snapshot.grants, after.held.id), now=now)


def _started(
    snapshot: Snapshot, arrival: Arrival, leaving: Sequence[Holding], terms: Terms, now: datetime
) -> StartPlan:
    sources = {each.held.id for each in (arrival.replaced, *arrival.removed) if each is not None}
    replaced = [grant for grant in snapshot.grants if grant.customer_plan_id in sources]
    carried = carried_of(replaced, snapshot.features, usages=terms.carry_usages, balances=terms.carry_balances)
    if arrival.replaced not in leaving:
        carried = replace(carried, rolled_of=())
    usage = count_carried(replaced, carried)
    provisions = provisions_of(arrival.holding, snapshot, now=now, usage=usage)
    provisions = carry_rolled(provisions, snapshot.grants, carried, now=now)
    billed = terms.bill and not terms.custom_lines and _is_charged(snapshot, arrival, terms, now)
    seats_billed = billed and bills_seats(arrival.holding, now)
    return StartPlan(arrival.holding.held, arrival.holding.plan.add_on, provisions, carried, seats_billed)


def _moved_along(
    snapshot: Snapshot, leaving: Sequence[Holding], arrivals: Sequence[Arrival], now: datetime
) -> list[tuple[Holding, Holding]]:
    """Paid plans billed along with the plan left or joined, before and after, where that one begins anew."""
    gone = {each.held.id for each in leaving}
    paid = find_paid(snapshot.everywhere)
    for arrival in arrivals:
        leader = arrival.holding
        if arrival.apart or not leader.held.recurring or is_free(leader.plan):
            continue
        reference = _reference(arrival, paid)
        if reference is None or _phase(reference, now) == _phase(leader, now):
            continue
        return [(each, move_along(each, leader, now)) for each in _along(paid, reference, gone, now)]
    return []


def _moving_later(
    snapshot: Snapshot, leaving: Sequence[Holding], arrivals: Sequence[Arrival], now: datetime
) -> Iterator[ChangePlan]:
    """Paid plans billed along with one that is counted anew from a later day are so too, and their units reset then."""
    gone = {each.held.id for each in leaving}
    paid = find_paid(snapshot.everywhere)
    for arrival in arrivals:
        leader, anchor = arrival.holding, arrival.holding.held.next_anchor_at
        if anchor is None or not _joins(arrival, paid, now):
            continue
        for each in _along(paid, leader, gone, now):
            held = each.held
            if held.next_anchor_at == anchor:
                continue
            grants = tuple(
                replace(grant, resets_at=min(grant.resets_at, anchor))
                for grant in grants_of(snapshot.grants, held.id)
                if grant.resets_at is not None
            )
            yield ChangePlan(replace(held, next_anchor_at=anchor), grants)


def _along(paid: Sequence[Holding], leader: Holding, gone: Collection[str], now: datetime) -> list[Holding]:
    """What runs in the same periods as the plan, and stays; what is cancelled runs out as it was paid for."""
    running = [each for each in paid if each.held.id not in gone and each.held.canceled_at is None]
    return [each for each in running if _phase(each, now) == _phase(leader, now)]


def _joins(arrival: Arrival, paid: Sequence[Holding], now: datetime) -> bool:
    """Whether the plan is billed along with one that is paid for already, in the periods of that one."""
    leader, reference = arrival.holding, _reference(arrival, paid)
    if not leader.held.recurring or arrival.apart or reference is None:
        return False
    return _phase(reference, now) == _phase(leader, now)


def _reference(arrival: Arrival, paid: Sequence[Holding]) -> Holding | None:
    """The paid plan whose place the new one takes, or else the oldest one that it joins."""
    replaced = arrival.replaced
    taken = [each for each in paid if replaced is not None and each.held.id == replaced.held.id]
    return next(iter((*taken, *paid)), None)


def _phase(holding: Holding, now: datetime) -> tuple[datetime, bool]:
    return holding.held.anchor_at, is_trialing(holding, now)


def _realigned(snapshot: Snapshot, after: Holding, now: datetime) -> ChangePlan:
    anchor, floor = after.held.anchor_at, after.held.trial_ends_at
    grants = tuple(
        replace(grant, anchor_at=anchor, resets_at=cycle_end(anchor, grant.reset, now, floor=floor))
        for grant in grants_of(snapshot.grants, after.held.id)
        if grant.reset is not None
    )
    return ChangePlan(after.held, (*grants, *renewed_seats(grants_of(snapshot.grants, after.held.id), after, now)))
