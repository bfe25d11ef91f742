"""Which group an event belongs to, and which groups are shown (api.md §2.7)."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sumac.events.model import Amount, Deduction, Grouping, GroupKind, UsageEvent

OTHER = "Other"
NO_GROUP = ""

Ranked = Mapping[str, frozenset[str]]
"""The groups that are shown by what is grouped: a feature, or a balance."""


def property_text(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """A property as a text: itself, or as JSON has it; nothing for null and for a property that is not there."""
    if value is None:
        return NO_GROUP
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def has_properties(event: UsageEvent, wanted: Mapping[str, str]) -> bool:
    """Whether each of the properties reads as wanted."""
    return all(property_text(event.properties.get(name)) == text for name, text in wanted.items())


def group_of(event: UsageEvent, grouping: Grouping, paid: Deduction | None) -> str:
    """The group of an event as paid for by one balance; for its plan it is that of the balance."""
    match grouping.kind:
        case GroupKind.CUSTOMER:
            return event.customer_key
        case GroupKind.ENTITY:
            return event.entity_key or NO_GROUP
        case GroupKind.FEATURE:
            return event.feature_id
        case GroupKind.PLAN:
            return (paid.plan_id if paid else None) or NO_GROUP
        case GroupKind.PROPERTY:
            return property_text(event.properties.get(grouping.name))


def rank(totals: Mapping[tuple[str, str], Amount], grouping: Grouping) -> Ranked:
    """The largest groups of each feature or balance; of two as large, the first by name."""

    def size(key: tuple[str, str]) -> Decimal:
        return Decimal(totals[key].events) if grouping.by_events else totals[key].total

    ranked: dict[str, list[str]] = {}
    for owner, group in sorted(totals, key=lambda key: (-size(key), key[1])):
        shown = ranked.setdefault(owner, [])
        if len(shown) < grouping.most:
            shown.append(group)
    return {owner: frozenset(shown) for owner, shown in ranked.items()}


def shown_as(ranked: Ranked, owner: str, group: str) -> str:
    """The group, or the one that all those stand in that are not shown."""
    return group if group in ranked[owner] else OTHER
