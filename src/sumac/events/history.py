"""Usage over time (api.md §2.7). Functions take the work they read in.

What roll-ups can say is read from them, and from the events of two quarters of an hour at most: the cost grows with the
length of the period, not with the events in it. Properties and balances are known to the events only; then the events
are read one by one, up to a limit.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sumac.core.errors import BadRequest
from sumac.core.time import Period
from sumac.events import rollups, store
from sumac.events.model import Amount, Grouping, GroupKind, Series, SeriesRequest, UsageFilter
from sumac.events.rollups import Sum
from sumac.events.rules.groups import OTHER, rank
from sumac.events.rules.parts import around, parts_of
from sumac.events.rules.tally import Tally
from sumac.events.store import EventFilter
from sumac.storage.work import Work

EVENTS_READ_MAX = 100_000
EVERYTHING = UsageFilter(())
ROLLED_UP = {GroupKind.CUSTOMER, GroupKind.ENTITY}


async def aggregate(work: Work, request: SeriesRequest) -> Series:
    """The series asked for; groups are named by the keys of customers and entities, and "" is none.

    Raises BadRequest when more than EVENTS_READ_MAX events would have to be read.
    """
    grouping = request.grouping
    if request.chosen.properties or request.by_balance or (grouping is not None and grouping.kind not in ROLLED_UP):
        return await _from_events(work, request)
    return await _from_rollups(work, request)


async def sums_by_customer(work: Work, customer_keys: Sequence[str], edges: Sequence[datetime]) -> Sequence[Sum]:
    """What each of the customers used of each feature from edge to edge, oldest first; the group is the customer's key.

    A step that does not begin on a quarter of an hour may be in several sums.
    """
    found: list[Sum] = []
    for part in parts_of(Period(edges[0], edges[-1]), edges):
        found += await rollups.sums(work, part, EVERYTHING, kind=GroupKind.CUSTOMER, groups=customer_keys)
    return sorted(found, key=lambda each: (each.at, each.feature_id))


async def _from_rollups(work: Work, request: SeriesRequest) -> Series:
    amounts: dict[int, dict[str, Amount]] = {}
    for each in await _read(work, request, request.edges):
        of_bin = amounts.setdefault(_number(each, request), {})
        of_bin[each.feature_id] = _plus(of_bin.get(each.feature_id), each.amount)
    if request.grouping is None:
        return Series(amounts)
    return Series(amounts, await _groups(work, request, request.grouping, amounts))


async def _groups(
    work: Work, request: SeriesRequest, grouping: Grouping, amounts: Mapping[int, Mapping[str, Amount]]
) -> Mapping[int, Mapping[str, Mapping[str, Amount]]]:
    """The largest groups by bin, and what is left of the amounts as one group more."""
    totals: dict[tuple[str, str], Amount] = {}
    for each in await _read(work, request, (request.edges[0], request.edges[-1]), grouping.kind):
        key = (each.feature_id, each.group)
        totals[key] = _plus(totals.get(key), each.amount)
    ranked = rank(totals, grouping)
    shown = sorted(frozenset[str]().union(*ranked.values()))
    groups: dict[int, dict[str, dict[str, Amount]]] = {}
    rest = {number: dict(of_bin) for number, of_bin in amounts.items()}
    for each in await _read(work, request, request.edges, grouping.kind, shown):
        if each.group not in ranked[each.feature_id]:
            continue
        number = _number(each, request)
        of_feature = groups.setdefault(number, {}).setdefault(each.feature_id, {})
        of_feature[each.group] = _plus(of_feature.get(each.group), each.amount)
        left = rest[number][each.feature_id]
        rest[number][each.feature_id] = left.plus(-each.amount.events, -each.amount.total)
    for number, of_bin in rest.items():
        for feature_id, left in of_bin.items():
            if left.events:
                of_feature = groups.setdefault(number, {}).setdefault(feature_id, {})
                of_feature[OTHER] = _plus(of_feature.get(OTHER), left)
    return groups


async def _read(
    work: Work,
    request: SeriesRequest,
    edges: Sequence[datetime],
    kind: GroupKind | None = None,
    groups: Sequence[str] | None = None,
) -> list[Sum]:
    found: list[Sum] = []
    for part in parts_of(request.period, edges):
        found += await rollups.sums(work, part, request.chosen, kind=kind, groups=groups)
    return found


async def _from_events(work: Work, request: SeriesRequest) -> Series:
    chosen = replace(request.chosen, feature_ids=()) if request.any_may_pay else request.chosen
    waiting = await rollups.count(work, chosen, around(request.period))
    if waiting > EVENTS_READ_MAX:
        message = (
            f"range: these are about {waiting} events, and properties and balances can be looked up "
            f"for {EVENTS_READ_MAX} at once; choose a shorter time"
        )
        raise BadRequest(message)
    read = EventFilter(
        customer_key=chosen.customer_key,
        entity_keys=chosen.entity_keys,
        feature_ids=chosen.feature_ids,
        occurred_from=request.period.start,
        occurred_before=request.period.end,
    )
    by_plan = request.grouping is not None and request.grouping.kind is GroupKind.PLAN
    tally = Tally(request)
    async for events in store.walk(work, read, deductions=by_plan or request.by_balance):
        for event in events:
            tally.add(event)
    return tally.series()


def _number(each: Sum, request: SeriesRequest) -> int:
    return bisect_right(request.edges, each.at) - 1


def _plus(before: Amount | None, amount: Amount) -> Amount:
    return amount if before is None else before.plus(amount.events, amount.total)
