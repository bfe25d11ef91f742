"""Prices in several currencies over HTTP (api.md §2.0 to §2.2, §2.5; billing.md §10.10, §14.5)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sumac.core.clock import ManualClock
from sumac.core.tenant import Env, Tenant
from sumac.core.time import to_ms
from sumac.organizations import service as organizations
from tests.support.api import Api, Body, Refused, on_sqlite

MONTH = {"interval": "month"}
ADA = {"customer_id": "ada"}
FEATURES: tuple[Body, ...] = (
    {"feature_id": "messages", "name": "Messages", "type": "metered", "consumable": True},
    {"feature_id": "seats", "name": "Seats", "type": "metered", "consumable": False},
)


def in_currencies(**amounts: float) -> list[Body]:
    """What a price is in other currencies."""
    return [{"currency": currency, "amount": amount} for currency, amount in amounts.items()]


def plan(plan_id: str, amount: float, *items: Body, **others: float) -> Body:
    """A monthly plan, sold in dollars and in others."""
    price = {"amount": amount, **MONTH, "additional_currencies": in_currencies(**others)}
    return {"plan_id": plan_id, "name": plan_id.title(), "price": price, "items": list(items)}


USAGE = {
    "amount": 0.01,
    **MONTH,
    "billing_method": "usage_based",
    "additional_currencies": in_currencies(eur=0.009, jpy=1.5, kwd=0.0035),
}
TIERS: list[Body] = [
    {"to": 10, "amount": 5, "additional_currencies": in_currencies(eur=4, jpy=500, kwd=1.505)},
    {
        "to": "inf",
        "amount": 3,
        "flat_amount": 7,
        "additional_currencies": [
            {"currency": "eur", "amount": 2.5, "flat_amount": 6},
            {"currency": "jpy", "amount": 300, "flat_amount": 700},
            {"currency": "kwd", "amount": 1.005, "flat_amount": 2},
        ],
    },
]
SEATS = {"tiers": TIERS, "tier_behavior": "volume", **MONTH, "billing_method": "prepaid"}
PRO = plan(
    "pro",
    20,
    {"feature_id": "messages", "included": 100, "reset": MONTH, "price": USAGE},
    {"feature_id": "seats", "included": 0, "price": SEATS},
    eur=18.5,
    jpy=2000,
    kwd=1.005,
)
PREMIUM = plan("premium", 50, eur=46.25, jpy=5001, kwd=5)


def ms(month: int, day: int, hour: int = 0) -> int:
    """An instant of 2026."""
    return to_ms(datetime(2026, month, day, hour, tzinfo=UTC))


async def stock(api: Api) -> None:
    for feature in FEATURES:
        await api.call("features.create", feature)
    for each in (PRO, PREMIUM, plan("local", 15)):
        await api.call("plans.create", each)


async def arrive(api: Api, *, card: bool = True, **customer: Any) -> None:  # noqa: ANN401  # any JSON
    """The customer on a clock of its own on 1 January, with a card."""
    await api.call("customers.get_or_create", {**ADA, "clock_at": ms(1, 1), **customer})
    if card:
        await api.call("sandbox.add_card", ADA)


async def totals(api: Api) -> list[tuple[float, str, str]]:
    """Total, currency and status of each invoice, oldest first."""
    listed = (await api.call("invoices.list", ADA))["list"][::-1]
    return [(invoice["total"], invoice["currency"], invoice["status"]) for invoice in listed]


async def test_a_plan_reads_as_it_was_written(api: Api) -> None:
    """Base price, amounts and tiers keep their other currencies through create, get, update and list."""
    for feature in FEATURES:
        await api.call("features.create", feature)
    made = await api.call("plans.create", PRO)

    assert {**PRO["price"], "display": {"primary_text": "$20", "secondary_text": "per month"}} == made["price"]
    assert {**USAGE, "billing_units": 1, "max_purchase": None} == made["items"][0]["price"]
    assert {**SEATS, "billing_units": 1, "max_purchase": None} == made["items"][1]["price"]
    assert made == await api.call("plans.get", {"plan_id": "pro"})
    assert [made] == (await api.call("plans.list"))["list"]

    dearer = {"amount": 25, **MONTH, "additional_currencies": in_currencies(kwd=1.0005)}
    changed = await api.call("plans.update", {"plan_id": "pro", "price": dearer})

    assert {**dearer, "display": {"primary_text": "$25", "secondary_text": "per month"}} == changed["price"]
    assert made["items"] == changed["items"]
    assert changed == await api.call("plans.get", {"plan_id": "pro"})


def priced(**price: object) -> Body:
    """A plan with this base price."""
    return {"plan_id": "odd", "name": "Odd", "price": {"amount": 20, **MONTH, **price}}


def seated(**price: object) -> Body:
    """A plan with seats at this price."""
    item = {"feature_id": "seats", "price": {**MONTH, "billing_method": "prepaid", **price}}
    return {"plan_id": "odd", "name": "Odd", "items": [item]}


@on_sqlite
async def test_offers_that_cannot_be(api: Api) -> None:
    """Codes, doubles, the default currency, amounts, and tiers that are not complete."""
    await stock(api)
    without_euros = {"to": 10, "amount": 5}
    without_amount = {"to": "inf", "amount": 3, "additional_currencies": [{"currency": "eur", "flat_amount": 6}]}
    table: list[Refused] = [
        ("plans.create", priced(additional_currencies=in_currencies(EUR=18)), 400, "invalid_inputs"),
        ("plans.create", priced(additional_currencies=in_currencies(euro=18)), 400, "invalid_inputs"),
        ("plans.create", priced(additional_currencies=in_currencies(usd=18)), 400, "invalid_product_item"),
        ("plans.create", priced(additional_currencies=in_currencies(eur=18) * 2), 400, "invalid_product_item"),
        ("plans.create", priced(additional_currencies=in_currencies(eur=-1)), 400, "invalid_product_item"),
        ("plans.create", priced(additional_currencies=in_currencies(eur=0.00000000001)), 400, "invalid_product_item"),
        ("plans.create", priced(amount=0, additional_currencies=in_currencies(eur=18)), 400, "invalid_product_item"),
        ("plans.create", seated(tiers=TIERS, additional_currencies=in_currencies(eur=1)), 400, "invalid_product_item"),
        ("plans.create", seated(tiers=[without_euros, TIERS[1]], tier_behavior="volume"), 400, "invalid_product_item"),
        ("plans.create", seated(tiers=[TIERS[0], without_amount]), 400, "invalid_product_item"),
    ]

    assert table == await api.refusals(table)
    assert 3 == len((await api.call("plans.list"))["list"])


@on_sqlite
async def test_plans_are_shown_at_the_customer_s_prices(api: Api) -> None:
    """In a list for a customer, and where a plan is expanded; one that is not sold so keeps its own."""
    await stock(api)
    await arrive(api, currency="eur")
    shown = {each["id"]: each for each in (await api.call("plans.list", ADA))["list"]}
    price, seats = shown["pro"]["price"], shown["pro"]["items"][1]

    assert (18.5, {"primary_text": "€18.50", "secondary_text": "per month"}) == (price["amount"], price["display"])
    assert in_currencies(usd=20, jpy=2000, kwd=1.005) == price["additional_currencies"]
    assert "€4 - €2.50" == seats["display"]["primary_text"]
    assert [4, 2.5] == [tier["amount"] for tier in seats["price"]["tiers"]]
    assert "$15" == shown["local"]["price"]["display"]["primary_text"]

    await api.call("billing.attach", {**ADA, "plan_id": "pro"})
    customer = await api.call("customers.get", {**ADA, "expand": ["subscriptions.plan"]})

    assert price == customer["subscriptions"][0]["plan"]["price"]
    assert 0.009 == customer["balances"]["messages"]["breakdown"][0]["price"]["amount"]
    assert "additional_currencies" not in customer["balances"]["messages"]["breakdown"][0]["price"]


@pytest.mark.parametrize(
    ("currency", "first", "upgrade", "renewal", "credit"),
    [
        ("eur", 18.5, 13.88, 46.25, 23.13),
        ("jpy", 2000, 1501, 5001, 2501),
        ("kwd", 1.005, 1.998, 5, 2.5),
    ],
)
async def test_two_months_in_another_currency(
    api: Api, currency: str, first: float, upgrade: float, renewal: float, credit: float
) -> None:
    """Attach, upgrade mid-cycle, renewal, cancellation with credit: every document is in the currency asked for."""
    await stock(api)
    await arrive(api)
    preview = await api.call("billing.preview_attach", {**ADA, "plan_id": "pro", "currency": currency})
    answer = await api.call("billing.attach", {**ADA, "plan_id": "pro", "currency": currency})

    assert (first, currency) == (preview["total"], preview["currency"])
    assert (first, currency) == (answer["invoice"]["total"], answer["invoice"]["currency"])

    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": ms(1, 16, 12)})
    preview = await api.call("billing.preview_attach", {**ADA, "plan_id": "premium"})

    assert (upgrade, currency) == (preview["total"], preview["currency"])
    assert renewal == preview["next_cycle"]["total"]

    await api.call("billing.attach", {**ADA, "plan_id": "premium"})
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": ms(2, 15)})
    await api.call("billing.update", {**ADA, "plan_id": "premium", "cancel_action": "cancel_immediately"})

    assert [
        (first, currency, "paid"),
        (upgrade, currency, "paid"),
        (renewal, currency, "paid"),
        (-credit, currency, "paid"),
    ] == await totals(api)


@on_sqlite
async def test_seats_in_volume_tiers(api: Api) -> None:
    """Twelve seats at 1.005 dinars, a flat 2, and a base of 1.005: exact to the fils."""
    await stock(api)
    await arrive(api, currency="kwd")
    seats = [{"feature_id": "seats", "quantity": 12}]
    answer = await api.call("billing.attach", {**ADA, "plan_id": "pro", "feature_quantities": seats})

    assert (15.065, "kwd") == (answer["invoice"]["total"], answer["invoice"]["currency"])


async def test_a_page_in_another_currency(api: Api) -> None:
    """Without a card the hosted page asks for yen; completing it is what binds the customer to them."""
    await stock(api)
    await arrive(api, card=False)
    answer = await api.call("billing.attach", {**ADA, "plan_id": "pro", "currency": "jpy"})
    await api.call("customers.update", {**ADA, "name": "Ada"})
    await api.call("sandbox.complete_checkout", {"url": answer["payment_url"]})

    assert [(2000, "jpy", "paid")] == await totals(api)

    refused = await api.refused("billing.attach", {**ADA, "plan_id": "premium", "currency": "eur"})

    assert (400, "currency_mismatch") == (refused.status, refused.code)
    assert "billed in jpy" in refused.message


@on_sqlite
async def test_a_page_closes_when_the_currency_changes(api: Api) -> None:
    """What it asked for is no longer what the customer would be billed."""
    await stock(api)
    await arrive(api, card=False, currency="eur")
    url = (await api.call("billing.attach", {**ADA, "plan_id": "pro"}))["payment_url"]
    await api.call("customers.update", {**ADA, "currency": "jpy"})
    refused = await api.refused("sandbox.complete_checkout", {"url": url})

    assert 400 <= refused.status < 500
    assert [] == await totals(api)


@on_sqlite
async def test_a_customer_s_currency(api: Api) -> None:
    """Free to change before anything was billed, bound by the first paid invoice, whatever the letters' case."""
    await stock(api)
    await arrive(api, currency="EUR")
    await api.call("customers.update", {**ADA, "currency": "KWD"})
    preview = await api.call("billing.preview_attach", {**ADA, "plan_id": "pro"})
    await api.call("billing.attach", {**ADA, "plan_id": "pro"})
    table: list[Refused] = [
        ("customers.update", {**ADA, "currency": "usd"}, 400, "currency_mismatch"),
        ("billing.preview_attach", {**ADA, "plan_id": "premium", "currency": "usd"}, 400, "currency_mismatch"),
        ("billing.attach", {**ADA, "plan_id": "local"}, 400, "currency_mismatch"),
        ("billing.attach", {**ADA, "plan_id": "premium", "currency": "KWD"}, 400, "invalid_inputs"),
        ("customers.update", {**ADA, "currency": "dinar"}, 400, "invalid_inputs"),
    ]

    assert (1.005, "kwd") == (preview["total"], preview["currency"])
    assert table == await api.refusals(table)

    await api.call("customers.update", {**ADA, "currency": "kwd", "name": "Ada"})
    answer = await api.call("billing.attach", {**ADA, "plan_id": "premium", "currency": "kwd"})

    assert "kwd" == answer["invoice"]["currency"]


