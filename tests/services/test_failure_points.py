"""Killed between any two writes and started again, every operation ends in the same books (design.md decision 4).

A run that is not disturbed counts the points: each commit and each call of the bank, before and after. Then the process
dies at every one of them in turn. The next process works off what is left, whoever got no answer asks again, and what
everybody holds, owes, has paid and is left with is compared. An operation is one line in `OPERATIONS`.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from sumac.billing.requests import (
    AttachRequest,
    CancelAction,
    CancelRequest,
    InvoiceMode,
    MultiAttachRequest,
    MultiCancelRequest,
    Phase,
    PlanWish,
    RedirectMode,
    RefundKind,
    ScheduleRequest,
    SetupRequest,
    UpdateRequest,
)
from sumac.core.clock import ManualClock
from sumac.core.errors import SumacError
from sumac.core.money import Money
from sumac.core.tenant import Env, Tenant
from sumac.customers import service as customers
from sumac.customers.service import CustomerChange
from sumac.storage.database import Database
from sumac.storage.schema import (
    attempts,
    auto_topups,
    bank_charges,
    bank_checkouts,
    customer_credits,
    customer_plans,
    grant_entries,
    grants,
    notices,
    refunds,
)
from sumac.storage.work import Work
from tests.support.build import (
    MONTHLY,
    ONCE,
    feature,
    free_plan,
    held_item,
    item,
    plan,
    prepaid_price,
    price,
    seats,
    usage_price,
)
from tests.support.failure import KilledError, Life, MortalBank, MortalDatabase
from tests.support.services import ACTOR, GOOD_CARD, Services

NEW_YEAR, FEBRUARY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
HALF = datetime(2026, 1, 16, 12, tzinfo=UTC)
ONE_DAY, ONE_MINUTE = timedelta(days=1), timedelta(minutes=1)
MINUTES = 4

Step = Callable[[Services], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a process is doing when it dies, and what was done before.

    A `frozen` customer has a clock of their own, so that it does not matter how much later the rest is done. With
    `asked_again` the jobs do not finish it: whoever asked has to ask again.
    """

    name: str
    act: Step
    before: Sequence[Step] = ()
    frozen: bool = True
    asked_again: bool = False


def attach(plan_id: str, **changes: Any) -> Step:  # noqa: ANN401  # the fields of a request
    return lambda shop: shop.attach(plan_id, **changes)


def attach_both(shop: Services) -> Awaitable[object]:
    request = MultiAttachRequest("ada", (PlanWish("pro"), PlanWish("team")))
    return shop.billing.perform(shop.tenant, request, actor=ACTOR)


def cancel_both(shop: Services) -> Awaitable[object]:
    changes = tuple(CancelRequest("ada", CancelAction.CANCEL_IMMEDIATELY, plan_id) for plan_id in ("pro", "team"))
    return shop.billing.perform(shop.tenant, MultiCancelRequest("ada", changes), actor=ACTOR)


def schedule(shop: Services) -> Awaitable[object]:
    phases = (Phase((PlanWish("pro"),)), Phase((PlanWish("premium"),), starts_at=MONTHLY))
    return shop.billing.perform(shop.tenant, ScheduleRequest("ada", phases), actor=ACTOR)


async def set_up_and_attach(shop: Services) -> None:
    """The customer stores a card on a page at the bank, to have Pro then; we have not heard of it."""
    await shop.billing.open_setup(shop.tenant, SetupRequest("ada", AttachRequest("ada", "pro")), actor=ACTOR)
    await pay_at_the_bank(shop)


def update(**changes: Any) -> Step:  # noqa: ANN401  # the fields of a request
    return lambda shop: shop.billing.perform(shop.tenant, UpdateRequest("ada", **changes), actor=ACTOR)


def cancel(**changes: Any) -> Step:  # noqa: ANN401  # the fields of a request
    return lambda shop: shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro", **changes)


def card(number: str = GOOD_CARD) -> Step:
    return lambda shop: shop.add_card(number=number)


