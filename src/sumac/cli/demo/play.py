"""Plays the stories of the demo's customers in the order of time, by moving their clocks through the services."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush

from sumac.api.services import Services
from sumac.balances import usage
from sumac.balances.requests import TrackRequest
from sumac.billing.requests import (
    AttachRequest,
    CancelRequest,
)
from sumac.cli.demo.story import GOOD_CARD, AddCard, Attach, Cancel, Hold, NextCharge, Person, Step
from sumac.cli.demo.usage import Use, roll, uses
from sumac.core.tenant import Tenant
from sumac.core.time import MILLISECOND
from sumac.customers import service as customers
from sumac.customers.service import CustomerDraft

ACTOR = "system:demo"
EVERY_EVENT = 100
SHIFT_MS_MAX = 14 * 3_600_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the demo has come: the instant being played, and what there is by then."""

    at: datetime
    customers: int
    events: int
    invoices: int


@dataclass(slots=True)
class _Life:
    """A customer whose story is being played: the steps and usage still to come, and when something turns next."""

    person: Person
    joined_at: datetime
    ends_at: datetime
    steps: deque[tuple[datetime, Step]]
    uses: deque[Use]
    id: str | None = None
    due_at: datetime | None = None

    @property
    def next_at(self) -> datetime:
        """The next instant at which this customer's clock has to stop: joining, a turn, a step, or the end."""
        if self.id is None:
            return self.joined_at
        stops = [self.ends_at if self.due_at is None else min(self.due_at, self.ends_at)]
        stops += [self.steps[0][0]] if self.steps else []
        return min(stops)


class Stage:
    """Plays a cast in one tenant, up to a present: every customer's clock ends there."""

    def __init__(self, services: Services, tenant: Tenant, *, now: datetime, say: Callable[[Progress], None]) -> None:
        self._services = services
        self._tenant = tenant
        self._now = now
        self._say = say
        self._customers = self._events = self._invoices = 0

    async def play(self, cast: Sequence[Person], *, events_percent: int = EVERY_EVENT) -> None:
        """Plays every story to the present, the customers side by side, so that invoices are numbered in order."""
        queue: list[tuple[datetime, int]] = []
        lives = [self._life(person, events_percent) for person in cast]
        for number, life in enumerate(lives):
            heappush(queue, (life.next_at, number))
        while queue:
            at, number = heappop(queue)
            await self._live(lives[number], at)
            if at < self._now:
                heappush(queue, (lives[number].next_at, number))
            self._say(Progress(at, self._customers, self._events, self._invoices))

    def _life(self, person: Person, events_percent: int) -> _Life:
        story, now = person.story, self._now
        shift = timedelta(milliseconds=roll(SHIFT_MS_MAX, person.label, "shift"))
        joined = story.joined.before(now, shift)
        steps = sorted(((ago.before(now, shift), step) for ago, step in story.steps), key=lambda each: each[0])
        until = story.usage_until.before(now, shift)
        used = uses(person.label, story.usage, joined, until, events_percent=events_percent)
        return _Life(person, joined, now, deque(steps), deque(used))

    async def _live(self, life: _Life, at: datetime) -> None:
        """Brings one customer from where their clock stands to an instant at which something happens."""
        if life.id is None:
            life.id = await self._join(life.person, at)
        elif life.due_at == at and life.uses and life.uses[0].at < at:
            await self._advance(life.id, at - MILLISECOND)
            await self._use(life, at - MILLISECOND)
        await self._advance(life.id, at)
        await self._use(life, at)
        while life.steps and life.steps[0][0] <= at:
            await self._take(life.id, life.steps.popleft()[1])
        async with self._services.database.reading(self._tenant) as work:
            life.due_at = (await customers.get(work, life.id)).due_at

    async def _join(self, person: Person, at: datetime) -> str:
        draft = CustomerDraft(person.id, person.name, person.email, metadata=person.metadata, clock_at=at)
        async with self._services.database.work(self._tenant) as work:
            customer, _ = await customers.get_or_create(work, draft)
            await self._services.billing.welcome(work, customer, auto_enable_plan_id=None, actor=ACTOR)
        self._customers += 1
        return customer.public_id

    async def _advance(self, customer_id: str, at: datetime) -> None:
        move = await self._services.clocks.advance(self._tenant, customer_id, at)
        self._invoices += sum(each.kind == "invoice_issued" for each in move.happened)

    async def _use(self, life: _Life, at: datetime) -> None:
        happened: list[Use] = []
        while life.uses and life.uses[0].at <= at:
            happened.append(life.uses.popleft())
        await self._track(
            TrackRequest(
                life.id or "",
                use.feature_id,
                value=use.value,
                properties=use.properties,
                occurred_at=use.at,
            )
            for use in happened
        )

    async def _track(self, requests: Iterable[TrackRequest]) -> None:
        listed = list(requests)
        if listed:
            async with self._services.database.work(self._tenant) as work:
                for request in listed:
                    await usage.track(work, request)
            self._events += len(listed)

    async def _take(self, customer_id: str, step: Step) -> None:
        billing, bank, tenant = self._services.billing, self._services.bank, self._tenant
        match step:
            case AddCard(number):
                await bank.add_card(tenant, await billing.provider_customer(tenant, customer_id), number)
            case NextCharge(outcome):
                await bank.set_next_charge(tenant, await billing.provider_customer(tenant, customer_id), outcome)
            case Attach():
                await self._attach(customer_id, step)
            case Cancel(plan_id, action):
                await billing.perform(tenant, CancelRequest(customer_id, action, plan_id), actor=ACTOR)
            case Hold(seats):
                await self._track([TrackRequest(customer_id, "seats", value=Decimal(seats))])

    async def _attach(self, customer_id: str, step: Attach) -> None:
        quantities = {} if step.seats is None else {"seats": Decimal(step.seats)}
        request = AttachRequest(customer_id, step.plan_id, quantities=quantities)
        receipt = await self._services.billing.perform(self._tenant, request, actor=ACTOR)
        self._invoices += receipt.invoice is not None
        if receipt.payment_url is not None:
            await self._pay(receipt.payment_url)

    async def _pay(self, url: str) -> None:
        """Completes a hosted page as the customer would."""
        page = await self._services.bank.find_checkout_by_token(url.rpartition("/")[2])
        if page is None:
            message = f"there is no page at {url}"
            raise AssertionError(message)
        await self._services.bank.complete_checkout(self._tenant, page.id, GOOD_CARD)
        settled = await self._services.billing.settle_checkout(self._tenant, page.id)
        self._invoices += settled.invoice is not None
