"""A series counted event by event (api.md §2.7)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sumac.core.quantity import exact_sum
from sumac.events.model import NOTHING, Amount, BalanceUse, Deduction, Grouping, Series, SeriesRequest, UsageEvent
from sumac.events.rules.groups import group_of, has_properties, rank, shown_as

FeatureGroup = tuple[str, str]
Uses = dict[tuple[int, str], BalanceUse]


@dataclass(slots=True)
class Tally:
    """Adds up events, in the order in which they occurred; the series is what they came to so far."""

    request: SeriesRequest
    _amounts: dict[int, dict[str, Amount]] = field(default_factory=dict)
    _groups: dict[int, dict[FeatureGroup, Amount]] = field(default_factory=dict)
    _deducted: dict[int, dict[str, Amount]] = field(default_factory=dict)
    _uses: Uses = field(default_factory=dict)
    _group_uses: dict[tuple[int, FeatureGroup], BalanceUse] = field(default_factory=dict)

    def add(self, event: UsageEvent) -> None:
        """Counts an event, unless it lacks one of the chosen properties."""
        request = self.request
        if not has_properties(event, request.chosen.properties):
            return
        number = bisect_right(request.edges, event.occurred_at) - 1
        if event.feature_id in request.chosen.feature_ids:
            amounts = self._amounts.setdefault(number, {})
            amounts[event.feature_id] = amounts.get(event.feature_id, NOTHING).plus(1, event.value)
            if request.grouping is not None:
                first = event.deductions[0] if event.deductions else None
                groups = self._groups.setdefault(number, {})
                key = (event.feature_id, group_of(event, request.grouping, first))
                groups[key] = groups.get(key, NOTHING).plus(1, event.value)
        if request.by_balance:
            self._add_uses(number, event)

    def series(self) -> Series:
        """What was counted."""
        grouping = self.request.grouping
        return Series(
            amounts=self._amounts,
            groups=None if grouping is None else _shown_groups(self._groups, grouping),
            balances=self._balances() if self.request.by_balance else None,
            deducted=self._deducted if self.request.by_balance else None,
        )

    def _add_uses(self, number: int, event: UsageEvent) -> None:
        chosen, grouping = self.request.chosen.feature_ids, self.request.grouping
        seen: set[str] = set()
        for paid in _by_balance(event):
            if event.feature_id not in chosen and paid.feature_id not in chosen:
                continue
            deducted = self._deducted.setdefault(number, {})
            before = deducted.get(paid.feature_id, NOTHING)
            deducted[paid.feature_id] = before.plus(int(paid.feature_id not in seen), paid.value)
            seen.add(paid.feature_id)
            use = _use(paid)
            key = (number, paid.public_id)
            self._uses[key] = _merged(self._uses.get(key), use)
            if grouping is not None:
                group_key = (number, (paid.public_id, group_of(event, grouping, paid)))
                self._group_uses[group_key] = _merged(self._group_uses.get(group_key), use)

    def _balances(self) -> Mapping[int, list[BalanceUse]]:
        groups: dict[tuple[int, str], dict[str, BalanceUse]] = {}
        if self.request.grouping is not None:
            ranked = rank(
                _totals((key, use.amount) for (_, key), use in self._group_uses.items()), self.request.grouping
            )
            for (number, (balance_id, group)), use in self._group_uses.items():
                of_balance = groups.setdefault((number, balance_id), {})
                shown = shown_as(ranked, balance_id, group)
                of_balance[shown] = _merged(of_balance.get(shown), use)
        found: dict[int, list[BalanceUse]] = {}
        for key, use in self._uses.items():
            found.setdefault(key[0], []).append(replace(use, groups=groups.get(key, {})))
        return found


def _shown_groups(
    counted: Mapping[int, Mapping[FeatureGroup, Amount]], grouping: Grouping
) -> dict[int, dict[str, dict[str, Amount]]]:
    ranked = rank(_totals(pair for groups in counted.values() for pair in groups.items()), grouping)
    shown: dict[int, dict[str, dict[str, Amount]]] = {}
    for number, groups in counted.items():
        for (feature_id, group), amount in groups.items():
            of_feature = shown.setdefault(number, {}).setdefault(feature_id, {})
            name = shown_as(ranked, feature_id, group)
            of_feature[name] = of_feature.get(name, NOTHING).plus(amount.events, amount.total)
    return shown


def _totals(amounts: Iterable[tuple[FeatureGroup, Amount]]) -> dict[FeatureGroup, Amount]:
    totals: dict[FeatureGroup, Amount] = {}
    for key, amount in amounts:
        totals[key] = totals.get(key, NOTHING).plus(amount.events, amount.total)
    return totals


def _by_balance(event: UsageEvent) -> Iterable[Deduction]:
    """What the event took from each balance; the slots of one are one."""
    taken: dict[str, Deduction] = {}
    for each in event.deductions:
        before = taken.get(each.public_id)
        taken[each.public_id] = each if before is None else _together(before, each)
    return taken.values()


def _together(one: Deduction, other: Deduction) -> Deduction:
    owner = one.entity_key if one.entity_key == other.entity_key else None
    return replace(one, value=exact_sum(one.value, other.value), entity_key=owner)


def _use(paid: Deduction) -> BalanceUse:
    return BalanceUse(
        feature_id=paid.feature_id,
        balance_id=paid.public_id,
        entity_key=paid.entity_key,
        plan_id=paid.plan_id,
        reset=paid.reset,
        resets_at=paid.resets_at,
        credit_cost=paid.credit_cost,
        amount=Amount(1, paid.value),
    )


def _merged(before: BalanceUse | None, use: BalanceUse) -> BalanceUse:
    """Both together, as it was last."""
    if before is None:
        return use
    return replace(
        use,
        amount=before.amount.plus(use.amount.events, use.amount.total),
        credit_cost=use.credit_cost if before.credit_cost == use.credit_cost else None,
        entity_key=use.entity_key if before.entity_key == use.entity_key else None,
    )
