"""Plans that are variants of another one, and the base's changes made to them (billing.md §16.3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sumac.catalog.model import Plan
from sumac.catalog.rules.diff import Conflict, apply_diff, find_conflicts
from sumac.catalog.rules.versioning import PlanEdit, Versioning
from sumac.core.errors import BadRequest

VARIANTS_MAX = 20


def make_variant(base: Plan, plan_id: str, name: str, *, now: datetime) -> Plan:
    """A plan of its own with the price, items and trial of the base; nobody gets it by themselves.

    Raises BadRequest `nested_variant_not_allowed`, `cannot_fork_archived_base`.
    """
    check_base(base)
    if base.archived:
        message = f"Plan {base.id} is archived; it cannot have new variants"
        raise BadRequest(message, code="cannot_fork_archived_base")
    return replace(
        base,
        id=plan_id,
        name=name,
        version=1,
        created_at=now,
        auto_enable=False,
        active=True,
        base_plan_id=base.id,
        base_version=base.version,
    )


def check_base(base: Plan) -> None:
    """Raises BadRequest `nested_variant_not_allowed` where the base is a variant itself."""
    if base.base_plan_id is not None:
        message = f"Plan {base.id} is a variant of {base.base_plan_id}; a variant has no variants"
        raise BadRequest(message, code="nested_variant_not_allowed")


def check_link(plan: Plan, base: Plan, variants: Sequence[Plan]) -> None:
    """Raises BadRequest where the plan cannot be a variant of the other; `variants` are the plan's own."""
    check_base(base)
    if plan.id == base.id or variants:
        message = f"Plan {plan.id} cannot become a variant: it has variants, or is the base itself"
        raise BadRequest(message, code="nested_variant_not_allowed")


def check_variant(plan: Plan) -> None:
    """Raises BadRequest `variant_cannot_be_default`."""
    if plan.base_plan_id is not None and plan.auto_enable:
        message = f"auto_enable: plan {plan.id} is a variant of {plan.base_plan_id} and does not start by itself"
        raise BadRequest(message, code="variant_cannot_be_default")


def choose_variants(base: Plan, variants: Sequence[Plan], wanted: Sequence[str]) -> list[Plan]:
    """Those of the base's variants that are named and not archived, in the order named.

    Raises BadRequest `too_many_variants`, `invalid_propagation_target` for a plan that is no variant of it.
    """
    names = list(dict.fromkeys(wanted))
    if len(names) > VARIANTS_MAX:
        message = f"update_variant_ids: at most {VARIANTS_MAX} variants are changed at once"
        raise BadRequest(message, code="too_many_variants")
    known = {each.id: each for each in variants}
    for name in names:
        if name not in known:
            message = f"update_variant_ids: plan {name} is no variant of {base.id}"
            raise BadRequest(message, code="invalid_propagation_target")
    return [known[name] for name in names if not known[name].archived]


def carry_to_variant(variant: Plan, edit: PlanEdit) -> tuple[Plan, tuple[Conflict, ...]]:
    """The variant with the base's change made to it, linked to the base as it is then, and what does not fit."""
    changed = variant.with_terms(apply_diff(variant.terms, edit.diff))
    return replace(changed, base_version=edit.after.version), find_conflicts(variant.terms, edit.diff)


def versioning_of_variants(how: Versioning) -> Versioning:
    """Each variant makes its next version where it is held; in place where the base changes in place."""
    return Versioning(disable=how.disable, every=how.every)
