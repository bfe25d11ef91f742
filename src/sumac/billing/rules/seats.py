"""Seats billed when they are taken or given up: the older, prorated kind of held units (billing.md §1.5, §5.8).

A seat is a unit beyond the included ones. It is paid for in advance, to the end of its price's period; one that is
given up and not credited stays paid for until then, and is taken again for nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext

from sumac.balances.model import Grant, PlannedUsage, SeatChange
from sumac.billing.model import (
    Action,
    CountUsage,
    CustomerPlan,
    Decision,
    Holding,
    HoldLines,
    IssueInvoice,
    Payment,
    PlanStatus,
    Snapshot,
)
from sumac.billing.rules.carry import grants_of
from sumac.billing.rules.discounts import with_discounts
from sumac.billing.rules.lines import prorate
from sumac.billing.rules.transition import is_trialing
from sumac.billing.units import Provision
from sumac.catalog.model import Feature, ItemPrice, Proration
from sumac.catalog.rules.text import units_text
from sumac.catalog.rules.tiers import compute_overage_price
from sumac.core.money import DECIMAL_PRECISION, exact_minor, round_sum
from sumac.core.time import Period, cycle
from sumac.invoices.model import InvoiceDraft, InvoiceKind, LineDraft

ZERO = Decimal(0)
WHOLE = "bill_immediately"
WITH_THE_NEXT = "prorate_next_cycle"
FREE_UNTIL_THE_NEXT = "bill_next_cycle"
KEPT = ("none", "no_prorations")


@dataclass(frozen=True, slots=True)
class _Seats:
    """What a prorated grant sells: seats beyond `granted` units at a price."""

    feature: Feature
    price: ItemPrice
    proration: Proration
    granted: Decimal

    def cost(self, seats: Decimal) -> Decimal:
        """Major units for so many seats for a whole period."""
        return compute_overage_price(self.price, seats, included=self.granted)

    def line(self, held: CustomerPlan, seats: Decimal, exact: Decimal, period: Period, prefix: str = "") -> LineDraft:
        return LineDraft(
            display_name=self.feature.name,
            description=f"{prefix}{units_text(self.feature, seats)}",
            exact_minor=exact,
            quantity=seats,
            plan_id=held.plan_id,
            feature_id=self.feature.id,
            period=period,
            customer_plan_id=held.id,
        )


def decide_count(snapshot: Snapshot, planned: PlannedUsage, *, now: datetime) -> Decision:
    """Counting usage that takes or gives up seats: what it costs now, and what with the next invoice.

    With payment charge, nothing is counted until the invoice is paid. Where invoices are sent, seats are given at once.
    """
    changes = [_change(snapshot, each, now) for each in planned.changes]
    charged = [line for each in changes for line in each.charged]
    held = tuple(line for each in changes for line in each.held)
    sent = any(each.holding.held.net_terms_days is not None for each in changes)
    actions: list[Action] = []
    if charged:
        actions.append(IssueInvoice(_invoice(snapshot, charged, changes)))
    if held:
        actions.append(HoldLines(held))
    paid = {each.grant_id: each.paid for each in changes}
    actions.append(CountUsage(planned.request, planned.event_ids, paid))
    decision = with_discounts(Decision(tuple(actions)), snapshot, now=now)
    due = decision.invoice.lines if decision.invoice else ()
    costs = round_sum([line.exact_net_minor for line in due]) > 0
    return replace(decision, payment=Payment.CHARGE if costs and not sent else Payment.NONE)


def renewed_seats(grants: Iterable[Grant], after: Holding, at: datetime) -> Iterator[Grant]:
    """The plan's prorated grants whose period begins at `at`, without the seats that were kept until then."""
    for grant in grants:
        if grant.replaceables and grant.price and cycle(after.held.anchor_at, grant.price.cadence, at).start == at:
            yield replace(grant, replaceables=ZERO)


