"""What is shown of balances that people administer: edits, lists, next invoices (api.md §2.1, §2.16, billing.md §8)."""

import pytest

from tests.api.shop import JANUARY_MS, add_ada, subscribe_ada
from tests.support.api import Api, Body, on_sqlite

ADA = {"customer_id": "ada"}
MESSAGES = {**ADA, "feature_id": "messages"}
DAY_MS = 86_400_000
FEBRUARY_MS = JANUARY_MS + 31 * DAY_MS


async def source(api: Api) -> Body:
    """The first source of Ada's messages."""
    customer = await api.call("customers.get", ADA)
    first: Body = customer["balances"]["messages"]["breakdown"][0]
    return first


async def next_invoices(api: Api) -> list[Body]:
    """What Ada will be charged next."""
    found: list[Body] = (await api.call("customers.get", {**ADA, "expand": ["invoice_previews"]}))["invoice_previews"]
    return found


async def test_an_edit_is_shown_and_undone(api: Api) -> None:
    """Since when it is so, and until which reset; not any more once it is taken back, which is possible once."""
    await subscribe_ada(api)
    before = await source(api)
    edited = await api.call("balances.update", {**MESSAGES, "add_to_balance": 7, "reason": "goodwill"})
    after = await source(api)

    assert before.keys() | {"edited_at", "edited_until"} == after.keys()
    assert (JANUARY_MS, before["reset"]["resets_at"]) == (after["edited_at"], after["edited_until"])
    assert before["remaining"] + 7 == after["remaining"]
    undone = await api.call("balances.undo_edit", {**ADA, "entry_id": edited["entry_id"], "reason": "oops"})
    assert (True, False) == (undone["success"], undone["entry_id"] == edited["entry_id"])
    assert before == await source(api)
    again = await api.refused("balances.undo_edit", {**ADA, "entry_id": edited["entry_id"]})
    assert (409, "edit_already_undone") == (again.status, again.code)


@on_sqlite
async def test_an_edit_is_over_with_its_period(api: Api) -> None:
    """After the reset it is neither shown nor undone (409); an unknown entry is not found (404)."""
    await subscribe_ada(api)
    edited = await api.call("balances.update", {**MESSAGES, "remaining": 7})
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS + DAY_MS})

    assert "edited_at" not in await source(api)
    late = await api.refused("balances.undo_edit", {**ADA, "entry_id": edited["entry_id"]})
    unknown = await api.refused("balances.undo_edit", {**ADA, "entry_id": "ent_unknown"})
    assert [(409, "edit_overtaken"), (404, "entry_not_found")] == [(each.status, each.code) for each in (late, unknown)]


@on_sqlite
async def test_an_edit_that_changes_nothing_has_no_entry(api: Api) -> None:
    """It succeeds, and there is nothing to undo."""
    await subscribe_ada(api)
    left = (await source(api))["remaining"]

    assert {"success": True} == await api.call("balances.update", {**MESSAGES, "remaining": left})


async def test_a_negative_edit_shows_in_the_next_invoice(api: Api) -> None:
    """Below zero it is overage: the preview of the next invoice has it, and then the invoice."""
    await subscribe_ada(api)
    [plain] = await next_invoices(api)
    await api.call("balances.update", {**MESSAGES, "remaining": -500})
    [preview] = await next_invoices(api)

    assert (["pro"], FEBRUARY_MS, "usd") == (preview["plan_ids"], preview["invoice_at"], preview["currency"])
    assert plain["total"] < preview["total"] == preview["subtotal"]
    assert plain["total"] == sum(each["total"] for each in preview["line_items"] if each["feature_id"] != "messages")
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS})
    [newest, *_] = (await api.call("invoices.list", ADA))["list"]
    assert preview["total"] == newest["total"]


