"""The published Python client (autumn-sdk 1.1.0) calls every operation it has; its strict models parse each answer."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from autumn_sdk import Autumn, errors

from tests.support.server import LiveServer

MONTHLY = {"interval": "month"}
PRO_ITEMS: list[dict[str, Any]] = [
    {
        "feature_id": "messages",
        "included": 1000,
        "reset": MONTHLY,
        "price": {"amount": 2, "interval": "month", "billing_units": 500, "billing_method": "usage_based"},
    },
    {
        "feature_id": "seats",
        "included": 2,
        "price": {"amount": 8, "interval": "month", "billing_method": "prepaid"},
        "proration": {"on_increase": "prorate_immediately", "on_decrease": "none"},
    },
    {"feature_id": "sso"},
]
LOCK: dict[str, Any] = {"lock_id": "job", "enabled": True}
TIERS = [{"to": 500, "amount": 10}, {"to": "inf", "amount": 5}]
EXPAND = [
    "invoices",
    "invoice_previews",
    "trials_used",
    "rewards",
    "entities",
    "referrals",
    "payment_method",
    "subscriptions.plan",
    "purchases.plan",
    "balances.feature",
    "flags.feature",
]


class Bank:
    """The sandbox's own operations, which the client does not have."""

    def __init__(self, server: LiveServer, key: str) -> None:
        self._client = httpx.Client(base_url=f"{server.url}/v1", headers={"authorization": f"Bearer {key}"}, timeout=30)

    def post(self, operation: str, **body: object) -> None:
        """Calls an operation; it must succeed."""
        self._client.post(f"/{operation}", json=body).raise_for_status()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


@pytest.fixture(scope="module")
def key(server: LiveServer) -> str:
    """A sandbox key of the server."""
    return server.create_key()


@pytest.fixture(scope="module")
def client(server: LiveServer, key: str) -> Iterator[Autumn]:
    """The client, which must not make up answers when the server fails; it has stocked the shop."""
    with Autumn(secret_key=key, server_url=server.url, fail_open=False) as made:
        create_features(made)
        create_plans(made)
        yield made


@pytest.fixture(scope="module")
def bank(server: LiveServer, key: str) -> Iterator[Bank]:
    """The sandbox's own operations."""
    made = Bank(server, key)
    yield made
    made.close()


def create_features(client: Autumn) -> None:
    created = client.features.create(
        feature_id="messages",
        name="Messages",
        type_="metered",
        consumable=True,
        event_names=["message_sent"],
        display={"singular": "message", "plural": "messages"},
    )
    client.features.create(feature_id="seats", name="Seats", type_="metered", consumable=False)
    client.features.create(feature_id="sso", name="Single sign-on", type_="boolean")
    credit = client.features.create(
        feature_id="credits",
        name="Credits",
        type_="credit_system",
        credit_schema=[{"metered_feature_id": "messages", "credit_cost": 0.2}],
    )

    assert ("messages", True, ["message_sent"]) == (created.id, created.consumable, created.event_names)
    assert credit.credit_schema is not None
    assert 0.2 == credit.credit_schema[0].credit_cost


def create_plans(client: Autumn) -> None:
    client.plans.create(
        plan_id="free",
        name="Free",
        auto_enable=True,
        items=[{"feature_id": "messages", "included": 50, "reset": MONTHLY}],
    )
    pro = client.plans.create(plan_id="pro", name="Pro", price={"amount": 30, **MONTHLY}, items=PRO_ITEMS)
    client.plans.create(
        plan_id="tiered",
        name="Tiered",
        group="group_1",
        items=[
            {
                "feature_id": "seats",
                "reset": MONTHLY,
                "price": {"tiers": TIERS, "interval": "month", "billing_method": "prepaid", "billing_units": 100},
            }
        ],
    )
    client.plans.create(
        plan_id="trial",
        name="Trial",
        group="group_2",
        price={"amount": 5, **MONTHLY},
        free_trial={"duration_length": 14, "duration_type": "day", "card_required": False},
    )
    client.plans.create(
        plan_id="pack",
        name="Pack",
        add_on=True,
        price={"amount": 10, "interval": "one_off"},
        items=[{"feature_id": "credits", "included": 100}],
    )

    assert ("pro", 1, 30) == (pro.id, pro.version, pro.price.amount if pro.price else None)


