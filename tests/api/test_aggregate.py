"""events.aggregate over HTTP (api.md §2.7, §5.1)."""

from datetime import timedelta
from typing import Any

from sumac.core.clock import ManualClock
from tests.api.shop import JANUARY_MS, SEATS_CHOSEN, add_ada
from tests.support.api import Api, Body, Refused, on_sqlite

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MESSAGES = {"customer_id": "ada", "feature_id": "messages"}


async def track(api: Api, value: float = 1, **fields: object) -> None:
    await api.call("balances.track", {**MESSAGES, "value": value, **fields})


async def aggregate(api: Api, **fields: object) -> Body:
    return await api.call("events.aggregate", {**MESSAGES, **fields})


async def rows(api: Api, **fields: object) -> list[tuple[int, Any]]:
    """The bins that counted anything, as days or hours since the year began, with what messages came to."""
    answer = await aggregate(api, **fields)
    unit = HOUR_MS if fields.get("bin_size") == "hour" else DAY_MS
    counted = [((row["period"] - JANUARY_MS) / unit, row["values"]["messages"]) for row in answer["list"]]
    return [(number, value) for number, value in counted if value]


async def test_the_worked_example(api: Api, clock: ManualClock) -> None:
    """A week by days and models: empty days are there, the total counts and sums."""
    await add_ada(api)
    for model, value in (("small", 4), ("small", 5), ("large", 3)):
        await track(api, value, properties={"model": model})
    clock.advance(timedelta(days=1, hours=1))
    await track(api, 0.1)
    answer = await aggregate(api, feature_id=["messages"], range="7d", bin_size="day", group_by="properties.model")

    assert {
        "list": [
            *(
                {"period": JANUARY_MS + day * DAY_MS, "values": {"messages": 0}, "grouped_values": {"messages": {}}}
                for day in range(-6, 0)
            ),
            {
                "period": JANUARY_MS,
                "values": {"messages": 12},
                "grouped_values": {"messages": {"small": 9, "large": 3}},
            },
            {
                "period": JANUARY_MS + DAY_MS,
                "values": {"messages": 0.1},
                "grouped_values": {"messages": {"": 0.1}},
            },
        ],
        "total": {"messages": {"count": 4, "sum": 12.1}},
    } == answer


async def test_series_that_are_plain(api: Api, clock: ManualClock) -> None:
    """Features side by side, exact sums, counts instead of sums, hours and zones."""
    await add_ada(api)
    for _ in range(10):
        await track(api, 0.1)
    await track(api, 2, feature_id="seats")
    clock.advance(timedelta(hours=23, minutes=45))
    await track(api, 7)

    assert [(0, 8)] == await rows(api, range="7d")
    assert [(0, 11)] == await rows(api, range="7d", measure="count")
    assert [(0, 1), (23, 7)] == await rows(api, range="24h", bin_size="hour")
    assert [(-1 / 24, 1), (23 / 24, 7)] == await rows(api, range="7d", timezone="Europe/Berlin")
    assert [(-0.75, 1), (23.25, 7)] == await rows(api, range="24h", bin_size="hour", timezone="Asia/Kathmandu")
    both = await aggregate(api, feature_id=["messages", "seats", "messages"], range="7d")
    assert {"messages": {"count": 11, "sum": 8}, "seats": {"count": 1, "sum": 2}} == both["total"]
    assert {"messages": 8, "seats": 2} == both["list"][-1]["values"]


async def test_hours_are_the_bins_of_a_day(api: Api) -> None:
    """24h has hours unless days are asked for: whole ones, the present one included."""
    await add_ada(api)
    await track(api, 2)

    assert 25 == len((await aggregate(api, range="24h"))["list"])
    assert 2 == len((await aggregate(api, range="24h", bin_size="day"))["list"])
    assert 91 == len((await aggregate(api, range="90d"))["list"])


