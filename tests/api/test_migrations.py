"""migrations.* over HTTP: customers are moved to another version of their plan (billing.md §16.2)."""

from typing import Any

import pytest

from tests.api.shop import FEATURES, FEBRUARY_MS, JANUARY_MS
from tests.support.api import Api, Body, Refused, on_sqlite

MONTH = {"interval": "month"}


def credits_(included: int, amount: int) -> list[dict[str, Any]]:
    """Credits of which more cost so much each, after they were used."""
    price = {"amount": amount, "interval": "month", "billing_method": "usage_based"}
    return [{"feature_id": "messages", "included": included, "reset": MONTH, "price": price}]


SECOND = {"plan_id": "pro", "price": {"amount": 12, **MONTH}, "items": credits_(20, 2)}


@pytest.fixture
async def shop(api: Api) -> Api:
    """Mark has used 5 of 10 credits, Helly 20."""
    for feature in FEATURES:
        await api.call("features.create", feature)
    first = {"plan_id": "pro", "name": "Pro", "price": {"amount": 10, **MONTH}, "items": credits_(10, 1)}
    await api.call("plans.create", first)
    for name, used in (("mark", 5), ("helly", 20)):
        await api.call("customers.get_or_create", {"customer_id": name})
        await api.call("sandbox.add_card", {"customer_id": name})
        await api.call("billing.attach", {"customer_id": name, "plan_id": "pro"})
        await api.call("balances.track", {"customer_id": name, "feature_id": "messages", "value": used})
    return api


async def work_off(api: Api) -> None:
    while await api.services.migrations.carry_on():
        pass


async def balance(api: Api, name: str) -> Body:
    """What is left of the credits."""
    remaining: Body = (await api.call("customers.get", {"customer_id": name}))["balances"]["messages"]["remaining"]
    return remaining


def progress(**some: int | bool) -> dict[str, int | bool]:
    return {"listed": True, "total": 2, "pending": 0, "moved": 0, "skipped": 0, "failed": 0, **some}


async def test_from_draft_to_report(shop: Api) -> None:
    """Created, previewed page by page, run, and reported: the worked numbers, for Helly and for Mark."""
    await shop.call("plans.update", SECOND)
    made = await shop.call("migrations.create", {"plan_id": "pro"})

    assert {
        "id": made["id"], "plan_id": "pro", "to_version": 2, "from_versions": None, "customer_ids": None,
        "include_custom": False, "dry_run": False, "status": "draft", "progress": progress(listed=False, total=0),
        "created_at": JANUARY_MS, "started_at": None, "finished_at": None,
    } == made  # fmt: skip
    chosen = {"migration_id": made["id"]}
    first = await shop.call("migrations.preview", {**chosen, "limit": 1})
    second = await shop.call("migrations.preview", {**chosen, "limit": 1, "start_cursor": first["next_cursor"]})
    foreseen = {each["customer_id"]: each for each in (*first["list"], *second["list"])}
    assert (None, {"mark", "helly"}) == (second["next_cursor"], foreseen.keys())
    assert {
        "from_version": 1, "to_version": 2, "was_custom": False, "currency": "usd", "renews_at": FEBRUARY_MS,
        "next_charge": {"before": 10, "after": 12},
        "lines": [{"feature_id": "messages", "description": "Messages: 10 used beyond 10", "amount": 10}],
        "balances": [
            {
                "feature_id": "messages", "entity_id": None,
                "granted": {"before": 10, "after": 20}, "balance": {"before": -10, "after": 0},
            }
        ],
    } == foreseen["helly"]["effect"]  # fmt: skip

    running = await shop.call("migrations.run", chosen)
    assert ("running", 5) == (running["status"], await balance(shop, "mark"))
    await work_off(shop)
    done = await shop.call("migrations.get", chosen)
    assert ("completed", progress(moved=2)) == (done["status"], done["progress"])
    reported = (await shop.call("migrations.report", {**chosen, "statuses": ["moved"]}))["list"]
    assert {name: {**each, "finished_at": JANUARY_MS} for name, each in foreseen.items()} == {
        each["customer_id"]: each for each in reported
    }
    assert (15, 0) == (await balance(shop, "mark"), await balance(shop, "helly"))
    await shop.call("customers.advance_test_clock", {"customer_id": "helly", "frozen_time": FEBRUARY_MS})
    newest = (await shop.call("invoices.list", {"customer_id": "helly"}))["list"][0]
    assert 22 == newest["total"]


