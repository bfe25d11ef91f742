"""Versions of plans over HTTP: which is active, who holds which, what differs (api.md §2.2, billing.md §16.1)."""

from typing import Any

from tests.api.shop import subscribe_ada
from tests.support.api import Api, Refused, on_sqlite

DEARER = {"plan_id": "pro", "price": {"amount": 35, "interval": "month"}}
FIRST = {"plan_id": "pro", "version": 1}


def counts(**some: int) -> dict[str, int]:
    """Holders by state; what is not named is nobody."""
    names = ("total", "active", "scheduled", "canceling", "trialing", "past_due", "custom")
    return {name: some.get(name, 0) for name in names}


async def prices(api: Api) -> dict[int, Any]:
    """The amount of each version, in major units."""
    listed = (await api.call("plans.list", {"all_versions": True}))["list"]
    return {plan["version"]: plan["price"]["amount"] for plan in listed if plan["id"] == "pro"}


async def test_the_active_version_is_the_one_without_a_number(api: Api) -> None:
    """A new version is active; an older one is made so again, is what is read and attached, and numbers go on."""
    await subscribe_ada(api)
    second = await api.call("plans.update", DEARER)

    assert (2, "v2", True) == (second["version"], second["version_slug"], second["active"])
    first = await api.call("plans.get", FIRST)
    assert (1, "v1", False) == (first["version"], first["version_slug"], first["active"])

    back = await api.call("plans.update", {**FIRST, "active": True})

    assert (1, True) == (back["version"], back["active"])
    assert back == await api.call("plans.get", {"plan_id": "pro"})
    assert [1] == [each["version"] for each in (await api.call("plans.list"))["list"] if each["id"] == "pro"]

    third = await api.call("plans.update", {**DEARER, "price": {"amount": 40, "interval": "month"}})
    assert (3, True) == (third["version"], third["active"])
    assert {1: 30, 2: 35, 3: 40} == await prices(api)


async def test_a_deleted_active_version_leaves_the_one_before(api: Api) -> None:
    """Only the newest version goes, and the one before is active again."""
    await subscribe_ada(api)
    await api.call("plans.update", DEARER)
    await api.call("plans.delete", {"plan_id": "pro"})

    plan = await api.call("plans.get", {"plan_id": "pro"})
    assert (1, True) == (plan["version"], plan["active"])


async def test_an_edit_goes_where_it_is_told(api: Api) -> None:
    """In place although the version is held; a version although nothing changed; the same change to every version."""
    await subscribe_ada(api)
    in_place = await api.call("plans.update", {**DEARER, "disable_version": True})
    assert (1, 35) == (in_place["version"], in_place["price"]["amount"])

    forced = await api.call("plans.update", {"plan_id": "pro", "force_version": True})
    assert (2, {1: 35, 2: 35}) == (forced["version"], await prices(api))

    await api.call("plans.update", {**DEARER, "price": {"amount": 36, "interval": "month"}})
    items = [{**item, "included": 7} if item["feature_id"] == "seats" else item for item in forced["items"]]
    sent = [{name: value for name, value in item.items() if name != "display"} for item in items]
    await api.call("plans.update", {"plan_id": "pro", "items": sent, "all_versions": True})

    listed = (await api.call("plans.list", {"all_versions": True}))["list"]
    assert [(1, 35, 7), (2, 36, 7)] == [
        (plan["version"], plan["price"]["amount"], plan["items"][1]["included"])
        for plan in listed
        if plan["id"] == "pro"
    ]


async def test_who_holds_which_version(api: Api) -> None:
    """Counted per version, with the plan where that is asked for; nobody is counted as nobody."""
    await subscribe_ada(api)
    await api.call("plans.update", DEARER)
    answer = await api.call("plans.has_customers", {"plan_id": "pro"})

    assert {
        "plan_id": "pro",
        "has_customers": True,
        "versions": [
            {"version": 1, "version_slug": "v1", "active": False, "customers": counts(total=1, active=1)},
            {"version": 2, "version_slug": "v2", "active": True, "customers": counts()},
        ],
    } == answer
    assert not (await api.call("plans.has_customers", {"plan_id": "pro", "version": 2}))["has_customers"]

    shown = await api.call("plans.get", {**FIRST, "expand": ["customers"]})
    assert counts(total=1, active=1) == shown["customers"]
    listed = (await api.call("plans.list", {"all_versions": True, "expand": ["customers"]}))["list"]
    assert [1, 0] == [plan["customers"]["total"] for plan in listed if plan["id"] == "pro"]

    await api.call("billing.update", {"customer_id": "ada", "plan_id": "pro", "cancel_action": "cancel_end_of_cycle"})
    shown = await api.call("plans.get", {**FIRST, "expand": ["customers"]})
    assert counts(total=1, active=1, canceling=1) == shown["customers"]


