"""A series says the same as its events, however it is read (api.md §2.7)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest

from sumac.core.errors import BadRequest
from sumac.core.tenant import Env, Tenant
from sumac.core.time import Period
from sumac.events import history
from sumac.events.model import Deduction, Grouping, GroupKind, Series, SeriesRequest, UsageEvent, UsageFilter
from sumac.events.rules.bins import BinSize, cut
from sumac.events.rules.tally import Tally
from tests.support.services import Services
from tests.support.usage import append, event

MILLISECOND = timedelta(milliseconds=1)
START = datetime(2026, 3, 20, tzinfo=UTC)
DAYS = 25
"""Clocks change in Berlin and on Lord Howe within so many days."""
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham")
PLANS = ("pro", "free", None)


async def series(services: Services, request: SeriesRequest) -> Series:
    async with services.database.reading(services.tenant) as work:
        return await history.aggregate(work, request)


def counted(request: SeriesRequest, events: list[UsageEvent]) -> Series:
    """The series of the events that the request chooses, counted one by one."""
    tally = Tally(request)
    chosen = request.chosen
    for each in sorted(events, key=lambda each: (each.occurred_at, each.id)):
        if (
            request.period.start <= each.occurred_at < request.period.end
            and chosen.customer_key in {None, each.customer_key}
            and (chosen.entity_keys is None or each.entity_key in chosen.entity_keys)
        ):
            tally.add(each)
    return tally.series()


def some_events(random: Random, number: int) -> list[UsageEvent]:
    """Events of three customers, many of them in the same quarters and on the edges of quarters."""
    return [
        event(
            Decimal(random.randrange(-(10**9), 10**12)).scaleb(-random.randrange(11)),
            customer_key=random.choice(["cus_ada", "cus_ada", "cus_bob", "cus_eve"]),
            feature_id=random.choice(["messages", "calls"]),
            entity_key=random.choice([None, "ent_1", "ent_2"]),
            properties=random.choice([{}, {"model": "a"}, {"model": "b", "size": 2}, {"model": None, "size": "2"}]),
            deductions=tuple(
                Deduction(f"cus_ent_{n}", random.choice(["messages", "credits"]), random.choice(PLANS), None, None, n)
                for n in (Decimal(each) for each in range(random.randrange(3)))
            ),
            occurred_at=START
            + random.choice(
                [
                    random.randrange(DAYS * 86_400_000) * MILLISECOND,
                    random.randrange(DAYS * 96) * timedelta(minutes=15),
                    random.randrange(DAYS * 96) * timedelta(minutes=15) - MILLISECOND,
                ]
            ),
        )
        for _ in range(number)
    ]


def some_request(random: Random, events: list[UsageEvent]) -> SeriesRequest:
    """A request whose period begins and ends anywhere, often exactly at an event or just after it."""

    def instant() -> datetime:
        return random.choice(
            [
                random.choice(events).occurred_at,
                random.choice(events).occurred_at + MILLISECOND,
                START + random.randrange(DAYS * 96) * timedelta(minutes=15),
                START + random.randrange(DAYS) * timedelta(days=1),
            ]
        )

    start, end = sorted((instant(), instant()))
    period = Period(start, end if start < end else end + random.choice([MILLISECOND, timedelta(hours=5)]))
    kind = random.choice([None, *GroupKind])
    by_balance = random.random() < 0.2
    return SeriesRequest(
        UsageFilter(
            feature_ids=random.choice([("messages",), ("messages", "calls"), ("calls", "ghost")]),
            customer_key=random.choice([None, "cus_ada", "cus_bob", "cus_nobody"]),
            entity_keys=random.choice([None, None, ("ent_1",), ("ent_1", "ent_2")]),
            properties=random.choice([{}, {}, {"model": "b"}, {"size": "2"}]),
        ),
        period,
        cut(period, random.choice([*BinSize]), ZoneInfo(random.choice(ZONES))),
        Grouping(kind, random.choice([1, 2, 9]), "model", by_events=random.random() < 0.5) if kind else None,
        by_balance=by_balance,
        any_may_pay=by_balance,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_roll_ups_say_what_the_events_say(services: Services, seed: int) -> None:
    """Random events, zones, periods, bins, filters and groups: the series is the sum of the events, to the digit."""
    random = Random(seed)  # noqa: S311  # a seed replays the run
    events = some_events(random, 700)
    await append(services, *events)
    await append(services.of(Tenant("org_two", Env.SANDBOX)), *some_events(random, 20))

    for _ in range(60):
        request = some_request(random, events)

        assert counted(request, events) == await series(services, request), request


async def test_the_largest_groups_are_shown(services: Services) -> None:
    """The rest are one group; what is largest is decided over the whole period, and apart for each feature."""
    later = START + timedelta(days=1)
    await append(
        services,
        event(5, customer_key="cus_a", occurred_at=START),
        event(3, customer_key="cus_b", occurred_at=START),
        event(4, customer_key="cus_b", occurred_at=later),
        *(event(1, customer_key="cus_c", occurred_at=later) for _ in range(3)),
        event(2, customer_key="cus_c", feature_id="calls", occurred_at=later),
    )
    period = Period(START, START + timedelta(days=2))
    edges = cut(period, BinSize.DAY, ZoneInfo("UTC"))
    chosen = UsageFilter(("messages", "calls"))

    async def grouped(*, by_events: bool) -> list[dict[str, dict[str, Decimal]]]:
        grouping = Grouping(GroupKind.CUSTOMER, 1, by_events=by_events)
        found = (await series(services, SeriesRequest(chosen, period, edges, grouping))).groups or {}
        return [
            {feature_id: {group: each.total for group, each in groups.items()} for feature_id, groups in of.items()}
            for _, of in sorted(found.items())
        ]

    assert [
        {"messages": {"cus_b": 3, "Other": 5}},
        {"messages": {"cus_b": 4, "Other": 3}, "calls": {"cus_c": 2}},
    ] == await grouped(by_events=False)
    assert [
        {"messages": {"Other": 8}},
        {"messages": {"cus_c": 3, "Other": 4}, "calls": {"cus_c": 2}},
    ] == await grouped(by_events=True)


async def test_so_many_events_are_read_and_no_more(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Properties are looked up in events one by one: more than the limit is refused, and roll-ups have none."""
    monkeypatch.setattr(history, "EVENTS_READ_MAX", 10)
    await append(services, *(event(1, occurred_at=START + each * timedelta(hours=1)) for each in range(11)))
    hours = [Period(START, START + timedelta(hours=each)) for each in (10, 11)]
    ten, eleven = (SeriesRequest(UsageFilter(("messages",)), each, (each.start, each.end)) for each in hours)
    grouping = Grouping(GroupKind.PROPERTY, 9, "model")

    assert 11 == (await series(services, eleven)).amounts[0]["messages"].events
    found = await series(services, SeriesRequest(ten.chosen, ten.period, ten.edges, grouping))
    assert {"": 10} == {group: each.events for group, each in (found.groups or {})[0]["messages"].items()}
    with pytest.raises(BadRequest, match="about 11 events"):
        await series(services, SeriesRequest(eleven.chosen, eleven.period, eleven.edges, grouping))