def track(units: int) -> Step:
    return lambda shop: shop.track(units)


def at(instant: datetime) -> Step:
    return lambda shop: shop.advance(instant)


def wall(instant: datetime) -> Step:
    async def move(shop: Services) -> None:
        shop.clock.move_to(instant)

    return move


def next_charge(outcome: str) -> Step:
    return lambda shop: shop.set_next_charge(outcome)


async def jobs(shop: Services) -> None:
    """Every chore of billing, once."""
    await shop.billing.settle_due_customers()
    await shop.billing.collect_due_invoices()
    await shop.billing.resume_attempts()
    await shop.billing.settle_checkouts()
    await shop.topups.buy_waiting()


def topping_up(**changes: Any) -> Step:  # noqa: ANN401  # the fields of a control
    """From now on 100 words are bought when none is left."""
    control = {"feature_id": "words", "enabled": True, "threshold": 0, "quantity": 100, **changes}

    async def change(shop: Services) -> None:
        async with shop.database.work(shop.tenant) as work:
            values = {"billing_controls": {"auto_topups": [control]}}
            await customers.update(work, "ada", CustomerChange(frozenset({"billing_controls"}), values))

    return change


async def use_words(shop: Services) -> None:
    """A word is asked for, and what follows from there being none."""
    await shop.track(1, "words")
    await shop.topups.close()


async def open_page(shop: Services) -> None:
    """Pro behind a page, whether there is a card or not."""
    await shop.attach("pro", redirect_mode=RedirectMode.ALWAYS)


async def pay_at_the_bank(shop: Services) -> None:
    """The customer completes the newest page; we have not heard of it."""
    await shop.bank.complete_checkout(shop.tenant, await _newest_page(shop), GOOD_CARD)


async def come_back(shop: Services) -> None:
    """The customer comes back from the newest page."""
    await shop.billing.settle_checkout(shop.tenant, await _newest_page(shop))


async def _newest_page(shop: Services) -> str:
    async with shop.database.reading(shop.tenant) as work:
        row = await work.find(work.select(bank_checkouts).order_by(bank_checkouts.c.id.desc()))
    assert row is not None
    return str(row.id)


DECLINING = "4000 0000 0000 0341"


async def pay_by_hand(shop: Services) -> None:
    """The customer has the default card charged for the newest invoice."""
    await shop.billing.collect(shop.tenant, (await shop.invoices())[-1].id)


async def confirm_page(shop: Services) -> None:
    """The customer confirms the page that asks about Premium; it is opened again if need be."""
    url = (await shop.attach("premium", redirect_mode=RedirectMode.ALWAYS)).payment_url or ""
    page = await shop.billing.confirmations.find(url.rsplit("/", 1)[1])
    assert page is not None
    await shop.billing.confirm(page, shown=Money(5000, "usd"))


async def retry_with_another_card(shop: Services) -> None:
    """What is open is tried because there is a new card."""
    await shop.billing.retry_open_invoices(shop.tenant, (await shop.customer()).key)


def entity(entity_id: str) -> Step:
    return lambda shop: shop.add_entity(entity_id)


def take_words(shop: Services) -> Awaitable[object]:
    return shop.track(15, "words")


def leave_pool(shop: Services) -> Awaitable[object]:
    return shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="desk", entity_id="two")


