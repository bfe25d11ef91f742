"""Which features are valid (api.md §2.3)."""

from collections.abc import Mapping

from sumac.catalog.model import Feature, FeatureKind
from sumac.core.errors import BadRequest
from sumac.core.quantity import LARGEST

PAID_FOR = frozenset({FeatureKind.METERED, FeatureKind.AI_CREDIT_SYSTEM})


def check_feature(feature: Feature, others: Mapping[str, Feature]) -> None:
    """Raises BadRequest `invalid_feature` when the feature breaks a rule."""
    if feature.kind is FeatureKind.CREDIT_SYSTEM:
        _check_schema(feature, others)
    elif feature.credit_schema:
        _refuse(f"credit_schema is only for credit systems, and {feature.id} is {feature.kind}")
    if feature.kind is FeatureKind.BOOLEAN and feature.event_names:
        _refuse(f"event_names are only for metered features, and {feature.id} is boolean")
    if feature.markups is not None and feature.kind is not FeatureKind.AI_CREDIT_SYSTEM:
        _refuse(f"markups are only for AI credit systems, and {feature.id} is {feature.kind}")


def check_change(before: Feature, after: Feature, *, in_use: bool) -> None:
    """Raises BadRequest `invalid_feature` for a change of nature while plans or credit systems use the feature."""
    nature_before = (before.id, before.kind, before.consumable)
    nature_after = (after.id, after.kind, after.consumable)
    if in_use and nature_before != nature_after:
        _refuse(f"feature {before.id} is in use; its id, type and consumable cannot change")


def _check_schema(feature: Feature, others: Mapping[str, Feature]) -> None:
    if not feature.credit_schema:
        _refuse(f"credit system {feature.id} needs at least one entry in credit_schema")
    paid_for = [cost.metered_feature_id for cost in feature.credit_schema]
    if len(set(paid_for)) != len(paid_for):
        _refuse(f"credit system {feature.id} names a feature twice in credit_schema")
    for cost in feature.credit_schema:
        metered = others.get(cost.metered_feature_id)
        if metered is None:
            _refuse(f"credit_schema names feature {cost.metered_feature_id}, which does not exist")
        elif metered.kind not in PAID_FOR or not metered.consumable:
            _refuse(f"credit_schema may name consumable metered or AI credit features only; {metered.id} is neither")
        if not 0 <= cost.credit_cost <= LARGEST:
            _refuse(f"the credit_cost of {cost.metered_feature_id} must be between 0 and {LARGEST:f}")


def _refuse(sentence: str) -> None:
    raise BadRequest(sentence, code="invalid_feature")
