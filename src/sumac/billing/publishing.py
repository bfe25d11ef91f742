"""A whole catalogue at once: what is wanted is compared with what is there, and made so in one work.

Plans that go leave before others come, so that one may take the place of another; features leave last, when no plan
names them any more. What customers hold or have held is archived instead of removed. A preview is the same, rehearsed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from sumac.billing import store
from sumac.billing.holders import features_of_own_terms
from sumac.billing.load import held_currencies
from sumac.catalog import service as catalog
from sumac.catalog import variants
from sumac.catalog.model import Feature, FeatureKind, Plan, PlanItem
from sumac.catalog.rules.normal import compute_normal_form
from sumac.catalog.rules.versioning import Versioning
from sumac.core.errors import SumacError
from sumac.storage.work import Work

BY_ITSELF = Versioning()
CREDITS_LAST = (FeatureKind.BOOLEAN, FeatureKind.METERED, FeatureKind.AI_CREDIT_SYSTEM, FeatureKind.CREDIT_SYSTEM)


class Published(StrEnum):
    """What became of a feature or a plan."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    ARCHIVED = "archived"
    SKIPPED = "skipped"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Catalog:
    """The features and the plans, each at its active version, archived ones too, by their ids."""

    features: Mapping[str, Feature]
    plans: Mapping[str, Plan]


@dataclass(frozen=True, slots=True)
class PlanWish:
    """A plan as it shall be, and what is said about its versions; with `links` it is a variant of `base_plan_id`."""

    plan: Plan
    how: Versioning = BY_ITSELF
    links: bool = False
    base_plan_id: str | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """The catalogue that is wanted. With `removes_others` what it does not name goes; what is skipped stays."""

    features: Sequence[Feature]
    plans: Sequence[PlanWish]
    removes_others: bool = True
    skipped_features: Collection[str] = ()
    skipped_plans: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class FeatureChange:
    """A feature before and after; None where it is not there."""

    feature_id: str
    action: Published
    before: Feature | None
    after: Feature | None


@dataclass(frozen=True, slots=True)
class PlanChange:
    """A plan before and after; None where it is not there. `customers` is how many hold the version before now.

    `other_versions` stand beside the one whose terms change; they change alike only if the wish was for all of them.
    """

    plan_id: str
    action: Published
    before: Plan | None
    after: Plan | None
    customers: int
    other_versions: tuple[int, ...] = ()

    @property
    def mints(self) -> bool:
        """Whether it makes a new version, beside the one that the customers keep."""
        return self.before is not None and self.after is not None and self.after.version > self.before.version


@dataclass(frozen=True, slots=True)
class Changes:
    """What was done: first what was named, in its order, then what was not named."""

    features: tuple[FeatureChange, ...]
    plans: tuple[PlanChange, ...]


async def read_catalog(work: Work) -> Catalog:
    """The catalogue; nobody else changes it until the work is over."""
    await work.lock(catalog.CHANGES)
    plans = await catalog.list_plans(work, include_archived=True)
    return Catalog(await catalog.features_by_id(work), {plan.id: plan for plan in plans})


async def publish(work: Work, stored: Catalog, wanted: Publication) -> Changes:
    """Makes the catalogue as it is wanted. Raises what creating and changing features and plans raises."""
    held = await store.holders(work)
    leaving = [
        await _leave(work, plan, held.get(plan_id, {}))
        for plan_id, plan in stored.plans.items()
        if wanted.removes_others
        and plan_id not in wanted.skipped_plans
        and plan_id not in {wish.plan.id for wish in wanted.plans}
    ]
    features = {
        feature.id: await _publish_feature(work, stored.features.get(feature.id), feature, wanted.skipped_features)
        for feature in sorted(wanted.features, key=lambda each: CREDITS_LAST.index(each.kind))
    }
    known = await catalog.features_by_id(work)
    plans = {
        wish.plan.id: PlanChange(wish.plan.id, Published.SKIPPED, before, before, 0)
        if wish.plan.id in wanted.skipped_plans
        else await _publish_plan(work, before, wish, known, held.get(wish.plan.id, {}))
        for wish in sorted(wanted.plans, key=lambda each: (each.base_plan_id is not None, each.plan.auto_enable))
        for before in [stored.plans.get(wish.plan.id)]
    }
    gone = [
        await _drop(work, feature)
        for feature in sorted(stored.features.values(), key=lambda each: -CREDITS_LAST.index(each.kind))
        if wanted.removes_others and feature.id not in features and feature.id not in wanted.skipped_features
    ]
    return Changes(
        features=(*(features[each.id] for each in wanted.features), *gone),
        plans=(*(plans[each.plan.id] for each in wanted.plans), *leaving),
    )