async def test_balances_are_listed(api: Api) -> None:
    """Newest first, with whose they are, whether they are over, and what rolled over; page by page."""
    await add_ada(api)
    await api.call("customers.get_or_create", {"customer_id": "eve"})
    await api.call("entities.create", {**ADA, "entity_id": "desk", "feature_id": "seats"})
    day = {"expires_at": JANUARY_MS + DAY_MS}
    await api.call("balances.create", {**MESSAGES, "included_grant": 5, "balance_id": "gift", **day})
    await api.call("balances.create", {**MESSAGES, "included_grant": 6, "balance_id": "desks", "entity_id": "desk"})
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": JANUARY_MS + 2 * DAY_MS})

    listed = (await api.call("balances.list", {**ADA, "plan_id": None}))["list"]
    rows = {each["id"]: each for each in listed}
    assert {"gift": "expired", "desks": "active"} == {key: each["status"] for key, each in rows.items()}
    assert ("messages", "ada", "desk", "entity", [], None, 6) == tuple(
        rows["desks"][name]
        for name in ("feature_id", "customer_id", "entity_id", "source", "rollovers", "plan_id", "included_grant")
    )
    assert ("customer", None, JANUARY_MS) == tuple(rows["gift"][name] for name in ("source", "entity_id", "created_at"))
    for chosen, expected in (
        ({"statuses": ["active"]}, {"desks"}),
        ({"statuses": ["expired"]}, {"gift"}),
        ({"statuses": ["expired", "active"]}, {"gift", "desks"}),
        ({"entity_id": "desk"}, {"desks"}),
        ({"feature_id": "seats"}, set()),
    ):
        page = await api.call("balances.list", {**ADA, "plan_id": None, **chosen})
        assert expected == {each["id"] for each in page["list"]}
    free = (await api.call("balances.list", {"plan_id": "free"}))["list"]
    assert {"ada", "eve"} == {each["customer_id"] for each in free}
    everything = (await api.call("balances.list", {}))["list"]
    first = await api.call("balances.list", {"limit": 2})
    rest = await api.call("balances.list", {"start_cursor": first["next_cursor"]})
    assert (True, False) == (first["has_more"], rest["has_more"])
    assert everything == first["list"] + rest["list"]


async def test_what_is_used_up_is_out_of_sight(api: Api) -> None:
    """A gift that is used up is nowhere to be seen; what is given back of it is there again (billing.md §1.7)."""
    await add_ada(api)
    gift = {**ADA, "feature_id": "ai_credits"}
    await api.call("balances.create", {**gift, "included_grant": 50})
    assert 50 == (await api.call("balances.check", gift))["balance"]["remaining"]
    await api.call("balances.track", {**gift, "value": 50})

    assert "ai_credits" not in (await api.call("customers.get", ADA))["balances"]
    checked = await api.call("balances.check", gift)
    assert (False, None) == (checked["allowed"], checked["balance"])
    assert [] == (await api.call("balances.list", gift))["list"]
    await api.call("balances.track", {**gift, "value": -20})
    assert 20 == (await api.call("balances.check", gift))["balance"]["remaining"]


@on_sqlite
@pytest.mark.parametrize(
    ("operation", "body", "status", "code"),
    [
        ("balances.create", {"included_grant": 5, "unlimited": True}, 400, "invalid_inputs"),
        ("balances.create", {"included_grant": 5, "feature_id": "nothing"}, 404, "feature_not_found"),
        ("balances.create", {"included_grant": 5, "entity_id": "nobody"}, 404, "entity_not_found"),
        ("balances.create", {"included_grant": 5, "customer_id": "nobody"}, 404, "customer_not_found"),
        ("balances.update", {}, 400, "invalid_inputs"),
        ("balances.update", {"remaining": 5, "balance_id": "nothing"}, 404, "balance_not_found"),
        ("balances.update", {"remaining": 5, "interval": "fortnight"}, 400, "invalid_inputs"),
        ("balances.update", {"remaining": 1e14}, 400, "invalid_inputs"),
        ("balances.update", {"next_reset_at": FEBRUARY_MS + DAY_MS}, 400, "invalid_inputs"),
        ("balances.delete", {"feature_id": None}, 400, "invalid_inputs"),
        ("balances.delete", {}, 409, "balance_is_paid"),
        ("balances.delete", {"balance_id": "nothing"}, 404, "balance_not_found"),
        ("balances.recalculate", {"entity_id": "nobody"}, 404, "entity_not_found"),
        ("balances.list", {"entity_id": "nobody"}, 404, "entity_not_found"),
        ("balances.list", {"start_cursor": "?"}, 400, "invalid_cursor"),
    ],
)
async def test_refusals(api: Api, operation: str, body: Body, status: int, code: str) -> None:
    """Each with its status and a code that does not change."""
    await subscribe_ada(api)
    refused = await api.refused(operation, {**MESSAGES, **body})

    assert (status, code) == (refused.status, refused.code)


@on_sqlite
async def test_older_names(api: Api) -> None:
    """`granted_balance` and `current_balance`, under the older addresses."""
    await add_ada(api)

    assert {"success": True} == await api.call("balances/create", {**MESSAGES, "granted_balance": 5})
    edited = await api.call("balances/update", {**MESSAGES, "current_balance": 3})
    assert edited["success"] is True
    assert 3 == (await api.call("balances.check", MESSAGES))["balance"]["remaining"]
