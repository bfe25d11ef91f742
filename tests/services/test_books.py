"""Whatever a customer does, the books add up, recomputed by the plainest arithmetic (design.md §5, security §5.5)."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from sumac.billing.requests import (
    AttachRequest,
    BillingRequest,
    CancelAction,
    CancelRequest,
    MultiAttachRequest,
    MultiCancelRequest,
    Phase,
    PlanWish,
    RedirectMode,
    RefundKind,
    ScheduleRequest,
    UpdateRequest,
)
from sumac.billing.rules.transition import place_of
from sumac.catalog.model import Customization, Plan, Rollover
from sumac.catalog.rules.shape import is_main_recurring
from sumac.core.errors import SumacError
from sumac.core.money import Money
from sumac.core.time import Cadence, Interval
from sumac.customers.model import Customer
from sumac.events.store import DEDUCTIONS
from sumac.invoices import service as invoices
from sumac.invoices.model import InvoiceStatus
from sumac.invoices.rules.totals import compute_lines, compute_total
from sumac.organizations.settings import AfterLastRetry, update_billing_settings
from sumac.storage.schema import events, grant_entries, grants
from tests.support.build import (
    DAILY,
    ONCE,
    YEARLY,
    credit_system,
    feature,
    free_plan,
    held_item,
    item,
    plan,
    prepaid_price,
    price,
    seats,
    trial,
    usage_price,
)
from tests.support.services import GOOD_CARD, Services

PLANS = (
    free_plan("free", item("messages", 10, rollover=Rollover("forever", 0, max=Decimal(25))), auto_enable=True),
    plan("pro", item("messages", 100, price=usage_price("0.013")), item("credits", 20), price=price("19.99")),
    plan(
        "premium", item("messages", 500, reset=DAILY), held_item("seats", 3, price=usage_price("7.77")), price=price(50)
    ),
    plan("trial", item("messages", 50, price=usage_price("0.5")), price=price(35), free_trial=trial(9)),
    plan(
        "annual",
        item("messages", 300, price=usage_price("0.02"), rollover=Rollover("month", 2)),
        price=price(200, YEARLY),
    ),
    plan("extra", item("messages", 5), price=price(3, Cadence(Interval.WEEK)), add_on=True),
    plan("packs", item("messages", 0, price=prepaid_price(4, billing_units=Decimal(7))), price=None, add_on=True),
    plan("topup", item("credits", 9, reset=None), price=price("4.49", ONCE)),
)
STEPS = 45
DECLINING_CARD = "4000 0000 0000 0341"
ANY_PRICE = Money(10**9, "usd")


@dataclass(slots=True)
class Shopper:
    """A customer that does one thing after the other, drawn from a seed."""

    shop: Services
    random: Random
    urls: list[str] = field(default_factory=list)

    async def act(self) -> None:
        """Does something; what is refused is refused."""
        deeds: list[tuple[int, Callable[[], Awaitable[object]]]] = [
            (6, self._track),
            (4, self._attach),
            (2, self._cancel),
            (2, self._schedule),
            (3, self._update),
            (1, self._attach_several),
            (1, self._cancel_several),
            (5, self._wait),
            (1, self._spoil_the_next_charge),
            (1, self._pay_a_page),
            (1, self._try_what_is_open),
            (1, self._change_the_settings),
            (1, self.shop.billing.resume_attempts),
        ]
        deed = self.random.choices([each for _, each in deeds], [weight for weight, _ in deeds])[0]
        with suppress(SumacError):
            await deed()

    async def _track(self) -> None:
        value = Decimal(self.random.randint(-300, 900)) / self.random.choice([1, 7, 10])
        feature_id = self.random.choice(["messages", "seats", "credits"])
        await self.shop.track(f"{value:.10f}", feature_id, entity_id=self._scope())

    async def _attach(self) -> None:
        chosen = self.random.choice(PLANS)
        quantities = {"messages": Decimal(self.random.randint(0, 40))} if chosen.id == "packs" else {}
        mode = self.random.choice([RedirectMode.IF_REQUIRED, RedirectMode.IF_REQUIRED, RedirectMode.ALWAYS])
        scope = self._scope()
        await self._perform(AttachRequest("ada", chosen.id, quantities=quantities, redirect_mode=mode, entity_id=scope))

    async def _schedule(self) -> None:
        phases, starts_at = [], None
        for _ in range(self.random.randint(1, 3)):
            named = self.random.sample(PLANS, self.random.randint(1, 3))
            wishes = tuple(PlanWish(each.id) for each in named)
            phases.append(Phase(wishes, starts_at, anchor_here=self.random.random() < 0.2))
            before = starts_at or (await self.shop.customer()).now(self.shop.clock.now())
            starts_at = before + timedelta(hours=self.random.randint(1, 1000))
        mode = self.random.choice([RedirectMode.IF_REQUIRED, RedirectMode.IF_REQUIRED, RedirectMode.ALWAYS])
        await self._perform(ScheduleRequest("ada", tuple(phases), redirect_mode=mode, entity_id=self._scope()))

    async def _update(self) -> None:
        chosen = self.random.choice(PLANS)
        customize = Customization(price=price(self.random.randint(1, 90)), sets_price=True)
        prorate, scope = self.random.random() < 0.8, self._scope()
        change = UpdateRequest("ada", chosen.id, customize=customize, prorate=prorate, entity_id=scope)
        if chosen.id == "packs":
            change = replace(change, customize=None, quantities={"messages": Decimal(self.random.randint(0, 40))})
        elif self.random.random() < 0.2:
            change = replace(change, customize=None, anchor="now")
        await self._perform(change)

    async def _attach_several(self) -> None:
        wishes = tuple(PlanWish(each.id, entity_id=self._scope()) for each in self.random.sample(PLANS, 2))
        await self._perform(MultiAttachRequest("ada", wishes))

    async def _cancel(self) -> None:
        await self._perform(self._unwanted(self.random.choice(PLANS)))

    async def _cancel_several(self) -> None:
        scope = self._scope()
        changes = tuple(replace(self._unwanted(each), entity_id=scope) for each in self.random.sample(PLANS, 2))
        await self._perform(MultiCancelRequest("ada", changes))

    def _scope(self) -> str | None:
        """The customer, or one of two entities."""
        return self.random.choice([None, None, "one", "two"])

    def _unwanted(self, chosen: Plan) -> CancelRequest:
        action = self.random.choice(list(CancelAction))
        refunded = action is CancelAction.CANCEL_IMMEDIATELY and self.random.random() < 0.3
        refund = self.random.choice(list(RefundKind)) if refunded else None
        return CancelRequest("ada", action, chosen.id, refund=refund, entity_id=self._scope())

    async def _perform(self, request: BillingRequest) -> None:
        """Does it, and finds on the invoice what the preview had said."""
        previewed = (await self.shop.billing.preview(self.shop.tenant, request)).decision.invoice
        receipt = await self.shop.billing.perform(self.shop.tenant, request, actor="test")
        if receipt.payment_url is not None:
            self.urls.append(receipt.payment_url)
        if receipt.invoice is not None:
            assert previewed is not None
            lines = compute_lines(previewed.lines, "usd")
            assert [line.amount for line in lines] == [line.amount for line in receipt.invoice.lines]
            assert compute_total(lines, "usd") == receipt.invoice.total

    async def _wait(self) -> None:
        now = (await self.shop.customer()).clock_at or self.shop.clock.now()
        await self.shop.advance(now + timedelta(milliseconds=self.random.randint(0, 30 * 86_400_000)))
        self.shop.clock.advance(timedelta(minutes=self.random.randint(0, 40)))

    async def _spoil_the_next_charge(self) -> None:
        await self.shop.set_next_charge(
            self.random.choice(["decline", "insufficient_funds", "require_action", "pending", "pending_then_decline"])
        )

    async def _pay_a_page(self) -> None:
        if not self.urls:
            return
        url = self.urls.pop(self.random.randrange(len(self.urls)))
        page = await self.shop.billing.confirmations.find(url.rsplit("/", 1)[1])
        if page is None:
            await self.shop.pay(url, self.random.choice([GOOD_CARD, DECLINING_CARD]))
        else:
            await self.shop.billing.confirm(page, shown=ANY_PRICE)

    async def _try_what_is_open(self) -> None:
        await self.shop.add_card(number=self.random.choice([GOOD_CARD, DECLINING_CARD]))
        await self.shop.billing.retry_open_invoices(self.shop.tenant, (await self.shop.customer()).key)

    async def _change_the_settings(self) -> None:
        changes: dict[str, object] = {
            "retry_days": tuple(self.random.sample([1, 2, 3, 5], self.random.randint(0, 3))),
            "after_last_retry": self.random.choice(list(AfterLastRetry)),
            "void_invoices_on_cancellation": self.random.choice([True, False]),
        }
        async with self.shop.database.work(self.shop.tenant) as work:
            await update_billing_settings(work, changes)


@pytest.mark.parametrize("seed", range(8))
async def test_the_books_add_up(services: Services, seed: int) -> None:
    """After months of buying, scheduling, using, cancelling and failing charges every sum is what its parts say."""
    await services.offer(feature(), seats(), credit_system("credits", {"messages": "0.3"}), *PLANS)
    await services.add_customer(card=GOOD_CARD, clock_at=services.clock.now())
    for entity_id in ("one", "two"):
        await services.add_entity(entity_id)
    shopper = Shopper(services, Random(seed))  # noqa: S311  # a seed replays the run

    for _ in range(STEPS):
        await shopper.act()
    services.clock.advance(timedelta(hours=2))
    while await services.billing.resume_attempts() + await services.billing.settle_checkouts():
        pass
    await services.billing.bring_up_to_date(services.tenant, "ada")

    customer = await services.customer()
    await _grants_are_what_was_written(services, customer)
    await _money_is_where_the_invoices_say(services, customer)
    await _nothing_is_overdue(services, customer)


async def _grants_are_what_was_written(shop: Services, customer: Customer) -> None:
    """Every balance is the sum of its entries less what the events took; nothing is left on a grant that ended."""
    expected: dict[str, Decimal] = defaultdict(Decimal)
    async with shop.database.reading(shop.tenant) as work:
        for entry in await work.all(work.select(grant_entries).where(grant_entries.c.customer_key == customer.key)):
            expected[entry.grant_id] += entry.balance_change
        for event in await work.all(work.select(events).where(events.c.customer_key == customer.key)):
            for deduction in DEDUCTIONS.validate_python(event.deductions):
                expected[deduction.grant_id] -= deduction.value
        stored = await work.all(work.select(grants).where(grants.c.customer_key == customer.key))
    assert {grant.id: (Decimal(0) if grant.ended_at else grant.balance) for grant in stored} == expected


async def _money_is_where_the_invoices_say(shop: Services, customer: Customer) -> None:
    """Lines make totals, totals are paid by card and credit, and the bank has what the paid invoices say."""
    documents = await shop.invoices()
    assert [invoice.number for invoice in documents] == list(range(1, len(documents) + 1))
    credit = 0
    for invoice in documents:
        assert invoice.total.minor == sum(line.amount.minor for line in invoice.lines)
        assert invoice.credit_applied.minor <= max(0, invoice.total.minor)
        credit += max(0, -invoice.total.minor) - invoice.credit_applied.minor
        if invoice.status is InvoiceStatus.PAID:
            assert max(0, invoice.total.minor) == invoice.paid.minor + invoice.credit_applied.minor
        else:
            assert 0 == invoice.paid.minor
    assert sum(invoice.paid.minor for invoice in documents) == sum(await shop.charged())
    async with shop.database.reading(shop.tenant) as work:
        assert credit == (await invoices.credit_of(work, customer.key, "usd")).minor
    assert credit >= 0


async def _nothing_is_overdue(shop: Services, customer: Customer) -> None:
    """One main plan for each, every period runs now, and whatever is due next lies ahead."""
    now = customer.now(shop.clock.now())
    async with shop.database.reading(shop.tenant) as work:
        held = (await shop.billing.holdings(work, [customer.key])).get(customer.key, ())
    usable = [each for each in held if each.held.is_usable]
    places = [place_of(each) for each in usable if is_main_recurring(each.plan)]
    assert sorted(set(places), key=str) == sorted(places, key=str)
    for each in usable:
        assert each.held.starts_at <= now
        if each.held.period_start is not None and each.held.period_end is not None:
            assert each.held.period_start <= now < each.held.period_end
    assert customer.due_at is None or customer.due_at > now
