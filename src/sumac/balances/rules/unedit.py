"""An edit of a balance taken back, as long as its period lasts (billing.md §8.1)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sumac.balances.model import EntryKind, Grant, GrantEntry
from sumac.core.errors import BadRequest, Conflict
from sumac.core.quantity import rounded

EDIT = "edt"
UNDO = "undo:"


def is_edit(entry: GrantEntry) -> bool:
    """Whether the entry is of an edit by hand; all entries of one edit have its cause."""
    return entry.cause.startswith(f"{EDIT}_")


def decide_undo(
    edit: Sequence[GrantEntry], grants: Collection[Grant], books: Collection[GrantEntry], *, now: datetime
) -> tuple[Grant, ...]:
    """The grants as they are without the edit: what was used, given or edited since stays.

    `edit` are the entries of one edit, `grants` those of them that are live, `books` every entry of theirs. Raises
    BadRequest for entries that are no edit of a balance; Conflict `edit_already_undone`, and `edit_overtaken` once a
    grant was reset or has ended, or its former dates have passed.
    """
    if any(entry.kind is not EntryKind.EDITED or not is_edit(entry) for entry in edit):
        message = f"entry_id: {edit[0].id} is not an edit of a balance"
        raise BadRequest(message, code="invalid_inputs")
    if edit[0].cause in _undone(books):
        message = f"The edit {edit[0].id} was undone already"
        raise Conflict(message, code="edit_already_undone")
    live = {grant.id: grant for grant in grants}
    return tuple(
        _without(entry, live.get(entry.grant_id), [each for each in books if each.grant_id == entry.grant_id], now)
        for entry in edit
    )


def _without(entry: GrantEntry, grant: Grant | None, books: Sequence[GrantEntry], now: datetime) -> Grant:
    if grant is None or _is_overtaken(entry, grant, books):
        message = f"The balance was reset or has ended since the edit {entry.id}; set it again instead"
        raise Conflict(message, code="edit_overtaken")
    undone = replace(
        grant,
        balance=rounded(grant.balance - entry.balance_change),
        adjustment=rounded(grant.adjustment - entry.granted_change),
        edited_at=_last_edit(grant, books, but=entry),
    )
    dates = entry.dates_before
    if dates is None:
        return undone
    taken_back = _undone(books)
    if any(
        each.dates_before and is_edit(each) and each.at > entry.at and each.cause not in taken_back for each in books
    ):
        message = f"The dates were changed again since the edit {entry.id}; undo the later edit first"
        raise Conflict(message, code="edit_overtaken")
    if any(instant is not None and instant <= now for instant in (dates.resets_at, dates.expires_at)):
        message = f"The dates of before the edit {entry.id} have passed; set others instead"
        raise Conflict(message, code="edit_overtaken")
    return replace(undone, anchor_at=dates.anchor_at, resets_at=dates.resets_at, expires_at=dates.expires_at)


def _is_overtaken(entry: GrantEntry, grant: Grant, books: Iterable[GrantEntry]) -> bool:
    """Whether the grant began anew since: it does before anything else at an instant, and forgets its edits."""
    forgotten = _changes_units(entry) and grant.edited_at is None
    return forgotten or any(each.kind is EntryKind.RESET and each.at > entry.at for each in books)


def _last_edit(grant: Grant, books: Sequence[GrantEntry], *, but: GrantEntry) -> datetime | None:
    """When the grant was last edited since its last reset, by an edit that is not undone."""
    reset_at = max((each.at for each in books if each.kind is EntryKind.RESET), default=grant.created_at)
    undone = _undone(books) | {but.cause}
    return max(
        (
            each.at
            for each in books
            if is_edit(each) and each.cause not in undone and each.at >= reset_at and _changes_units(each)
        ),
        default=None,
    )


def _undone(books: Iterable[GrantEntry]) -> set[str]:
    """The causes of the edits that were taken back."""
    return {each.cause.removeprefix(UNDO) for each in books if each.cause.startswith(UNDO)}


def _changes_units(entry: GrantEntry) -> bool:
    return bool(entry.balance_change or entry.granted_change)
