"""Customers: get or create, claim, rename, delete (billing.md §19, api.md §2.1)."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sumac.billing.requests import (
    RedirectMode,
)
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.page import Cursor
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.customers.service import CustomerChange, CustomerDraft, CustomerFilter
from sumac.storage.schema import customer_tables
from sumac.storage.schema import customers as customer_rows
from tests.support.build import feature, free_plan, item, plan, price, usage_price
from tests.support.services import GOOD_CARD, Services


async def created(services: Services, **draft: object) -> tuple[Customer, bool]:
    async with services.database.work(services.tenant) as work:
        return await customers.get_or_create(work, CustomerDraft(**draft))  # type: ignore[arg-type]  # as named


async def changed(services: Services, customer_id: str, **values: object) -> Customer:
    async with services.database.work(services.tenant) as work:
        return await customers.update(work, customer_id, CustomerChange(frozenset(values), values))


async def count(services: Services) -> int:
    async with services.database.reading(services.tenant) as work:
        return int(await work.scalar(work.select_columns(customer_rows, sa.func.count())))


async def test_the_second_creation_finds_the_first(services: Services) -> None:
    """The same id is the same customer; it gets what it lacked and keeps what it had."""
    first, made = await created(services, id="ada", name="Ada")
    again, made_again = await created(services, id="ada", name="Another", email="ada@example.test")

    assert (True, False) == (made, made_again)
    assert (first.key, "Ada", "ada@example.test") == (again.key, again.name, again.email)
    assert again == await services.customer("ada")


async def test_a_customer_needs_an_id_or_an_email(services: Services) -> None:
    """With neither nothing is created; nor can both be taken away later."""
    with pytest.raises(BadRequest):
        await created(services, name="Nobody")
    await created(services, id="ada")
    with pytest.raises(BadRequest):
        await changed(services, "ada", id=None)

    assert 1 == await count(services)


async def test_parallel_creations_make_one_customer(services: Services) -> None:
    """Ten creations of one id at once answer with the same customer, and one of them made it."""
    answers = await asyncio.gather(*(created(services, id="ada", name=f"Ada {number}") for number in range(10)))

    assert 1 == len({customer.key for customer, _ in answers})
    assert 1 == sum(made for _, made in answers)
    assert 1 == await count(services)


async def test_parallel_creations_by_email_make_one_customer(services: Services) -> None:
    """The same holds for customers known by their e-mail only, whatever its letter case."""
    emails = ["ada@example.test", "Ada@Example.test"] * 5
    answers = await asyncio.gather(*(created(services, email=email) for email in emails))

    assert 1 == len({customer.key for customer, _ in answers})
    assert 1 == await count(services)


async def test_parallel_claims_of_an_email_make_one_customer(services: Services) -> None:
    """Ten creations with an id and the e-mail of a customer without one are that customer."""
    known, _ = await created(services, email="ada@example.test")
    drafts = [{"id": "ada", "email": "ada@example.test"}] * 10

    answers = await asyncio.gather(*(created(services, **draft) for draft in drafts))

    assert {known.key} == {customer.key for customer, _ in answers}
    assert 1 == await count(services)


async def test_an_id_claims_the_email_of_a_customer_without_one(services: Services) -> None:
    """A customer known by e-mail gets the id of the first creation with that e-mail, and keeps its plans."""
    await services.offer(feature(), free_plan("free", item("messages", 100), auto_enable=True))
    async with services.database.work(services.tenant) as work:
        known, _ = await customers.get_or_create(work, CustomerDraft(email="a@x.test"))
        await services.billing.welcome(work, known, auto_enable_plan_id=None, actor="test")

    claimed, made = await created(services, id="u1", email="A@X.test")

    assert (known.key, "u1", False) == (claimed.key, claimed.id, made)
    assert {"free": "active"} == await services.statuses("u1")


async def test_the_same_email_with_different_ids_is_two_customers(services: Services) -> None:
    """Only a customer without an id is claimed by its e-mail."""
    first, _ = await created(services, id="u1", email="a@x.test")
    second, made = await created(services, id="u2", email="a@x.test")

    assert made
    assert first.key != second.key


async def test_a_customer_without_an_id_is_addressed_by_our_key(services: Services) -> None:
    """Until it has an id of the caller's, ours finds it; afterwards only the caller's does."""
    known, _ = await created(services, email="a@x.test")
    assert known.key == (await services.customer(known.key)).key

    await changed(services, known.key, id="u1")

    assert known.key == (await services.customer("u1")).key
    with pytest.raises(NotFound):
        await services.customer(known.key)


async def test_an_update_merges_metadata_and_replaces_controls(services: Services) -> None:
    """Metadata keys merge and None deletes one; a control list replaces its stored list; the rest stays."""
    controls = {"usage_alerts": [{"threshold": 1}]}
    await created(services, id="ada", name="Ada", metadata={"a": 1, "b": 2}, billing_controls=controls)

    await changed(services, "ada", metadata={"b": None, "c": [3]}, billing_controls={"spend_limits": []})

    after = await services.customer("ada")
    assert {"a": 1, "c": [3]} == after.metadata
    assert {**controls, "spend_limits": []} == after.billing_controls
    assert "Ada" == after.name


async def test_a_rename_to_a_taken_id_is_refused(services: Services) -> None:
    """The other customer keeps its id; a free id renames, and the old one finds nobody."""
    await created(services, id="ada")
    await created(services, id="bob")

    with pytest.raises(Conflict):
        await changed(services, "ada", id="bob")
    await changed(services, "ada", id="eve")

    assert 2 == await count(services)
    with pytest.raises(NotFound):
        await services.customer("ada")


async def test_parallel_renames_to_one_id_succeed_once(services: Services) -> None:
    """Of five customers that want the same id at once, one gets it and the others are told so."""
    for number in range(5):
        await created(services, id=f"c{number}")

    renames = (changed(services, f"c{number}", id="the-one") for number in range(5))
    answers = await asyncio.gather(*renames, return_exceptions=True)

    assert 1 == sum(isinstance(answer, Customer) for answer in answers)
    assert 4 == sum(isinstance(answer, Conflict) for answer in answers)


async def test_deleting_leaves_no_row(services: Services) -> None:
    """Nothing of a deleted customer is left in any table of customers' rows, and the same id starts clean."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 5), auto_enable=True),
        plan("pro", item("messages", 10, price=usage_price())),
        plan("max", item("messages", 50), price=price(50)),
    )
    await services.add_customer("ada", card=GOOD_CARD)
    await services.attach("pro")
    await services.track(15)
    await services.advance(services.clock.now() + timedelta(days=40))
    await services.attach("max", redirect_mode=RedirectMode.ALWAYS)
    await services.billing.open_portal(services.tenant, "ada", None)
    await services.add_customer("bob")
    await services.attach("pro", "bob")
    await services.track(3, customer_id="bob")

    deleted = await services.customer("ada")
    async with services.database.work(services.tenant) as work:
        await customers.delete(work, "ada")

    left = {}
    kept = set()
    async with services.database.reading(services.tenant) as work:
        for table in customer_tables():
            owners = {row.customer_key for row in await work.all(work.select_columns(table, table.c.customer_key))}
            left[table.name] = deleted.key in owners
            kept |= {table.name} if owners else set()
    assert {table.name: False for table in customer_tables()} == left
    assert {"grants", "grant_entries", "events", "customer_plans", "checkouts"} <= kept
    with pytest.raises(NotFound):
        await services.customer("ada")
    await services.add_customer("ada")
    assert {"free": "active"} == await services.statuses("ada")
    assert [] == await services.invoices("ada")


