"""A customer's first month on Sumac, with the published client: python main.py."""

import os
import sys

import httpx
from autumn_sdk import Autumn

URL = os.environ.get("SUMAC_URL", "http://127.0.0.1:8000")
KEY = os.environ["SUMAC_SECRET_KEY"]
CUSTOMER = "acme"


def create_catalog(client: Autumn) -> None:
    """Four features of every kind, a free plan that starts by itself, and Pro at $20 a month."""
    client.features.create(feature_id="sso", name="Single sign-on", type_="boolean")
    client.features.create(feature_id="messages", name="Messages", type_="metered", consumable=True)
    client.features.create(feature_id="seats", name="Seats", type_="metered", consumable=False)
    client.features.create(
        feature_id="credits",
        name="Credits",
        type_="credit_system",
        credit_schema=[{"metered_feature_id": "messages", "credit_cost": 0.2}],
    )
    client.plans.create(
        plan_id="free",
        name="Free",
        auto_enable=True,
        items=[{"feature_id": "messages", "included": 50, "reset": {"interval": "month"}}],
    )
    client.plans.create(
        plan_id="pro",
        name="Pro",
        price={"amount": 20, "interval": "month"},
        items=[
            {
                "feature_id": "messages",
                "included": 1000,
                "reset": {"interval": "month"},
                "price": {"amount": 0.01, "interval": "month", "billing_method": "usage_based"},
            },
            {"feature_id": "seats", "included": 3},
            {"feature_id": "sso"},
        ],
    )


def post(operation: str, **body: object) -> None:
    """Calls an operation that this version of the client does not have."""
    answer = httpx.post(f"{URL}/v1/{operation}", headers={"authorization": f"Bearer {KEY}"}, json=body, timeout=30)
    answer.raise_for_status()


def main() -> int:
    """Walks through the month; answers 0 when the bill is right."""
    client = Autumn(secret_key=KEY, server_url=URL, fail_open=False)
    create_catalog(client)

    customer = client.customers.get_or_create(customer_id=CUSTOMER, name="Acme", email="billing@acme.example")
    print("starts on:", customer.subscriptions[0].plan_id)

    attached = client.billing.attach(customer_id=CUSTOMER, plan_id="pro")
    print("to be paid at:", attached.payment_url)
    # in a sandbox a program can be the customer: open the page, enter a card, pay
    post("sandbox.complete_checkout", url=attached.payment_url, number="4242 4242 4242 4242")

    subscription = client.customers.get(customer_id=CUSTOMER).subscriptions[0]
    print("now on:", subscription.plan_id, subscription.status)

    print("may send a message:", client.check(customer_id=CUSTOMER, feature_id="messages").allowed)
    client.track(customer_id=CUSTOMER, feature_id="messages", value=1200)

    # and move the customer's clock past the renewal
    post("customers.advance_test_clock", customer_id=CUSTOMER, frozen_time=subscription.current_period_end)
    invoice = client.invoices.list(customer_id=CUSTOMER).list[0]
    print(f"second invoice: {invoice.total:.2f} {invoice.currency}, {invoice.status}")
    return 0 if (invoice.total, invoice.status) == (22, "paid") else 1


if __name__ == "__main__":
    sys.exit(main())
