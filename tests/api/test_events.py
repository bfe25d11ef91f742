"""events.list over HTTP (api.md §2.7)."""

from datetime import timedelta

from sumac.core.clock import ManualClock
from tests.api.shop import FEBRUARY_MS, JANUARY_MS, add_ada, subscribe_ada
from tests.support.api import Api, Body, Refused, on_sqlite


async def track(api: Api, **fields: object) -> Body:
    return await api.call("balances.track", {"customer_id": "ada", "feature_id": "messages", **fields})


async def values(api: Api, **chosen: object) -> list[float]:
    """What the events of a list counted, in its order."""
    return [event["value"] for event in (await api.call("events.list", chosen))["list"]]


async def test_an_event_is_answered_as_documented(api: Api) -> None:
    """The worked example of api.md §5.1."""
    await subscribe_ada(api)
    tracked = await track(api, value=1, properties={"model": "small", "score": 0.5})
    answer = await api.call(
        "events.list", {"start_cursor": "", "limit": 50, "customer_id": "ada", "feature_id": "messages"}
    )
    event = answer["list"][0]

    assert {
        "list": [
            {
                "id": event["id"],
                "timestamp": JANUARY_MS,
                "feature_id": "messages",
                "customer_id": "ada",
                "value": 1,
                "properties": {"model": "small", "score": 0.5},
                "deductions": [
                    {
                        "balance_id": tracked["balance"]["breakdown"][0]["id"],
                        "feature_id": "messages",
                        "plan_id": "pro",
                        "reset": {"interval": "month", "resets_at": FEBRUARY_MS},
                        "value": 1,
                    }
                ],
            }
        ],
        "next_cursor": None,
    } == answer
    assert event["id"].startswith("evt_")


async def test_an_event_that_took_nothing_has_no_deductions(api: Api) -> None:
    """An empty list: it was counted, and nothing was there to take it from (api.md §2.7)."""
    await add_ada(api)
    await api.call("balances.track", {"customer_id": "ada", "feature_id": "seats"})

    assert [[]] == [event["deductions"] for event in (await api.call("events.list"))["list"]]


async def test_events_can_be_narrowed(api: Api, clock: ManualClock) -> None:
    """By customer, by one feature or several, and by time: from the start, up to but not at the end."""
    await add_ada(api)
    await api.call("customers.get_or_create", {"customer_id": "bob"})
    for value in (1, 2, 3):
        await track(api, value=value)
        clock.advance(timedelta(seconds=1))
    await track(api, value=4, feature_id="seats")
    await track(api, value=5, customer_id="bob")

    assert {5, 4} == set(await values(api, limit=2))
    assert [4, 3, 2, 1] == await values(api, customer_id="ada")
    assert [3, 2, 1] == await values(api, customer_id="ada", feature_id="messages")
    assert [4, 3, 2, 1] == await values(api, customer_id="ada", feature_id=["messages", "seats"])
    assert [] == await values(api, feature_id="ghost")
    assert [2] == await values(api, custom_range={"start": JANUARY_MS + 1000, "end": JANUARY_MS + 2000})
    assert [1] == await values(api, custom_range={"end": JANUARY_MS + 1000})


async def test_events_of_a_named_range(api: Api, clock: ManualClock) -> None:
    """Back from now by days, or by billing cycles, as for series; entities by their id, of one customer or anybody."""
    await add_ada(api)
    await api.call("entities.create", {"customer_id": "ada", "entity_id": "north", "feature_id": "seats"})
    for value, days in ((1, 40), (2, 8), (3, 0)):
        await track(api, value=value, entity_id="north" if value == 2 else None)
        clock.advance(timedelta(days=days))

    assert [3, 2, 1] == await values(api, feature_id="messages")
    assert [3] == await values(api, customer_id="ada", range="7d")
    assert [3, 2] == await values(api, range="30d")
    assert [3, 2] == await values(api, customer_id="ada", range="1bc")
    assert [1] == await values(api, customer_id="ada", range="last_cycle", feature_id="messages")
    assert [2] == await values(api, entity_id="north", feature_id="messages")
    assert [2] == await values(api, entity_id="north", customer_id="ada", feature_id=["messages"])


async def test_pages_are_stable_while_events_are_added(api: Api, clock: ManualClock) -> None:
    """Every event that was there at the start is seen once, whatever is told meanwhile (api.md §1.8)."""
    await add_ada(api)
    for value in range(1, 8):
        await track(api, value=value)
        if value % 3:
            clock.advance(timedelta(milliseconds=1))
    order = await values(api)
    cursor, seen = "", []
    while cursor is not None:
        page = await api.call("events.list", {"start_cursor": cursor, "limit": 3})
        seen += [event["value"] for event in page["list"]]
        cursor = page["next_cursor"]
        clock.advance(timedelta(milliseconds=1))
        await track(api, value=100)

    assert order == seen
    assert 7 == len(seen)


BROKEN_RULES: list[Refused] = [
    ("events.list", {"customer_id": "ghost"}, 404, "customer_not_found"),
    ("events.list", {"customer_id": "ada", "entity_id": "ghost"}, 404, "entity_not_found"),
    ("events.list", {"feature_id": 1}, 400, "invalid_inputs"),
    ("events.list", {"custom_range": {"start": "yesterday"}}, 400, "invalid_inputs"),
    ("events.list", {"range": "8d"}, 400, "invalid_inputs"),
    ("events.list", {"range": "7d", "custom_range": {"start": 1}}, 400, "invalid_inputs"),
    ("events.list", {"custom_range": {"start": -1}}, 400, "invalid_inputs"),
    ("events.list", {"limit": 100_000}, 400, "invalid_request"),
]


@on_sqlite
async def test_a_rule_of_events_that_is_broken(api: Api) -> None:
    """Each is refused with its own code."""
    await add_ada(api)

    assert BROKEN_RULES == await api.refusals(BROKEN_RULES)
