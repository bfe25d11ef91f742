"""A customer's clock on the wire (design.md §6)."""

from typing import Any, Literal, Self

from sumac.api.schemas.wire import Milliseconds, Number, WireModel
from sumac.billing.clock import ClockMove, Happening


class HappeningBody(WireModel):
    """Something that happened while the clock moved."""

    at: Milliseconds
    kind: str
    plan_id: str | None = None
    feature_ids: list[str] | None = None
    invoice_id: str | None = None
    total: Number | None = None

    @classmethod
    def of(cls, happening: Happening) -> Self:
        """What does not apply is left out."""
        fields: dict[str, Any] = {
            "plan_id": happening.plan_id,
            "feature_ids": list(happening.feature_ids) or None,
            "invoice_id": happening.invoice_id,
            "total": happening.total,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        return cls(at=happening.at, kind=happening.kind, **given)


class ClockMoveBody(WireModel):
    """Where the clock stands and what happened on the way; `advancing` means: call again to go on."""

    customer_id: str
    frozen_time: Milliseconds
    status: Literal["advancing", "internal_failure", "ready"]
    happened: list[HappeningBody]

    @classmethod
    def of(cls, move: ClockMove) -> Self:
        """As answered."""
        return cls(
            customer_id=move.customer_id,
            frozen_time=move.frozen_at,
            status="ready" if move.ready else "advancing",
            happened=[HappeningBody.of(happening) for happening in move.happened],
        )
