"""Older contracts at the door: pairs of functions as tables, the versions they serve, and the older addresses."""

from itertools import pairwise
from typing import Any

import pytest

from sumac.api.compat.catalog import update_from_2_2
from sumac.api.compat.pairs import Json
from sumac.api.compat.plans import list_before_2_2, request_before_2_2
from sumac.api.compat.steps import STEPS, find_pairs
from tests.api.operations import WALK
from tests.api.shop import PRO, add_ada, stock, subscribe_ada
from tests.support.api import Api, on_sqlite, refusal

MESSAGES = {"type": "single_use"}
HELD = {"trial_available": False, "status": "active", "canceling": False, "trialing": False, "attach_action": "none"}
ENDING = {**HELD, "canceling": True, "attach_action": "activate"}
WAITING = {**HELD, "status": "scheduled"}
DEARER = {"trial_available": True, "canceling": False, "trialing": False, "attach_action": "upgrade"}


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (HELD, {"trial_available": False, "attach_action": "none", "scenario": "active"}),
        (ENDING, {"trial_available": False, "attach_action": "activate", "scenario": "renew"}),
        (WAITING, {"trial_available": False, "attach_action": "none", "scenario": "scheduled"}),
        (DEARER, {"trial_available": True, "attach_action": "upgrade", "scenario": "upgrade"}),
        (
            {**DEARER, "attach_action": "downgrade"},
            {"trial_available": True, "attach_action": "downgrade", "scenario": "downgrade"},
        ),
        (
            {**DEARER, "attach_action": "activate"},
            {"trial_available": True, "attach_action": "activate", "scenario": "new"},
        ),
        (
            {**DEARER, "attach_action": "purchase"},
            {"trial_available": True, "attach_action": "purchase", "scenario": "new"},
        ),
    ],
)
def test_eligibility_before_2_2(newer: Json, older: Json) -> None:
    """One word says where the plan stands or what attaching it would be; a plan without any stays as it is."""
    answer = {"list": [{"id": "pro", "items": [], "customer_eligibility": newer}, {"id": "free", "items": []}]}

    assert {
        "list": [{"id": "pro", "items": [], "customer_eligibility": older}, {"id": "free", "items": []}]
    } == list_before_2_2(answer)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"included": 5, "reset": None, "price": None, "feature": MESSAGES}, {"interval": "one_off"}),
        ({"included": 5, "reset": None, "price": None, "feature": {"type": "credit_system"}}, {"interval": "one_off"}),
        ({"included": 5, "reset": None, "price": None, "feature": {"type": "continuous_use"}}, None),
        ({"included": 5, "reset": None, "price": None}, None),
        ({"included": 5, "reset": {"interval": "month"}, "price": None, "feature": MESSAGES}, {"interval": "month"}),
        ({"included": 5, "reset": None, "price": {"amount": 1}, "feature": MESSAGES}, None),
        ({"included": 0, "reset": None, "price": None, "feature": MESSAGES}, None),
    ],
)
def test_units_that_never_come_back_before_2_2(newer: Json, older: Json | None) -> None:
    """Units that are used up and given once have a reset that says so; held, sold and endless ones have none."""
    (plan,) = list_before_2_2({"list": [{"items": [newer]}]})["list"]

    assert [{**newer, "reset": older}] == plan["items"]


@pytest.mark.parametrize(
    ("asked", "expand"),
    [
        ({}, ["items.feature"]),
        ({"expand": None}, ["items.feature"]),
        ({"expand": ["customers"]}, ["customers", "items.feature"]),
        ({"expand": "x"}, "x"),
    ],
)
def test_plans_are_listed_with_features_before_2_2(asked: Json, expand: object) -> None:
    """The request asks for the features of items, beside what it asks for itself."""
    assert {**asked, "expand": expand} == request_before_2_2(asked)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("prorate", "prorate"), ("prorate_immediately", "prorate_immediately")),
        (("charge_immediately", "refund_immediately"), ("bill_immediately", "prorate_immediately")),
        (("prorate", "no_action"), ("prorate_immediately", "none")),
        (("prorate_next_cycle", "none"), ("prorate_next_cycle", "none")),
        (("bill_next_cycle", "no_prorations"), ("bill_next_cycle", "no_prorations")),
        (("nonsense", 7), ("nonsense", 7)),
    ],
)
def test_words_of_proration_before_2_3(words: tuple[object, object], told: tuple[object, object]) -> None:
    """The command line's own words are told in those of the contract; the contract's own, and nonsense, stay."""

    def pushed(increase: object, decrease: object) -> Json:
        proration = {"on_increase": increase, "on_decrease": decrease}
        return {"features": [], "plans": [{"plan_id": "pro", "items": [{"feature_id": "x", "proration": proration}]}]}

    assert pushed(*told) == update_from_2_2(pushed(*words))


@pytest.mark.parametrize(
    "request_body",
    [
        {},
        {"plans": None},
        {"plans": 5},
        {"plans": ["x", {"items": "y"}]},
        {"plans": [{"items": [1, {"proration": None}, {"proration": {}}]}]},
    ],
)
def test_what_is_misshapen_is_left_for_the_schema(request_body: Json) -> None:
    """A pair never fails: whatever has not the shape it should have passes through it unchanged."""
    assert request_body == update_from_2_2(request_body)


