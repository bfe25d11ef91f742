"""Features and plans: find, list, create, change, remove (api.md §2.2, §2.3; billing.md §16.1).

Functions take the work they run in. Whether customers hold a version is told by the caller, who knows.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from sumac.catalog import store
from sumac.catalog.model import Customization, Feature, Plan
from sumac.catalog.rules.currency import priced_in
from sumac.catalog.rules.custom import customized
from sumac.catalog.rules.features import check_change, check_feature
from sumac.catalog.rules.normal import compute_normal_form
from sumac.catalog.rules.plans import check_alone, check_plan
from sumac.catalog.rules.shape import is_free
from sumac.catalog.rules.variants import check_variant
from sumac.catalog.rules.versioning import EditKind, PlanEdit, Versioning, check_default, decide_edit
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.organizations import service as organizations
from sumac.storage.schema import plan_versions, plans
from sumac.storage.work import Work

CHANGES = "catalog"
BY_ITSELF = Versioning()
ACTIVE = plan_versions.c.version == plans.c.active_version


async def list_features(work: Work) -> Sequence[Feature]:
    """Every feature, oldest first."""
    return await store.all_features(work)


async def features_by_id(work: Work) -> Mapping[str, Feature]:
    """Every feature by its id."""
    return {feature.id: feature for feature in await store.all_features(work)}


async def get_feature(work: Work, feature_id: str) -> Feature:
    """The feature. Raises NotFound `feature_not_found`."""
    feature = await store.find_feature(work, feature_id)
    if feature is None:
        message = f"Feature {feature_id} not found"
        raise NotFound(message, code="feature_not_found")
    return feature


async def create_feature(work: Work, feature: Feature) -> Feature:
    """Adds a feature. Raises Conflict `duplicate_feature_id`, BadRequest `invalid_feature`."""
    await work.lock(CHANGES)
    check_feature(feature, await features_by_id(work))
    if not await store.add_feature(work, feature):
        _taken(feature.id)
    return feature


async def update_feature(work: Work, feature_id: str, feature: Feature, *, named: Collection[str] = ()) -> Feature:
    """Replaces a feature by the given one; `named` are those in terms of customers' own. Raises as create_feature does.

    Conflict too where what cannot change of a feature in use would.
    """
    await work.lock(CHANGES)
    others = dict(await features_by_id(work))
    before = await get_feature(work, feature_id)
    check_feature(feature, others)
    check_change(before, feature, in_use=before.id in named or await is_used(work, before))
    if feature.id != feature_id and feature.id in others:
        _taken(feature.id)
    await store.change_feature(work, feature_id, feature)
    return feature


async def delete_feature(work: Work, feature_id: str, *, named: Collection[str] = ()) -> None:
    """Removes a feature nobody uses; `named` are those in terms of customers' own.

    Raises NotFound, Conflict `invalid_request` while it is in use.
    """
    await work.lock(CHANGES)
    feature = await get_feature(work, feature_id)
    user = "a customer's own terms" if feature_id in named else await _uses_of(work, feature)
    if user is not None:
        message = f"Feature {feature_id} is used by {user}; archive it instead"
        raise Conflict(message, code="invalid_request")
    await store.remove_feature(work, feature_id)


async def is_used(work: Work, feature: Feature) -> bool:
    """Whether a plan, at any version, or a credit system names the feature."""
    return await _uses_of(work, feature) is not None


async def find_plan(work: Work, plan_id: str, version: int | None = None) -> Plan | None:
    """The plan at a version, the active one by default; None when there is none."""
    which = ACTIVE if version is None else plan_versions.c.version == version
    found = await store.find_plans(work, plans.c.id == plan_id, which)
    return found[0] if found else None


async def get_plan(work: Work, plan_id: str, version: int | None = None) -> Plan:
    """The plan at a version, the active one by default. Raises NotFound `product_not_found`."""
    plan = await find_plan(work, plan_id, version)
    if plan is None:
        which = plan_id if version is None else f"{plan_id} version {version}"
        message = f"Plan {which} not found"
        raise NotFound(message, code="product_not_found")
    return plan


async def list_versions(work: Work, plan_id: str) -> Sequence[Plan]:
    """The plan at each of its versions, the oldest first. Raises NotFound `product_not_found`."""
    await get_plan(work, plan_id)
    return await store.find_plans(work, plans.c.id == plan_id)


async def get_plans(work: Work, wanted: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], Plan]:
    """Plans at exact versions, by (id, version)."""
    keys = set(wanted)
    if not keys:
        return {}
    found = await store.find_plans(work, plans.c.id.in_({plan_id for plan_id, _ in keys}))
    return {(plan.id, plan.version): plan for plan in found if (plan.id, plan.version) in keys}


async def list_plans(work: Work, *, include_archived: bool = False, all_versions: bool = False) -> Sequence[Plan]:
    """The plans, oldest first, at their active version or at all of them."""
    where = [] if all_versions else [ACTIVE]
    where += [] if include_archived else [plans.c.archived.is_(False)]
    return await store.find_plans(work, *where)


async def list_auto_enabled(work: Work) -> Sequence[Plan]:
    """The plans new customers get, at their active version."""
    return await store.find_plans(work, ACTIVE, plans.c.auto_enable.is_(True), plans.c.archived.is_(False))


async def create_plan(work: Work, plan: Plan) -> Plan:
    """Adds a plan at version 1. Raises BadRequest `product_already_exists` and those of check_plan."""
    await work.lock(CHANGES)
    plan = await _checked(work, plan)
    if not await store.add_plan(work, plan):
        message = f"Plan {plan.id} already exists"
        raise BadRequest(message, code="product_already_exists")
    return plan


async def propose_edit(
    work: Work, before: Plan, after: Plan, *, held_versions: Collection[int], how: Versioning = BY_ITSELF
) -> PlanEdit:
    """What `update_plan` would do, without doing it. Raises as it does, except for what is stored meanwhile."""
    edit = decide_edit(before, after, await list_versions(work, before.id), held_versions, how)
    check_default(before, edit.after)
    check_variant(edit.after)
    after = await _checked(work, _without_auto_enable(before, edit.after), ignoring=before.id)
    others = [replace(each, after=await _checked(work, each.after)) for each in edit.others]
    await _check_rename(work, before, after, held_versions)
    return replace(edit, after=after, others=tuple(others))


async def update_plan(
    work: Work,
    before: Plan,
    after: Plan,
    *,
    held_versions: Collection[int],
    held_currencies: Mapping[int, Collection[str]] = MappingProxyType({}),
    how: Versioning = BY_ITSELF,
) -> Plan:
    """Changes a plan; a changed price, item or trial of a version that customers hold becomes the next version.

    `held_currencies` are those in which each version is held now: changed in place, it must still be sold in them.
    Raises Conflict when the new id is taken, when customers hold the plan that shall be renamed or when `before` is no
    longer what is stored, BadRequest `conflicting_version_flags`, `historical_plan_version_cannot_be_default`,
    `currency_mismatch` and those of check_plan.
    """
    await work.lock(CHANGES)
    if await find_plan(work, before.id, before.version) != before:
        message = f"Plan {before.id} was changed by somebody else meanwhile; try again"
        raise Conflict(message)
    edit = await propose_edit(work, before, after, held_versions=held_versions, how=how)
    after = edit.after
    await store.change_plan(work, before.id, after)
    if edit.kind is EditKind.NEXT_VERSION:
        after = replace(after, created_at=work.now)
        await store.add_version(work, after)
    elif edit.kind is not EditKind.NOTHING:
        changed = [after, *(replace(each.after, id=after.id) for each in edit.others)]
        default = await organizations.default_currency(work)
        for version in changed:
            for currency in held_currencies.get(version.version, ()):
                priced_in(version, currency, default=default)
            await store.change_version(work, version)
    if after.active:
        await store.activate(work, after.id, after.version)
    return after


async def customize(work: Work, plan: Plan, custom: Customization) -> Plan:
    """The plan made to measure, checked like any other. Raises BadRequest."""
    features = await features_by_id(work)
    made = compute_normal_form(customized(plan, custom), features)
    check_plan(made, features, currency=await organizations.default_currency(work))
    return made


async def delete_plan(work: Work, plan_id: str, *, all_versions: bool, held_versions: Collection[int]) -> None:
    """Removes the newest version, or all. Raises NotFound, BadRequest while customers hold or have held them."""
    await work.lock(CHANGES)
    active = await get_plan(work, plan_id)
    versions = await store.versions_of(work, plan_id)
    doomed = versions if all_versions else versions[-1:]
    if set(doomed) & set(held_versions):
        message = f"Plan {plan_id} has or had customers; archive it instead"
        raise BadRequest(message)
    await store.remove_versions(work, plan_id, doomed, whole=doomed == versions)
    if doomed != versions and active.version in doomed:
        await store.activate(work, plan_id, versions[-2])


def _without_auto_enable(before: Plan, after: Plan) -> Plan:
    """A trial that begins to need a card can no longer start by itself (billing.md §1.4)."""
    if before.free_trial is None or before.free_trial.card_required or is_free(after) or not after.active:
        return after
    needs_card = after.free_trial is not None and after.free_trial.card_required
    return replace(after, auto_enable=False) if needs_card else after


async def _checked(work: Work, plan: Plan, *, ignoring: str | None = None) -> Plan:
    """The plan in its normal form, found to be one that may be offered beside the others. Raises BadRequest.

    What a plan that starts by itself has to be, only its active version has to.
    """
    features = await features_by_id(work)
    plan = compute_normal_form(plan, features)
    offered = plan if plan.active else replace(plan, auto_enable=False)
    check_plan(offered, features, currency=await organizations.default_currency(work))
    if offered.auto_enable:
        own = {plan.id, ignoring}
        check_alone(plan, [other for other in await list_auto_enabled(work) if other.id not in own])
    return plan


async def _check_rename(work: Work, before: Plan, after: Plan, held_versions: Collection[int]) -> None:
    if before.id == after.id:
        return
    if held_versions:
        message = f"Plan {before.id} has customers; its id cannot change"
        raise Conflict(message, code="invalid_request")
    if await find_plan(work, after.id) is not None:
        message = f"Plan {after.id} already exists"
        raise Conflict(message, code="product_id_already_exists")


async def _uses_of(work: Work, feature: Feature) -> str | None:
    for other in await store.all_features(work):
        if other.credit_cost_of(feature.id) is not None:
            return f"credit system {other.id}"
    for plan in await store.find_plans(work):
        if any(feature.id in {item.feature_id, item.entity_feature_id} for item in plan.items):
            return f"plan {plan.id}"
    return None


def _taken(feature_id: str) -> None:
    message = f"Feature {feature_id} already exists"
    raise Conflict(message, code="duplicate_feature_id")
