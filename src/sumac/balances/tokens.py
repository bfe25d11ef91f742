"""Tokens of AI models are counted as the credits they cost (api.md §2.4, balances.track_tokens)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from sumac.balances.batch import Decide, Told
from sumac.balances.model import BalanceSnapshot, TrackAnswer, UsageDecision
from sumac.balances.requests import TokenRequest, TrackRequest
from sumac.balances.rules.usage import check_value
from sumac.balances.usage import count
from sumac.catalog.model import Feature, FeatureKind, TokenPool, TokenRates
from sumac.catalog.rules.tokens import TokenCost, compute_token_cost
from sumac.core.errors import BadRequest, NotFound
from sumac.core.quantity import rounded


class PriceList(Protocol):
    """What is publicly known of the prices of AI models."""

    def find(self, model_id: str, *, at: datetime, sent: int) -> TokenRates | None:
        """The prices at an instant of a request with so many tokens sent; None for a model that is not listed.

        `model_id` is "provider/model". Does no input or output.
        """
        ...


def decide_tokens(request: TokenRequest, prices: PriceList) -> Decide[TrackAnswer]:
    """How tokens are counted: as usage of an AI credit system, at the prices of the instant they were used.

    What is returned raises NotFound `feature_not_found`, BadRequest `invalid_model`, and as counting usage does.
    """

    def decide_from(snapshot: BalanceSnapshot, at: datetime) -> tuple[UsageDecision, Told[TrackAnswer]]:
        system = _system(request.usage, snapshot.features)
        sent = sum(count for pool, count in request.tokens.items() if pool.is_sent)
        listed = prices.find(request.model_id, at=request.usage.occurred_at or at, sent=sent)
        cost = compute_token_cost(system, request.model_id, request.tokens, listed)
        check_value("tokens", cost.credits)
        usage = replace(
            request.usage,
            feature_id=system.id,
            value=rounded(cost.credits),
            properties={**request.usage.properties, **_recorded(request, cost)},
        )
        return count(usage, snapshot, at)

    return decide_from


def _system(usage: TrackRequest, features: Sequence[Feature]) -> Feature:
    """The AI credit system that is named, or the only one that is not archived."""
    systems = [feature for feature in features if feature.kind is FeatureKind.AI_CREDIT_SYSTEM]
    if usage.feature_id is None:
        current = [feature for feature in systems if not feature.archived]
        if len(current) > 1:
            message = f"feature_id: there are {len(current)} AI credit systems; say which one"
            raise BadRequest(message, code="invalid_inputs")
        found = next(iter(current), None)
        message = "There is no AI credit system"
    else:
        found = next((feature for feature in systems if feature.id == usage.feature_id), None)
        if found is None and any(feature.id == usage.feature_id for feature in features):
            message = f"feature_id: {usage.feature_id} is no AI credit system"
            raise BadRequest(message)
        message = f"Feature {usage.feature_id} not found"
    if found is None:
        raise NotFound(message, code="feature_not_found")
    return found


def _recorded(request: TokenRequest, cost: TokenCost) -> Mapping[str, Any]:
    """What the event says besides: from this its value can be computed again. Amounts are exact, as text."""
    counts = {
        f"{pool}_tokens": count
        for pool, count in request.tokens.items()
        if count > 0 or pool in {TokenPool.INPUT, TokenPool.OUTPUT}
    }
    return {
        "model_id": request.model_id,
        **counts,
        "usd_per_million": {str(pool): _text(rate) for pool, rate in cost.rates.items()},
        "cost_usd": _text(cost.dollars),
        "markup_percent": _text(cost.markup),
    }


def _text(value: Decimal) -> str:
    """All its digits, and no zeros after them."""
    digits = f"{value:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