def test_features_and_plans(client: Autumn) -> None:
    """Every operation on the catalog parses, lists without a body too."""
    assert {"messages", "seats", "sso", "credits"} == {feature.id for feature in client.features.list().list}
    assert "credit_system" == client.features.get(feature_id="credits").type
    assert "Seats!" == client.features.update(feature_id="seats", name="Seats!").name
    assert {"free", "pro", "tiered", "trial", "pack"} == {plan.id for plan in client.plans.list().list}
    assert "pro" == client.plans.get(plan_id="pro", version=1).id
    assert "Pro!" == client.plans.update(plan_id="pro", name="Pro!").name

    tiered = client.plans.get(plan_id="tiered").items[0].price

    assert tiered is not None
    assert tiered.tiers is not None
    assert [(500, 10), ("inf", 5)] == [(tier.to, tier.amount) for tier in tiered.tiers]

    client.plans.create(plan_id="gone", name="Gone")

    assert client.plans.delete(plan_id="gone").success
    assert client.features.create(feature_id="gone", name="Gone", type_="boolean").id
    assert client.features.delete(feature_id="gone").success


def test_a_plan_in_several_currencies(client: Autumn, bank: Bank) -> None:
    """Base price, amounts and tiers in other currencies parse, and a customer is billed in the one asked for."""
    euros = [{"currency": "eur", "amount": 18.5}]
    tiers = [
        {"to": 10, "amount": 5, "additional_currencies": [{"currency": "eur", "amount": 4}]},
        {"to": "inf", "amount": 3, "additional_currencies": [{"currency": "eur", "amount": 2.5}]},
    ]
    paid = {"interval": "month", "billing_method": "usage_based"}
    plan = client.plans.create(
        plan_id="abroad",
        name="Abroad",
        group="group_3",
        price={"amount": 20, "interval": "month", "additional_currencies": euros},
        items=[
            {
                "feature_id": "messages",
                "reset": MONTHLY,
                "price": {"amount": 2, "additional_currencies": euros, **paid},
            },
            {"feature_id": "seats", "price": {"tiers": tiers, **paid}},
        ],
    )
    messages, seats = (item.price for item in plan.items)

    assert plan.price is not None
    assert messages is not None
    assert seats is not None
    for offered in (plan.price.additional_currencies, messages.additional_currencies):
        assert [("eur", 18.5)] == [(each.currency, each.amount) for each in offered or ()]
    assert [[("eur", 4)], [("eur", 2.5)]] == [
        [(each.currency, each.amount) for each in tier.additional_currencies or ()] for tier in seats.tiers or ()
    ]

    client.customers.get_or_create(customer_id="elsa")
    bank.post("sandbox.add_card", customer_id="elsa")
    attached = client.billing.attach(customer_id="elsa", plan_id="abroad", currency="eur")

    assert attached.invoice is not None
    assert (18.5, "eur") == (attached.invoice.total, attached.invoice.currency)
    assert client.plans.update(plan_id="abroad", archived=True).archived