async def test_a_range_of_ones_own(api: Api, clock: ManualClock) -> None:
    """Its start belongs to it and its end does not, to the millisecond; bins are whole days of the calendar."""
    await add_ada(api)
    for value in (1, 2, 4, 8):
        await track(api, value)
        clock.advance(timedelta(milliseconds=1))

    start = JANUARY_MS + 1
    assert [(0, 6)] == await rows(api, custom_range={"start": start, "end": start + 2})
    assert [(0, 15)] == await rows(api, custom_range={"start": JANUARY_MS, "end": start + 9 * DAY_MS})
    months = await aggregate(
        api, custom_range={"start": JANUARY_MS - DAY_MS, "end": JANUARY_MS + 40 * DAY_MS}, bin_size="month"
    )
    assert [0, 15, 0] == [row["values"]["messages"] for row in months["list"]]


async def test_billing_cycles(api: Api, clock: ManualClock) -> None:
    """Without a range it is the running cycle of the main plan, from the instant it began."""
    await add_ada(api)
    await track(api, 1)
    clock.advance(timedelta(hours=12))
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro", **SEATS_CHOSEN})
    await track(api, 2)
    clock.advance(timedelta(days=31))
    await track(api, 4)

    assert [(31, 4)] == await rows(api)
    assert [(31, 4)] == await rows(api, range="1bc")
    assert [(0, 2)] == await rows(api, range="last_cycle")
    assert [(0, 3), (31, 4)] == await rows(api, range="3bc")


async def test_everybody_together(api: Api) -> None:
    """Without a customer it is the whole tenant, by customer if asked for; the rest is one group."""
    await add_ada(api)
    await api.call("customers.get_or_create", {"customer_id": "bob"})
    await track(api, 5)
    await track(api, 3, customer_id="bob")
    everyone = {"feature_id": "messages", "range": "7d"}

    plain = await api.call("events.aggregate", everyone)
    assert {"messages": {"count": 2, "sum": 8}} == plain["total"]
    grouped = await api.call("events.aggregate", {**everyone, "group_by": "$customer_id"})
    assert {"messages": {"ada": 5, "bob": 3}} == grouped["list"][-1]["grouped_values"]
    largest = await api.call("events.aggregate", {**everyone, "group_by": "$customer_id", "max_groups": 1})
    assert {"messages": {"ada": 5, "Other": 3}} == largest["list"][-1]["grouped_values"]


async def test_entities(api: Api) -> None:
    """Usage of entities is told apart, also where customers have entities of one name; what is of none has no name."""
    await add_ada(api)
    await api.call("customers.get_or_create", {"customer_id": "bob"})
    for owner, name, value in (("ada", "north", 1), ("ada", "south", 2), ("bob", "north", 4)):
        desk = {"customer_id": owner, "entity_id": name}
        await api.call("entities.create", {**desk, "feature_id": "seats"})
        await track(api, value, **desk)
    await track(api, 8)

    async def last(**chosen: object) -> Body:
        answer = await api.call("events.aggregate", {"feature_id": "messages", "range": "7d", **chosen})
        row: Body = answer["list"][-1]
        return row

    assert 15 == (await last())["values"]["messages"]
    assert 5 == (await last(entity_id="north"))["values"]["messages"]
    assert 1 == (await last(entity_id="north", customer_id="ada"))["values"]["messages"]
    assert {"": 8, "south": 2, "north": 1} == (await last(group_by="$entity_id", customer_id="ada"))["grouped_values"][
        "messages"
    ]
    assert {"": 8, "north": 5, "south": 2} == (await last(group_by="$entity_id"))["grouped_values"]["messages"]
    assert {"ada": 1, "bob": 4} == (await last(group_by="$customer_id", entity_id="north"))["grouped_values"][
        "messages"
    ]


async def test_filters_are_properties(api: Api) -> None:
    """An event counts when each property reads as given, a number as its digits."""
    await add_ada(api)
    await track(api, 1, properties={"model": "a", "size": 2})
    await track(api, 2, properties={"model": "a"})
    await track(api, 4, properties={"model": "b", "size": "2"})

    assert [(0, 3)] == await rows(api, range="7d", filter_by={"model": "a"})
    assert [(0, 5)] == await rows(api, range="7d", filter_by={"size": "2"})
    assert [(0, 1)] == await rows(api, range="7d", filter_by={"size": "2", "model": "a"})
    assert [] == await rows(api, range="7d", filter_by={"model": "c"})


