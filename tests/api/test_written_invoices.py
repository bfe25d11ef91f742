"""invoices.create, finalize, pay and void over HTTP (api.md §2.16)."""

from typing import Any

import httpx
import pytest

from tests.api.shop import FEBRUARY_MS, JANUARY_MS, MARCH_MS, add_ada, subscribe_ada
from tests.support.api import ADDRESS, Api, Body, Refused, on_sqlite

DAY_MS = 86_400_000
DECLINES = "4000000000000341"
WORK: Body = {"amount": 120.5, "description": "Set-up"}


async def create(api: Api, **fields: Any) -> Body:  # noqa: ANN401  # any JSON
    """An invoice for Ada, binding unless it is said otherwise."""
    body = {"customer_id": "ada", "issue_method": "finalize", "custom_line_items": [WORK], **fields}
    return await api.call("invoices.create", body)


async def new(api: Api, **fields: Any) -> str:  # noqa: ANN401  # any JSON
    """The id of such an invoice."""
    invoice_id: str = (await create(api, **fields))["invoice"]["id"]
    return invoice_id


async def stored(api: Api, invoice_id: str) -> Body:
    """The invoice as it is listed."""
    (found,) = (await api.call("invoices.list", {"invoice_id": invoice_id}))["list"]
    body: Body = found
    return body


async def test_an_invoice_of_plans_and_free_lines(api: Api) -> None:
    """Base price, seats beyond the included ones, usage beyond the allowance, and a line of its own; nothing is given.

    $30, three seats at $8, 1,200 of 1,000 messages at $2 per 500, and $120.50.
    """
    await add_ada(api)
    quantities = [{"feature_id": "seats", "quantity": 5}, {"feature_id": "messages", "usage": 1200}]
    plans = [{"plan_id": "pro", "feature_quantities": quantities}]
    answer = await create(api, plans=plans, net_terms_days=14, memo="Thank you")
    invoice = answer["invoice"]

    assert [
        ("Pro - base price", 1, 30, JANUARY_MS, FEBRUARY_MS, None),
        ("3 seats", 3, 24, JANUARY_MS, FEBRUARY_MS, "seats"),
        ("Messages: 200 used beyond 1,000", 200, 2, None, None, "messages"),
        ("Set-up", 1, 120.5, None, None, None),
    ] == [
        (
            each["description"],
            each["quantity"],
            each["amount"],
            each["period_start"],
            each["period_end"],
            each["feature_id"],
        )
        for each in invoice["items"]
    ]
    assert ("open", 1, 176.5, 176.5, JANUARY_MS, JANUARY_MS + 14 * DAY_MS, "Thank you") == tuple(
        invoice[name] for name in ("status", "number", "total", "amount_due", "issue_date", "due_date", "memo")
    )
    assert ["pro"] == invoice["plan_ids"]
    assert invoice == await stored(api, invoice["id"])
    assert (176.5, 176.5, [False] * 4) == (
        answer["preview"]["total"],
        answer["preview"]["amount_due"],
        [line["prorated"] for line in answer["preview"]["lines"]],
    )
    held = await api.call("customers.get", {"customer_id": "ada"})

    assert ["free"] == [each["plan_id"] for each in held["subscriptions"]]
    assert 50 == held["balances"]["messages"]["granted"]


async def test_a_preview_is_what_is_written(api: Api) -> None:
    """The same lines and totals; nothing of a preview is stored, and no number is used up."""
    await add_ada(api)
    plans = [{"plan_id": "pro", "feature_quantities": [{"feature_id": "seats", "quantity": 4}]}]
    looked_at = await create(api, plans=plans, net_terms_days=30, preview=True)

    assert None is looked_at["invoice"]
    assert [] == (await api.call("invoices.list"))["list"]

    written = await create(api, plans=plans, net_terms_days=30)

    assert looked_at["preview"] == written["preview"]
    assert 1 == written["invoice"]["number"]


