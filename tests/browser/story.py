"""What the server in the browser tests knows: a small company's catalog and its customers."""

from collections.abc import Callable
from typing import Any

FILLERS = 60
LONG_NAME = "The Very Long Name of a Company That Makes Everything and Never Learned to Be Brief About It Ltd."
ARABIC_NAME = "شركة النور للتقنية"
EMOJI_NAME = "🚀 Rocket 🐙 Octopus"
HOSTILE_NAME = "<script>alert(1)</script>"

Call = Callable[..., dict[str, Any]]


def tell(call: Call) -> None:
    """Creates the catalog and the customers through the API."""
    _catalog(call)
    for number in range(FILLERS):
        call("customers.get_or_create", customer_id=f"filler_{number:02}", name=f"Filler {number:02}")
    for customer_id, name in (
        ("long", LONG_NAME),
        ("arabic", ARABIC_NAME),
        ("emoji", EMOJI_NAME),
        ("hostile", HOSTILE_NAME),
    ):
        call("customers.get_or_create", customer_id=customer_id, name=name, email=f"{customer_id}@example.com")
    _acme(call)
    _lapsed(call)


def _catalog(call: Call) -> None:
    call("features.create", feature_id="messages", name="Messages", type="metered", consumable=True)
    call("features.create", feature_id="seats", name="Seats", type="metered", consumable=False)
    call("features.create", feature_id="sso", name="Single sign-on", type="boolean")
    monthly = {"interval": "month"}
    usage = {"amount": 0.01, "interval": "month", "billing_method": "usage_based"}
    call(
        "plans.create",
        plan_id="free",
        name="Free",
        auto_enable=True,
        items=[{"feature_id": "messages", "included": 50, "reset": monthly}],
    )
    call(
        "plans.create",
        plan_id="pro",
        name="Pro",
        price={"amount": 20, "interval": "month"},
        items=[
            {"feature_id": "messages", "included": 1000, "reset": monthly, "price": usage},
            {"feature_id": "seats", "included": 3},
            {"feature_id": "sso"},
        ],
    )
    call("plans.create", plan_id="team", name="Team", price={"amount": 99, "interval": "month"})


def _acme(call: Call) -> None:
    """Pays for Pro, uses more than is included, and is in its second month."""
    call(
        "customers.get_or_create",
        customer_id="acme",
        name="Acme Corporation",
        email="billing@acme.example",
        metadata={"tier": "gold"},
    )
    link = call("billing.attach", customer_id="acme", plan_id="pro")["payment_url"]
    call("sandbox.complete_checkout", url=link)
    held = call("customers.get", customer_id="acme")["subscriptions"][0]
    call("balances.track", customer_id="acme", feature_id="messages", value=1200, properties={"region": "eu"})
    call("customers.advance_test_clock", customer_id="acme", frozen_time=held["current_period_end"])
    call("balances.track", customer_id="acme", feature_id="messages", value=400, properties={"region": "us"})


def _lapsed(call: Call) -> None:
    """Had a card, and its renewal was declined."""
    call("customers.get_or_create", customer_id="lapsed", name="Lapsed Lighting", email="pay@lapsed.example")
    call("sandbox.add_card", customer_id="lapsed")
    call("billing.attach", customer_id="lapsed", plan_id="pro")
    held = call("customers.get", customer_id="lapsed")["subscriptions"][0]
    call("sandbox.set_next_charge", customer_id="lapsed", outcome="decline")
    call("customers.advance_test_clock", customer_id="lapsed", frozen_time=held["current_period_end"])
