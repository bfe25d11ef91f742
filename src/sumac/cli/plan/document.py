"""The file's shape: features and plans by their ids, and of each what is not as it would be by itself.

Every key has the name it has in the API. `to_document` makes the file of what the server answers, `to_request` the
request of catalog.update of a file; a key that is left out of the file is sent as what it is by itself, so that the
file is all there is to say.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]
FEATURE_KEYS = (
    "name",
    "type",
    "consumable",
    "display",
    "event_names",
    "credit_schema",
    "default_markup",
    "provider_markups",
    "model_markups",
    "archived",
)
PLAN_KEYS = (
    "name",
    "description",
    "base_plan_id",
    "group",
    "add_on",
    "auto_enable",
    "archived",
    "price",
    "free_trial",
    "items",
    "billing_controls",
    "config",
    "metadata",
)
ITEM_KEYS = (
    "feature_id",
    "entity_feature_id",
    "included",
    "unlimited",
    "pooled",
    "reset",
    "price",
    "proration",
    "rollover",
)
PRICE_KEYS = (
    "amount",
    "tiers",
    "tier_behavior",
    "additional_currencies",
    "interval",
    "interval_count",
    "billing_units",
    "billing_method",
    "max_purchase",
)
FEATURE_BY_ITSELF: Json = {
    "consumable": False,
    "display": None,
    "event_names": [],
    "credit_schema": [],
    "default_markup": None,
    "provider_markups": None,
    "model_markups": None,
    "archived": False,
}
PLAN_BY_ITSELF: Json = {
    "description": None,
    "base_plan_id": None,
    "group": "",
    "add_on": False,
    "auto_enable": False,
    "archived": False,
    "price": None,
    "free_trial": None,
    "items": [],
    "billing_controls": {},
    "config": {},
    "metadata": {},
}


def to_document(features: Iterable[Json], plans: Iterable[Json]) -> Json:
    """The file of features and plans as the API answers them, sorted by their ids."""
    return {
        "features": {each["id"]: feature_document(each) for each in sorted(features, key=_id)},
        "plans": {each["id"]: plan_document(each) for each in sorted(plans, key=_id)},
    }


def feature_document(feature: Json) -> Json:
    """What the file says of a feature; only metered ones say whether they are consumable, and those always."""
    metered = feature["type"] == "metered"
    return {
        name: _bare(feature[name])
        for name in FEATURE_KEYS
        if (metered if name == "consumable" else _is_said(feature.get(name)))
    }


def plan_document(plan: Json) -> Json:
    """What the file says of a plan."""
    said = _said({**plan, "base_plan_id": plan.get("base_variant_id")}, PLAN_KEYS)
    if "price" in said:
        said["price"] = _said(said["price"], PRICE_KEYS)
    if "items" in said:
        said["items"] = [_item_document(item) for item in said["items"]]
    if not said.get("config", {}).get("ignore_past_due", True):
        del said["config"]
    metadata = {"metadata": dict(sorted(said.pop("metadata").items()))} if "metadata" in said else {}
    return {**_bare(said), **metadata}


def to_request(document: Mapping[str, Json]) -> Json:
    """The body of catalog.update that makes the catalogue what the file says."""
    return {
        "features": [{**FEATURE_BY_ITSELF, **said, "feature_id": name} for name, said in document["features"].items()],
        "plans": [{**PLAN_BY_ITSELF, **said, "plan_id": name} for name, said in document["plans"].items()],
    }


def _item_document(item: Json) -> Json:
    said = _said(item, ITEM_KEYS)
    if said.get("included") == 0:
        del said["included"]
    if "price" in said:
        price = _said(said["price"], PRICE_KEYS)
        if price.get("billing_units") == 1:
            del price["billing_units"]
        said["price"] = price
    return said


def _said(body: Json, keys: Iterable[str]) -> Json:
    """The keys that are not as they are by themselves, in this order."""
    return {name: body[name] for name in keys if _is_said(body.get(name))}


def _is_said(value: object) -> bool:
    """Whether a value says something; the number 0 does."""
    return value is not None and value is not False and value not in ("", [], {})


def _bare(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """The value without the keys that are null."""
    match value:
        case dict():
            return {name: _bare(each) for name, each in value.items() if each is not None}
        case list():
            return [_bare(each) for each in value]
        case _:
            return value


def _id(body: Json) -> str:
    name: str = body["id"]
    return name