PRO = (card(), attach("pro"))
POOLED = (card(), entity("one"), entity("two"), attach("desk", entity_id="one"), take_words)
GIVEN_UP = (card(), next_charge("decline"), attach("pro"), wall(NEW_YEAR + 10 * ONE_MINUTE), jobs)
PAST_DUE = (*PRO, next_charge("decline"), wall(FEBRUARY), jobs)
OPERATIONS = [
    Operation("attach", attach("pro"), [card()]),
    Operation("attach a free plan", attach("hobby")),
    Operation("attach a purchase", attach("pack"), [card()]),
    Operation("attach behind a page", open_page),
    Operation("attach with a bank that declines", attach("pro"), [card(), next_charge("decline")]),
    Operation("attach two plans", attach_both, [card()]),
    Operation("attach with an invoice to be sent", attach("pro", invoice_mode=InvoiceMode()), [card()]),
    Operation("paying it by hand", pay_by_hand, [card(), attach("pro", invoice_mode=InvoiceMode())]),
    Operation("paying a declined attach by hand", pay_by_hand, [card(), next_charge("decline"), attach("pro")]),
    Operation("upgrade", attach("premium"), [*PRO, track(150), at(HALF)]),
    Operation("upgrade confirmed on a page", confirm_page, PRO),
    Operation("upgrade paid in part by credit", attach("premium"), [*PRO, cancel()]),
    Operation("downgrade", attach("pro"), [card(), attach("premium")]),
    Operation("an entity's units join a pool", attach("desk", entity_id="two"), POOLED),
    Operation("an entity's units leave a pool", leave_pool, [*POOLED, attach("desk", entity_id="two")]),
    Operation("more seats", update(plan_id="team", quantities={"seats": Decimal(9)}), [card(), attach("team")]),
    Operation("top-up", update(plan_id="pack", quantities={"words": Decimal(200)}), [card(), attach("pack")]),
    Operation("automatic top-up", use_words, [card(), attach("pack"), topping_up()]),
    Operation("automatic top-up that is declined", use_words, [card(), attach("pack"), topping_up(), card(DECLINING)]),
    Operation("automatic top-up by an invoice", use_words, [card(), attach("pack"), topping_up(invoice_mode=True)]),
    Operation("cancel", cancel(), [*PRO, at(HALF)]),
    Operation("cancel with the payment given back", cancel(refund=RefundKind.PRORATED), [*PRO, at(HALF)]),
    Operation("cancel two plans", cancel_both, [card(), attach_both, at(HALF)]),
    Operation("schedule", schedule, [card()]),
    Operation("renewal", jobs, [*PRO, track(150), wall(FEBRUARY)], frozen=False),
    Operation("renewal that is declined", jobs, [*PRO, card(DECLINING), wall(FEBRUARY)], frozen=False),
    Operation("retry", jobs, [*PAST_DUE, wall(FEBRUARY + ONE_DAY)], frozen=False),
    Operation(
        "last retry", at(FEBRUARY + 16 * ONE_DAY), [*PRO, card(DECLINING), at(FEBRUARY + 9 * ONE_DAY)], asked_again=True
    ),
    Operation(
        "a new card",
        retry_with_another_card,
        [*PRO, card(DECLINING), at(FEBRUARY), card("4242424242424242")],
        asked_again=True,
    ),
    Operation("two months on a clock", at(FEBRUARY + 40 * ONE_DAY), [*PRO, track(150)], asked_again=True),
    Operation("a page that was completed", come_back, [open_page, pay_at_the_bank]),
    Operation("the job finds a completed page", jobs, [open_page, pay_at_the_bank, wall(NEW_YEAR + 2 * ONE_MINUTE)]),
    Operation("a page that stored a card for a plan", come_back, [set_up_and_attach]),
    Operation("refund of what came too late", come_back, [*GIVEN_UP, pay_at_the_bank]),
]


async def offer(shop: Services) -> None:
    """The catalog of every run."""
    words = item("words", 0, reset=None, price=prepaid_price(10, billing_units=Decimal(100), cadence=ONCE))
    await shop.offer(
        feature(),
        feature("words"),
        seats(),
        free_plan("free", item("messages", 10), auto_enable=True),
        free_plan("hobby", item("messages", 5), group="other"),
        plan("pro", item("messages", 100, price=usage_price("0.10"))),
        plan("premium", item("messages", 500), price=price(50)),
        plan("team", held_item("seats", 5, price=prepaid_price(10)), price=price(49), group="team"),
        plan("pack", words, price=price(10, ONCE), add_on=True),
        plan("desk", item("words", 20, pooled=True), price=price(8), group="desks"),
    )


