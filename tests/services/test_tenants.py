"""Tenants do not see each other (security.md §5.4 no. 1)."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from sumac.balances import service as balances
from sumac.billing.requests import (
    CancelAction,
)
from sumac.catalog import service as catalog
from sumac.core.errors import Forbidden, NotFound
from sumac.core.tenant import Env, Tenant
from sumac.customers import service as customers
from sumac.customers.service import CustomerChange, CustomerFilter
from sumac.events import service as events
from sumac.events.service import EventFilter
from sumac.invoices import service as invoices
from sumac.invoices.service import InvoiceFilter
from sumac.storage.schema import TENANT, metadata
from sumac.storage.work import Work
from tests.support.build import feature, free_plan, item, plan, usage_price
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
OTHERS = (Tenant("org_two", Env.SANDBOX), Tenant("org_one", Env.LIVE))


@pytest.fixture
async def ours(services: Services) -> Services:
    """A tenant with a bit of everything."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price())),
    )
    await services.add_customer(email="ada@example.test", card=GOOD_CARD)
    await services.attach("pro")
    await services.track(130)
    return services


@pytest.fixture(params=OTHERS, ids=["another-organization", "the-same-in-live"])
def theirs(ours: Services, request: pytest.FixtureRequest) -> Services:
    """The same services as another tenant uses them."""
    other: Tenant = request.param
    return ours.of(other)


async def test_ids_of_another_tenant_are_not_found(ours: Services, theirs: Services) -> None:
    """Whatever is done with them answers as it does for ids that nobody has."""
    invoice = (await ours.invoices())[0]
    key = (await ours.customer()).key

    async def in_work(step: Callable[[Work], Awaitable[object]]) -> object:
        async with theirs.database.work(theirs.tenant) as work:
            return await step(work)

    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: theirs.customer("ada"),
        lambda: theirs.track(1),
        lambda: theirs.check(1),
        lambda: theirs.attach("pro"),
        lambda: theirs.preview("pro"),
        lambda: theirs.cancel(CancelAction.CANCEL_IMMEDIATELY),
        lambda: theirs.billing.bring_up_to_date(theirs.tenant, "ada"),
        lambda: theirs.billing.open_portal(theirs.tenant, "ada", None),
        lambda: theirs.billing.open_payment(theirs.tenant, invoice.id),
        lambda: theirs.billing.collect(theirs.tenant, invoice.id),
        lambda: theirs.billing.due.settle(theirs.tenant, key),
        lambda: in_work(lambda work: customers.get_by_key(work, key)),
        lambda: in_work(lambda work: customers.update(work, "ada", CustomerChange(frozenset({"name"}), {"name": "X"}))),
        lambda: in_work(lambda work: customers.delete(work, "ada")),
        lambda: in_work(lambda work: invoices.get(work, invoice.id)),
        lambda: in_work(lambda work: catalog.get_plan(work, "pro")),
        lambda: in_work(lambda work: catalog.get_feature(work, "messages")),
        lambda: in_work(lambda work: catalog.delete_feature(work, "messages")),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            await attempt()

    assert (130, ["20.00"]) == (getattr(await ours.balance(), "usage", None), await ours.totals())


async def test_lists_are_empty_for_another_tenant(ours: Services, theirs: Services) -> None:
    """Nothing of ours is listed, counted, aggregated or found by an address that is not theirs."""
    invoice = (await ours.invoices())[0]
    key = (await ours.customer()).key

    async with theirs.database.reading(theirs.tenant) as work:
        listed = (
            (await customers.list_page(work, CustomerFilter(), cursor=None, limit=10)).items,
            (await customers.list_page(work, CustomerFilter(search="ada"), cursor=None, limit=10)).items,
            (await events.list_page(work, EventFilter(customer_key=key), cursor=None, limit=10)).items,
            (await invoices.list_page(work, InvoiceFilter(customer_key=key), cursor=None, limit=10)).items,
            await invoices.list_of_customer(work, key),
            await catalog.list_features(work),
            await catalog.list_plans(work, include_archived=True, all_versions=True),
            await balances.live_grants(work, key),
            list((await theirs.billing.holdings(work, [key])).values()),
            list((await customers.get_by_keys(work, [key])).values()),
            list(await theirs.billing.held_versions(work, "pro")),
        )
        assert None is await invoices.find_by_token(work, invoice.token)
    assert [[]] * len(listed) == [list(each) for each in listed]


async def test_the_same_ids_live_side_by_side(ours: Services) -> None:
    """Another organization has its own messages, pro and ada, which cost and count by themselves."""
    theirs = ours.of(OTHERS[0])
    await theirs.offer(feature(), plan("pro", item("messages", 7)))
    await theirs.add_customer(card=GOOD_CARD)
    await theirs.attach("pro")
    await theirs.track(3)
    before = await ours.totals()

    await ours.advance(FEBRUARY)

    assert (["20.00"], ["20.00", "20.30"]) == (before, await ours.totals())
    assert (["20.00"], 4) == (await theirs.totals(), await theirs.remaining())
    assert [1] == [invoice.number for invoice in await theirs.invoices()]
    assert ([2000], [2000, 2030]) == (await theirs.charged(), await ours.charged())
    async with theirs.database.work(theirs.tenant) as work:
        await customers.delete(work, "ada")
    assert 100 == await ours.remaining()


async def test_the_jobs_serve_every_tenant(ours: Services) -> None:
    """One pass renews whoever is due, each in their own books."""
    theirs = ours.of(OTHERS[0])
    await theirs.offer(feature(), plan("pro", item("messages", 7)))
    await theirs.add_customer(card=GOOD_CARD)
    await theirs.attach("pro")
    ours.clock.move_to(FEBRUARY)

    assert 2 == await ours.billing.settle_due_customers()
    assert 2 == await ours.billing.collect_due_invoices()

    assert (["20.00", "20.30"], ["20.00", "20.00"]) == (await ours.totals(), await theirs.totals())


async def test_live_has_no_test_clock(ours: Services) -> None:
    """In live a customer's clock cannot be moved, whoever asks."""
    live = ours.of(OTHERS[1])
    await live.add_customer("eve")

    with pytest.raises(Forbidden) as refused:
        await live.advance(FEBRUARY, "eve")
    assert "sandbox_only" == refused.value.code


async def test_every_statement_of_a_work_stays_within_its_tenant(ours: Services, theirs: Services) -> None:
    """For every table: another tenant's work selects none of our rows, changes none and deletes none."""
    owned = [table for table in metadata.sorted_tables if TENANT in table.c]
    counted = {}
    async with ours.database.reading(ours.tenant) as work:
        for table in owned:
            counted[table.name] = len(await work.all(work.select(table)))
    filled = [table for table in owned if counted[table.name]]
    assert {"customers", "grants", "events", "invoices", "customer_plans", "bank_charges"} <= {
        each.name for each in filled
    }

    async with theirs.database.work(theirs.tenant) as work:
        for table in filled:
            last = list(table.c)[-1]
            assert [] == list(await work.all(work.select(table)))
            assert 0 == await work.update(table, values={last.name: last})
            assert 0 == await work.delete(table)

    async with ours.database.reading(ours.tenant) as work:
        assert counted == {table.name: len(await work.all(work.select(table))) for table in owned}