async def test_an_update_that_brings_its_customers_along(shop: Api) -> None:
    """`plans.update` with `migration` moves whoever is on the older versions, or only plans to."""
    await shop.call("plans.update", {**SECOND, "migration": {}})
    (running,) = (await shop.call("migrations.list", {"plan_id": "pro", "statuses": ["running"]}))["list"]
    await work_off(shop)

    assert (2, 15) == (running["to_version"], await balance(shop, "mark"))
    await shop.call("plans.update", {**SECOND, "items": credits_(30, 2), "migration": {"draft": True}})
    (draft,) = (await shop.call("migrations.list", {"statuses": ["draft"]}))["list"]
    assert 3 == draft["to_version"]
    await shop.call("plans.update", {"plan_id": "pro", "name": "Pro 2", "migration": {}})
    assert 2 == len((await shop.call("migrations.list"))["list"])


async def test_some_of_them_paused_and_again(shop: Api) -> None:
    """Limited to one customer; paused before anything happens, resumed; who is skipped is tried again when asked."""
    await shop.call("plans.update", SECOND)
    cancel = {"customer_id": "mark", "plan_id": "pro"}
    await shop.call("billing.update", {**cancel, "cancel_action": "cancel_end_of_cycle"})
    made = await shop.call(
        "migrations.create", {"plan_id": "pro", "from_versions": [1], "customer_ids": ["mark", "mark"]}
    )
    chosen = {"migration_id": made["id"]}
    assert ["mark"] == made["customer_ids"]
    await shop.call("migrations.run", chosen)
    assert "paused" == (await shop.call("migrations.pause", chosen))["status"]
    await work_off(shop)
    assert progress(listed=False, total=0) == (await shop.call("migrations.get", chosen))["progress"]

    assert "running" == (await shop.call("migrations.resume", chosen))["status"]
    await work_off(shop)
    (skipped,) = (await shop.call("migrations.report", chosen))["list"]
    assert ("skipped", "canceling", None) == (skipped["status"], skipped["reason"], skipped["effect"])

    await shop.call("billing.update", {**cancel, "cancel_action": "uncancel"})
    assert "completed" == (await shop.call("migrations.retry", chosen))["status"]
    assert "running" == (await shop.call("migrations.retry", {**chosen, "statuses": ["skipped"]}))["status"]
    await work_off(shop)
    assert 15 == await balance(shop, "mark")


BROKEN: list[Refused] = [
    ("migrations.create", {"plan_id": "ghost"}, 404, "product_not_found"),
    ("migrations.create", {"plan_id": "pro", "to_version": 9}, 404, "product_not_found"),
    ("migrations.create", {"plan_id": "pro", "from_versions": [9]}, 404, "product_not_found"),
    ("migrations.create", {"plan_id": "pro", "from_versions": [2]}, 400, "invalid_request"),
    ("migrations.create", {"plan_id": "pro", "customer_ids": ["ghost"]}, 404, "customer_not_found"),
    ("migrations.get", {"migration_id": "mig_x"}, 404, "migration_not_found"),
    ("migrations.preview", {"migration_id": "mig_x"}, 404, "migration_not_found"),
    ("migrations.report", {"migration_id": "mig_x"}, 404, "migration_not_found"),
    ("migrations.run", {"migration_id": "mig_x"}, 404, "migration_not_found"),
    ("migrations.pause", {"migration_id": "mig_x"}, 404, "migration_not_found"),
    ("migrations.retry", {"migration_id": "mig_x"}, 404, "migration_not_found"),
]


@on_sqlite
async def test_a_rule_of_migrations_that_is_broken(shop: Api) -> None:
    """Each is refused with its own code; two of one plan do not run together."""
    await shop.call("plans.update", SECOND)

    assert BROKEN == await shop.refusals(BROKEN)
    first, second = [await shop.call("migrations.create", {"plan_id": "pro"}) for _ in range(2)]
    refused = await shop.refused("migrations.pause", {"migration_id": first["id"]})
    assert (409, "conflict") == (refused.status, refused.code)
    await shop.call("migrations.run", {"migration_id": first["id"]})
    refused = await shop.refused("migrations.run", {"migration_id": second["id"]})
    assert (409, "migration_already_in_progress") == (refused.status, refused.code)
    refused = await shop.refused("plans.update", {**SECOND, "items": credits_(30, 2), "migration": {}})
    assert (409, "migration_already_in_progress") == (refused.status, refused.code)
    assert 2 == (await shop.call("plans.get", {"plan_id": "pro"}))["version"]
