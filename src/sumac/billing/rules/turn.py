"""What turns at one instant of a customer: renewals, resets, starts, ends (billing.md §2.2, §9, §10.3, §11, §12.5).

Everything due at the same instant is decided together, so an old plan's last usage and its successor's first price land
on one invoice.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sumac.balances.model import Grant
from sumac.billing.model import (
    Action,
    CustomerPlan,
    Decision,
    EndPlan,
    Holding,
    IssueInvoice,
    PlanStatus,
    RenewPlan,
    ResetGrants,
    Snapshot,
    StartPlan,
)
from sumac.billing.rules.cancel import start_default
from sumac.billing.rules.lines import advance_lines, one_off_lines, overage_lines
from sumac.billing.rules.provision import provisions_of
from sumac.billing.rules.transition import find_current
from sumac.catalog.rules.shape import is_free, is_main_recurring, shortest_cadence
from sumac.core.time import Period, cycle, cycle_end
from sumac.invoices.model import InvoiceDraft, InvoiceKind, LineDraft


def compute_due_at(holdings: Iterable[CustomerPlan], grants: Iterable[Grant]) -> datetime | None:
    """The next instant at which anything of the customer turns, or None."""
    instants = [instant for held in holdings if (instant := _due_of(held)) is not None]
    instants += [grant.resets_at for grant in grants if grant.resets_at is not None]
    return min(instants, default=None)


def decide_turn(snapshot: Snapshot, *, at: datetime) -> Decision:
    """The actions of everything that is due at exactly `at`.

    A reset that would be older than `at` is not possible: the caller turns every due instant in order.
    """
    due = [each for each in snapshot.holdings if _due_of(each.held) == at]
    expiring = [each for each in due if _trial_runs_out(snapshot, each, at)]
    ending = [each for each in due if each.held.is_usable and each.held.ends_at == at] + expiring
    starting = [each for each in due if each.held.status is PlanStatus.SCHEDULED]
    renewing = [each for each in due if each.held.is_usable and each not in ending]
    actions: list[Action] = []
    lines: list[LineDraft] = []
    for each in ending:
        lines += _last_usage(snapshot, each, at)
        actions.append(EndPlan(replace(each.held, status=PlanStatus.EXPIRED, ends_at=at)))
    for each in renewing:
        lines += _renewal_lines(snapshot, each, at)
        actions.append(RenewPlan(_renewed(each, at)))
    for each in starting:
        replaced = _replaced_by(snapshot, each, ending)
        held, start_lines = _started(snapshot, each, at)
        lines += start_lines
        provisions = provisions_of(
            each.plan,
            held.quantities,
            snapshot.features,
            anchor=held.anchor_at,
            now=at,
            replaced=replaced,
        )
        actions.append(StartPlan(held, each.plan.add_on, provisions))
    mains = [each for each in expiring if is_main_recurring(each.plan)]
    for each, plan_id in zip(mains, snapshot.plan_ids, strict=False):
        actions += start_default(snapshot, each, plan_id=plan_id, now=at)
    reset = _resets(snapshot, ending, at)
    if reset:
        actions.append(ResetGrants(reset))
    return Decision((*actions, *_invoice(snapshot, [*renewing, *starting, *ending], lines, at)))


def _due_of(held: CustomerPlan) -> datetime | None:
    if held.status is PlanStatus.SCHEDULED:
        return held.starts_at
    instants = (held.ends_at, held.period_end) if held.is_usable else ()
    return min((instant for instant in instants if instant is not None), default=None)


def _trial_runs_out(snapshot: Snapshot, holding: Holding, at: datetime) -> bool:
    """Whether the plan is over with its trial: it is free, or no card could pay for it (billing.md §11)."""
    held = holding.held
    if not held.is_usable or held.ends_at is not None or held.trial_ends_at != at:
        return False
    return is_free(holding.plan) or not snapshot.has_payment_method


def _last_usage(snapshot: Snapshot, holding: Holding, at: datetime) -> Iterator[LineDraft]:
    if holding.held.trial_ends_at == at:
        return iter(())
    return overage_lines(
        holding,
        snapshot.grants,
        snapshot.features,
        currency=snapshot.currency,
        at=at,
        closing=True,
    )


def _renewal_lines(snapshot: Snapshot, holding: Holding, at: datetime) -> Iterator[LineDraft]:
    held = holding.held
    yield from advance_lines(
        holding.plan,
        held.quantities,
        snapshot.features,
        currency=snapshot.currency,
        anchor=held.anchor_at,
        now=at,
        boundary_only=True,
    )
    if held.trial_ends_at != at:
        yield from overage_lines(
            holding,
            snapshot.grants,
            snapshot.features,
            currency=snapshot.currency,
            at=at,
            closing=False,
        )


def _renewed(holding: Holding, at: datetime) -> CustomerPlan:
    cadence = shortest_cadence(holding.plan)
    period = cycle(holding.held.anchor_at, cadence, at) if cadence else Period(at, at)
    return replace(
        holding.held,
        period_start=period.start if cadence else None,
        period_end=period.end if cadence else None,
    )


def _started(snapshot: Snapshot, holding: Holding, at: datetime) -> tuple[CustomerPlan, list[LineDraft]]:
    held = replace(holding.held, status=PlanStatus.ACTIVE)
    cadence = shortest_cadence(holding.plan)
    if cadence is None:
        return held, []
    period = cycle(held.anchor_at, cadence, at)
    held = replace(held, period_start=at, period_end=period.end)
    lines = advance_lines(
        holding.plan,
        held.quantities,
        snapshot.features,
        currency=snapshot.currency,
        anchor=held.anchor_at,
        now=at,
    )
    once = one_off_lines(holding.plan, held.quantities, snapshot.features, currency=snapshot.currency)
    return held, [*lines, *once]


def _replaced_by(snapshot: Snapshot, starting: Holding, ending: Sequence[Holding]) -> list[Grant]:
    replaced = find_current(ending, starting.plan)
    if replaced is None:
        return []
    return [grant for grant in snapshot.grants if grant.customer_plan_id == replaced.held.id]


def _resets(snapshot: Snapshot, ending: Sequence[Holding], at: datetime) -> tuple[Grant, ...]:
    over = {each.held.id for each in ending}
    return tuple(
        replace(grant, balance=grant.granted, resets_at=cycle_end(grant.anchor_at, grant.reset, at))
        for grant in snapshot.grants
        if grant.reset is not None
        and grant.resets_at is not None
        and grant.resets_at <= at
        and grant.customer_plan_id not in over
    )


def _invoice(
    snapshot: Snapshot,
    billed: Sequence[Holding],
    lines: Sequence[LineDraft],
    at: datetime,
) -> Iterator[IssueInvoice]:
    if not lines:
        return
    payers = [each for each in billed if not is_free(each.plan)]
    first = min(payers, key=lambda each: (each.held.starts_at, each.held.id))
    yield IssueInvoice(
        InvoiceDraft(
            kind=InvoiceKind.RENEWAL,
            currency=snapshot.currency,
            lines=tuple(lines),
            plan_ids=tuple(dict.fromkeys(line.plan_id for line in lines if line.plan_id is not None)),
            customer_plan_id=first.held.id,
            period_start=at,
        ),
    )
