"""features.* over HTTP (api.md §2.3)."""

from datetime import timedelta

import pytest

from sumac.core.clock import ManualClock
from tests.support.api import Api, Refused, on_sqlite

MESSAGES = {
    "feature_id": "messages",
    "name": "Messages",
    "type": "metered",
    "consumable": True,
    "event_names": ["message_sent"],
    "display": {"singular": "message", "plural": "messages"},
}
MESSAGES_SHOWN = {
    "id": "messages",
    "name": "Messages",
    "type": "metered",
    "consumable": True,
    "event_names": ["message_sent"],
    "display": {"singular": "message", "plural": "messages"},
    "archived": False,
}
CREDITS = {
    "feature_id": "ai_credits",
    "name": "AI credits",
    "type": "credit_system",
    "credit_schema": [{"metered_feature_id": "messages", "credit_cost": 0.2}],
}
CREDITS_SHOWN = {
    "id": "ai_credits",
    "name": "AI credits",
    "type": "credit_system",
    "consumable": True,
    "credit_schema": [{"metered_feature_id": "messages", "credit_cost": 0.2}],
    "archived": False,
}
AI = {"feature_id": "tokens", "name": "Tokens", "type": "ai_credit_system"}
SEATS = {"feature_id": "seats", "name": "Seats", "type": "metered", "consumable": False}
SSO = {"feature_id": "sso", "name": "Single sign-on", "type": "boolean"}
SSO_SHOWN = {"id": "sso", "name": "Single sign-on", "type": "boolean", "consumable": False, "archived": False}


async def test_a_feature_is_answered_as_documented(api: Api, clock: ManualClock) -> None:
    """The worked examples of api.md §5.1: metered, credit system, and a flag. A list shows the oldest first."""
    for given, shown in ((MESSAGES, MESSAGES_SHOWN), (CREDITS, CREDITS_SHOWN), (SSO, SSO_SHOWN)):
        assert shown == await api.call("features.create", given)

        clock.advance(timedelta(seconds=1))

    assert CREDITS_SHOWN == await api.call("features.get", {"feature_id": "ai_credits"})
    assert {"list": [MESSAGES_SHOWN, CREDITS_SHOWN, SSO_SHOWN]} == await api.call("features.list")


@on_sqlite
@pytest.mark.parametrize("content", [None, b"", b" \n", b"{}", b"[]", b"nonsense"])
async def test_a_list_needs_no_body(api: Api, content: bytes | None) -> None:
    """Clients send no body, or an empty one of type JSON; nonsense counts as nothing (api.md §1.1)."""
    answer = await api.raw("features.list", content)

    assert (200, {"list": []}) == (answer.status_code, answer.json())


async def test_a_metered_feature_is_held_unless_it_is_consumable(api: Api) -> None:
    """Without `consumable` the units of a metered feature are held, not used up (api.md §2.3)."""
    answer = await api.call("features.create", {"feature_id": "seats", "name": "Seats", "type": "metered"})

    assert {
        "id": "seats", "name": "Seats", "type": "metered", "consumable": False, "event_names": [], "archived": False
    } == answer  # fmt: skip


async def test_an_update_changes_what_is_given(api: Api) -> None:
    """Everything else stays; a new id answers under the new id only."""
    await api.call("features.create", MESSAGES)
    renamed = await api.call("features.update", {"feature_id": "messages", "name": "Mails", "new_feature_id": "mails"})
    archived = await api.call("features.update", {"feature_id": "mails", "archived": True})

    assert {**MESSAGES_SHOWN, "id": "mails", "name": "Mails"} == renamed
    assert {**renamed, "archived": True} == archived
    assert 404 == (await api.refused("features.get", {"feature_id": "messages"})).status


async def test_prices_of_models_are_kept(api: Api) -> None:
    """Markups in percent and costs per million tokens (api.md §2.0, @ModelMarkup)."""
    markups = {
        "model_markups": {"openai/small": {"markup": -10, "input_cost": 0.15}},
        "default_markup": 12.5,
        "provider_markups": {"openai": {"markup": 20}},
    }
    answer = await api.call(
        "features.create", {"feature_id": "tokens", "name": "Tokens", "type": "ai_credit_system", **markups}
    )
    changed = await api.call("features.update", {"feature_id": "tokens", "default_markup": 0})
    cleared = await api.call("features.update", {"feature_id": "tokens", "model_markups": None})

    assert markups == {name: answer[name] for name in markups}
    assert {**answer, "default_markup": 0} == changed
    assert {name: value for name, value in changed.items() if name != "model_markups"} == cleared
    assert cleared == await api.call("features.get", {"feature_id": "tokens"})
    assert {"list": [cleared]} == await api.call("features.list")


