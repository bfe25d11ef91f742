"""invoices.issue_credit_note over HTTP (api.md §2.16)."""

from typing import Any

import httpx
import pytest

from tests.api.shop import FEBRUARY_MS, add_ada, subscribe_ada
from tests.support.api import Api, Body, Refused, on_sqlite

SETUP: Body = {"amount": 100, "description": "Set-up"}
DECLINES = "4000000000000341"
WAYS = ("pre_payment_amount", "refund_amount", "credit_amount", "out_of_band_amount")


async def only(api: Api, **chosen: object) -> Body:
    """The one invoice there is."""
    (found,) = (await api.call("invoices.list", chosen))["list"]
    body: Body = found
    return body


async def note(api: Api, invoice: Body, **fields: Any) -> Body:  # noqa: ANN401  # any JSON
    """A credit note on the invoice."""
    answer = await api.call("invoices.issue_credit_note", {"invoice_id": invoice["id"], **fields})
    body: Body = answer["credit_note"]
    return body


def ways(issued: Body) -> tuple[float, ...]:
    """No longer due, refunded, credited, settled outside."""
    return tuple(issued[name] for name in WAYS)


async def written(api: Api, *lines: Body, **fields: Any) -> Body:  # noqa: ANN401  # any JSON
    """An open invoice of lines."""
    body = {"customer_id": "ada", "custom_line_items": lines or (SETUP,), "issue_method": "finalize", **fields}
    answer = await api.call("invoices.create", body)
    invoice: Body = answer["invoice"]
    return invoice


@pytest.mark.parametrize(
    ("destination", "expected", "credit", "refunded"),
    [
        ("customer_balance", (0, 0, 20, 0), 20, 0),
        ("refund", (0, 20, 0, 0), 0, 20),
        ("out_of_band", (0, 0, 0, 20), 0, 0),
    ],
)
async def test_a_paid_invoice(
    api: Api, destination: str, expected: tuple[float, ...], credit: float, refunded: float
) -> None:
    """What was paid becomes credit, goes back to the card, or is settled outside; the invoice stays as it was."""
    await subscribe_ada(api)
    before = await only(api)
    issued = await note(api, before, amount=20, destination=destination, reason="duplicate", memo="Sorry")

    assert (1, "issued", 20, "duplicate", "Sorry", before["invoice_pdf"], expected) == (
        issued["number"],
        issued["status"],
        issued["total"],
        issued["reason"],
        issued["memo"],
        issued["pdf"],
        ways(issued),
    )
    after = await only(api)
    assert {**before, "refunded_amount": refunded, "credit_notes": after["credit_notes"]} == after
    assert [(issued["id"], 1, 20)] == [(each["id"], each["number"], each["total"]) for each in after["credit_notes"]]
    preview = await api.call("invoices.create", {"customer_id": "ada", "custom_line_items": [SETUP], "preview": True})
    assert credit == preview["preview"]["invoice_credits"]["applied"]


async def test_an_amount_is_spread_over_the_lines(api: Api) -> None:
    """In proportion to what is left of each, by largest remainder; the parts add up to it."""
    await subscribe_ada(api)
    invoice = await only(api)
    issued = await note(api, invoice, amount=10)

    assert [(f"{invoice['id']}:0", 5.56), (f"{invoice['id']}:1", 4.44)] == [
        (each["id"], each["amount"]) for each in issued["lines"]
    ]


async def test_lines_are_taken_back(api: Api) -> None:
    """So many of its units, an amount, or all that is left of a line."""
    await subscribe_ada(api)
    invoice = await only(api)
    base, seats = (each["id"] for each in invoice["items"])
    first = await note(api, invoice, lines=[{"id": seats, "quantity": 1}, {"id": base, "amount": 10}])
    rest = await note(api, invoice, lines=[{"id": seats}])

    assert [(seats, 1, 8), (base, None, 10)] == [
        (each["id"], each["quantity"], each["amount"]) for each in first["lines"]
    ]
    assert [(seats, 16)] == [(each["id"], each["amount"]) for each in rest["lines"]]


