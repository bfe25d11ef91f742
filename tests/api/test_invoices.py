"""invoices.list over HTTP (api.md §2.8)."""

from datetime import timedelta

from sumac.core.clock import ManualClock
from tests.api.shop import FEBRUARY_MS, JANUARY_MS, add_ada, subscribe_ada
from tests.support.api import ADDRESS, Api, Body, Refused, on_sqlite


def item(invoice: Body, position: int, *, feature: str | None = None, name: str | None = None, **said: object) -> Body:
    """A line of the first month of Pro, with every key."""
    return {
        "id": f"{invoice['id']}:{position}",
        "period_start": JANUARY_MS,
        "period_end": FEBRUARY_MS,
        "plan_id": "pro",
        "feature_id": feature,
        "feature_name": name,
        "amount_after_discounts": said["amount"],
        "tax": 0,
        "entities": [],
        **said,
    }


async def test_an_invoice_has_every_key(api: Api) -> None:
    """@ListedInvoice of api.md §2.0: amounts in major units, nullable keys present."""
    await subscribe_ada(api)
    answer = await api.call("invoices.list", {"start_cursor": "", "limit": 50})
    invoice = answer["list"][0]

    assert {
        "list": [
            {
                "id": invoice["id"],
                "number": 1,
                "stripe_id": invoice["stripe_id"],
                "processor_type": "stripe",
                "plan_ids": ["pro"],
                "customer_id": "ada",
                "entity_id": None,
                "status": "paid",
                "subtotal": 54,
                "discount_total": 0,
                "tax": 0,
                "total": 54,
                "credit_applied": 0,
                "amount_due": 0,
                "amount_paid": 54,
                "refunded_amount": 0,
                "currency": "usd",
                "created_at": JANUARY_MS,
                "issue_date": JANUARY_MS,
                "due_date": None,
                "memo": None,
                "hosted_invoice_url": invoice["hosted_invoice_url"],
                "invoice_pdf": f"{invoice['hosted_invoice_url']}/pdf",
                "items": [
                    item(invoice, 0, description="Pro - base price", quantity=1, amount=30),
                    item(invoice, 1, description="3 seats", quantity=3, amount=24, feature="seats", name="Seats"),
                ],
                "credit_notes": [],
            }
        ],
        "next_cursor": None,
    } == answer
    assert invoice["id"].startswith("inv_")
    assert invoice["hosted_invoice_url"].startswith(f"{ADDRESS}/invoice/")


async def test_cents_are_exact(api: Api) -> None:
    """$19.99 is 19.99 on the wire, to the letter (api.md §1.7)."""
    await add_ada(api)
    await api.call("plans.create", {"plan_id": "odd", "name": "Odd", "price": {"amount": 19.99, "interval": "month"}})
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "odd"})

    assert '"total":19.99,' in (await api.send("invoices.list")).text


async def test_invoices_can_be_narrowed(api: Api) -> None:
    """By customer and by status; an unpaid one is listed as open, with nothing paid."""
    await subscribe_ada(api)
    await api.call("customers.get_or_create", {"customer_id": "bob"})
    await api.call("sandbox.set_next_charge", {"customer_id": "ada", "outcome": "decline"})
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "credit_pack"})

    async def listed(**chosen: object) -> list[tuple[str, float, float]]:
        found = (await api.call("invoices.list", chosen))["list"]
        return [(invoice["status"], invoice["total"], invoice["amount_paid"]) for invoice in found]

    assert {("open", 10, 0), ("paid", 54, 54)} == set(await listed(customer_id="ada"))
    assert [("open", 10, 0)] == await listed(status=["open"])
    assert [("paid", 54, 54)] == await listed(status=["paid", "void"])
    assert [] == await listed(customer_id="bob")

    for named in (await api.call("invoices.list"))["list"]:
        shown = (named["status"], named["total"], named["amount_paid"])

        assert [shown] == await listed(invoice_id=named["id"])
        assert [shown] == await listed(stripe_id=named["stripe_id"])
    assert [] == await listed(invoice_id="inv_unknown")
    assert [] == await listed(processor_types=["revenuecat"])
    assert 2 == len(await listed(processor_types=["stripe"]))


async def test_pages_are_stable_while_invoices_are_added(api: Api, clock: ManualClock) -> None:
    """Every invoice that was there at the start is seen once (api.md §1.8)."""
    await add_ada(api)

    async def buy() -> None:
        await api.call("billing.attach", {"customer_id": "ada", "plan_id": "credit_pack"})

    for _ in range(4):
        await buy()
        clock.advance(timedelta(milliseconds=1))
    cursor, seen = "", []
    while cursor is not None:
        page = await api.call("invoices.list", {"start_cursor": cursor, "limit": 1})
        seen += [invoice["number"] for invoice in page["list"]]
        cursor = page["next_cursor"]
        clock.advance(timedelta(milliseconds=1))
        await buy()

    assert [4, 3, 2, 1] == seen


BROKEN_RULES: list[Refused] = [
    ("invoices.list", {"customer_id": "ghost"}, 404, "customer_not_found"),
    ("invoices.list", {"customer_id": "ada", "entity_id": "ghost"}, 404, "entity_not_found"),
    ("invoices.list", {"entity_id": "ghost"}, 400, "invalid_inputs"),
    ("invoices.list", {"status": ["lost"]}, 400, "invalid_inputs"),
    ("invoices.list", {"status": "paid"}, 400, "invalid_inputs"),
    ("invoices.list", {"processor_types": ["cash"]}, 400, "invalid_inputs"),
]


@on_sqlite
async def test_a_rule_of_invoices_that_is_broken(api: Api) -> None:
    """Each is refused with its own code."""
    await add_ada(api)

    assert BROKEN_RULES == await api.refusals(BROKEN_RULES)