async def books(shop: Services) -> dict[str, object]:
    """Everything the customer holds, owes, has paid and is left with; nothing that depends on when it was written."""
    async with shop.database.reading(shop.tenant) as work:
        return {
            "plans": await _rows(
                work, customer_plans, "plan_id", "status", "anchor_at", "starts_at", "period_end", "ends_at"
            ),
            "grants": await _rows(work, grants, "feature_id", "plan_id", "prepaid", "balance", "resets_at", "ended_at"),
            "entries": await _rows(work, grant_entries, "feature_id", "kind", "granted_change", "balance_change", "at"),
            "credit": await _rows(work, customer_credits, "amount_minor", "currency"),
            "attempts": await _rows(work, attempts, "status"),
            "notices": await _rows(work, notices, "kind"),
            "top-ups": await _rows(work, auto_topups, "feature_id", "purchases", "failures"),
            "owed back": await _rows(work, refunds, "amount_minor", where=[refunds.c.refunded_at.is_(None)]),
            "charges": await _rows(work, bank_charges, "amount_minor", "refunded_minor", "status"),
            "invoices": [
                (
                    invoice.number,
                    invoice.kind,
                    invoice.status,
                    invoice.total,
                    invoice.credit_applied,
                    invoice.paid,
                    invoice.attempts_made,
                    [(line.description, line.amount.minor) for line in invoice.lines],
                )
                for invoice in await shop.invoices()
            ],
        }


async def _rows(work: Work, table: sa.Table, *columns: str, where: Sequence[sa.ColumnElement[bool]] = ()) -> list[str]:
    """The tenant's rows as texts, in an order of their own: the rows of one instant have none."""
    chosen = work.select_columns(table, *(table.c[name] for name in columns)).where(*where)
    return sorted(repr(tuple(row)) for row in await work.all(chosen))


class Runs:
    """Runs of one operation, each in a tenant of its own over the same database, from the first of January on."""

    def __init__(self, address: str, operation: Operation) -> None:
        self._address = address
        self._operation = operation
        self._count = 0

    async def run(self, life: Life) -> tuple[dict[str, object], dict[str, object]]:
        """The books before the operation, and once everything is worked off after a process did it, or died of it."""
        self._count += 1
        tenant, clock = Tenant(f"org_{self._count}", Env.SANDBOX), ManualClock(NEW_YEAR)
        database = Database(self._address, clock)
        mortal = MortalDatabase(self._address, clock, life)
        try:
            shop = Services.over(database, clock, tenant)
            await self._prepare(shop)
            before = await books(shop)
            process = Services.over(mortal, clock, tenant, provider=MortalBank(shop.bank, life))
            with suppress(KilledError):
                await self._operation.act(process)
            await self._carry_on(shop, before)
            return before, await books(shop)
        finally:
            await mortal.close()
            await database.close()

    async def _prepare(self, shop: Services) -> None:
        await offer(shop)
        await shop.add_customer(clock_at=NEW_YEAR if self._operation.frozen else None)
        for step in self._operation.before:
            await step(shop)

    async def _carry_on(self, shop: Services, before: dict[str, object]) -> None:
        """The next process: its jobs, and the request again if nothing came of it."""
        await self._work_off(shop)
        if self._operation.asked_again or before == await books(shop):
            with suppress(SumacError):
                await self._operation.act(shop)
            await self._work_off(shop)

    async def _work_off(self, shop: Services) -> None:
        for _ in range(MINUTES):
            shop.clock.advance(ONE_MINUTE)
            await jobs(shop)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_killed_anywhere(address: str, operation: Operation) -> None:
    """Whatever point a process dies at, the books are those of a run in which nobody died."""
    runs, undisturbed = Runs(address, operation), Life()
    before, expected = await runs.run(undisturbed)

    assert 2 <= len(undisturbed.passed)
    for point, name in enumerate(undisturbed.passed, 1):
        life = Life(dies_at=point)
        same_before, after = await runs.run(life)

        assert (name, before) == (life.passed[-1], same_before)
        assert expected == after, f"killed at point {point}: {name}"
