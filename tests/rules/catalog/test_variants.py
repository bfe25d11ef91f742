"""Variants of a plan, and what of its changes reaches them (billing.md §16.3)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sumac.catalog.model import Plan
from sumac.catalog.rules.diff import Conflict, ConflictKind, compute_diff
from sumac.catalog.rules.variants import (
    carry_to_variant,
    check_link,
    check_variant,
    choose_variants,
    make_variant,
    versioning_of_variants,
)
from sumac.catalog.rules.versioning import EditKind, PlanEdit, Versioning
from sumac.core.errors import BadRequest
from tests.support.build import YEARLY, item, plan, price, trial

LATER = datetime(2026, 2, 1, tzinfo=UTC)
BASE = plan("pro", item(included=10), item("words", 5), version=3, free_trial=trial(7), auto_enable=True, group="main")
ANNUAL = make_variant(BASE, "annual", "Annual", now=LATER)


def code(call: object, *arguments: object) -> str:
    """The code of the refusal."""
    with pytest.raises(BadRequest) as refused:
        call(*arguments)  # type: ignore[operator]  # a function
    return refused.value.code


def test_a_variant_is_a_plan_of_its_own() -> None:
    """It has everything the base has, begins with version 1, and nobody gets it by themselves."""
    expected = replace(
        BASE, id="annual", name="Annual", version=1, auto_enable=False, created_at=LATER, base_plan_id="pro",
        base_version=3,
    )  # fmt: skip

    assert expected == ANNUAL


def test_what_cannot_have_variants() -> None:
    """A variant, an archived plan; and what has variants, or is the base, does not become one."""
    assert "nested_variant_not_allowed" == code(lambda: make_variant(ANNUAL, "x", "X", now=LATER))
    assert "cannot_fork_archived_base" == code(lambda: make_variant(replace(BASE, archived=True), "x", "X", now=LATER))
    other = plan("other")
    check_link(other, BASE, [])
    assert "nested_variant_not_allowed" == code(check_link, other, ANNUAL, [])
    assert "nested_variant_not_allowed" == code(check_link, other, BASE, [ANNUAL])
    assert "nested_variant_not_allowed" == code(check_link, BASE, BASE, [])


def test_a_variant_does_not_start_by_itself() -> None:
    """The base may."""
    check_variant(BASE)
    check_variant(ANNUAL)
    assert "variant_cannot_be_default" == code(check_variant, replace(ANNUAL, auto_enable=True))


def test_which_variants_are_meant() -> None:
    """Those named, each once; archived ones are passed over, others refused, and no more than twenty."""
    archived = replace(ANNUAL, id="old", archived=True)

    assert [ANNUAL] == choose_variants(BASE, [archived, ANNUAL], ["annual", "old", "annual"])
    assert "invalid_propagation_target" == code(choose_variants, BASE, [ANNUAL], ["other"])
    assert "too_many_variants" == code(choose_variants, BASE, [], [str(number) for number in range(21)])


def changed(after: Plan) -> PlanEdit:
    """The base changes, in its next version."""
    return PlanEdit(EditKind.NEXT_VERSION, BASE, replace(after, version=4), compute_diff(BASE.terms, after.terms))


def test_only_the_difference_reaches_a_variant() -> None:
    """Its own price stays, what it lacks stays away, unless that very item was changed."""
    own = replace(ANNUAL, price=price(200, YEARLY), items=(item(included=10),))
    more = replace(BASE, items=(item(included=20), item("words", 5)))
    after, conflicts = carry_to_variant(own, changed(more))

    assert ((item(included=20),), price(200, YEARLY), 4, ()) == (
        after.items, after.price, after.base_version, conflicts
    )  # fmt: skip
    words = replace(BASE, items=(item(included=10), item("words", 6)))
    after, _ = carry_to_variant(own, changed(words))
    assert (item(included=10), item("words", 6)) == after.items
    dearer, conflicts = carry_to_variant(own, changed(replace(BASE, price=price(25))))
    assert (price(200, YEARLY), (Conflict(ConflictKind.DIFFERENT_INTERVAL),)) == (dearer.price, conflicts)


def test_how_variants_are_versioned() -> None:
    """In place where the base is; a version that is forced on the base is not forced on them."""
    assert Versioning(disable=True) == versioning_of_variants(Versioning(disable=True))
    assert Versioning(every=True) == versioning_of_variants(Versioning(every=True, activate=True))
    assert Versioning() == versioning_of_variants(Versioning(force=True))