def renewal_seat_lines(snapshot: Snapshot, before: Holding, after: Holding, at: datetime) -> Iterator[LineDraft]:
    """The seats held at the start of their price's period, for that period.

    Where periods are counted anew from here, the part of the new one that is not paid yet.
    """
    for grant in grants_of(snapshot.grants, before.held.id):
        seats = _seats_of(snapshot, grant)
        if seats is None:
            continue
        period = cycle(after.held.anchor_at, seats.price.cadence, at)
        paid_until = at
        if before.held.next_anchor_at == at:
            paid = cycle(before.held.anchor_at, seats.price.cadence, at)
            paid_until = at if paid.start == at else paid.end
        elif period.start != at:
            continue
        yield from _for_time(seats, after, grant.overage, period, paid_until, snapshot.currency)


def starting_seat_lines(
    snapshot: Snapshot, holding: Holding, given: Sequence[Grant | Provision], *, now: datetime
) -> Iterator[LineDraft]:
    """The seats that a plan starts with, to the end of their price's period; none while nothing of it is billed."""
    if not bills_seats(holding, now):
        return
    for each in given:
        seats = _seats_of(snapshot, each)
        if seats is not None:
            period = cycle(holding.held.anchor_at, seats.price.cadence, now)
            yield from _for_time(seats, holding, each.overage, period, now, snapshot.currency)


def bills_seats(holding: Holding, now: datetime) -> bool:
    """Whether seats of the plan are billed yet: not on trial, and not before its first period."""
    return not is_trialing(holding, now) and holding.held.anchor_at <= now


def late_seat_lines(
    snapshot: Snapshot, held: CustomerPlan, quoted: Sequence[Provision], given: Sequence[Provision], *, now: datetime
) -> Iterator[LineDraft]:
    """What a plan that waited costs more, or less, with the seats it starts with now than with those it was billed for.

    For what is left of the period that was billed; the one after it is billed as it begins.
    """
    for before, after in zip(quoted, given, strict=True):
        seats = _seats_of(snapshot, after)
        if seats is None:
            continue
        period = cycle(held.anchor_at, seats.price.cadence, held.period_start or now)
        more = seats.cost(after.overage) - seats.cost(before.overage)
        due = exact_minor(prorate(more, period, now), snapshot.currency)
        if due:
            grown, left = after.overage - before.overage, Period(now, period.end)
            yield seats.line(held, abs(grown), due, left, "" if grown > 0 else "Unused time: ")


def unused_seat_lines(snapshot: Snapshot, holding: Holding, *, now: datetime) -> Iterator[LineDraft]:
    """Gives back what was paid for the plan's seats for the time after `now`.

    Only what was really charged is given back: a seat may have been free until the next period.
    """
    if is_trialing(holding, now):
        return
    for grant in grants_of(snapshot.grants, holding.held.id):
        seats = _seats_of(snapshot, grant)
        own = [] if seats is None else _charges_of(snapshot, holding, grant.feature_id)
        unused = _unused(own, now)
        if seats is not None and unused:
            left = Period(now, max(line.period.end for line in own if line.period is not None))
            yield seats.line(holding.held, grant.paid_seats, unused.copy_negate(), left, "Unused time: ")


@dataclass(frozen=True, slots=True)
class _Change:
    """What a change of one grant comes to: lines now, lines that wait, the seats that are paid for afterwards."""

    holding: Holding
    grant_id: str
    paid: Decimal
    charged: tuple[LineDraft, ...] = ()
    held: tuple[LineDraft, ...] = ()


def _invoice(snapshot: Snapshot, lines: Sequence[LineDraft], changes: Sequence[_Change]) -> InvoiceDraft:
    first = next(each.holding.held for each in changes if each.charged)
    return InvoiceDraft(
        kind=InvoiceKind.CHANGE,
        currency=snapshot.currency,
        lines=tuple(lines),
        plan_ids=tuple(dict.fromkeys(line.plan_id for line in lines if line.plan_id is not None)),
        customer_plan_id=first.id,
        net_terms_days=first.net_terms_days,
    )


