"""An edit of a balance taken back, as long as its period lasts (billing.md §8.1)."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import EntryKind, Grant, GrantDates, GrantEntry
from sumac.balances.rules.unedit import decide_undo
from sumac.core.errors import BadRequest, Conflict
from tests.rules.limited import NOON
from tests.rules.offers import JANUARY, at, grant

MORNING, EVENING, NIGHT = at("2026-01-10 08:00"), at("2026-01-10 20:00"), at("2026-01-10 23:00")
FEBRUARY, MARCH = at("2026-02-01"), at("2026-03-10")


def entry(balance: int | str = 0, granted: int | str = 0, **changes: Any) -> GrantEntry:
    """An edit at noon."""
    plain = GrantEntry(
        id="ent_1",
        customer_key="cus_1",
        grant_id="messages-grant",
        feature_id="messages",
        kind=EntryKind.EDITED,
        granted_change=Decimal(granted),
        balance_change=Decimal(balance),
        cause="edt_1",
        actor="key:1",
        at=NOON,
    )
    return replace(plain, **changes)


def given(**changes: Any) -> GrantEntry:
    return entry(100, 100, id="ent_0", kind=EntryKind.GRANTED, cause="held-free", at=JANUARY, **changes)


def edited(balance: int | str, **changes: Any) -> Grant:
    """The grant as it is now, edited at noon."""
    return grant("messages", 100, **{"balance": Decimal(balance), "edited_at": NOON, **changes})


def undone(
    edit: Sequence[GrantEntry], grants: Sequence[Grant], *more: GrantEntry, now: datetime = NIGHT
) -> list[Grant]:
    """The grants without the edit."""
    return list(decide_undo(edit, grants, [given(), *edit, *more], now=now))


@pytest.mark.parametrize(
    ("edit", "now", "expected"),
    [
        (entry(40), edited(140), 100),
        (entry(-40), edited(60), 100),
        # what was used since stays used, even below zero
        (entry(40), edited(130), 90),
        (entry(40), edited(30), -10),
        (entry(50, 50), edited(150, adjustment=Decimal(50)), 100),
        (entry("-0.1"), edited("99.9"), 100),
    ],
)
def test_an_edit_is_taken_back(edit: GrantEntry, now: Grant, expected: int) -> None:
    """The change is compensated, the grant is as its plan has it, and is no longer marked."""
    [after] = undone([edit], [now])

    assert (Decimal(expected), Decimal(100), None) == (after.balance, after.granted, after.edited_at)


def test_an_edit_of_several_balances_is_one() -> None:
    """Every grant that it changed gets its own change back."""
    both = [entry(10), entry(-5, id="ent_2", grant_id="other")]

    assert [Decimal(100), Decimal(105)] == [
        each.balance for each in undone(both, [edited(110), replace(edited(100), id="other")])
    ]


@pytest.mark.parametrize(
    ("more", "marked_at"),
    [
        ([], None),
        ([entry(1, id="ent_2", cause="edt_2", at=EVENING)], EVENING),
        ([entry(1, id="ent_2", cause="edt_2", at=MORNING)], MORNING),
        (
            [entry(1, id="ent_2", cause="edt_2", at=EVENING), entry(-1, id="ent_3", cause="undo:edt_2", at=EVENING)],
            None,
        ),
        ([entry(0, id="ent_2", cause="edt_2", at=EVENING)], None),
        ([entry(0, 1, id="ent_2", cause="edt_2", at=EVENING)], EVENING),
        ([entry(1, id="ent_2", cause="removed", at=EVENING)], None),
        (
            [
                entry(1, id="ent_2", cause="edt_2", at=at("2026-01-02")),
                entry(9, id="ent_3", kind=EntryKind.RESET, cause="balances_reset", at=at("2026-01-05")),
            ],
            None,
        ),
    ],
)
def test_other_edits_stay(more: Sequence[GrantEntry], marked_at: datetime | None) -> None:
    """The grant is marked by the last other edit of its units since it began anew."""
    [after] = undone([entry(40)], [edited(140)], *more)

    assert marked_at == after.edited_at


BEFORE = GrantDates(JANUARY, FEBRUARY, None)
DATED = entry(dates_before=BEFORE)


def test_dates_are_taken_back() -> None:
    """An edit that set dates is undone to those of before."""
    now = edited(100, edited_at=None, anchor_at=MARCH, resets_at=MARCH, expires_at=MARCH)

    assert [BEFORE] == [GrantDates.of(each) for each in undone([DATED], [now])]


def test_dates_that_were_taken_back_already() -> None:
    """A later change of dates that was undone is no reason to keep them."""
    now = edited(100, edited_at=None, resets_at=MARCH)
    later = [replace(DATED, id="ent_2", cause="edt_2", at=EVENING), entry(id="ent_3", cause="undo:edt_2", at=EVENING)]

    assert [BEFORE] == [GrantDates.of(each) for each in undone([DATED], [now], *later)]


RESET = entry(20, id="ent_2", kind=EntryKind.RESET, cause="balances_reset", at=EVENING)


@pytest.mark.parametrize(
    ("edit", "grants", "more", "code"),
    [
        (entry(40), [], [], "edit_overtaken"),
        (entry(40), [edited(140)], [RESET], "edit_overtaken"),
        (DATED, [edited(100, edited_at=None)], [RESET], "edit_overtaken"),
        (entry(40), [edited(100, edited_at=None)], [replace(RESET, at=NOON)], "edit_overtaken"),
        (DATED, [edited(100)], [replace(DATED, id="ent_2", cause="edt_2", at=EVENING)], "edit_overtaken"),
        (replace(DATED, dates_before=replace(BEFORE, resets_at=EVENING)), [edited(100)], [], "edit_overtaken"),
        (replace(DATED, dates_before=replace(BEFORE, expires_at=NIGHT)), [edited(100)], [], "edit_overtaken"),
        (entry(40), [edited(140)], [entry(-40, id="ent_2", cause="undo:edt_1")], "edit_already_undone"),
    ],
)
def test_too_late(edit: GrantEntry, grants: Sequence[Grant], more: Sequence[GrantEntry], code: str) -> None:
    """Once it began anew, ended, or its dates are past or were changed again; and only once."""
    with pytest.raises(Conflict) as caught:
        undone([edit], grants, *more)

    assert code == caught.value.code


@pytest.mark.parametrize(
    "edit", [given(), entry(1, cause="recalculated"), entry(1, cause="undo:edt_0"), replace(RESET, cause="edt_1")]
)
def test_what_is_no_edit(edit: GrantEntry) -> None:
    """Only what a person set is taken back; nor is the taking back."""
    with pytest.raises(BadRequest, match="not an edit"):
        undone([edit], [edited(100)])