async def test_an_open_invoice_is_lowered(api: Api) -> None:
    """Less is left to pay, and when nothing is it is paid; nothing was charged, so nothing goes back."""
    await add_ada(api)
    invoice = await written(api)
    first = await note(api, invoice, amount=40, destination="refund")

    assert (40, 0, 0, 0) == ways(first)
    lowered = await only(api)
    assert ("open", 100, 60) == tuple(lowered[name] for name in ("status", "total", "amount_due"))

    paid = await api.call("invoices.pay", {"invoice_id": invoice["id"]})
    assert ("paid", 60) == (paid["invoice"]["status"], paid["invoice"]["amount_paid"])

    other = await written(api)
    await note(api, other)
    settled = await only(api, invoice_id=other["id"])

    assert ("paid", 0, 0) == tuple(settled[name] for name in ("status", "amount_paid", "amount_due"))


async def test_a_page_opened_before_asks_for_no_more(api: Api) -> None:
    """The page of the old amount is closed; a new one asks for what is left."""
    await add_ada(api, card=False)
    invoice = await written(api)
    before = (await api.call("invoices.pay", {"invoice_id": invoice["id"]}))["payment_url"]
    await note(api, invoice, amount=40)
    refused = await api.refused("sandbox.complete_checkout", {"url": before})

    assert (410, "checkout_expired") == (refused.status, refused.code)

    after = (await api.call("invoices.pay", {"invoice_id": invoice["id"]}))["payment_url"]
    await api.call("sandbox.complete_checkout", {"url": after})

    paid = await only(api)
    assert ("paid", 60) == tuple(paid[name] for name in ("status", "amount_paid"))


async def test_what_credit_has_paid_becomes_credit_again(api: Api) -> None:
    """A card gets back no more than it paid; the note on an open invoice lowers what is open first."""
    await subscribe_ada(api)
    await note(api, await only(api), amount=54)
    invoice = await written(api)
    assert (54, 46) == (invoice["credit_applied"], invoice["amount_due"])

    half = await note(api, await written(api, SETUP), amount=100)
    assert (100, 0, 0, 0) == ways(half)

    await api.call("invoices.pay", {"invoice_id": invoice["id"]})
    issued = await note(api, invoice, destination="refund")

    assert (0, 46, 54, 0) == ways(issued)
    assert [46] == await charged_back(api)


async def charged_back(api: Api) -> list[float]:
    """What went back to the card, per invoice."""
    found = (await api.call("invoices.list"))["list"]
    return [each["refunded_amount"] for each in found if each["refunded_amount"]]


async def test_a_preview_changes_nothing(api: Api) -> None:
    """It says what would be issued, without id and number."""
    await subscribe_ada(api)
    before = await only(api)
    looked_at = await note(api, before, amount=20, destination="refund", preview=True)
    assert before == await only(api)

    issued = await note(api, before, amount=20, destination="refund")

    assert {**issued, "id": None, "number": None, "status": None, "pdf": None} == looked_at


async def test_never_more_than_was_invoiced(api: Api) -> None:
    """Notes together take back the invoice at most; what a note has taken back cannot be taken again."""
    await subscribe_ada(api)
    invoice = await only(api)
    seats = invoice["items"][1]["id"]
    await note(api, invoice, amount=50)
    left = {"invoice_id": invoice["id"]}
    too_much = (400, "credit_note_exceeds_invoice")
    operation = "invoices.issue_credit_note"
    table: list[Refused] = [
        (operation, {**left, "amount": 4.01}, *too_much),
        (operation, {**left, "lines": [{"id": seats, "amount": 1.79}]}, *too_much),
        (operation, {**left, "lines": [{"id": seats, "quantity": 3}]}, *too_much),
    ]
    assert table == await api.refusals(table)

    await note(api, invoice, amount=4)
    nothing = await api.refused(operation, left)

    assert too_much == (nothing.status, nothing.code)


