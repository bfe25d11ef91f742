"""What differs between versions, and the same change made to other versions (billing.md §16.1, §16.3)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.catalog.model import BasePrice, PlanItem, PlanTerms
from sumac.catalog.rules.diff import (
    Change,
    Conflict,
    ConflictKind,
    TermsDiff,
    apply_diff,
    changed_fields,
    compute_diff,
    find_conflicts,
)
from tests.support.build import YEARLY, item, prepaid_price, price, trial, usage_price

CREDITS = item("messages", 10, price=usage_price(1))
MORE = replace(CREDITS, included=Decimal(20), price=usage_price(2))
PACKS = item("messages", 0, price=prepaid_price(10))
WORDS = item("words", 50)
SLOTS = item("words", 5, entity_feature_id="seats")
YEARLY_WORDS = item("words", 500, reset=YEARLY)


def terms(*items: PlanItem, base: BasePrice | None = None, **changes: object) -> PlanTerms:
    made = PlanTerms(price(10) if base is None else base, items)
    return replace(made, **changes)  # type: ignore[arg-type]  # each test changes what it names


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(terms(CREDITS), terms(CREDITS), TermsDiff(), id="nothing"),
        pytest.param(terms(CREDITS, WORDS), terms(WORDS, CREDITS), TermsDiff(), id="another-order"),
        pytest.param(terms(), terms(base=price(20)), TermsDiff(price=Change(price(10), price(20))), id="price"),
        pytest.param(terms(), terms(price=None), TermsDiff(price=Change(price(10), None)), id="no-price"),
        pytest.param(
            terms(), terms(free_trial=trial(7)), TermsDiff(free_trial=Change(None, trial(7))), id="a-trial"
        ),
        pytest.param(terms(CREDITS), terms(MORE), TermsDiff(items=(Change(CREDITS, MORE),)), id="changed"),
        pytest.param(terms(), terms(WORDS), TermsDiff(items=(Change(None, WORDS),)), id="added"),
        pytest.param(terms(WORDS), terms(), TermsDiff(items=(Change(WORDS, None),)), id="removed"),
        pytest.param(
            terms(WORDS, SLOTS), terms(replace(SLOTS, included=Decimal(6))),
            TermsDiff(items=(Change(SLOTS, replace(SLOTS, included=Decimal(6))), Change(WORDS, None))),
            id="per-entity-is-another-item",
        ),
        pytest.param(
            terms(PACKS, CREDITS), terms(MORE), TermsDiff(items=(Change(CREDITS, MORE), Change(PACKS, None))),
            id="the-same-feature-twice",
        ),
        pytest.param(
            terms(WORDS), terms(YEARLY_WORDS), TermsDiff(items=(Change(WORDS, YEARLY_WORDS),)), id="another-interval"
        ),
    ],
)  # fmt: skip
def test_what_differs(before: PlanTerms, after: PlanTerms, expected: TermsDiff) -> None:
    """Items are paired by what they are of, first those that stay, and the difference leads from one to the other."""
    diff = compute_diff(before, after)

    assert expected == diff
    assert (before.price, sorted(map(repr, before.items))) == (after.price, sorted(map(repr, after.items))) or (
        not diff.is_empty
    )
    made = apply_diff(before, diff)
    assert (after.price, after.free_trial) == (made.price, made.free_trial)
    assert sorted(map(repr, after.items)) == sorted(map(repr, made.items))


def test_what_of_an_item_differs() -> None:
    """Only the fields that do."""
    assert ("included", "price") == changed_fields(Change(CREDITS, MORE))


ELEVEN = replace(CREDITS, included=Decimal(11))
RAISED = compute_diff(terms(CREDITS), terms(ELEVEN))
DEARER = compute_diff(terms(CREDITS), terms(replace(CREDITS, price=usage_price(3))))
LASTING = compute_diff(terms(CREDITS), terms(replace(CREDITS, reset=None)))
ADDED = compute_diff(terms(), terms(WORDS))
REMOVED = compute_diff(terms(WORDS), terms())
CHEAP = replace(CREDITS, price=usage_price("0.50"))
OLD = item("messages", 5, price=usage_price("0.50"))
YEARLY_CREDITS = item("messages", 120, reset=YEARLY, price=usage_price(1, cadence=YEARLY))
DIFFERENT, DIVERGED = ConflictKind.DIFFERENT_INTERVAL, ConflictKind.VALUE_DIVERGENCE


@pytest.mark.parametrize(
    ("others", "diff", "expected", "conflicts"),
    [
        pytest.param(terms(CREDITS), RAISED, terms(ELEVEN), [], id="the-same"),
        pytest.param(
            terms(OLD), RAISED, terms(replace(OLD, included=Decimal(11))), [(DIVERGED, "messages")],
            id="only-what-changed",
        ),
        pytest.param(
            terms(CHEAP), RAISED, terms(replace(CHEAP, included=Decimal(11))), [], id="another-price-is-no-conflict"
        ),
        pytest.param(terms(WORDS), RAISED, terms(WORDS, ELEVEN), [], id="removed-and-modified-is-back"),
        pytest.param(terms(PACKS, CREDITS), RAISED, terms(PACKS, ELEVEN), [], id="of-its-kind"),
        pytest.param(
            terms(YEARLY_CREDITS), DEARER, terms(YEARLY_CREDITS), [(DIFFERENT, "messages")], id="billed-yearly"
        ),
        pytest.param(
            terms(replace(YEARLY_CREDITS, price=None)), LASTING,
            terms(replace(YEARLY_CREDITS, price=None)), [(DIFFERENT, "messages")], id="reset-yearly",
        ),
        pytest.param(terms(), ADDED, terms(WORDS), [], id="added"),
        pytest.param(terms(WORDS), ADDED, terms(WORDS), [(DIVERGED, "words")], id="added-and-there"),
        pytest.param(terms(CREDITS, WORDS), REMOVED, terms(CREDITS), [], id="taken-away"),
        pytest.param(terms(CREDITS), REMOVED, terms(CREDITS), [], id="taken-away-and-not-there"),
        pytest.param(terms(base=price(10)), compute_diff(terms(), terms(base=price(12))), terms(base=price(12)), [],
                     id="price"),
        pytest.param(
            terms(base=price(8)), compute_diff(terms(), terms(base=price(12))), terms(base=price(12)),
            [(ConflictKind.BASE_PRICE_DIVERGENCE, None)], id="another-price",
        ),
        pytest.param(
            terms(base=price(100, YEARLY)), compute_diff(terms(), terms(base=price(12))),
            terms(base=price(100, YEARLY)), [(DIFFERENT, None)], id="a-yearly-price",
        ),
        pytest.param(
            terms(base=price(100, YEARLY)), compute_diff(terms(), terms(price=None)), terms(price=None),
            [(ConflictKind.BASE_PRICE_DIVERGENCE, None)], id="no-price-any-more",
        ),
        pytest.param(
            terms(free_trial=trial(3)), compute_diff(terms(), terms(free_trial=trial(7))), terms(free_trial=trial(7)),
            [], id="trial",
        ),
    ],
)  # fmt: skip
def test_the_same_change_elsewhere(
    others: PlanTerms, diff: TermsDiff, expected: PlanTerms, conflicts: list[tuple[ConflictKind, str | None]]
) -> None:
    """It is a difference, not the whole: what did not change stays as it is there; what does not fit is named."""
    assert expected == apply_diff(others, diff)
    assert [Conflict(*each) for each in conflicts] == list(find_conflicts(others, diff))
