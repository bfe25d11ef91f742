"""Why a balance is what it is: the recorded changes that it is the sum of, at any instant (billing.md §1.7).

What each grant brought when its period began, what was changed of it since, and what usage took.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import Balance, EntryKind, Grant, GrantEntry
from sumac.balances.rules.sum import compute_balance, shown
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.quantity import exact_sum
from sumac.events.model import TakenSum

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Opened:
    """A grant since its period began: the entry that it begins with, and those that followed, as they were written.

    `turned_at` is when it was to be reset before that, where it begins with a reset that moved it.
    """

    grant: Grant
    opening: GrantEntry
    entries: tuple[GrantEntry, ...]
    turned_at: datetime | None = None

    @property
    def granted(self) -> Decimal:
        """What it granted to begin with."""
        return self.opening.granted_change if self.opening.granted_after is None else self.opening.granted_after

    @property
    def balance(self) -> Decimal:
        """What its balance was to begin with."""
        return self.opening.balance_change if self.opening.balance_after is None else self.opening.balance_after


@dataclass(frozen=True, slots=True)
class EntrySum:
    """What several entries came to together."""

    entries: int
    granted_change: Decimal
    balance_change: Decimal


@dataclass(frozen=True, slots=True)
class Explained:
    """A grant as it was, and where that comes from.

    Its balance is the opening's, with what all entries changed, less everything that was taken. `earlier` are entries
    after the opening that are not listed, `entries` those that are, oldest first. `counted` says whether it is part of
    what is shown: what was given beside every plan and is used up is not.
    """

    grant: Grant
    opened: Opened
    earlier: EntrySum | None
    entries: tuple[GrantEntry, ...]
    taken: tuple[TakenSum, ...]
    counted: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """A balance as it was shown, None where nothing was held or the feature is a flag; and the grants it is made of.

    `flag` is the grant that a flag was held by.
    """

    balance: Balance | None
    flag: Grant | None
    sources: tuple[Explained, ...]


def open_books(grant: Grant, entries: Sequence[GrantEntry]) -> Opened | None:
    """The grant's entries up to an instant, from where its last period begins; None when it was not there yet.

    A reset of before its outcome was recorded cannot be begun with; then it is what the grant began with.
    """
    if not entries:
        return None
    starts = [
        number
        for number, entry in enumerate(entries)
        if number == 0 or (entry.kind is EntryKind.RESET and entry.balance_after is not None)
    ]
    start = starts[-1]
    before = entries[start - 1].terms_after if start else None
    after = entries[start].terms_after
    turned = before is not None and after is not None and before.resets_at != after.resets_at
    turned_at = before.resets_at if turned and before is not None else None
    return Opened(grant, entries[start], tuple(entries[start + 1 :]), turned_at)


def explain(feature: Feature, opened: Iterable[Opened], taken: Iterable[TakenSum], *, entries_max: int) -> Explanation:
    """Explains the balance of a feature by its grants, oldest first, and by what usage took since they were opened.

    At most `entries_max` entries are listed of a grant, the newest; those before are summed.
    """
    by_grant: dict[str, list[TakenSum]] = {}
    for each in taken:
        by_grant.setdefault(each.grant_id, []).append(each)
    sources = [_explained(books, by_grant.get(books.grant.id, ()), entries_max) for books in opened]
    grants = [source.grant for source in sources]
    if feature.kind is FeatureKind.BOOLEAN:
        return Explanation(None, grants[0] if grants else None, tuple(sources))
    whole = compute_balance(feature.id, grants)
    balance = None if whole is None else shown(whole)
    held = () if balance is None else (*balance.grants, *balance.rollovers)
    counted = {grant.id for grant in held}
    return Explanation(balance, None, tuple(replace(source, counted=source.grant.id in counted) for source in sources))


def _explained(opened: Opened, taken: Sequence[TakenSum], entries_max: int) -> Explained:
    cut = max(0, len(opened.entries) - entries_max)
    return Explained(
        grant=_as_it_was(opened, taken),
        opened=opened,
        earlier=_summed(opened.entries[:cut]) if cut else None,
        entries=opened.entries[cut:],
        taken=tuple(sorted(taken, key=lambda each: (each.feature_id, each.credit_cost or ZERO))),
        counted=True,
    )


def _as_it_was(opened: Opened, taken: Iterable[TakenSum]) -> Grant:
    """The grant after all of that; what was not recorded yet is as it is by now."""
    changes = _summed(opened.entries)
    granted = exact_sum(opened.granted, changes.granted_change)
    used = _sum(each.total for each in taken)
    grant = replace(opened.grant, balance=exact_sum(exact_sum(opened.balance, changes.balance_change), -used))
    last = opened.entries[-1] if opened.entries else opened.opening
    if last.terms_after is not None and opened.opening.terms_after is not None:
        freed = [opened.opening.terms_after.replaceables]
        freed += [each.terms_after.replaceables_change for each in opened.entries if each.terms_after is not None]
        terms = last.terms_after
        grant = replace(
            grant,
            prepaid=terms.prepaid,
            adjustment=terms.adjustment,
            replaceables=_sum((*freed, *(each.replaceables_change for each in taken))),
            resets_at=terms.resets_at,
            expires_at=terms.expires_at,
            edited_at=terms.edited_at,
        )
    return replace(grant, included=granted - grant.prepaid - grant.adjustment)


def _summed(entries: Sequence[GrantEntry]) -> EntrySum:
    return EntrySum(
        len(entries), _sum(each.granted_change for each in entries), _sum(each.balance_change for each in entries)
    )


def _sum(values: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for value in values:
        total = exact_sum(total, value)
    return total