async def test_a_plan_change_gives_back_only_what_is_left(api: Api) -> None:
    """What a note has taken back of a period is not credited again when its plan ends early (billing.md §14.3)."""
    await subscribe_ada(api)
    await note(api, await only(api), destination="refund")
    ended = await api.call(
        "billing.update", {"customer_id": "ada", "plan_id": "pro", "cancel_action": "cancel_immediately"}
    )

    assert 0 == ended.get("invoice", {"total": 0})["total"]


async def test_dunning_ends_when_nothing_is_owed(api: Api) -> None:
    """A renewal that could not be charged is corrected away: the plan is no longer past due."""
    await subscribe_ada(api)
    await api.call("sandbox.add_card", {"customer_id": "ada", "number": DECLINES})
    await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": FEBRUARY_MS})
    unpaid = await only(api, status=["open"])
    lowered = await note(api, unpaid, amount=10)
    assert (10, 0, 0, 0) == ways(lowered)

    await note(api, unpaid)
    (held,) = (await api.call("subscriptions.list", {"customer_id": "ada", "plan_id": "pro"}))["list"]

    assert ("active", False) == (held["status"], held["past_due"])


async def test_not_while_it_is_charged(api: Api) -> None:
    """What is due does not change under a payment that is under way (payments.md §4.4)."""
    await add_ada(api)
    invoice = await written(api)
    await api.call("sandbox.set_next_charge", {"customer_id": "ada", "outcome": "pending"})
    await api.call("invoices.pay", {"invoice_id": invoice["id"]})
    for operation in ("issue_credit_note", "void"):
        refused = await api.refused(f"invoices.{operation}", {"invoice_id": invoice["id"]})

        assert (409, "invoice_being_collected") == (refused.status, refused.code)


async def test_no_document_to_correct(api: Api) -> None:
    """A draft is not issued, a void invoice owes nothing, and a negative one has given back already."""
    await add_ada(api)
    draft, void = [await written(api, issue_method=method) for method in ("draft", "finalize")]
    await api.call("invoices.void", {"invoice_id": void["id"]})
    operation = "invoices.issue_credit_note"
    table: list[Refused] = [
        (operation, {"invoice_id": draft["id"]}, 409, "invoice_not_finalized"),
        (operation, {"invoice_id": void["id"]}, 409, "invoice_void"),
        (operation, {"invoice_id": "inv_unknown"}, 404, "invoice_not_found"),
    ]

    assert table == await api.refusals(table)


@on_sqlite
async def test_refused(api: Api) -> None:
    """What cannot be read is refused before anything is written."""
    await subscribe_ada(api)
    invoice = await only(api)
    base = invoice["items"][0]["id"]
    operation = "invoices.issue_credit_note"
    bodies: list[Body] = [
        {"amount": 0},
        {"amount": -1},
        {"amount": 1.005},
        {"amount": 1, "lines": [{"id": base}]},
        {"lines": []},
        {"lines": [{"id": base}, {"id": base}]},
        {"lines": [{"id": "inv_other:0"}]},
        {"lines": [{"id": f"{invoice['id']}:2"}]},
        {"lines": [{"id": base, "amount": 1, "quantity": 1}]},
        {"destination": "cash"},
        {"reason": "bored"},
    ]
    table: list[Refused] = [
        (operation, {"invoice_id": invoice["id"], **body}, 400, "invalid_inputs") for body in bodies
    ]

    assert table == await api.refusals(table)
    assert invoice == await only(api)


async def test_the_page_and_the_pdf_show_the_note(api: Api, client: httpx.AsyncClient) -> None:
    """The note is a document of its own on the invoice's page, and a page of its PDF."""
    await subscribe_ada(api)
    invoice = await only(api)
    await note(api, invoice, amount=20, destination="refund", reason="order_change", memo="As agreed")
    page = (await client.get(invoice["hosted_invoice_url"])).text

    for words in ("Credit note 1", "Change of the order", "As agreed", "Back to your card", "$20.00"):
        assert words in page
