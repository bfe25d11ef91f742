"""invoices.insert over HTTP (api.md §2.8)."""

from typing import Any

import httpx

from sumac.storage.schema import invoices
from tests.api.shop import FEBRUARY_MS, JANUARY_MS, add_ada
from tests.support.api import Api, Body, Refused, on_sqlite

OLD: Body = {
    "customer_id": "ada",
    "stripe_id": "in_old",
    "status": "paid",
    "total": 20.5,
    "created_at": JANUARY_MS - 1,
    "plan_ids": ["pro"],
    "amount_paid": 20.5,
    "hosted_invoice_url": "https://pay.example/in_old",
}


def history(*changes: Body) -> dict[str, Any]:
    """A body with the old invoice once for each set of changes."""
    return {"invoices": [{**OLD, **each} for each in changes]}


async def test_imported_invoices_are_history(api: Api) -> None:
    """They are answered in the order of the request, listed among the others, and nothing is charged or numbered."""
    await add_ada(api)
    body = history({}, {"stripe_id": "in_apple", "processor_type": "revenuecat", "status": "open", "amount_paid": None})
    answer = await api.call("invoices.insert", body)

    assert [
        ("in_old", "stripe", "paid", 20.5, 20.5, "https://pay.example/in_old"),
        ("in_apple", "revenuecat", "open", 20.5, None, "https://pay.example/in_old"),
    ] == [
        (
            each["stripe_id"],
            each["processor_type"],
            each["status"],
            each["total"],
            each["amount_paid"],
            each["hosted_invoice_url"],
        )
        for each in answer["invoices"]
    ]
    listed = (await api.call("invoices.list", {"customer_id": "ada", "processor_types": ["revenuecat"]}))["list"]
    assert [("in_apple", None, None)] == [(each["stripe_id"], each["number"], each["invoice_pdf"]) for each in listed]

    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    own = (await api.call("invoices.list", {"customer_id": "ada", "status": ["paid"]}))["list"]

    assert [(1, 30), (None, 20.5)] == [(each["number"], each["total"]) for each in own]


async def test_the_page_of_history_is_elsewhere(api: Api, client: httpx.AsyncClient) -> None:
    """Where an imported invoice is linked, the reader ends on the page it was issued on; without one there is none."""
    await add_ada(api)
    await api.call("invoices.insert", history({}, {"stripe_id": "in_bare", "hosted_invoice_url": None}))
    async with api.services.database.reading(api.tenant) as work:
        rows = await work.all(work.select(invoices))
    token = {row.provider_invoice: row.token for row in rows}
    for path in ("", "/pdf"):
        told = await client.get(f"/invoice/{token['in_old']}{path}")

        assert (303, "https://pay.example/in_old") == (told.status_code, told.headers["location"])
        assert 404 == (await client.get(f"/invoice/{token['in_bare']}{path}")).status_code


async def test_importing_twice_is_importing_once(api: Api) -> None:
    """The same id is the same invoice; what is told later counts."""
    await add_ada(api)
    first = await api.call("invoices.insert", history({"status": "open", "amount_paid": 0}))
    changed = {"status": "paid", "refunded_amount": 5, "created_at": FEBRUARY_MS}
    second = await api.call("invoices.insert", history(changed))
    (listed,) = (await api.call("invoices.list"))["list"]

    assert first["invoices"][0]["id"] == second["invoices"][0]["id"] == listed["id"]
    assert ("paid", 20.5, 5, FEBRUARY_MS) == (
        listed["status"],
        listed["amount_paid"],
        listed["refunded_amount"],
        listed["created_at"],
    )


async def test_history_does_not_bind(api: Api) -> None:
    """An imported invoice is neither paid, finalized, voided nor corrected here."""
    await add_ada(api)
    drafts = history({}, {"stripe_id": "in_draft", "status": "draft"}, {"stripe_id": "in_open", "status": "open"})
    for imported in (await api.call("invoices.insert", drafts))["invoices"]:
        for operation in ("finalize", "pay", "void", "issue_credit_note"):
            refused = await api.refused(f"invoices.{operation}", {"invoice_id": imported["id"]})

            assert (409, "invoice_imported") == (refused.status, refused.code), (operation, imported["status"])


@on_sqlite
async def test_refused(api: Api) -> None:
    """Each with its own code, and nothing of the request is kept."""
    await add_ada(api)
    await api.call("customers.get_or_create", {"customer_id": "bob"})
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    (own,) = (await api.call("invoices.list"))["list"]
    operation = "invoices.insert"
    table: list[Refused] = [
        (operation, history({}, {}), 400, "invalid_inputs"),
        (operation, history({}, {"stripe_id": "b", "customer_id": "ghost"}), 404, "customer_not_found"),
        (operation, history({"stripe_id": own["stripe_id"]}), 409, "invoice_not_imported"),
        (operation, history({"total": 20.005}), 400, "invalid_inputs"),
        (operation, history({"total": 20.5, "currency": "jpy"}), 400, "invalid_inputs"),
        (operation, history({"currency": "€€€"}), 400, "invalid_inputs"),
        (operation, history({"status": "lost"}), 400, "invalid_inputs"),
        (operation, history({"total": 1e300}), 400, "invalid_inputs"),
        (operation, history({"hosted_invoice_url": "javascript:alert(1)"}), 400, "invalid_inputs"),
        (operation, {"invoices": []}, 400, "invalid_inputs"),
        (operation, history(*({"stripe_id": str(number)} for number in range(501))), 400, "invalid_inputs"),
    ]

    assert table == await api.refusals(table)
    assert [own] == (await api.call("invoices.list"))["list"]

    await api.call(operation, history({}))
    other = await api.refused(operation, history({"customer_id": "bob"}))

    assert (409, "invoice_not_imported") == (other.status, other.code)


async def test_other_currencies(api: Api) -> None:
    """Amounts have the decimals of their currency; the codes may be written in capitals."""
    await add_ada(api)
    sent = [("JPY", 500), ("kwd", 1.234), ("usd", 0.01)]
    body = history(*({"stripe_id": code, "currency": code, "total": total} for code, total in sent))
    answer = await api.call("invoices.insert", {"invoices": [{**each, "amount_paid": 0} for each in body["invoices"]]})

    assert [("jpy", 500), ("kwd", 1.234), ("usd", 0.01)] == [
        (each["currency"], each["total"]) for each in answer["invoices"]
    ]
