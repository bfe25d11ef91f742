"""Our own OpenAPI document, and the contracts that every successful answer of these tests is held against."""

import httpx
from fastapi import FastAPI

from tests.api.operations import SIGNING_IN, WALK, registered
from tests.api.shop import subscribe_ada
from tests.support.api import Api, on_sqlite
from tests.support.contract import published

NEWER = {
    "balances.explain",
    "balances.list",
    "balances.preview_recalculate",
    "balances.recalculate",
    "balances.undo_edit",
    "catalog.preview_update",
    "catalog.update",
    "customers.add_reward",
    "customers.advance_test_clock",
    "customers.remove_reward",
    "invoices.create",
    "invoices.finalize",
    "invoices.issue_credit_note",
    "invoices.pay",
    "invoices.void",
    "plans.create_variant",
    "plans.diff",
    "plans.has_customers",
    "plans.preview_update",
    "plans.what_if",
    "purchases.list",
    "subscriptions.list",
}
"""Added to the contract after the published document of 2.3 (api.md §2.16)."""
UNPUBLISHED = (
    {name for name in WALK if name.startswith(("migrations.", "organization.", "sandbox."))} | NEWER | SIGNING_IN
)
OPTIONAL = {"clock_at", "processors", "config"}


@on_sqlite
async def test_a_missing_key_is_noticed(api: Api) -> None:
    """Each contract refuses a customer that lacks a key, nullable or not (api.md §1.12)."""
    await subscribe_ada(api)
    answer = await api.call("customers.get", {"customer_id": "ada"})
    for contract in api.contracts:
        for name in answer.keys() - OPTIONAL:
            lacking = {key: value for key, value in answer.items() if key != name}

            assert contract.problems("/v1/customers.get", lacking), (contract.name, name)

        subscription = answer["subscriptions"][0]
        for name in subscription.keys() - {"scope", "plan_version", "is_custom"}:
            lacking = {key: value for key, value in subscription.items() if key != name}

            assert contract.problems("/v1/customers.get", {**answer, "subscriptions": [lacking]}), (contract.name, name)


def test_the_published_contract_knows_the_rest() -> None:
    """Every operation is held against it, except those that only this server has, and those that are newer."""
    for contract in published():
        unknown = {name for name in WALK.keys() - UNPUBLISHED if not contract.knows(f"/v1/{name}")}

        assert set() == unknown


@on_sqlite
async def test_the_document_says_how_to_call(client: httpx.AsyncClient, app: FastAPI) -> None:
    """It is served to everybody; each operation has a summary, a text, its key and its errors."""
    document = (await client.get("/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    for name in registered(app):
        operation = document["paths"][f"/v1/{name}"]["post"]

        assert operation["summary"]
        assert operation["description"]
        assert (name in SIGNING_IN) != ("security" in operation)
        assert "422" not in operation["responses"]
        if name not in SIGNING_IN:
            success = "202" if name == "balances.batch_track" else "200"

            assert {success, "400", "401", "403", "404", "409"} <= operation["responses"].keys()
