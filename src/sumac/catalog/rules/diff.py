"""What differs between two versions of a plan, and the same change made to others (billing.md §16.1, §16.3)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Generic, TypeVar

from sumac.catalog.model import BasePrice, FreeTrial, PlanItem, PlanTerms
from sumac.core.time import Cadence

Part = TypeVar("Part")
Alike = Callable[[PlanItem], object]


@dataclass(frozen=True, slots=True)
class Change(Generic[Part]):
    """A part of a plan that is added (without a `before`), taken away (without an `after`) or changed."""

    before: Part | None
    after: Part | None


@dataclass(frozen=True, slots=True)
class TermsDiff:
    """What differs between two versions: only what does is in it."""

    price: Change[BasePrice] | None = None
    items: tuple[Change[PlanItem], ...] = ()
    free_trial: Change[FreeTrial] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.price or self.items or self.free_trial)


class ConflictKind(StrEnum):
    """Why a change of one plan does not fit another one."""

    DIFFERENT_INTERVAL = "different_interval"
    VALUE_DIVERGENCE = "value_divergence"
    BASE_PRICE_DIVERGENCE = "base_price_divergence"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A part, the base price or an item of a feature, that is not what the change starts from."""

    kind: ConflictKind
    feature_id: str | None = None


def compute_diff(before: PlanTerms, after: PlanTerms) -> TermsDiff:
    """What of the first terms has to change to become the second; the order of items is no difference."""
    return TermsDiff(
        price=Change(before.price, after.price) if before.price != after.price else None,
        items=tuple(_item_changes(before.items, after.items)),
        free_trial=Change(before.free_trial, after.free_trial) if before.free_trial != after.free_trial else None,
    )


def changed_fields(change: Change[PlanItem]) -> tuple[str, ...]:
    """The names of what differs in an item that stays."""
    return tuple(
        each.name for each in fields(PlanItem) if getattr(change.before, each.name) != getattr(change.after, each.name)
    )


def apply_diff(terms: PlanTerms, diff: TermsDiff) -> PlanTerms:
    """The terms with the same change made to them.

    Of an item only what changes is replaced, and one that is not there any more is back. Prices and resets that come
    at another interval than the changed one stay as they are.
    """
    items: dict[int, PlanItem] = dict(enumerate(terms.items))
    places = _places(terms.items, diff)
    for number, change in enumerate(diff.items):
        _apply_item(items, places.get(number), change)
    price = terms.price
    if diff.price is not None and not _has_other_interval(terms.price, diff.price):
        price = diff.price.after
    return PlanTerms(
        price, tuple(items.values()), diff.free_trial.after if diff.free_trial is not None else terms.free_trial
    )


def find_conflicts(terms: PlanTerms, diff: TermsDiff) -> tuple[Conflict, ...]:
    """Where the terms are not what the change starts from: at another interval, or of another value."""
    found: list[Conflict] = []
    if diff.price is not None and terms.price != diff.price.before:
        other = _has_other_interval(terms.price, diff.price)
        found.append(Conflict(ConflictKind.DIFFERENT_INTERVAL if other else ConflictKind.BASE_PRICE_DIVERGENCE))
    places = _places(terms.items, diff)
    for number, change in enumerate(diff.items):
        there = terms.items[places[number]] if number in places else None
        if there is None or change.after is None or there == change.before:
            continue
        if change.before is None:
            found.append(Conflict(ConflictKind.VALUE_DIVERGENCE, there.feature_id))
        elif not _kept_fields(there, change).isdisjoint(changed_fields(change)):
            found.append(Conflict(ConflictKind.DIFFERENT_INTERVAL, there.feature_id))
        elif any(getattr(there, name) != getattr(change.before, name) for name in changed_fields(change)):
            found.append(Conflict(ConflictKind.VALUE_DIVERGENCE, there.feature_id))
    return tuple(found)


def _item_changes(before: Sequence[PlanItem], after: Sequence[PlanItem]) -> Iterator[Change[PlanItem]]:
    left, arrived = list(before), list(after)
    pairs: dict[int, PlanItem] = {}
    for alike in (_itself, _source, _feature):
        for place, item in enumerate(arrived):
            same = next((each for each in left if place not in pairs and alike(each) == alike(item)), None)
            if same is not None:
                pairs[place] = same
                left.remove(same)
    for place, item in enumerate(arrived):
        if pairs.get(place) != item:
            yield Change(pairs.get(place), item)
    yield from (Change(each, None) for each in left)


def _apply_item(items: dict[int, PlanItem], place: int | None, change: Change[PlanItem]) -> None:
    if change.after is None:
        if place is not None:
            del items[place]
    elif place is None:
        items[max(items, default=-1) + 1] = change.after
    elif change.before is None:
        items[place] = change.after
    else:
        there = items[place]
        patched = [name for name in changed_fields(change) if name not in _kept_fields(there, change)]
        items[place] = replace(there, **{name: getattr(change.after, name) for name in patched})


def _places(items: Sequence[PlanItem], diff: TermsDiff) -> dict[int, int]:
    """By the number of a change, the place of the item that stands for what it changes, each for one only.

    The very item, or one of its kind, or of a changed one the only item of its feature.
    """
    found: dict[int, int] = {}
    for alike in (_itself, _source, _feature):
        for number, change in enumerate(diff.items):
            stays = change.before is not None and change.after is not None
            if number in found or (alike is _feature and not stays):
                continue
            meant = next(each for each in (change.before, change.after) if each is not None)
            free = [place for place in range(len(items)) if place not in found.values()]
            like = [place for place in free if alike(items[place]) == alike(meant)]
            if len(like) == 1:
                found[number] = like[0]
    return found


def _kept_fields(there: PlanItem, change: Change[PlanItem]) -> frozenset[str]:
    """What stays as it is, for it comes at another interval than what is changed."""
    before = change.before or there
    kept = set()
    if there.price is not None and before.price is not None and there.price.cadence != before.price.cadence:
        kept.add("price")
    if there.reset is not None and before.reset is not None and there.reset != before.reset:
        kept.add("reset")
    return frozenset(kept)


def _has_other_interval(price: BasePrice | None, change: Change[BasePrice]) -> bool:
    if price is None or change.before is None or change.after is None:
        return False
    return price.cadence != change.before.cadence


def _itself(item: PlanItem) -> PlanItem:
    return item


def _source(item: PlanItem) -> tuple[object, ...]:
    return (*_feature(item), item.price.billing_method if item.price else None, _cadences(item))


def _feature(item: PlanItem) -> tuple[object, ...]:
    return item.feature_id, item.entity_feature_id


def _cadences(item: PlanItem) -> tuple[Cadence | None, Cadence | None]:
    return item.reset, item.price.cadence if item.price else None