def test_steps_name_operations_that_exist() -> None:
    """Every operation of a step is one of the API, and what an older step serves every newer step serves too."""
    for newer, older in pairwise(STEPS):
        assert newer.version > older.version

    for step in STEPS:
        assert step.pairs.keys() <= WALK.keys()
    assert () == find_pairs("customers.get", (2, 3, 0))
    assert None is find_pairs("customers.get", (2, 2, 0))
    assert 2 == len(find_pairs("plans.list", (2, 1, 0)) or ())


@on_sqlite
async def test_versions_by_operation(api: Api) -> None:
    """2.1 and 2.2 are served where their conversions are; elsewhere they are refused, not answered in another shape."""
    table: list[tuple[str, str, int]] = [
        ("2.1.0", "plans.list", 200),
        ("2.1", "plans.list", 200),
        ("2.2.0", "plans.list", 200),
        ("2026-03-17", "features.list", 200),
        ("2026-03-18.clover", "features.list", 200),
        ("2.2.0", "catalog.preview_update", 200),
        ("2.1.0", "catalog.preview_update", 400),
        ("2.0.0", "plans.list", 400),
        ("2.2.1", "plans.list", 400),
        ("1.2", "plans.list", 400),
        ("2026-03-16", "plans.list", 400),
        ("2.2.0", "customers.list", 400),
        ("2.1.0", "check", 400),
    ]
    for version, operation, status in table:
        body: Json = {"features": [], "plans": []} if operation.startswith("catalog") else {}
        answer = await api.send(operation, body, **{"x-api-version": version})

        assert (version, operation, status) == (version, operation, answer.status_code)
        if status == 400:
            assert "invalid_api_version" == refusal(answer).code


@on_sqlite
async def test_one_word_at_2_1(api: Api) -> None:
    """plans.list for a customer at 2.1, 2.2 and the newest contract."""
    await subscribe_ada(api)

    async def pro(version: str) -> Any:  # noqa: ANN401  # JSON
        plans = (await api.send("plans.list", {"customer_id": "ada"}, **{"x-api-version": version})).json()["list"]
        return {each["id"]: each for each in plans}["pro"]["customer_eligibility"]

    assert {"trial_available": False, "attach_action": "none", "scenario": "active"} == await pro("2.1.0")
    assert HELD == await pro("2.2.0")
    assert HELD == await pro("2.3.0")


@on_sqlite
async def test_a_push_in_the_words_of_2_2(api: Api) -> None:
    """What the command line pushes is kept in the contract's own words."""
    await stock(api)
    (messages, seats, sso) = PRO["items"]
    worded = {**seats, "proration": {"on_increase": "charge_immediately", "on_decrease": "no_action"}}
    pushed = {"features": [], "plans": [{**PRO, "items": [messages, worded, sso]}], "skip_deletions": True}
    refused = await api.refused("catalog.update", pushed)

    assert "plans.0.items.1.proration.on_increase" in refused.message

    answer = await api.send("catalog.preview_update", pushed, **{"x-api-version": "2.2.0"})

    # prepaid quantities are not billed at once without proration (api.md §2.2), so this says which word was read
    assert ("invalid_product_item", 400) == (refusal(answer).code, answer.status_code)

    worded["proration"] = {"on_increase": "prorate", "on_decrease": "no_action"}
    answer = await api.send("catalog.preview_update", pushed, **{"x-api-version": "2.2.0"})

    assert ["none"] == [each["action"] for each in answer.json()["plan_changes"]]


@on_sqlite
async def test_older_addresses(api: Api) -> None:
    """The path and the query say what the body would; scopes, versions and errors are those of the operation."""
    await add_ada(api)
    older = api.sending(x_api_version="2.1.0")
    archived = await older.send("products/support", {"archived": True})

    assert (200, True) == (archived.status_code, archived.json()["archived"])
    assert False is (await older.send("products/support", {"archived": False})).json()["archived"]
    assert True is (await older.send("features/sso", {"archived": True})).json()["archived"]
    assert 404 == (await older.send("products/nobody", {"archived": False})).status_code

    client, headers = api.client, older.headers
    for path, seen in (
        ("products/support?all_versions=true", (200, None)),
        ("products/free", (400, "invalid_request")),
        ("features/messages", (409, "invalid_request")),
        ("features/nobody", (404, "feature_not_found")),
        ("products/support", (404, "product_not_found")),
    ):
        answer = await client.delete(f"/v1/{path}", headers=headers)

        assert seen == (answer.status_code, answer.json().get("code")), path

    for path in ("organization", "organization/me"):
        me = (await client.get(f"/v1/{path}", headers=headers)).json()

        assert ("Lumen", "lumen", "sandbox", "usd") == (me["name"], me["slug"], me["env"], me["default_currency"])

    reader = await older.with_key("plans:read")

    assert 403 == (await client.delete("/v1/products/pro", headers=reader.headers)).status_code
    assert 404 == (await client.get("/v1/products/pro", headers=headers)).status_code