def test_a_customer_from_the_free_plan_to_the_second_invoice(client: Autumn, bank: Bank) -> None:
    """Customers, billing, balances, events and invoices: each answer parses, and says what happened."""
    customer = client.customers.get_or_create(customer_id="ada", name="Ada", email="ada@lumen.test", expand=[])

    assert ["free"] == [each.plan_id for each in customer.subscriptions]

    eligibility = {
        plan.id: plan.customer_eligibility for plan in client.plans.list(request={"customer_id": "ada"}).list
    }

    assert {"free": "none", "pro": "upgrade", "tiered": "activate", "trial": "activate", "pack": "purchase"} == {
        plan_id: each.attach_action if each else None for plan_id, each in eligibility.items()
    }

    seats = [{"feature_id": "seats", "quantity": 5}]
    preview = client.billing.preview_attach(customer_id="ada", plan_id="pro", feature_quantities=seats)

    assert (54, "usd", True) == (preview.total, preview.currency, preview.redirect_to_checkout)

    attached = client.billing.attach(customer_id="ada", plan_id="pro", feature_quantities=seats)
    bank.post("sandbox.complete_checkout", url=attached.payment_url)
    customer = client.customers.get(customer_id="ada", expand=EXPAND)

    assert [("pro", "active")] == [(each.plan_id, each.status) for each in customer.subscriptions]
    assert (["sso"], [54]) == (list(customer.flags), [each.total for each in customer.invoices or ()])

    bought = client.billing.attach(customer_id="ada", plan_id="pack")

    assert bought.invoice is not None
    assert ("paid", 10, None) == (bought.invoice.status, bought.invoice.total, bought.payment_url)
    assert client.check(customer_id="ada", feature_id="messages").allowed
    assert client.check(customer_id="ada", feature_id="sso").flag is not None
    assert client.check(customer_id="ada", feature_id="seats", required_balance=5, send_event=True).allowed

    tracked = client.track(customer_id="ada", feature_id="messages", value=1200, properties={"model": "small"})
    named = client.track(customer_id="ada", event_name="message_sent")

    assert (1200, 1) == (tracked.value, named.value)
    assert [1, 1200, 5] == [event.value for event in client.events.list(customer_id="ada").list]

    held = client.check(customer_id="ada", feature_id="messages", required_balance=20, lock=LOCK)

    assert held.allowed
    assert client.balances.finalize(lock_id="job", action="confirm", override_value=1, properties={"a": 1}).success
    assert client.balances.finalize(lock_id="job", action="release").success
    assert -19 == min(event.value for event in client.events.list(customer_id="ada").list)

    bank.post("customers.advance_test_clock", customer_id="ada", frozen_time=customer.created_at + 32 * 86_400_000)
    invoice = client.invoices.list(customer_id="ada", status=["paid"]).list[0]

    # the 202 messages beyond the included ones were paid with credits (0.2 each of 100), not with money
    assert 59.6 == client.customers.get(customer_id="ada").balances["credits"].remaining
    assert (54, "paid", "usd") == (invoice.total, invoice.status, invoice.currency)
    assert client.billing.open_customer_portal(customer_id="ada", return_url="https://app.lumen.test/").url
    assert (
        client.billing.update(customer_id="ada", plan_id="pro", cancel_action="cancel_end_of_cycle").payment_url is None
    )
    assert client.billing.update(customer_id="ada", plan_id="pro", cancel_action="uncancel").customer_id == "ada"
    assert client.billing.attach(customer_id="ada", plan_id="trial").payment_url is None
    assert "Ada L." == client.customers.update(customer_id="ada", name="Ada L.", metadata={"tier": "gold"}).name
    assert ["ada"] == [each.id for each in client.customers.list(search="ada").list]
    assert client.customers.delete(customer_id="ada").success


def test_pages_and_failed_charges(client: Autumn, bank: Bank) -> None:
    """Cursors go round, and an attach that needs the customer to act parses."""
    for number in range(5):
        client.customers.get_or_create(customer_id=f"c{number}", name="Page")
    first = client.customers.list(limit=3, search="page")
    rest = client.customers.list(limit=3, search="page", start_cursor=first.next_cursor or "")

    assert {f"c{number}" for number in range(5)} == {each.id for each in (*first.list, *rest.list)}
    assert rest.next_cursor is None

    bank.post("sandbox.add_card", customer_id="c0")
    bank.post("sandbox.set_next_charge", customer_id="c0", outcome="require_action")
    answer = client.billing.attach(customer_id="c0", plan_id="pro")

    assert answer.required_action is not None
    assert "3ds_required" == answer.required_action.code
    assert answer.invoice is not None
    assert answer.invoice.hosted_invoice_url


def test_phases(client: Autumn, bank: Bank) -> None:
    """A schedule parses, placed and placed again: the anchor that the client always sends begins nothing anew."""
    client.customers.get_or_create(customer_id="eve")
    bank.post("sandbox.add_card", customer_id="eve")
    later = {"duration_type": "month", "duration_count": 3}
    phases: list[Any] = [
        {"starts_at": "now", "plans": [{"plan_id": "pro"}]},
        {"starting_after": later, "plans": [{"plan_id": "pro", "customize": {"price": {"amount": 45, **MONTHLY}}}]},
    ]

    first = client.billing.create_schedule(customer_id="eve", phases=phases)
    again = client.billing.create_schedule(customer_id="eve", phases=phases)

    assert first.invoice is not None
    assert ("created", "paid", None) == (first.status, first.invoice.status, first.payment_url)
    assert [1, 1] == [len(phase.customer_product_ids) for phase in first.phases]
    assert again.invoice is None
    assert first.phases[0].customer_product_ids == again.phases[0].customer_product_ids
    assert first.schedule_id != again.schedule_id


