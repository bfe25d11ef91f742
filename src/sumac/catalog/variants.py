"""Variants of plans: made, linked to a base, and changed along with it (billing.md §16.3)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sumac.catalog import service, store
from sumac.catalog.model import Plan
from sumac.catalog.rules.diff import Conflict
from sumac.catalog.rules.variants import (
    carry_to_variant,
    check_link,
    choose_variants,
    make_variant,
    versioning_of_variants,
)
from sumac.catalog.rules.versioning import PlanEdit, Versioning
from sumac.core.errors import Conflict as Taken
from sumac.storage.schema import plans
from sumac.storage.work import Work


@dataclass(frozen=True, slots=True)
class VariantEdit:
    """What a change of the base comes to for a variant, and what of it does not fit there."""

    edit: PlanEdit
    conflicts: tuple[Conflict, ...]


async def create_variant(work: Work, base_plan_id: str, plan_id: str, name: str) -> Plan:
    """Adds a variant of a plan's active version. Raises NotFound, Conflict `product_id_already_exists`, BadRequest."""
    await work.lock(service.CHANGES)
    made = make_variant(await service.get_plan(work, base_plan_id), plan_id, name, now=work.now)
    if not await store.add_plan(work, made):
        message = f"Plan {plan_id} already exists"
        raise Taken(message, code="product_id_already_exists")
    return made


async def list_variants(work: Work, plan_id: str) -> Sequence[Plan]:
    """The plan's variants at their active versions, archived ones too, the oldest first."""
    return await store.find_plans(work, service.ACTIVE, plans.c.base_plan_id == plan_id)


async def link(work: Work, plan: Plan, base_plan_id: str | None) -> Plan:
    """The plan as a variant of another one, or as none. Raises NotFound, BadRequest `nested_variant_not_allowed`."""
    if base_plan_id is None:
        return replace(plan, base_plan_id=None, base_version=None)
    base = await service.get_plan(work, base_plan_id)
    check_link(plan, base, await list_variants(work, plan.id))
    return replace(plan, base_plan_id=base.id, base_version=base.version)


async def propose_variants(
    work: Work, edit: PlanEdit, *, held_versions: Mapping[str, Collection[int]], how: Versioning
) -> list[VariantEdit]:
    """What the base's edit comes to for each variant that is not archived, were it chosen."""
    found: list[VariantEdit] = []
    for variant in await list_variants(work, edit.before.id):
        if variant.archived:
            continue
        after, conflicts = carry_to_variant(variant, edit)
        held = held_versions.get(variant.id, ())
        proposed = await service.propose_edit(work, variant, after, held_versions=held, how=versioning_of_variants(how))
        found.append(VariantEdit(proposed, conflicts))
    return found


async def update_variants(
    work: Work,
    edit: PlanEdit,
    wanted: Sequence[str],
    *,
    held_versions: Mapping[str, Collection[int]],
    held_currencies: Mapping[str, Mapping[int, Collection[str]]],
    how: Versioning,
) -> None:
    """Makes the base's edit to the variants that are named, once it is made to the base.

    Raises BadRequest `too_many_variants`, `invalid_propagation_target`, and as `update_plan` does.
    """
    variants = await list_variants(work, edit.after.id)
    for variant in choose_variants(edit.after, variants, wanted):
        after, _ = carry_to_variant(variant, edit)
        await service.update_plan(
            work,
            variant,
            after,
            held_versions=held_versions.get(variant.id, ()),
            held_currencies=held_currencies.get(variant.id, {}),
            how=versioning_of_variants(how),
        )