@pytest.mark.parametrize(
    ("plan", "amount", "begins", "ends"),
    [
        pytest.param({}, 30, JANUARY_MS, FEBRUARY_MS, id="a-month-from-today"),
        pytest.param({"period_start": FEBRUARY_MS, "period_end": MARCH_MS}, 30, FEBRUARY_MS, MARCH_MS, id="named"),
        pytest.param(
            {"period_start": JANUARY_MS + 16 * DAY_MS, "period_end": FEBRUARY_MS, "prorate": True},
            14.52,  # 15 of 31 days
            JANUARY_MS + 16 * DAY_MS,
            FEBRUARY_MS,
            id="prorated",
        ),
    ],
)
async def test_the_period_of_a_plan(api: Api, plan: Body, amount: float, begins: int, ends: int) -> None:
    """A price costs the whole for whatever period is named, unless it is to be prorated to its end."""
    await add_ada(api)
    answer = await create(api, plans=[{"plan_id": "pro", **plan}], custom_line_items=None)
    (line,) = answer["preview"]["lines"]

    assert (amount, begins, ends, "prorate" in plan) == (
        line["amount"],
        line["period_start"],
        line["period_end"],
        line["prorated"],
    )
    assert amount == answer["invoice"]["total"]


async def test_what_was_bought_once(api: Api) -> None:
    """The price of a one-off plan has no period."""
    await add_ada(api)
    answer = await create(api, plans=[{"plan_id": "credit_pack"}], custom_line_items=None)
    (line,) = answer["invoice"]["items"]

    assert (10, None, None) == (line["amount"], line["period_start"], line["period_end"])


async def test_a_draft_becomes_binding(api: Api) -> None:
    """It has no number, no page and nothing is due on it before it is finalized; its terms count from then."""
    await add_ada(api)
    draft = (await create(api, issue_method="draft", net_terms_days=10))["invoice"]

    assert ("draft", None, None, None, None, 0) == tuple(
        draft[name] for name in ("status", "number", "hosted_invoice_url", "issue_date", "due_date", "amount_due")
    )

    await create(api)
    final = (await api.call("invoices.finalize", {"invoice_id": draft["id"]}))["invoice"]

    assert ("open", 2, JANUARY_MS, JANUARY_MS + 10 * DAY_MS, 120.5) == tuple(
        final[name] for name in ("status", "number", "issue_date", "due_date", "amount_due")
    )
    assert final["hosted_invoice_url"].startswith(f"{ADDRESS}/invoice/")
    assert draft["items"] == final["items"]


async def test_dates_can_be_given(api: Api) -> None:
    """A document may be dated back; it is due on the day that is named."""
    await add_ada(api)
    invoice = (await create(api, issue_date=JANUARY_MS - DAY_MS, due_date=FEBRUARY_MS, issue_method="send"))["invoice"]

    assert (JANUARY_MS - DAY_MS, FEBRUARY_MS, JANUARY_MS) == (
        invoice["issue_date"],
        invoice["due_date"],
        invoice["created_at"],
    )


async def test_nobody_charges_it_by_itself(api: Api) -> None:
    """Neither the clock nor a job does; `invoices.pay` does, once."""
    await add_ada(api)
    await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": JANUARY_MS})
    invoice_id = await new(api, net_terms_days=7)
    await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": MARCH_MS})
    await api.services.billing.collect_due_invoices()

    assert ("open", 0) == ((await stored(api, invoice_id))["status"], (await stored(api, invoice_id))["amount_paid"])

    paid = await api.call("invoices.pay", {"invoice_id": invoice_id})

    assert None is paid["payment_url"]
    assert "required_action" not in paid
    assert ("paid", 120.5, 0) == tuple(paid["invoice"][name] for name in ("status", "amount_paid", "amount_due"))
    refused = await api.refused("invoices.pay", {"invoice_id": invoice_id})
    assert (409, "invoice_already_paid") == (refused.status, refused.code)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("decline", "payment_failed"), ("require_action", "3ds_required"), ("pending", "payment_processing")],
)
async def test_what_is_required(api: Api, outcome: str, code: str) -> None:
    """A card that does not pay leaves it open, and says why; all but a pending one can be paid on a page."""
    await add_ada(api)
    invoice_id = await new(api)
    await api.call("sandbox.set_next_charge", {"customer_id": "ada", "outcome": outcome})
    answer = await api.call("invoices.pay", {"invoice_id": invoice_id})

    assert ("open", code, outcome != "pending") == (
        answer["invoice"]["status"],
        answer["required_action"]["code"],
        answer["payment_url"] is not None,
    )
    if outcome != "pending":
        await api.call("sandbox.complete_checkout", {"url": answer["payment_url"]})

        assert "paid" == (await stored(api, invoice_id))["status"]


