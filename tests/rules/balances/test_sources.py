"""The order in which grants pay (billing.md §5.3)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.balances.rules.deduct import compute_sources
from sumac.catalog.model import Feature
from sumac.core.time import Cadence, Interval
from tests.rules.offers import ACTION1, CREDITS3, FEATURES, MESSAGES, SEATS, YEARLY, at, feature, grant, usage_based

CATALOGUE = tuple(FEATURES.values())
PAID: dict[str, Any] = {"overage_allowed": True, "price": usage_based("0.10")}


@pytest.mark.parametrize(
    ("ordered", "key"),
    [
        pytest.param(
            [grant("action1", 1, id="own", reset=None), grant("credits", 1, id="credits", unlimited=True)],
            "action1",
            id="the-feature-before-credits",
        ),
        pytest.param(
            [grant("messages", 0, id="endless", reset=None, unlimited=True), grant("messages", 1, id="monthly")],
            "messages",
            id="unlimited-first",
        ),
        pytest.param(
            [grant("messages", 1, id="yearly", reset=YEARLY), grant("messages", 1, id="lasting", reset=None)],
            "messages",
            id="what-resets-before-what-lasts",
        ),
        pytest.param(
            [
                grant("messages", 1, id="yearly", reset=YEARLY),
                grant("messages", 1, id="daily", reset=Cadence(Interval.DAY), resets_at=None),
            ],
            "messages",
            id="what-has-no-next-reset-waits",
        ),
        pytest.param(
            [
                grant("messages", 1, id="a-hourly", reset=Cadence(Interval.HOUR)),
                grant("messages", 1, id="b-daily", reset=Cadence(Interval.DAY)),
                grant("messages", 1, id="c-weekly", reset=Cadence(Interval.WEEK)),
                grant("messages", 1, id="d-monthly"),
                grant("messages", 1, id="e-two-months", reset=Cadence(Interval.MONTH, 2)),
                grant("messages", 1, id="f-yearly", reset=YEARLY),
            ],
            "messages",
            id="shorter-interval-first",
        ),
        pytest.param(
            [
                grant("messages", 1, id="soon", reset=None, expires_at=at("2026-02-01")),
                grant("messages", 1, id="later", reset=None, expires_at=at("2026-03-01")),
                grant("messages", 1, id="never", reset=None),
            ],
            "messages",
            id="what-expires-first",
        ),
        pytest.param(
            [grant("messages", 1, id="main", **PAID), grant("messages", 1, id="extra", add_on=True)],
            "messages",
            id="main-plan-before-add-on",
        ),
        pytest.param(
            [grant("messages", 1, id="prepaid"), grant("messages", 1, id="after-use", **PAID)],
            "messages",
            id="prepaid-before-overage",
        ),
        pytest.param(
            [grant("messages", 1, id="z-oldest"), grant("messages", 1, id="newest", created_at=at("2026-01-02"))],
            "messages",
            id="oldest-first",
        ),
        pytest.param(
            [grant("messages", 1, id="monthly", **PAID), grant("messages", 1, id="lasting", reset=None, prepaid=1)],
            "messages",
            id="interval-outranks-payment",
        ),
    ],
)
def test_each_key_decides(ordered: Sequence[Grant], key: str) -> None:
    """However they are given, grants come out in this order."""
    expected = [each.id for each in ordered]

    for given in list(permutations(ordered))[:24]:
        assert expected == [source.grant.id for source in compute_sources(FEATURES[key], given, CATALOGUE)]


def test_only_grants_that_can_pay() -> None:
    """The feature's own grants, and those of every credit system that contains it, each at its cost."""
    grants = [grant("action1", 1), grant("action2", 1), grant("credits", 1), grant("credits3", 1), grant("words", 1)]
    sources = compute_sources(ACTION1, grants, CATALOGUE)

    expected = {"action1": Decimal(1), "credits": Decimal("0.2"), "credits3": Decimal(2)}
    assert expected == {source.grant.feature_id: source.cost for source in sources}
    assert ["credits3"] == [each.grant.feature_id for each in compute_sources(CREDITS3, grants, CATALOGUE)]


def test_archived_credits_still_pay() -> None:
    """Whoever holds credits of an archived system spends them."""
    archived = replace(CREDITS3, archived=True)

    assert 1 == len(compute_sources(ACTION1, [grant("credits3", 1)], [ACTION1, archived]))


@pytest.mark.parametrize(
    ("asked", "each", "expected"),
    [
        (SEATS, grant("seats", 5, reset=None), True),
        (SEATS, grant("seats", 5, reset=None, **PAID), False),
        (MESSAGES, grant("messages", 5), False),
        (feature("credits"), grant("credits", 5), False),
    ],
)
def test_only_free_held_units_overrun_unpaid(asked: Feature, each: Grant, *, expected: bool) -> None:
    """Seats without a price may be exceeded (billing.md §5.4)."""
    assert [expected] == [source.free_overage for source in compute_sources(asked, [each], CATALOGUE)]
