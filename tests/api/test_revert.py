"""A trial that reverts, over HTTP (api.md §2.5, §4; billing.md §11)."""

from tests.api.shop import ADA, FEBRUARY_MS, JANUARY_MS, MONTH, add_ada, subscribe_ada
from tests.support.api import Api, Body, Refused, on_sqlite

DAY_MS = 86_400_000
INVALID = "invalid_request"
WHO = {"customer_id": ADA["customer_id"]}
OVER_MS = JANUARY_MS + 14 * DAY_MS
REVERTS = {"duration_length": 14, "duration_type": "day", "on_end": "revert"}
TEAM = {
    "plan_id": "team",
    "name": "Team",
    "price": {"amount": 90, "interval": "month"},
    "items": [{"feature_id": "messages", "included": 5000, "reset": MONTH}],
    "free_trial": REVERTS,
}


def phase(plan_id: str) -> Body:
    """A schedule that begins now with the plan."""
    return {"starts_at": "now", "plans": [{"plan_id": plan_id}]}


async def subscriptions(api: Api) -> dict[str, Body]:
    """What Ada holds, by plan."""
    ada = await api.call("customers.get", WHO)
    return {each["plan_id"]: each for each in ada["subscriptions"]}


async def messages(api: Api) -> int:
    """The messages Ada may use."""
    granted: int = (await api.call("customers.get", WHO))["balances"]["messages"]["granted"]
    return granted


async def test_there_and_back(api: Api) -> None:
    """Nothing is due; Pro is shown as waiting while Team runs out, and has its two weeks more afterwards."""
    await subscribe_ada(api)
    team = await api.call("plans.create", TEAM)
    preview = await api.call("billing.preview_attach", {**WHO, "plan_id": "team"})
    answer = await api.call("billing.attach", {**WHO, "plan_id": "team"})

    assert "revert" == team["free_trial"]["on_end"]
    assert (0, [], None) == (preview["total"], preview["line_items"], preview.get("next_cycle"))
    assert (["team"], ["pro"]) == tuple([each["plan_id"] for each in preview[way]] for way in ("incoming", "outgoing"))
    assert (None, None) == (answer["payment_url"], answer.get("invoice"))
    held = await subscriptions(api)
    assert ("active", OVER_MS, OVER_MS) == (
        held["team"]["status"], held["team"]["trial_ends_at"], held["team"]["expires_at"],
    )  # fmt: skip
    assert ("scheduled", None, None) == (
        held["pro"]["status"], held["pro"]["expires_at"], held["pro"]["current_period_end"],
    )  # fmt: skip
    assert 5000 == await messages(api)
    waiting = await api.call("subscriptions.list", {**WHO, "statuses": ["scheduled"]})
    assert ["pro"] == [each["plan_id"] for each in waiting["list"]]

    moved = await api.call("customers.advance_test_clock", {**WHO, "frozen_time": OVER_MS})

    assert ["plan_ended", "plan_resumed", "lines_held"] == [each["kind"] for each in moved["happened"]]
    held = await subscriptions(api)
    assert ["pro"] == list(held)
    assert ("active", FEBRUARY_MS + 14 * DAY_MS) == (held["pro"]["status"], held["pro"]["current_period_end"])
    assert 1000 == await messages(api)


async def test_the_trial_is_left(api: Api) -> None:
    """The preview of cancelling it says that Pro goes on, and what it costs next."""
    await subscribe_ada(api)
    await api.call("plans.create", TEAM)
    await api.call("billing.attach", {**WHO, "plan_id": "team"})
    leave = {**WHO, "plan_id": "team", "cancel_action": "cancel_immediately"}
    preview = await api.call("billing.preview_update", leave)
    await api.call("billing.update", leave)

    assert (0, 54, FEBRUARY_MS) == (
        preview["total"], preview["next_cycle"]["total"], preview["next_cycle"]["starts_at"],
    )  # fmt: skip
    assert (["pro"], ["team"]) == tuple([each["plan_id"] for each in preview[way]] for way in ("incoming", "outgoing"))
    assert {"pro": "active"} == {key: each["status"] for key, each in (await subscriptions(api)).items()}


@on_sqlite
async def test_there_is_nothing_to_revert_to(api: Api) -> None:
    """Without a paid subscription in the group it is refused, with a code of its own, and for the plan that is held."""
    await add_ada(api)
    await api.call("plans.create", TEAM)
    team, itself = {**WHO, "plan_id": "team"}, {**WHO, "plan_id": "pro", "customize": {"free_trial": REVERTS}}
    code = "trial_needs_subscription"
    table: list[Refused] = [
        ("billing.attach", team, 400, code),
        ("billing.preview_attach", team, 400, code),
        ("billing.attach", itself, 400, code),
    ]

    assert table == await api.refusals(table)

    await api.call("billing.attach", {**WHO, "plan_id": "pro"})
    assert table[2:] == await api.refusals(table[2:])


@on_sqlite
async def test_what_is_refused(api: Api) -> None:
    """Several plans and schedules do not revert; meanwhile the paused plan and the trial stay as they are."""
    await subscribe_ada(api)
    await api.call("plans.create", TEAM)
    table: list[Refused] = [
        ("billing.multi_attach", {**WHO, "plans": [{"plan_id": "team"}, {"plan_id": "support"}]}, 400, INVALID),
        ("billing.create_schedule", {**WHO, "phases": [phase("team")]}, 400, INVALID),
    ]

    assert table == await api.refusals(table)

    await api.call("billing.attach", {**WHO, "plan_id": "team"})
    seats = {"feature_quantities": [{"feature_id": "seats", "quantity": 9}]}
    table = [
        ("billing.update", {**WHO, "plan_id": "pro", "cancel_action": "cancel_immediately"}, 400, "plan_paused"),
        ("billing.update", {**WHO, "plan_id": "pro", **seats}, 400, "plan_paused"),
        ("billing.update", {**WHO, "plan_id": "team", "customize": {"free_trial": None}}, 400, "trial_reverts"),
        ("billing.create_schedule", {**WHO, "phases": [phase("support")]}, 400, "trial_reverts"),
    ]

    assert table == await api.refusals(table)