async def test_without_a_card(api: Api, client: httpx.AsyncClient) -> None:
    """The answer leads to a page that takes one; the invoice's own page asks for the same."""
    await add_ada(api, card=False)
    created = (await create(api))["invoice"]
    answer = await api.call("invoices.pay", {"invoice_id": created["id"]})
    page = await client.get(created["hosted_invoice_url"])

    assert "payment_method_required" == answer["required_action"]["code"]
    assert "Pay $120.50" in page.text

    await api.call("sandbox.complete_checkout", {"url": answer["payment_url"]})

    assert "paid" == (await stored(api, created["id"]))["status"]


async def test_credit_is_spent_when_it_is_binding(api: Api) -> None:
    """A draft spends nothing, a preview says what would be spent, and a void invoice gives it back."""
    await subscribe_ada(api)
    (paid,) = (await api.call("invoices.list"))["list"]
    await api.call("invoices.issue_credit_note", {"invoice_id": paid["id"], "amount": 50})
    draft = await create(api, issue_method="draft")

    assert ((120.5, 70.5, 50), 0) == (
        (
            draft["preview"]["total"],
            draft["preview"]["amount_due"],
            draft["preview"]["invoice_credits"]["applied"],
        ),
        draft["invoice"]["credit_applied"],
    )

    final = (await api.call("invoices.finalize", {"invoice_id": draft["invoice"]["id"]}))["invoice"]
    assert (50, 70.5) == (final["credit_applied"], final["amount_due"])
    assert 120.5 == (await create(api, preview=True))["preview"]["amount_due"]

    await api.call("invoices.void", {"invoice_id": final["id"]})

    assert 70.5 == (await create(api, preview=True))["preview"]["amount_due"]


async def test_voiding(api: Api) -> None:
    """A draft and an open invoice can be cancelled; nothing is due on them any more."""
    await add_ada(api)
    for method in ("draft", "finalize"):
        invoice_id = await new(api, issue_method=method)
        voided = (await api.call("invoices.void", {"invoice_id": invoice_id}))["invoice"]

        assert ("void", 0) == (voided["status"], voided["amount_due"])


async def test_voiding_ends_being_past_due(api: Api) -> None:
    """A plan whose unpaid renewal is forgiven is no longer past due."""
    await subscribe_ada(api)
    await api.call("sandbox.add_card", {"customer_id": "ada", "number": DECLINES})
    clock = {"customer_id": "ada", "frozen_time": FEBRUARY_MS}
    await api.call("customers.advance_test_clock", clock)
    (unpaid,) = (await api.call("invoices.list", {"status": ["open"]}))["list"]

    async def past_due() -> list[str]:
        found = await api.call("subscriptions.list", {"customer_id": "ada", "statuses": ["past_due"]})
        return [each["plan_id"] for each in found["list"]]

    assert ["pro"] == await past_due()

    await api.call("invoices.void", {"invoice_id": unpaid["id"]})

    assert [] == await past_due()


async def test_voiding_what_a_change_waits_for(api: Api) -> None:
    """An attach whose invoice is void does not happen, and its page takes no money any more."""
    await add_ada(api)
    await api.call("sandbox.set_next_charge", {"customer_id": "ada", "outcome": "decline"})
    attached = await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    (waiting,) = (await api.call("invoices.list", {"status": ["open"]}))["list"]
    await api.call("invoices.void", {"invoice_id": waiting["id"]})
    refused = await api.refused("sandbox.complete_checkout", {"url": attached["payment_url"]})

    assert (410, "checkout_expired") == (refused.status, refused.code)
    assert ["free"] == [each["plan_id"] for each in (await api.call("subscriptions.list"))["list"]]


async def test_wrong_turns(api: Api) -> None:
    """What an invoice's state does not allow is refused with a code that says the state."""
    await add_ada(api)
    draft, open_, paid, void = [
        await new(api, issue_method=method) for method in ("draft", "finalize", "finalize", "finalize")
    ]
    await api.call("invoices.pay", {"invoice_id": paid})
    await api.call("invoices.void", {"invoice_id": void})
    table: list[Refused] = [
        (f"invoices.{verb}", {"invoice_id": invoice_id}, 409, code)
        for verb, invoice_id, code in (
            ("finalize", open_, "invoice_finalized"),
            ("finalize", paid, "invoice_finalized"),
            ("finalize", void, "invoice_finalized"),
            ("pay", draft, "invoice_not_finalized"),
            ("pay", void, "invoice_void"),
            ("void", paid, "invoice_already_paid"),
            ("void", void, "invoice_void"),
        )
    ]

    assert table == await api.refusals(table)