def test_several_plans_and_a_card_ahead(client: Autumn, bank: Bank) -> None:
    """A card is stored on a page, plans are attached together and end together; previews parse and say the same."""
    client.customers.get_or_create(customer_id="flo")
    setup = client.billing.setup_payment(customer_id="flo", success_url="https://app.lumen.test/")
    bank.post("sandbox.complete_checkout", url=setup.url)
    plans: list[Any] = [{"plan_id": "pro"}, {"plan_id": "pack"}]

    preview = client.billing.preview_multi_attach(customer_id="flo", plans=plans)
    attached = client.billing.multi_attach(customer_id="flo", plans=plans)

    assert (40, False) == (preview.total, preview.redirect_to_checkout)
    assert attached.invoice is not None
    assert ("paid", 40, None) == (attached.invoice.status, attached.invoice.total, attached.payment_url)

    updates: list[Any] = [{"plan_id": "pro", "cancel_action": "cancel_immediately"}]
    back = client.billing.preview_multi_update(customer_id="flo", updates=updates)
    ended = client.billing.multi_update(customer_id="flo", updates=updates, refund_last_payment="full")

    assert [["pro"]] == [each.plan_ids for each in back.subscriptions]
    assert -30 <= back.total < -29.9
    assert (None, None) == (ended.invoice, ended.payment_url)
    assert ["free"] == [each.plan_id for each in client.customers.get(customer_id="flo").subscriptions]

    page = client.billing.setup_payment(customer_id="flo", plan_id="pro").url
    bank.post("sandbox.complete_checkout", url=page)

    assert ["pro"] == [each.plan_id for each in client.customers.get(customer_id="flo").subscriptions]


def test_entities_of_a_customer(client: Autumn, bank: Bank) -> None:
    """Every operation on entities parses, and so do check and track for one."""
    client.customers.get_or_create(customer_id="team")
    created = client.entities.create(customer_id="team", entity_id="north", feature_id="seats", name="North")

    assert ("north", "North", "team") == (created.id, created.name, created.customer_id)

    tracked = client.track(customer_id="team", entity_id="north", feature_id="messages", value=20)
    checked = client.check(customer_id="team", entity_id="north", feature_id="messages", required_balance=31)
    found = client.entities.get(customer_id="team", entity_id="north")

    assert ("north", 30) == (tracked.entity_id, tracked.balance.remaining if tracked.balance else None)
    assert ("north", False, 30) == (checked.entity_id, checked.allowed, found.balances["messages"].remaining)
    assert ["north"] == [each.id for each in client.entities.list(customer_id="team").list]
    controls: Any = {"usage_alerts": [{"threshold": 5, "threshold_type": "remaining"}]}
    updated = client.entities.update(customer_id="team", entity_id="north", billing_controls=controls)
    assert updated.billing_controls is not None
    assert 1 == len(updated.billing_controls.usage_alerts or ())
    assert client.customers.get(customer_id="team", expand=["entities"]).entities
    bank.post("sandbox.add_card", customer_id="team")
    assert "north" == client.billing.attach(customer_id="team", entity_id="north", plan_id="tiered").entity_id
    held = client.entities.get(customer_id="team", entity_id="north").subscriptions
    assert {("free", "customer"), ("tiered", "entity")} == {(each.plan_id, each.scope) for each in held}
    assert client.entities.delete(customer_id="team", entity_id="north").success
    assert ["free"] == [each.plan_id for each in client.customers.get(customer_id="team").subscriptions]


def test_errors_are_the_clients_own(client: Autumn, server: LiveServer) -> None:
    """A refusal is an AutumnDefaultError with the status and the body; check and track do not fail open."""
    with pytest.raises(errors.AutumnDefaultError) as raised:
        client.customers.get(customer_id="ghost")

    assert 404 == raised.value.status_code
    assert '"code":"customer_not_found"' in raised.value.body

    with pytest.raises(errors.AutumnDefaultError) as raised:
        client.track(customer_id="ghost", feature_id="messages")

    assert 404 == raised.value.status_code

    with (
        Autumn(secret_key="am_sk_test_wrong", server_url=server.url, fail_open=False) as stranger,
        pytest.raises(errors.AutumnDefaultError) as raised,
    ):
        stranger.check(customer_id="ada", feature_id="messages")

    assert 401 == raised.value.status_code


def test_a_key_given_twice_is_carried_out_once(client: Autumn) -> None:
    """An Idempotency-Key goes in `http_headers` (clients.md §1.1)."""
    client.customers.get_or_create(customer_id="bob")
    headers = {"Idempotency-Key": "one"}
    client.track(customer_id="bob", feature_id="messages", http_headers=headers)
    with pytest.raises(errors.AutumnDefaultError) as raised:
        client.track(customer_id="bob", feature_id="messages", http_headers=headers)

    assert 409 == raised.value.status_code
    assert 1 == len(client.events.list(customer_id="bob").list)
