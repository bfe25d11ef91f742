"""Reservations on the wire, where they are called locks (api.md §2.4, §2.16)."""

from typing import Literal

from sumac.api.schemas.wire import AnyId, JsonObject, Milliseconds, Number, WireModel
from sumac.balances.requests import FinalizeAction, FinalizeRequest


class LockBody(WireModel):
    """How to hold the units of a check until it is known what they come to.

    Without `lock_id` the lock has a name that nobody is told, and nobody can finalize it: it should expire. Without
    `expires_at` the units are held until they are finalized.
    """

    lock_id: AnyId | None = None
    enabled: Literal[True]
    expires_at: Milliseconds | None = None
    overage_behavior: Literal["reject", "cap", "overflow"] = "reject"


class FinalizeBody(WireModel):
    """What a lock came to; `override_value` is read when it is confirmed."""

    lock_id: AnyId
    action: Literal["confirm", "release"]
    override_value: Number | None = None
    properties: JsonObject | None = None

    def request(self) -> FinalizeRequest:
        """As a request."""
        return FinalizeRequest(
            lock_id=self.lock_id,
            action=FinalizeAction(self.action),
            override_value=self.override_value,
            properties=self.properties,
        )