async def test_what_differs_between_versions(api: Api) -> None:
    """Price and items, before and after; what is the same is left out."""
    await subscribe_ada(api)
    first = await api.call("plans.get", FIRST)
    kept = [{name: value for name, value in item.items() if name != "display"} for item in first["items"]]
    messages = {**kept[0], "included": 2000}
    await api.call("plans.update", {**DEARER, "items": [messages, kept[2]]})
    answer = await api.call("plans.diff", {"plan_id": "pro", "from_version": 1})

    assert ("pro", 1, 2) == (answer["plan_id"], answer["from_version"], answer["to_version"])
    diff = answer["diff"]
    assert (30, 35) == (diff["price"]["before"]["amount"], diff["price"]["after"]["amount"])
    assert "free_trial" not in diff
    assert [("changed", "messages", ["included"]), ("removed", "seats", [])] == [
        (each["action"], each["feature_id"], each["fields"]) for each in diff["items"]
    ]
    assert (1000, 2000) == tuple(diff["items"][0][side]["included"] for side in ("before", "after"))
    assert diff["items"][1]["after"] is None

    trial = {"duration_length": 7, "duration_type": "day", "card_required": True}
    await api.call("plans.update", {"plan_id": "pro", "free_trial": trial, "items": kept})
    answer = await api.call("plans.diff", {"plan_id": "pro", "from_version": 1, "to_version": 2})
    assert {"before": None, "after": trial} == answer["diff"]["free_trial"]
    assert [] == answer["diff"]["items"]


async def test_a_preview_of_an_edit_is_the_edit(api: Api) -> None:
    """It says whether there will be a version, for how many customers, and shows the plan as it then is."""
    await subscribe_ada(api)
    preview = await api.call("plans.preview_update", DEARER)

    assert (True, True, 2, 1) == (
        preview["has_customers"], preview["will_version"], preview["plan"]["version"], preview["customers"]["total"]
    )  # fmt: skip
    assert (30, 35) == tuple(preview["diff"]["price"][side]["amount"] for side in ("before", "after"))
    assert {1: 30} == await prices(api)

    made = await api.call("plans.update", DEARER)
    assert {**preview["plan"], "created_at": made["created_at"]} == made

    everywhere = {"plan_id": "pro", "price": {"amount": 36, "interval": "month"}, "all_versions": True}
    preview = await api.call("plans.preview_update", everywhere)
    (other,) = preview["other_versions"]
    assert (False, 1, 36, 1) == (
        preview["will_version"], other["plan"]["version"], other["plan"]["price"]["amount"], other["customers"]["total"]
    )  # fmt: skip
    assert [{"type": "base_price_divergence", "feature_id": None}] == other["conflicts"]
    assert {1: 30, 2: 35} == await prices(api)


BROKEN: list[Refused] = [
    ("plans.update", {**DEARER, "all_versions": True, "disable_version": True}, 400, "conflicting_version_flags"),
    ("plans.preview_update", {**DEARER, "force_version": True, "disable_version": True}, 400,
     "conflicting_version_flags"),
    ("plans.update", {"plan_id": "pro", "active": False}, 400, "invalid_request"),
    ("plans.update", {**FIRST, "auto_enable": True}, 400, "historical_plan_version_cannot_be_default"),
    ("plans.has_customers", {"plan_id": "ghost"}, 404, "product_not_found"),
    ("plans.has_customers", {"plan_id": "pro", "version": 9}, 404, "product_not_found"),
    ("plans.diff", {"plan_id": "pro", "from_version": 9}, 404, "product_not_found"),
    ("plans.preview_update", {"plan_id": "ghost"}, 404, "product_not_found"),
]  # fmt: skip


@on_sqlite
async def test_a_rule_of_versions_that_is_broken(api: Api) -> None:
    """Each is refused with its own code, and nothing changes."""
    await subscribe_ada(api)
    await api.call("plans.update", DEARER)
    everything = {"all_versions": True, "include_archived": True}
    before = await api.call("plans.list", everything)

    assert BROKEN == await api.refusals(BROKEN)
    assert before == await api.call("plans.list", everything)
