"""The catalog of api.md §5, as requests: four features, and plans of every kind."""

from typing import Any

from tests.support.api import Api, Body

JANUARY_MS = 1_767_225_600_000  # 2026-01-01
FEBRUARY_MS = 1_769_904_000_000  # 2026-02-01
MARCH_MS = 1_772_323_200_000  # 2026-03-01
MONTH = {"interval": "month"}
FEATURES: tuple[dict[str, Any], ...] = (
    {
        "feature_id": "messages",
        "name": "Messages",
        "type": "metered",
        "consumable": True,
        "event_names": ["message_sent"],
        "display": {"singular": "message", "plural": "messages"},
    },
    {
        "feature_id": "seats",
        "name": "Seats",
        "type": "metered",
        "consumable": False,
        "display": {"singular": "seat", "plural": "seats"},
    },
    {"feature_id": "sso", "name": "Single sign-on", "type": "boolean"},
    {
        "feature_id": "ai_credits",
        "name": "AI credits",
        "type": "credit_system",
        "credit_schema": [{"metered_feature_id": "messages", "credit_cost": 0.2}],
    },
)
FREE = {
    "plan_id": "free",
    "name": "Free",
    "auto_enable": True,
    "items": [{"feature_id": "messages", "included": 50, "reset": MONTH}],
}
PRO_ITEMS: list[dict[str, Any]] = [
    {
        "feature_id": "messages",
        "included": 1000,
        "reset": MONTH,
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
PRO: dict[str, Any] = {
    "plan_id": "pro",
    "name": "Pro",
    "price": {"amount": 30, "interval": "month"},
    "items": PRO_ITEMS,
}
PRO_ITEMS_SHOWN: list[dict[str, Any]] = [
    {
        "feature_id": "messages",
        "included": 1000,
        "unlimited": False,
        "pooled": False,
        "reset": MONTH,
        "price": {
            "amount": 2,
            "interval": "month",
            "billing_units": 500,
            "billing_method": "usage_based",
            "max_purchase": None,
        },
        "display": {"primary_text": "1,000 messages", "secondary_text": "then $2 per 500 messages"},
    },
    {
        "feature_id": "seats",
        "included": 2,
        "unlimited": False,
        "pooled": False,
        "reset": None,
        "price": {
            "amount": 8,
            "interval": "month",
            "billing_units": 1,
            "billing_method": "prepaid",
            "max_purchase": None,
        },
        "display": {"primary_text": "2 seats", "secondary_text": "then $8 per seat"},
    },
    {
        "feature_id": "sso",
        "included": 0,
        "unlimited": False,
        "pooled": False,
        "reset": None,
        "price": None,
        "display": {"primary_text": "Single sign-on"},
    },
]
PACK = {
    "plan_id": "credit_pack",
    "name": "Credit pack",
    "add_on": True,
    "price": {"amount": 10, "interval": "one_off"},
    "items": [{"feature_id": "ai_credits", "included": 100}],
}
SUPPORT = {"plan_id": "support", "name": "Support", "add_on": True, "price": {"amount": 5, "interval": "month"}}
ADA = {"customer_id": "ada", "name": "Ada", "email": "ada@lumen.test"}
SEATS_CHOSEN = {"feature_quantities": [{"feature_id": "seats", "quantity": 5}]}


async def stock(api: Api) -> None:
    """Offers every feature and plan."""
    for feature in FEATURES:
        await api.call("features.create", feature)
    for plan in (FREE, PRO, PACK, SUPPORT):
        await api.call("plans.create", plan)


async def add_ada(api: Api, *, card: bool = True) -> None:
    """Stocks the shop and adds a customer, on the free plan, with a good card unless told otherwise."""
    await stock(api)
    await api.call("customers.get_or_create", ADA)
    if card:
        await api.call("sandbox.add_card", {"customer_id": "ada"})


async def subscribe_ada(api: Api) -> None:
    """Ada on Pro with five seats, paid with her card."""
    await add_ada(api)
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro", **SEATS_CHOSEN})


async def add(api: Api, customer_id: str, **fields: object) -> Body:
    """Adds a customer, or answers the one there is."""
    return await api.call("customers.get_or_create", {"customer_id": customer_id, **fields})


async def ids(api: Api, **chosen: object) -> list[str]:
    """The customers of a list, in its order."""
    return [customer["id"] for customer in (await api.call("customers.list", chosen))["list"]]
