"""Which version an edit of a plan goes into (billing.md §16.1)."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from sumac.catalog.model import Plan
from sumac.catalog.rules.diff import Conflict, TermsDiff, apply_diff, compute_diff, find_conflicts
from sumac.core.errors import BadRequest


class EditKind(StrEnum):
    """What becomes of changed terms. Everything else of a plan belongs to all of its versions."""

    NOTHING = "nothing"
    IN_PLACE = "in_place"
    NEXT_VERSION = "next_version"
    EVERY_VERSION = "every_version"


@dataclass(frozen=True, slots=True)
class Versioning:
    """What the caller says about versions; with nothing said, a version that customers hold is not touched.

    `force` always makes the next version, `disable` never does, `every` makes the same change to every version. With
    `activate` the version that results is the one that new customers get.
    """

    force: bool = False
    disable: bool = False
    every: bool = False
    activate: bool = False


@dataclass(frozen=True, slots=True)
class ChangedVersion:
    """A version that is changed along with another one, and what of the change does not fit it."""

    before: Plan
    after: Plan
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanEdit:
    """An edit as it will be carried out: the plan as it is after it, and the versions that change along with it."""

    kind: EditKind
    before: Plan
    after: Plan
    diff: TermsDiff
    others: tuple[ChangedVersion, ...] = ()


def decide_edit(
    before: Plan, after: Plan, versions: Collection[Plan], held_versions: Collection[int], how: Versioning
) -> PlanEdit:
    """Where the edit goes; `versions` are all of the plan's, `held_versions` those that customers hold or have held.

    Raises BadRequest `conflicting_version_flags`.
    """
    if how.force + how.disable + how.every > 1:
        message = "force_version, disable_version and all_versions exclude each other"
        raise BadRequest(message, code="conflicting_version_flags")
    diff = compute_diff(before.terms, after.terms)
    if how.force or (after.terms != before.terms and before.version in held_versions and not how.disable | how.every):
        newest = max(each.version for each in versions)
        return PlanEdit(EditKind.NEXT_VERSION, before, replace(after, version=newest + 1, active=True), diff)
    if how.activate:
        after = replace(after, active=True)
    if after.terms == before.terms:
        return PlanEdit(EditKind.NOTHING, before, after, diff)
    if not how.every:
        return PlanEdit(EditKind.IN_PLACE, before, after, diff)
    others = tuple(
        ChangedVersion(each, each.with_terms(apply_diff(each.terms, diff)), find_conflicts(each.terms, diff))
        for each in versions
        if each.version != before.version
    )
    return PlanEdit(EditKind.EVERY_VERSION, before, after, diff, others)


def check_default(before: Plan, after: Plan) -> None:
    """Raises BadRequest where an older version shall be given to every new customer."""
    if after.auto_enable and not before.auto_enable and not after.active:
        message = f"auto_enable: version {after.version} of plan {after.id} is not the one that new customers get"
        raise BadRequest(message, code="historical_plan_version_cannot_be_default")