@on_sqlite
async def test_what_is_due_is_billed_before_the_currency_changes(api: Api, clock: ManualClock) -> None:
    """A trial that ended yesterday was in dollars, and so is its first invoice."""
    await stock(api)
    trial = {"duration_length": 14, "duration_type": "day", "card_required": False}
    await api.call("plans.create", {**plan("try", 30, eur=27), "free_trial": trial})
    await api.call("customers.get_or_create", ADA)
    await api.call("sandbox.add_card", ADA)
    await api.call("billing.attach", {**ADA, "plan_id": "try"})
    clock.advance(timedelta(days=15))
    refused = await api.refused("customers.update", {**ADA, "currency": "eur"})

    assert (400, "currency_mismatch") == (refused.status, refused.code)
    assert [(30, "usd")] == [(total, currency) for total, currency, _ in await totals(api)]


@on_sqlite
async def test_a_held_version_keeps_its_currencies(api: Api) -> None:
    """`disable_version` changes what customers hold, so it cannot take their currency away."""
    await stock(api)
    await arrive(api, currency="kwd")
    await api.call("billing.attach", {**ADA, "plan_id": "pro"})
    euros = {"amount": 20, **MONTH, "additional_currencies": in_currencies(eur=18)}
    refused = await api.refused("plans.update", {"plan_id": "pro", "price": euros, "disable_version": True})

    assert (400, "currency_mismatch") == (refused.status, refused.code)

    newer = await api.call("plans.update", {"plan_id": "pro", "price": euros})

    assert 2 == newer["version"]