def _change(snapshot: Snapshot, change: SeatChange, now: datetime) -> _Change:
    before, after = change.before, change.after
    grant = next(each for each in snapshot.grants if each.id == after.id)
    holding = next(each for each in snapshot.holdings if each.held.id == after.customer_plan_id)
    seats, grown = _seats_of(snapshot, grant), after.overage - before.overage
    if seats is None or is_trialing(holding, now):
        return _Change(holding, after.id, after.overage)
    if grown < 0 and seats.proration.on_decrease in KEPT:
        return _Change(holding, after.id, before.paid_seats)
    paid = max(before.paid_seats, after.overage) if grown >= 0 else before.paid_seats + grown
    how = seats.proration.on_increase if grown > 0 else seats.proration.on_decrease
    if paid == before.paid_seats or how == FREE_UNTIL_THE_NEXT:
        return _Change(holding, after.id, paid)
    lines_of = _taken_lines if grown > 0 else _given_up_lines
    lines = tuple(lines_of(snapshot, seats, holding, (before.paid_seats, paid), now))
    if how == WITH_THE_NEXT:
        return _Change(holding, after.id, paid, held=lines)
    return _Change(holding, after.id, paid, charged=lines)


def _taken_lines(
    snapshot: Snapshot, seats: _Seats, holding: Holding, paid: tuple[Decimal, Decimal], now: datetime
) -> Iterator[LineDraft]:
    """What more seats cost for what is left of the period, or whole."""
    before, after = paid
    period = cycle(holding.held.anchor_at, seats.price.cadence, now)
    more = seats.cost(after) - seats.cost(before)
    due = more if seats.proration.on_increase == WHOLE else prorate(more, period, now)
    if due:
        yield seats.line(holding.held, after - before, exact_minor(due, snapshot.currency), Period(now, period.end))


def _given_up_lines(
    snapshot: Snapshot, seats: _Seats, holding: Holding, paid: tuple[Decimal, Decimal], now: datetime
) -> Iterator[LineDraft]:
    """Of what was charged for the time that is left, the share of the seats given up; nothing of what is still owed.

    Where more seats are free until the next period, what was charged is for those that are still held first.
    """
    before, after = paid
    period = cycle(holding.held.anchor_at, seats.price.cadence, now)
    unused = _unused(_charges_of(snapshot, holding, seats.feature.id), now)
    if holding.held.status is PlanStatus.PAST_DUE or not seats.cost(before):
        return
    if seats.proration.on_increase == FREE_UNTIL_THE_NEXT:
        still_held = exact_minor(prorate(seats.cost(after), period, now), snapshot.currency)
        given_back = max(ZERO, unused - still_held)
    else:
        with localcontext() as context:
            context.prec = DECIMAL_PRECISION
            given_back = unused * (seats.cost(before) - seats.cost(after)) / seats.cost(before)
    if given_back:
        left = Period(now, period.end)
        yield seats.line(holding.held, before - after, given_back.copy_negate(), left, "Unused time: ")


def _for_time(
    seats: _Seats, holding: Holding, held: Decimal, period: Period, start: datetime, currency: str
) -> Iterator[LineDraft]:
    due = exact_minor(prorate(seats.cost(held), period, start), currency)
    if due:
        yield seats.line(holding.held, held, due, Period(start, period.end))


def _seats_of(snapshot: Snapshot, given: Grant | Provision) -> _Seats | None:
    """What it sells, or None where it does not bill seats."""
    if given.proration is None or given.price is None:
        return None
    return _Seats(snapshot.features[given.feature_id], given.price, given.proration, given.granted)


def _charges_of(snapshot: Snapshot, holding: Holding, feature_id: str) -> list[LineDraft]:
    own = (holding.held.id, feature_id)
    return [line for line in snapshot.billed_beyond if line.period and (line.customer_plan_id, line.feature_id) == own]


def _unused(charges: Iterable[LineDraft], now: datetime) -> Decimal:
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        return sum((prorate(line.exact_minor, line.period, now) for line in charges if line.period), ZERO)