@on_sqlite
async def test_prices_of_models_belong_to_their_type(api: Api) -> None:
    """A feature that becomes another kind of feature has no markups any more; the smallest is -100 (api.md §2.3)."""
    await api.call("features.create", {**AI, "default_markup": -100})
    changed = await api.call("features.update", {"feature_id": "tokens", "type": "metered", "consumable": True})

    assert "default_markup" not in changed


async def test_a_deleted_feature_is_gone(api: Api) -> None:
    """It is in no list any more, and its id may be used again."""
    await api.call("features.create", MESSAGES)

    assert {"success": True} == await api.call("features.delete", {"feature_id": "messages"})
    assert {"list": []} == await api.call("features.list")
    assert MESSAGES_SHOWN == await api.call("features.create", MESSAGES)


async def test_unknown_keys_are_dropped(api: Api) -> None:
    """A client newer than the server is understood as far as the server goes (api.md §1.1)."""
    answer = await api.call("features.create", {**SSO, "dimensions": [{"x": 1}], "internal_id": "fe_1"})

    assert SSO_SHOWN == answer


BROKEN_RULES: list[Refused] = [
    ("features.create", {**SSO, "feature_id": "messages"}, 409, "duplicate_feature_id"),
    ("features.update", {"feature_id": "sso", "new_feature_id": "messages"}, 409, "duplicate_feature_id"),
    ("features.create", {**AI, "default_markup": -101}, 400, "invalid_inputs"),
    ("features.create", {**AI, "model_markups": {"x": {"input_cost": "1"}}}, 400, "invalid_inputs"),
    ("features.create", {**AI, "provider_markups": {"x": {}}}, 400, "invalid_inputs"),
    ("features.create", {**AI, "provider_markups": {"x": {"markup": -100.01}}}, 400, "invalid_inputs"),
    ("features.create", {**AI, "model_markups": {"x/y": {"markup": -101}}}, 400, "invalid_inputs"),
    ("features.create", {**AI, "model_markups": {"x/y": {"output_cost": -1}}}, 400, "invalid_inputs"),
    (
        "features.create",
        {**AI, "credit_schema": [{"metered_feature_id": "messages", "credit_cost": 1}]},
        400,
        "invalid_feature",
    ),
    ("features.create", {**SSO, "feature_id": "x", "default_markup": 5}, 400, "invalid_feature"),
    ("features.get", {"feature_id": "ghost"}, 404, "feature_not_found"),
    ("features.update", {"feature_id": "ghost", "name": "Ghost"}, 404, "feature_not_found"),
    ("features.delete", {"feature_id": "ghost"}, 404, "feature_not_found"),
    ("features.delete", {"feature_id": "messages"}, 409, "invalid_request"),
    ("features.update", {"feature_id": "messages", "consumable": False}, 400, "invalid_feature"),
    ("features.update", {"feature_id": "messages", "new_feature_id": "mails"}, 400, "invalid_feature"),
    ("features.create", {**CREDITS, "feature_id": "x", "credit_schema": []}, 400, "invalid_feature"),
    (
        "features.create",
        {**CREDITS, "feature_id": "x", "credit_schema": [{"metered_feature_id": "ghost", "credit_cost": 1}]},
        400,
        "invalid_feature",
    ),
    (
        "features.create",
        {**CREDITS, "feature_id": "x", "credit_schema": [{"metered_feature_id": "seats", "credit_cost": 1}]},
        400,
        "invalid_feature",
    ),
    (
        "features.create",
        {**CREDITS, "feature_id": "x", "credit_schema": [{"metered_feature_id": "messages", "credit_cost": 1}] * 2},
        400,
        "invalid_feature",
    ),
    ("features.create", {**CREDITS, "feature_id": "x", "type": "ai_credit_system"}, 400, "invalid_feature"),
]


@on_sqlite
async def test_a_rule_of_features_that_is_broken(api: Api) -> None:
    """Each is refused with its own code, and the features stay as they were (api.md §2.3)."""
    for feature in (MESSAGES, SEATS, SSO, CREDITS):
        await api.call("features.create", feature)
    before = await api.call("features.list")

    assert BROKEN_RULES == await api.refusals(BROKEN_RULES)
    assert before == await api.call("features.list")
