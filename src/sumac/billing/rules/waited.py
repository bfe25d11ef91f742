"""A decision that waited for its payer, with what was used meanwhile (billing.md §10.6, §10.9; decision 0017).

What was quoted stands. Units that were counted since are on the balances as they would be had the change been made now,
and what was used beyond the old plan's grants since is billed by itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from sumac.balances.model import Grant
from sumac.billing.model import (
    Action,
    CancelPlan,
    ChangePlan,
    CountUsage,
    CustomerPlan,
    Decision,
    EndPlan,
    GiveUnits,
    Holding,
    IssueInvoice,
    KeepPlan,
    PausePlan,
    PlanStatus,
    ReplaceTerms,
    Snapshot,
    StartPlan,
)
from sumac.billing.rules.carry import count_carried, kept_units
from sumac.billing.rules.discounts import lower_draft
from sumac.billing.rules.lines import overage_lines
from sumac.billing.rules.provision import recounted
from sumac.billing.rules.rolled import carry_rolled
from sumac.billing.rules.seats import late_seat_lines
from sumac.billing.units import Carried, Provision
from sumac.invoices.model import InvoiceDraft, InvoiceKind, LineDraft

ABOUT_A_PLAN = (CancelPlan, ChangePlan, EndPlan, KeepPlan, PausePlan, ReplaceTerms)


def catch_up(decision: Decision, snapshot: Snapshot, *, now: datetime) -> Decision:
    """The actions as they are to be carried out now, on the customer's plans and grants as they are now.

    Each plan that ends gets a final invoice of what was used beyond its grants since the decision was made, and of the
    seats that it hands over to one that bills them, if there are any; what was taken back since makes it negative.
    """
    decision = replace(decision, actions=tuple(_as_it_stands(each, snapshot) for each in decision.actions))
    if not decision.counted_on:
        return decision
    quoted = {each.id: each for each in decision.counted_on}
    late = [issue for action in decision.actions for issue in _late_invoice(action, decision, snapshot, quoted, now)]
    actions = [each for action in decision.actions for each in _caught_up(action, snapshot, quoted, now)]
    return replace(decision, actions=(*late, *actions), counted_on=())


def is_overtaken(decision: Decision, history: Iterable[CustomerPlan]) -> bool:
    """Whether it is too late for a decision: a plan has started or ended since, or a period of one it is about began.

    `history` are the customer's plans, those that are over too. Usage of seats is about every plan.
    """
    since = decision.decided_at
    if since is None:
        return False
    concerned = {action.held.id for action in decision.actions if isinstance(action, ABOUT_A_PLAN)}
    counts = any(isinstance(action, CountUsage) for action in decision.actions)
    return any(_has_moved(held, since, concerned=counts or held.id in concerned) for held in history)


def _has_moved(held: CustomerPlan, since: datetime, *, concerned: bool) -> bool:
    if not held.is_usable:
        return held.status is PlanStatus.EXPIRED and held.ends_at is not None and held.ends_at > since
    return held.starts_at > since or (concerned and held.period_start is not None and held.period_start > since)


def _as_it_stands(action: Action, snapshot: Snapshot) -> Action:
    """A plan that runs on does so past due, or paid for, as it is by now, and pays in the way it does by now."""
    if not isinstance(action, CancelPlan | KeepPlan | ChangePlan | ReplaceTerms):
        return action
    live = next((each.held for each in snapshot.holdings if each.held.id == action.held.id), action.held)
    return replace(action, held=replace(action.held, status=live.status, net_terms_days=live.net_terms_days))


def _caught_up(action: Action, snapshot: Snapshot, quoted: Mapping[str, Grant], now: datetime) -> Iterator[Action]:
    match action:
        case StartPlan(_, _, provisions, carried) if carried is not None:
            yield replace(action, provisions=_with_carried(provisions, snapshot, carried, now))
        case ReplaceTerms(_, _, provisions, carried, kept) if carried is not None:
            yield replace(action, provisions=_with_carried(provisions, snapshot, carried, now))
            yield from kept_units(snapshot.grants, kept)
        case EndPlan(_, kept):
            yield action
            yield from kept_units(snapshot.grants, kept)
        case ChangePlan(_, grants):
            live = {each.id: each for each in snapshot.grants}
            changed = [_as_counted(each, quoted[each.id], live[each.id]) for each in grants if each.id in live]
            yield replace(action, grants=tuple(changed))
        case GiveUnits():
            # It comes anew with the plan whose units they are.
            return
        case _:
            yield action


def _with_carried(
    provisions: Sequence[Provision], snapshot: Snapshot, carried: Carried, now: datetime
) -> tuple[Provision, ...]:
    counted = recounted(provisions, snapshot, count_carried(snapshot.grants, carried))
    return carry_rolled(counted, snapshot.grants, carried, now=now)


def _as_counted(after: Grant, quoted: Grant, live: Grant) -> Grant:
    """The grant as it is now with what the decision changes of it; a reset that has come meanwhile stays."""
    return replace(
        live,
        prepaid=after.prepaid,
        balance=live.balance + after.balance - quoted.balance,
        replaceables=after.replaceables,
        anchor_at=after.anchor_at,
        resets_at=live.resets_at if after.resets_at == quoted.resets_at else after.resets_at,
    )


def _late_invoice(
    action: Action, decision: Decision, snapshot: Snapshot, quoted: Mapping[str, Grant], now: datetime
) -> Iterator[IssueInvoice]:
    if not isinstance(action, EndPlan | ReplaceTerms):
        return
    billed = action.billed if isinstance(action, EndPlan) else ()
    for holding in (each for each in snapshot.holdings if each.held.id == action.held.id):
        grants = [each for each in snapshot.grants if each.id in billed]
        lines = [
            *(line for grant in grants for line in _late_lines(holding, quoted[grant.id], grant, snapshot, now)),
            *_late_seats(holding, decision, snapshot, quoted, now),
        ]
        if lines:
            yield IssueInvoice(
                lower_draft(
                    InvoiceDraft(
                        kind=InvoiceKind.FINAL if isinstance(action, EndPlan) else InvoiceKind.CHANGE,
                        currency=snapshot.currency,
                        lines=tuple(lines),
                        plan_ids=(holding.plan.id,),
                        customer_plan_id=holding.held.id,
                        net_terms_days=holding.held.net_terms_days,
                    ),
                    snapshot.rewards,
                    at=now,
                ),
            )


def _late_seats(
    holding: Holding, decision: Decision, snapshot: Snapshot, quoted: Mapping[str, Grant], now: datetime
) -> Iterator[LineDraft]:
    """What the seats cost that were taken, or given up, since a plan was billed for those that this one hands over."""
    own = {each.id for each in quoted.values() if each.customer_plan_id == holding.held.id}
    for action in decision.actions:
        if not isinstance(action, StartPlan | ReplaceTerms) or not action.seats_billed or action.carried is None:
            continue
        if own.intersection(action.carried.usage_of[:1]):
            given = recounted(action.provisions, snapshot, count_carried(snapshot.grants, action.carried))
            yield from late_seat_lines(snapshot, action.held, action.provisions, given, now=now)


def _late_lines(holding: Holding, quoted: Grant, live: Grant, snapshot: Snapshot, now: datetime) -> Iterator[LineDraft]:
    """What was used beyond the grant and not quoted, for what it adds to the price of all that was."""
    bill = partial(overage_lines, currency=snapshot.currency, at=now, closing=True, unbilled=snapshot.unbilled)
    before = live.granted if quoted.resets_at != live.resets_at else quoted.balance
    first = replace(live, balance=before)
    billed = list(bill(holding, [first], snapshot.features))
    used = list(bill(holding, [live], snapshot.features))
    units = live.overage - first.overage
    if not units:
        return
    exact = sum((line.exact_minor for line in used), Decimal(0)) - sum(
        (line.exact_minor for line in billed), Decimal(0)
    )
    for line in (used or billed)[:1]:
        more = "more" if units > 0 else "less"
        description = f"{line.display_name}: {abs(units):,f} {more} used beyond {live.granted:,f}"
        yield replace(line, description=description, exact_minor=exact, quantity=abs(units))
