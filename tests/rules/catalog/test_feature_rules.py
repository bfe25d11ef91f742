"""Which features are valid (api.md §2.3)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.catalog.model import CreditCost, Feature, FeatureKind, TokenMarkups
from sumac.catalog.rules.features import check_change, check_feature
from sumac.core.errors import BadRequest

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGES = Feature("messages", "Messages", FeatureKind.METERED, True, CREATED)
SEATS = Feature("seats", "Seats", FeatureKind.METERED, False, CREATED)
SIGN_ON = Feature("sso", "Single sign-on", FeatureKind.BOOLEAN, False, CREATED)
TOKENS = Feature("tokens", "Tokens", FeatureKind.AI_CREDIT_SYSTEM, True, CREATED)
CREDITS = Feature("credits", "Credits", FeatureKind.CREDIT_SYSTEM, True, CREATED)
KNOWN = {feature.id: feature for feature in (MESSAGES, SEATS, SIGN_ON, TOKENS)}


def credits_for(*costs: tuple[str, str]) -> Feature:
    return replace(CREDITS, credit_schema=tuple(CreditCost(feature_id, Decimal(cost)) for feature_id, cost in costs))


@pytest.mark.parametrize(
    "feature",
    [
        pytest.param(MESSAGES, id="metered"),
        pytest.param(SIGN_ON, id="boolean"),
        pytest.param(replace(TOKENS, markups=TokenMarkups(default_markup=Decimal(-100))), id="ai-credits"),
        pytest.param(credits_for(("messages", "0.2")), id="credits-for-messages"),
        pytest.param(credits_for(("messages", "0"), ("tokens", "3")), id="credits-for-ai-credits"),
    ],
)
def test_valid(feature: Feature) -> None:
    """Nothing is said against a valid feature."""
    check_feature(feature, KNOWN)


@pytest.mark.parametrize(
    ("feature", "problem"),
    [
        pytest.param(CREDITS, "at least one entry", id="no-schema"),
        pytest.param(credits_for(("messages", "1"), ("messages", "2")), "twice", id="duplicate"),
        pytest.param(credits_for(("unknown", "1")), "does not exist", id="unknown-feature"),
        pytest.param(credits_for(("seats", "1")), "seats is neither", id="held-units"),
        pytest.param(credits_for(("sso", "1")), "sso is neither", id="boolean-in-schema"),
        pytest.param(credits_for(("messages", "-1")), "between 0 and", id="negative-cost"),
        pytest.param(credits_for(("messages", "10000000000001")), "between 0 and", id="absurd-cost"),
        pytest.param(
            replace(TOKENS, credit_schema=(CreditCost("messages", Decimal(1)),)),
            "only for credit systems",
            id="ai-credits-with-schema",
        ),
        pytest.param(replace(SIGN_ON, event_names=("signed_in",)), "event_names", id="boolean-with-events"),
        pytest.param(
            replace(MESSAGES, markups=TokenMarkups(default_markup=Decimal(20))),
            "only for AI credit systems",
            id="metered-with-markups",
        ),
    ],
)
def test_invalid(feature: Feature, problem: str) -> None:
    """A broken rule is named."""
    with pytest.raises(BadRequest, match=problem) as caught:
        check_feature(feature, KNOWN)

    assert "invalid_feature" == caught.value.code


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(replace(MESSAGES, id="texts"), id="id"),
        pytest.param(replace(MESSAGES, kind=FeatureKind.BOOLEAN), id="type"),
        pytest.param(replace(MESSAGES, consumable=False), id="consumable"),
    ],
)
def test_nature_of_a_used_feature_stays(after: Feature) -> None:
    """Id, type and consumable change only while nobody uses the feature."""
    check_change(MESSAGES, after, in_use=False)

    with pytest.raises(BadRequest, match="in use"):
        check_change(MESSAGES, after, in_use=True)


def test_details_of_a_used_feature_change() -> None:
    """A name is free to change."""
    check_change(MESSAGES, replace(MESSAGES, name="Texts", archived=True), in_use=True)
