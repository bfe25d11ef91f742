"""The customer's own clock in the sandbox: moves through every due thing in order, each at its own instant."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import ExpireReservations
from sumac.billing.collect import Collected
from sumac.billing.execute import Applied
from sumac.billing.model import (
    Action,
    CancelPlan,
    ChangePlan,
    CountUsage,
    DropScheduled,
    EndPlan,
    ExpireUnits,
    GiveUnits,
    HoldLines,
    IssueInvoice,
    KeepPlan,
    PausePlan,
    PlaceSchedule,
    RefundPayment,
    ReleaseLines,
    RenewPlan,
    ReplaceTerms,
    ResetGrants,
    ResumePlan,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.reward_model import GiveReward, MoveReward
from sumac.billing.service import BillingService
from sumac.billing.topup_model import TopUp
from sumac.billing.topups import TopupDesk
from sumac.core.errors import BadRequest, Forbidden
from sumac.core.tenant import Env, Tenant
from sumac.customers import service as customers
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceStatus
from sumac.storage.database import Database

STEPS_MAX = 1_000  # in one request: some seconds, and daily resets for nearly three years


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened while the clock moved; `total` is in major units."""

    at: datetime
    kind: str
    plan_id: str | None = None
    feature_ids: tuple[str, ...] = ()
    invoice_id: str | None = None
    total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ClockMove:
    """Where the clock stands and what happened; `ready` is False when there was more than one call can walk through."""

    customer_id: str
    frozen_at: datetime
    ready: bool
    happened: tuple[Happening, ...]


class ClockService:
    """Moves customers' clocks."""

    def __init__(self, database: Database, billing: BillingService, topups: TopupDesk) -> None:
        self._database = database
        self._billing = billing
        self._topups = topups

    async def advance(self, tenant: Tenant, customer_id: str, to: datetime) -> ClockMove:
        """Moves the customer's clock forward; a customer without one gets one.

        Raises Forbidden `sandbox_only` in live, NotFound, BadRequest when the clock would go back.
        """
        if tenant.env is not Env.SANDBOX:
            message = "A customer's clock can be moved in the sandbox only"
            raise Forbidden(message, code="sandbox_only")
        customer_key, public_id = await self._start(tenant, customer_id, to)
        await self._billing.due.carry_on(tenant, customer_key)
        has_card = await self._billing.due.can_convert(tenant, customer_key)
        happened: list[Happening] = []
        at = to
        for _ in range(STEPS_MAX):
            at, applied = await self._step(tenant, customer_key, to, has_card=has_card)
            if applied is not None:
                happened += _happenings(applied, at)
            happened += await self._collect(tenant, customer_key, at)
            happened += await self._top_up(tenant, customer_key, at)
            if applied is None and at == to:
                return ClockMove(public_id, to, ready=True, happened=tuple(happened))
        return ClockMove(public_id, at, ready=False, happened=tuple(happened))

    async def _start(self, tenant: Tenant, customer_id: str, to: datetime) -> tuple[str, str]:
        async with self._database.work(tenant) as work:
            customer = await customers.get_for_update(work, customer_id)
            present = customer.now(work.now)
            if to < present:
                message = f"frozen_time: the clock stands at {present.isoformat()} and does not go back"
                raise BadRequest(message)
            if customer.clock_at is None:
                await customers.set_clock(work, customer.key, present)
        return customer.key, customer.public_id

    async def _step(
        self, tenant: Tenant, customer_key: str, to: datetime, *, has_card: bool
    ) -> tuple[datetime, Applied | None]:
        """Moves to the next due instant, or to the end; what turned there, or None at a retry and at the end."""
        async with self._database.work(tenant) as work:
            customer = await customers.get_by_key(work, customer_key, lock=True)
            retry_at = await invoices.next_retry_at(work, customer_key)
            topup_at = await self._topups.asked_at(work, customer_key)
            due = [at for at in (customer.due_at, retry_at, topup_at) if at is not None and at <= to]
            at = max(min(due, default=to), customer.now(work.now))
            await customers.set_clock(work, customer_key, at)
            if customer.due_at is None or customer.due_at > at:
                return at, None
            return at, await self._billing.turn(work, customer, at=customer.due_at, has_card=has_card)

    async def _collect(self, tenant: Tenant, customer_key: str, at: datetime) -> list[Happening]:
        async with self._database.reading(tenant) as work:
            due = await invoices.list_to_collect(work, customer_key, now=at)
        happened: list[Happening] = []
        for invoice in due:
            happened += _collected(await self._billing.collect(tenant, invoice.id), at)
        return happened

    async def _top_up(self, tenant: Tenant, customer_key: str, at: datetime) -> list[Happening]:
        async with self._database.reading(tenant) as work:
            asked_at = await self._topups.asked_at(work, customer_key)
        if asked_at is None or asked_at > at:
            return []
        bought = await self._topups.buy(tenant, customer_key)
        return [_topped_up(each.feature_id, each.invoice, at) for each in bought]


def _topped_up(feature_id: str, invoice: Invoice, at: datetime) -> Happening:
    """The purchase of an automatic top-up, or that it came to nothing."""
    kind = "topup_failed" if invoice.status is InvoiceStatus.VOID else "topped_up"
    return Happening(at, kind, feature_ids=(feature_id,), invoice_id=invoice.id, total=invoice.total.major)


def _collected(collected: Collected, at: datetime) -> Iterator[Happening]:
    """The payment or its failure, and what that led to."""
    invoice = collected.invoice
    kind = "invoice_paid" if invoice.status is InvoiceStatus.PAID else "payment_failed"
    yield Happening(at, kind, invoice_id=invoice.id, total=invoice.total.major)
    if collected.followed is not None:
        yield from _happenings(collected.followed, at)


def _happenings(applied: Applied, at: datetime) -> list[Happening]:
    return [_happening(action, applied.invoice, at) for action in applied.actions]


def _happening(action: Action, invoice: Invoice | None, at: datetime) -> Happening:
    match action:
        case ResetGrants(given) | GiveUnits(given) | ExpireUnits(given):
            return Happening(at, action.kind, feature_ids=tuple(dict.fromkeys(each.feature_id for each in given)))
        case ExpireReservations(expired):
            return Happening(at, action.kind, feature_ids=tuple(dict.fromkeys(each.feature_id for each in expired)))
        case TopUp(_, _, topup):
            return Happening(at, action.kind, feature_ids=(topup.feature_id,))
        case (
            HoldLines()
            | ReleaseLines()
            | RefundPayment()
            | PlaceSchedule()
            | CountUsage()
            | GiveReward()
            | MoveReward()
        ):
            return Happening(at, action.kind)
        case IssueInvoice():
            return Happening(
                at,
                action.kind,
                invoice_id=invoice.id if invoice else None,
                total=invoice.total.major if invoice else None,
            )
        case (
            StartPlan(held)
            | SchedulePlan(held)
            | DropScheduled(held)
            | CancelPlan(held)
            | KeepPlan(held)
            | EndPlan(held)
            | PausePlan(held)
            | ResumePlan(held)
            | RenewPlan(held)
            | ChangePlan(held)
            | ReplaceTerms(held)
        ):
            return Happening(at, action.kind, plan_id=held.plan_id)
