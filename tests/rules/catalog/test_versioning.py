"""Which version an edit of a plan goes into (billing.md §16.1)."""

from dataclasses import replace

import pytest

from sumac.catalog.rules.versioning import EditKind, Versioning, check_default, decide_edit
from sumac.core.errors import BadRequest
from tests.support.build import item, plan, price

FIRST = plan("pro", item(included=10), active=False)
SECOND = replace(FIRST, version=2, price=price(30), active=True)
RENAMED, DEARER = replace(SECOND, name="Other"), replace(SECOND, price=price(40))
HELD, NOBODY = frozenset({1, 2}), frozenset[int]()
FORCED, IN_PLACE, EVERY = Versioning(force=True), Versioning(disable=True), Versioning(every=True)


@pytest.mark.parametrize(
    ("after", "held", "how", "kind", "version"),
    [
        (RENAMED, HELD, Versioning(), EditKind.NOTHING, 2),
        (RENAMED, HELD, FORCED, EditKind.NEXT_VERSION, 3),
        (RENAMED, HELD, EVERY, EditKind.NOTHING, 2),
        (DEARER, NOBODY, Versioning(), EditKind.IN_PLACE, 2),
        (DEARER, frozenset({1}), Versioning(), EditKind.IN_PLACE, 2),
        (DEARER, HELD, Versioning(), EditKind.NEXT_VERSION, 3),
        (DEARER, NOBODY, FORCED, EditKind.NEXT_VERSION, 3),
        (DEARER, HELD, IN_PLACE, EditKind.IN_PLACE, 2),
        (DEARER, HELD, EVERY, EditKind.EVERY_VERSION, 2),
    ],
)
def test_where_an_edit_goes(after: object, held: frozenset[int], how: Versioning, kind: EditKind, version: int) -> None:
    """Only changed terms of a version that somebody holds make the next one, unless the caller says otherwise."""
    edit = decide_edit(SECOND, after, [FIRST, SECOND], held, how)  # type: ignore[arg-type]  # a plan

    assert (kind, version, True) == (edit.kind, edit.after.version, edit.after.active)


def test_every_version_changes_by_the_difference() -> None:
    """A price that is raised is raised everywhere; what else the versions have stays theirs."""
    more = replace(SECOND, items=(item(included=20),))
    edit = decide_edit(SECOND, more, [replace(FIRST, price=price(5)), SECOND], HELD, EVERY)
    (other,) = edit.others

    assert (1, price(5), (item(included=20),)) == (other.after.version, other.after.price, other.after.items)
    assert not other.after.active


def test_the_next_version_of_an_old_one_is_the_active_one() -> None:
    """It is made from the one that is edited, behind the newest, and new customers get it."""
    edit = decide_edit(FIRST, replace(FIRST, price=price(1)), [FIRST, SECOND], HELD, Versioning())

    assert (3, price(1), True) == (edit.after.version, edit.after.price, edit.after.active)
    assert decide_edit(FIRST, FIRST, [FIRST, SECOND], HELD, Versioning(activate=True)).after.active
    assert not decide_edit(FIRST, FIRST, [FIRST, SECOND], HELD, Versioning()).after.active


@pytest.mark.parametrize("how", [Versioning(force=True, disable=True), Versioning(disable=True, every=True),
                                 Versioning(force=True, every=True)])  # fmt: skip
def test_flags_that_exclude_each_other(how: Versioning) -> None:
    """They say different things about the same version."""
    with pytest.raises(BadRequest) as refused:
        decide_edit(SECOND, DEARER, [FIRST, SECOND], HELD, how)

    assert "conflicting_version_flags" == refused.value.code


def test_an_old_version_does_not_start_by_itself() -> None:
    """Only the active version can become what every new customer gets."""
    check_default(SECOND, replace(SECOND, auto_enable=True))
    check_default(replace(FIRST, auto_enable=True), replace(FIRST, auto_enable=True))
    with pytest.raises(BadRequest) as refused:
        check_default(FIRST, replace(FIRST, auto_enable=True))

    assert "historical_plan_version_cannot_be_default" == refused.value.code
