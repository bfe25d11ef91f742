"""Tokens of AI models on the wire (api.md §2.4)."""

from typing import Annotated, Literal

from pydantic import Field

from sumac.api.schemas.wire import (
    AnyId,
    CustomerId,
    FeatureId,
    JsonObject,
    LargeCount,
    Milliseconds,
    Truth,
    WireModel,
)
from sumac.balances.requests import OverageBehavior, TokenRequest, TrackRequest
from sumac.catalog.model import TokenPool


class TrackTokensBody(WireModel):
    """Tokens to count. No token belongs to two of the counts: those read from a cache are not input tokens too."""

    customer_id: CustomerId
    entity_id: AnyId | None = None
    feature_id: FeatureId | None = None
    model_id: AnyId
    input_tokens: LargeCount
    output_tokens: LargeCount
    cache_read_tokens: LargeCount | None = None
    cache_write_tokens: LargeCount | None = None
    audio_input_tokens: LargeCount | None = None
    audio_output_tokens: LargeCount | None = None
    reasoning_tokens: LargeCount | None = None
    properties: JsonObject | None = None
    timestamp: Milliseconds | None = None
    overage_behavior: Literal["cap", "overflow", "reject"] = "cap"
    async_: Annotated[Truth, Field(alias="async")] = False

    def request(self) -> TokenRequest:
        """As a request."""
        usage = TrackRequest(
            customer_id=self.customer_id,
            feature_id=self.feature_id,
            entity_id=self.entity_id,
            properties=self.properties or {},
            occurred_at=self.timestamp,
            overage_behavior=OverageBehavior(self.overage_behavior),
        )
        tokens = {pool: getattr(self, f"{pool}_tokens") or 0 for pool in TokenPool}
        return TokenRequest(usage, self.model_id, tokens)