def asked(**fields: object) -> Body:
    """A body that is refused for these fields."""
    return {"customer_id": "ada", "custom_line_items": [WORK], **fields}


def of_pro(**fields: object) -> Body:
    """A body whose plan is refused for these fields."""
    return {"customer_id": "ada", "plans": [{"plan_id": "pro", **fields}]}


def seats(**fields: object) -> Body:
    """A body whose seats are refused for these fields."""
    return of_pro(feature_quantities=[{"feature_id": "seats", **fields}])


@on_sqlite
async def test_refused(api: Api) -> None:
    """Each rule that is broken has its sentence and code, and nothing is written."""
    await add_ada(api)
    operation = "invoices.create"
    bad = (400, "invalid_inputs")
    table: list[Refused] = [
        (operation, body, *refused)
        for body, refused in (
            ({"customer_id": "ghost", "custom_line_items": [WORK]}, (404, "customer_not_found")),
            ({"customer_id": "ada", "plans": [{"plan_id": "ghost"}]}, (404, "product_not_found")),
            ({"customer_id": "ada"}, bad),
            ({"customer_id": "ada", "plans": [{"plan_id": "free"}]}, bad),
            (asked(entity_id="seat"), (400, "invalid_request")),
            (asked(discounts=[{"reward_id": "x"}]), (404, "reward_not_found")),
            (asked(tax_rate_id="txr_1"), (400, "invalid_request")),
            (of_pro(customize={"price": None}), (400, "invalid_request")),
            (asked(net_terms_days=1, due_date=FEBRUARY_MS), bad),
            (asked(net_terms_days=-1), bad),
            (asked(net_terms_days=366), bad),
            (asked(due_date=JANUARY_MS - 1), bad),
            (asked(issue_date=JANUARY_MS + 1, issue_method="finalize"), bad),
            (asked(issue_date=JANUARY_MS - 1), bad),
            (asked(custom_line_items=[{"amount": -1, "description": "x"}]), bad),
            (asked(custom_line_items=[{"amount": 1e300, "description": "x"}]), bad),
            (asked(custom_line_items=[{"amount": 1, "description": ""}]), bad),
            (asked(custom_line_items=[{**WORK, "period_end": MARCH_MS}]), bad),
            (of_pro(period_start=MARCH_MS, period_end=MARCH_MS), bad),
            (of_pro(prorate=True), bad),
            (seats(), bad),
            (seats(usage=3), bad),
            (seats(quantity=10**13), bad),
            (of_pro(feature_quantities=[{"feature_id": "sso", "quantity": 1}]), bad),
            (of_pro(feature_quantities=[{"feature_id": "messages", "quantity": 1}]), bad),
            (of_pro(feature_quantities=[{"feature_id": "messages", "usage": 9, "prorate": True}]), bad),
        )
    ]

    assert table == await api.refusals(table)
    assert [] == (await api.call("invoices.list"))["list"]


async def test_currencies_with_other_decimals(api: Api, client: httpx.AsyncClient) -> None:
    """The page, the PDF's neighbour the API, and the preview say the same in yen and in dinars."""
    await add_ada(api)
    for code, amount, shown in (("jpy", 500, "¥500"), ("kwd", 1.234, "KWD\N{NO-BREAK SPACE}1.234")):
        customer = {"customer_id": f"in_{code}"}
        await api.call("customers.get_or_create", customer)
        await api.call("plans.create", plan_in(code, amount))
        await api.call("billing.attach", {**customer, "plan_id": f"free_{code}", "currency": code})
        body = {**customer, "custom_line_items": [{"amount": amount, "description": "x"}], "issue_method": "finalize"}
        invoice = (await api.call("invoices.create", body))["invoice"]

        assert (code, amount, amount) == (invoice["currency"], invoice["total"], invoice["items"][0]["amount"])
        assert shown in (await client.get(invoice["hosted_invoice_url"])).text


def plan_in(code: str, amount: float) -> Body:
    """A free plan that is sold in a currency: who holds it is billed in that one."""
    return {"plan_id": f"free_{code}", "name": f"{code} {amount}", "items": []}