async def test_what_was_deducted(api: Api) -> None:
    """By the balance that paid, in its own units, with what a unit cost of it; the rest of the answer stays."""
    await add_ada(api)
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "credit_pack"})
    await track(api, 50)
    await track(api, 10, properties={"model": "a"})
    plain = await aggregate(api, range="24h", bin_size="day", group_by="$plan_id")
    answer = await aggregate(api, range="24h", bin_size="day", group_by="$plan_id", aggregate_on="deducted")

    assert plain == {key: value for key, value in answer.items() if key != "deductions"}
    assert 2 == len(answer["deductions"])
    last = answer["deductions"][-1]
    messages, paid = last["values"]["messages"], last["values"]["ai_credits"]
    assert ("metered", 50, 1) == (messages["feature_type"], messages["deducted"], messages["events"])
    assert ("credit_system", 2, 1) == (paid["feature_type"], paid["deducted"], paid["events"])
    of_plan, of_credits = messages["balances"][0], paid["balances"][0]
    assert ("free", None, 50, 1) == tuple(of_plan[key] for key in ("plan_id", "credit_cost", "deducted", "events"))
    assert ("credit_pack", 0.2, 2, 1) == tuple(
        of_credits[key] for key in ("plan_id", "credit_cost", "deducted", "events")
    )
    assert {
        of_plan["balance_id"]: {"free": {"deducted": 50, "credit_cost": None}},
        of_credits["balance_id"]: {"credit_pack": {"deducted": 2, "credit_cost": 0.2}},
    } == last["grouped_values"]
    spent = await aggregate(
        api, feature_id="ai_credits", range="24h", bin_size="day", group_by="$feature_id", aggregate_on="deducted"
    )
    assert {"ai_credits": {"count": 0, "sum": 0}} == spent["total"]
    assert [{"messages": {"deducted": 2, "credit_cost": 0.2}}] == [*spent["deductions"][-1]["grouped_values"].values()]


async def test_older_addresses(api: Api) -> None:
    """The same answer at the addresses of REST."""
    await add_ada(api)
    await track(api, 3)
    answer = await aggregate(api, range="30d")

    for path in ("events/aggregate", "query"):
        assert answer == (await api.send(path, {**MESSAGES, "range": "30d"})).json()


SPAN = {"start": JANUARY_MS, "end": JANUARY_MS + DAY_MS}
BROKEN_RULES: list[Refused] = [
    ("events.aggregate", {}, 400, "invalid_inputs"),
    ("events.aggregate", {"feature_id": []}, 400, "invalid_inputs"),
    ("events.aggregate", {"feature_id": "ghost"}, 404, "feature_not_found"),
    ("events.aggregate", {**MESSAGES, "customer_id": "ghost"}, 404, "customer_not_found"),
    ("events.aggregate", {**MESSAGES, "entity_id": "ghost"}, 404, "entity_not_found"),
    ("events.aggregate", {"feature_id": "messages", "entity_id": "ghost"}, 404, "entity_not_found"),
    ("events.aggregate", {"feature_id": "messages", "aggregate_on": "deducted"}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "group_by": "$feature_id"}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "group_by": "model"}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "group_by": "properties."}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "range": "8d"}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "range": "7d", "custom_range": SPAN}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "custom_range": {"start": JANUARY_MS}}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "custom_range": {"start": 5, "end": 5}}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "custom_range": {"start": 0, "end": JANUARY_MS}}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "bin_size": "year"}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "timezone": "../UTC"}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "timezone": "Europe/Gotham"}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "filter_by": {str(n): "x" for n in range(6)}}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "max_groups": 251}, 400, "invalid_inputs"),
    ("events.aggregate", {**MESSAGES, "measure": "max"}, 400, "invalid_inputs"),
]


@on_sqlite
async def test_a_rule_of_series_that_is_broken(api: Api) -> None:
    """Each is refused with its own code."""
    await add_ada(api)

    assert BROKEN_RULES == await api.refusals(BROKEN_RULES)