@contextmanager
def _about(what: str) -> Iterator[None]:
    """Says of an error which of many features and plans it is about."""
    try:
        yield
    except SumacError as error:
        message = f"{what}: {error.message}"
        raise type(error)(message, code=error.code) from error


async def _leave(work: Work, plan: Plan, held: Mapping[int, int]) -> PlanChange:
    customers = held.get(plan.version, 0)
    if not held:
        await catalog.delete_plan(work, plan.id, all_versions=True, held_versions=())
        return PlanChange(plan.id, Published.DELETED, plan, None, customers)
    if plan.archived:
        return PlanChange(plan.id, Published.NONE, plan, plan, customers)
    after = await catalog.update_plan(work, plan, replace(plan, archived=True), held_versions=held.keys())
    return PlanChange(plan.id, Published.ARCHIVED, plan, after, customers)


async def _drop(work: Work, feature: Feature) -> FeatureChange:
    if feature.id not in await features_of_own_terms(work) and not await catalog.is_used(work, feature):
        await catalog.delete_feature(work, feature.id)
        return FeatureChange(feature.id, Published.DELETED, feature, None)
    if feature.archived:
        return FeatureChange(feature.id, Published.NONE, feature, feature)
    after = await catalog.update_feature(work, feature.id, replace(feature, archived=True))
    return FeatureChange(feature.id, Published.ARCHIVED, feature, after)


async def _publish_feature(
    work: Work, before: Feature | None, wanted: Feature, skipped: Collection[str]
) -> FeatureChange:
    if wanted.id in skipped:
        return FeatureChange(wanted.id, Published.SKIPPED, before, before)
    with _about(f"feature {wanted.id}"):
        if before is None:
            return FeatureChange(wanted.id, Published.CREATED, None, await catalog.create_feature(work, wanted))
        if before == wanted:
            return FeatureChange(wanted.id, Published.NONE, before, before)
        named = await features_of_own_terms(work)
        after = await catalog.update_feature(work, before.id, wanted, named=named)
        return FeatureChange(wanted.id, Published.UPDATED, before, after)


async def _publish_plan(
    work: Work, before: Plan | None, wish: PlanWish, features: Mapping[str, Feature], held: Mapping[int, int]
) -> PlanChange:
    with _about(f"plan {wish.plan.id}"):
        plan = await _linked(work, wish)
        if before is None:
            return PlanChange(plan.id, Published.CREATED, None, await catalog.create_plan(work, plan), 0)
    customers = held.get(before.version, 0)
    plan = _worded_as(before, compute_normal_form(plan, features))
    if plan == before and not wish.how.force:
        return PlanChange(before.id, Published.NONE, before, before, customers)
    with _about(f"plan {before.id}"):
        after = await catalog.update_plan(
            work,
            before,
            plan,
            held_versions=held.keys(),
            held_currencies=await held_currencies(work, before.id),
            how=wish.how,
        )
    versions = [each.version for each in await catalog.list_versions(work, before.id)]
    others = tuple(
        each for each in versions if after.terms != before.terms and each not in {before.version, after.version}
    )
    return PlanChange(before.id, Published.UPDATED, before, after, customers, others)


async def _linked(work: Work, wish: PlanWish) -> Plan:
    """The plan, linked where the wish says so; one that is a variant of that base already goes on following it."""
    if not wish.links or wish.base_plan_id == wish.plan.base_plan_id:
        return wish.plan
    return await variants.link(work, wish.plan, wish.base_plan_id)


def _worded_as(before: Plan, plan: Plan) -> Plan:
    """The plan with the items it had, where they differ only in how they say that units never come back."""
    had = {_without_word(item): item for item in before.items}
    return replace(plan, items=tuple(had.get(_without_word(item), item) for item in plan.items))


def _without_word(item: PlanItem) -> PlanItem:
    return replace(item, reset=item.reset if item.reset is not None and item.reset.recurs else None)
