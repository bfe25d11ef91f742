"""What a balance is the sum of, from the books of its grants (billing.md §1.7)."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from sumac.balances.model import EntryKind, Grant, GrantEntry, GrantTerms
from sumac.balances.rules.explain import Explained, Explanation, explain, open_books
from sumac.catalog.model import Feature, FeatureKind
from sumac.events.model import TakenSum
from tests.rules.limited import NOON
from tests.rules.offers import JANUARY, MESSAGES, at, grant

FEBRUARY, MARCH = at("2026-02-01"), at("2026-03-01")
ZERO = Decimal(0)


def entry(number: int, was: Grant | None, now: Grant, kind: EntryKind = EntryKind.EDITED, **changes: Any) -> GrantEntry:
    """The entry of a change of a grant."""
    plain = GrantEntry(
        id=f"ent_{number}",
        customer_key="cus_1",
        grant_id=now.id,
        feature_id=now.feature_id,
        kind=kind,
        granted_change=now.granted - (was.granted if was else ZERO),
        balance_change=now.balance - (was.balance if was else ZERO),
        cause="cause",
        actor="key:1",
        at=NOON,
        granted_after=now.granted,
        balance_after=now.balance,
        number=number,
        terms_after=GrantTerms.of(now, was),
    )
    return replace(plain, **changes)


def bare(plain: GrantEntry) -> GrantEntry:
    """The entry as it was written before its outcome was recorded."""
    return replace(plain, number=0, granted_after=None, balance_after=None, terms_after=None)


def taken(total: str, grant_id: str = "messages-grant", **changes: Any) -> TakenSum:
    """What usage of the messages took from a grant."""
    return replace(TakenSum(grant_id, "messages", None, 1, Decimal(total), ZERO), **changes)


def explained(
    books: Sequence[tuple[Grant, Sequence[GrantEntry]]],
    used: Sequence[TakenSum] = (),
    feature: Feature = MESSAGES,
    most: int = 100,
) -> Explanation:
    """The explanation from the grants as they are by now, and their entries."""
    opened = [each for each in (open_books(held, entries) for held, entries in books) if each is not None]
    return explain(feature, opened, used, entries_max=most)


def only(explanation: Explanation) -> Explained:
    """Its only source."""
    (source,) = explanation.sources
    return source


FULL = grant("messages", 100)
OPENED = entry(1, None, FULL, EntryKind.GRANTED, at=JANUARY)
RESET = entry(3, replace(FULL, balance=Decimal(7)), replace(FULL, resets_at=MARCH), EntryKind.RESET, at=FEBRUARY)


def test_it_begins_with_the_last_reset() -> None:
    """What came before is summed up in it; usage of the same instant that knew the earlier date is not of it."""
    edited = entry(2, FULL, replace(FULL, adjustment=Decimal(9)))
    later = entry(4, RESET_TO, replace(RESET_TO, balance=Decimal(120)), at=FEBRUARY)
    source = only(explained([(FULL, [OPENED, edited, RESET, later])], [taken("5.5")]))

    assert (RESET, (later,), FEBRUARY) == (source.opened.opening, source.entries, source.opened.turned_at)
    assert (Decimal(100), Decimal("114.5"), ZERO) == (
        source.grant.granted,
        source.grant.balance,
        source.grant.adjustment,
    )


RESET_TO = replace(FULL, resets_at=MARCH)


@pytest.mark.parametrize(
    ("entries", "opening", "turned"),
    [
        pytest.param([OPENED], OPENED, None, id="a-first-period"),
        pytest.param([OPENED, RESET], RESET, FEBRUARY, id="a-later-one"),
        pytest.param([bare(OPENED), RESET], RESET, None, id="whose-earlier-date-is-not-known"),
        pytest.param([OPENED, bare(RESET)], OPENED, None, id="whose-outcome-is-not-known"),
        pytest.param([OPENED, entry(2, FULL, FULL, EntryKind.RESET)], ..., None, id="that-moves-no-date"),
    ],
)
def test_where_it_begins(entries: Sequence[GrantEntry], opening: Any, turned: Any) -> None:
    """With the last reset whose outcome is recorded, else with what it was given."""
    opened = open_books(FULL, entries)

    assert opened is not None
    assert (entries[-1] if opening is ... else opening, turned) == (opened.opening, opened.turned_at)


def test_what_was_not_there_yet() -> None:
    """Without an entry by then there is no source, and no balance."""
    assert Explanation(None, None, ()) == explained([(FULL, [])])


def test_older_books() -> None:
    """Entries that do not say what came of them are added up from the beginning."""
    drained = entry(2, FULL, replace(FULL, balance=Decimal(80)))
    reset = entry(3, replace(FULL, balance=Decimal(50)), FULL, EntryKind.RESET)
    source = only(explained([(FULL, [bare(OPENED), bare(drained), bare(reset)])], [taken("30"), taken("4")]))

    assert (Decimal(100), Decimal(96)) == (source.grant.granted, source.grant.balance)


def test_it_is_as_it_was() -> None:
    """What was bought, set by hand and dated then counts, not what the grant is by now."""
    bought = replace(FULL, prepaid=Decimal(50), balance=Decimal(150))
    edited = replace(bought, adjustment=Decimal(-20), edited_at=NOON, expires_at=MARCH)
    now = replace(FULL, included=Decimal(1), prepaid=Decimal(2), balance=Decimal(3))
    entries = [OPENED, entry(2, FULL, bought, EntryKind.GRANTED), entry(3, bought, edited)]

    assert replace(edited, balance=Decimal(149)) == only(explained([(now, entries)], [taken("1")])).grant


def test_free_seats() -> None:
    """Seats that were given up and stay paid for are left, until an entry takes them away."""
    held = replace(grant("messages", 2, reset=None), replaceables=Decimal(1))
    opening = entry(1, None, held, EntryKind.GRANTED)
    used = [taken("-1", replaceables_change=Decimal(2))]
    before, after = replace(held, replaceables=Decimal(3)), replace(held, replaceables=ZERO)

    kept = explained([(held, [opening])], used).balance
    gone = explained([(held, [opening, entry(2, before, after)])], used).balance

    assert kept is not None
    assert gone is not None
    assert (Decimal(6), Decimal(3)) == (kept.remaining, gone.remaining)


def test_only_the_newest_entries_are_listed() -> None:
    """Those before are summed, and the balance is the same."""
    steps = [replace(FULL, balance=Decimal(100 + number)) for number in range(5)]
    entries = [OPENED, *(entry(n + 2, was, now) for n, (was, now) in enumerate(pairwise(steps)))]
    source = only(explained([(FULL, entries)], most=1))

    assert source.earlier is not None
    assert (3, Decimal(3), ZERO) == (
        source.earlier.entries,
        source.earlier.balance_change,
        source.earlier.granted_change,
    )
    assert (entries[-1:], Decimal(104)) == (list(source.entries), source.grant.balance)


def test_what_is_used_up_is_not_counted() -> None:
    """Units beside every plan that are used up are not shown, unless they were set by hand and still are then."""
    gift = grant("messages", 10, id="gift", reset=None)
    given = entry(1, None, gift, EntryKind.GRANTED)
    marked = replace(gift, balance=ZERO, edited_at=NOON)
    now = [(FULL, [OPENED]), (marked, [given])]

    used_up = explained(now, [taken("10", "gift")])
    by_hand = explained([(FULL, [OPENED]), (gift, [given, entry(2, gift, marked)])])

    assert [True, False] == [source.counted for source in used_up.sources]
    assert [True, True] == [source.counted for source in by_hand.sources]
    assert used_up.balance is not None
    assert by_hand.balance is not None
    assert (Decimal(100), Decimal(110)) == (used_up.balance.granted, by_hand.balance.granted)


def test_nothing_but_what_is_used_up() -> None:
    """Then nothing is held."""
    gift = grant("messages", 10, id="gift", reset=None)
    explanation = explained([(gift, [entry(1, None, gift, EntryKind.GRANTED)])], [taken("10", "gift")])

    assert (None, [False]) == (explanation.balance, [source.counted for source in explanation.sources])


def test_a_flag() -> None:
    """It is there, and counts nothing."""
    flag = grant("sso", reset=None)
    opened = entry(1, None, flag, EntryKind.GRANTED)
    feature = replace(MESSAGES, id="sso", kind=FeatureKind.BOOLEAN, consumable=False)

    assert (None, flag) == (
        explained([(flag, [opened])], (), feature).balance,
        explained([(flag, [opened])], (), feature).flag,
    )
    assert explained([], (), feature).flag is None