async def test_an_organization_in_francs(api: Api) -> None:
    """The worked example: a base price of 23 188 and 10 of usage come to 23 198, in whole francs."""
    async with api.services.database.system() as system:
        made, _ = await organizations.create_organization(
            system, slug="kigali", name="Kigali", owner_email="o@x.io", currency="rwf"
        )
    kigali = await Api.opened(api.client, api.services, api.contracts, Tenant(made.id, Env.SANDBOX))
    await kigali.call("features.create", FEATURES[0])
    usage = {"amount": 10, **MONTH, "billing_method": "usage_based"}
    item = {"feature_id": "messages", "included": 1, "reset": MONTH, "price": usage}
    offered = {"plan_id": "pro", "name": "Pro", "price": {"amount": 23_188, **MONTH}, "items": [item]}
    shown = await kigali.call("plans.create", offered)
    await arrive(kigali)
    await kigali.call("billing.attach", {**ADA, "plan_id": "pro"})
    await kigali.call("balances.track", {**ADA, "feature_id": "messages", "value": 2})
    await kigali.call("customers.advance_test_clock", {**ADA, "frozen_time": ms(2, 1)})

    history = {"customer_id": "ada", "stripe_id": "in_old", "status": "paid", "total": 500, "created_at": ms(1, 1)}
    (imported,) = (await kigali.call("invoices.insert", {"invoices": [history]}))["invoices"]

    assert (500, "rwf") == (imported["total"], imported["currency"])
    assert "23,188 rwf" == shown["price"]["display"]["primary_text"]
    assert {(23_188, "rwf", "paid"), (23_198, "rwf", "paid"), (500, "rwf", "paid")} == set(await totals(kigali))
