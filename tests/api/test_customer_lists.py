"""customers.list over HTTP, and the pages every list has (api.md §1.8, §2.1)."""

from datetime import timedelta
from typing import Any

import pytest

from sumac.core.clock import ManualClock
from tests.api.shop import JANUARY_MS, add, ids, stock
from tests.support.api import Api, Refusal, Refused, on_sqlite


async def pages(api: Api, operation: str, **chosen: object) -> list[list[Any]]:
    """Every page of a list, from the first to the last."""
    cursor, found = "", []
    while True:
        page = await api.call(operation, {"start_cursor": cursor, **chosen})
        found.append(page["list"])
        if page["next_cursor"] is None:
            return found
        cursor = page["next_cursor"]


async def test_a_list_is_newest_first_and_can_be_narrowed(api: Api, clock: ManualClock) -> None:
    """By text in id, name or e-mail, by plan, by status, by creation, and in the other order."""
    await stock(api)
    for customer_id, fields in (
        ("ada", {"name": "Ada Lovelace"}),
        ("bob", {"email": "bob@lumen.test"}),
        ("100_percent", {"name": "per_cent%"}),
    ):
        await add(api, customer_id, **fields)
        clock.advance(timedelta(seconds=1))
    await api.call("sandbox.add_card", {"customer_id": "ada"})
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})

    assert ["100_percent", "bob", "ada"] == await ids(api)
    assert ["ada", "bob", "100_percent"] == await ids(api, sort_order="asc")
    assert ["ada"] == await ids(api, search="LOVE")
    assert ["bob"] == await ids(api, search="bob@")
    assert ["100_percent"] == await ids(api, search="%")
    assert [] == await ids(api, search="nobody")
    assert ["ada"] == await ids(api, plans=[{"id": "pro"}])
    assert ["ada"] == await ids(api, plans=[{"id": "pro", "versions": [1.0]}])
    assert [] == await ids(api, plans=[{"id": "pro", "versions": [2]}])
    assert [] == await ids(api, subscription_status="scheduled")
    assert ["bob"] == await ids(api, created_at_range={"start": JANUARY_MS + 1000, "end": JANUARY_MS + 1000})


async def test_by_what_is_shown(api: Api) -> None:
    """A plan that is paused is shown, and found, as scheduled."""
    await stock(api)
    trial = {"duration_length": 14, "duration_type": "day", "card_required": True, "on_end": "revert"}
    await api.call(
        "plans.create",
        {"plan_id": "tried", "name": "Tried", "price": {"amount": 50, "interval": "month"}, "free_trial": trial},
    )
    await add(api, "ada")
    await api.call("sandbox.add_card", {"customer_id": "ada"})
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    pro = [{"id": "pro"}]
    assert (["ada"], []) == (
        await ids(api, plans=pro, subscription_status="active"),
        await ids(api, plans=pro, subscription_status="scheduled"),
    )
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "tried"})

    assert ([], ["ada"]) == (
        await ids(api, plans=pro, subscription_status="active"),
        await ids(api, plans=pro, subscription_status="scheduled"),
    )


async def test_pages_are_stable_while_customers_are_added(api: Api, clock: ManualClock) -> None:
    """Every customer that was there at the start is seen once, in order, whoever comes meanwhile (api.md §1.8)."""
    for number in range(7):
        await add(api, f"c{number}")
        if number % 2:
            clock.advance(timedelta(milliseconds=1))
    order = await ids(api)
    cursor, seen = "", []
    while cursor is not None:
        page = await api.call("customers.list", {"start_cursor": cursor, "limit": 2.0})
        seen += [customer["id"] for customer in page["list"]]
        cursor = page["next_cursor"]
        clock.advance(timedelta(milliseconds=1))
        await add(api, f"late{len(seen)}")

    assert order == seen
    assert [2, 2, 2, 2, 2, 1] == [len(page) for page in await pages(api, "customers.list", limit=2)]


@on_sqlite
@pytest.mark.parametrize("limit", [0, -1, 1.5, "10", None, 2**70])
async def test_a_limit_that_is_none(api: Api, limit: object) -> None:
    """A page has between 1 and 1000 entries; more is refused with the maximum (api.md §1.8)."""
    for operation in ("customers.list", "events.list", "invoices.list"):
        assert (400, "invalid_inputs") == _told(await api.refused(operation, {"limit": limit}))


@on_sqlite
async def test_a_limit_that_is_too_large(api: Api) -> None:
    """The message says what the maximum is (api.md §1.8)."""
    assert [] == (await api.call("customers.list", {"limit": 1000}))["list"]

    refused = await api.refused("customers.list", {"limit": 1001})

    assert (400, "limit 1001 exceeds max of 1000 for this org") == (refused.status, refused.message)


@on_sqlite
async def test_a_cursor_that_no_list_made(api: Api) -> None:
    """Nonsense, cut-off and foreign cursors are refused (api.md §1.8)."""
    wrong = ["x", "====", "e30", "bnVsbA", "eyJ2IjoxLCJpZCI6ImEiLCJ0IjoxfQ", "ü", "W10", "eyJ2IjowLCJpZCI6MSwidCI6MX0"]
    table: list[Refused] = [
        (operation, {"start_cursor": cursor}, 400, "invalid_cursor")
        for operation in ("customers.list", "events.list", "invoices.list")
        for cursor in wrong
    ]

    assert table == await api.refusals(table)


def _told(refused: Refusal) -> tuple[int, str]:
    return refused.status, refused.code
