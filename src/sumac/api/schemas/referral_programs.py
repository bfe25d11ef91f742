"""Referral programs on the wire (api.md §2.9)."""

from typing import Literal, Self

from sumac.api.schemas.wire import Milliseconds, Truth, WholeNumber, WireModel
from sumac.rewards.model import ReferralProgram


class ReferralProgramBody(WireModel):
    """A referral program."""

    id: str
    reward_id: str
    redeem_on: Literal["customer_creation", "checkout"]
    received_by: Literal["referrer", "all"]
    max_redemptions: WholeNumber | None
    plan_ids: list[str] | None
    exclude_trial: Truth | None
    created_at: Milliseconds

    @classmethod
    def of(cls, program: ReferralProgram) -> Self:
        """As answered."""
        return cls(
            id=program.id,
            reward_id=program.reward_id,
            redeem_on=program.redeem_on.value,
            received_by=program.received_by.value,
            max_redemptions=program.max_redemptions,
            plan_ids=None if program.plan_ids is None else list(program.plan_ids),
            exclude_trial=program.exclude_trial,
            created_at=program.created_at,
        )


class ReferralProgramList(WireModel):
    """Every referral program, oldest first."""

    list: list[ReferralProgramBody]