async def test_an_unknown_customer_is_not_found(services: Services) -> None:
    """Whatever is done to an unknown customer answers that there is none."""
    for attempt in (
        changed(services, "nobody", name="X"),
        services.customer("nobody"),
        services.track(1, customer_id="nobody"),
    ):
        with pytest.raises(NotFound, match="Customer nobody not found"):
            await attempt


async def test_pages_walk_every_customer_once(services: Services) -> None:
    """Newest first, each page goes on where the last one stopped, also among customers made in the same instant."""
    for number in range(7):
        await created(services, id=f"c{number}", name="Twin")
        if number % 3 == 0:
            services.clock.advance(timedelta(seconds=1))

    seen: list[str | None] = []
    cursor = None
    for _ in range(4):
        async with services.database.reading(services.tenant) as work:
            page = await customers.list_page(work, CustomerFilter(search="twin"), cursor=cursor, limit=2)
        seen += [customer.id for customer in page.items]
        cursor = Cursor.decode(page.next_cursor) if page.next_cursor else None

    assert cursor is None
    assert sorted(seen, key=str) == [f"c{number}" for number in range(7)]
    assert {"c6", "c5", "c4"} == set(seen[:3])
    assert "c0" == seen[-1]


@pytest.mark.parametrize("search", ["ADA", "lovelace", "@example", "ad"])
async def test_search_looks_at_id_name_and_email(services: Services, search: str) -> None:
    """A part of the id, the name or the e-mail finds the customer, in any letter case; wildcards are plain letters."""
    await created(services, id="ada", name="Augusta Lovelace", email="augusta@example.test")
    await created(services, id="bob")

    async with services.database.reading(services.tenant) as work:
        found = await customers.list_page(work, CustomerFilter(search=search), cursor=None, limit=10)
        wild = await customers.list_page(work, CustomerFilter(search="%"), cursor=None, limit=10)
    assert ["ada"] == [customer.id for customer in found.items]
    assert [] == list(wild.items)
