"""Referral programs and codes on the wire (api.md §2.9). Unknown keys of a program are refused."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sumac.api.schemas.rewards import LISTED_MAX, StrictModel
from sumac.api.schemas.wire import AnyId, CustomerId, Milliseconds, PlanId, Truth, WholeNumber, WireModel
from sumac.rewards.referral_model import Program, ReceivedBy, RedeemOn, Referral, ReferralCode
from sumac.rewards.referrals import Invited

RedeemOnType = Literal["customer_creation", "checkout"]
ReceivedByType = Literal["referrer", "all"]
ProgramPlans = Annotated[list[PlanId], Field(max_length=LISTED_MAX)]
Limit = Annotated[WholeNumber, Field(gt=0)]


class ProgramCreate(StrictModel):
    """A referral program to be. `plan_ids` are needed for one that is redeemed on checkout."""

    id: PlanId
    reward_id: AnyId
    redeem_on: RedeemOnType
    received_by: ReceivedByType
    max_redemptions: Limit | None = None
    plan_ids: ProgramPlans | None = None
    exclude_trial: Truth | None = None

    def program(self, key: str, now: datetime) -> Program:
        """As a program."""
        return Program(
            key=key,
            id=self.id,
            reward_id=self.reward_id,
            redeem_on=RedeemOn(self.redeem_on),
            received_by=ReceivedBy(self.received_by),
            created_at=now,
            max_redemptions=self.max_redemptions,
            plan_ids=None if self.plan_ids is None else tuple(self.plan_ids),
            exclude_trial=self.exclude_trial,
        )


class ProgramChoice(StrictModel):
    """Which referral program is meant."""

    referral_program_id: AnyId


class ProgramUpdate(ProgramChoice):
    """What to change of a referral program; what is left out stays as it is, and so does its id."""

    reward_id: AnyId | None = None
    redeem_on: RedeemOnType | None = None
    received_by: ReceivedByType | None = None
    max_redemptions: Limit | None = None
    plan_ids: ProgramPlans | None = None
    exclude_trial: Truth | None = None

    def changed(self, before: Program) -> Program:
        """The program as it is to be. Null means any number, no plans, or that nothing was said about trials."""
        changes: dict[str, Any] = {
            name: getattr(self, name) for name in self.model_fields_set & {"max_redemptions", "exclude_trial"}
        }
        if "plan_ids" in self.model_fields_set:
            changes["plan_ids"] = None if self.plan_ids is None else tuple(self.plan_ids)
        if self.reward_id is not None:
            changes["reward_id"] = self.reward_id
        if self.redeem_on is not None:
            changes["redeem_on"] = RedeemOn(self.redeem_on)
        if self.received_by is not None:
            changes["received_by"] = ReceivedBy(self.received_by)
        return replace(before, **changes)


class ProgramBody(WireModel):
    """A referral program."""

    id: str
    reward_id: str
    redeem_on: RedeemOnType
    received_by: ReceivedByType
    max_redemptions: int | None
    plan_ids: list[str] | None
    exclude_trial: bool | None
    created_at: Milliseconds

    @classmethod
    def of(cls, program: Program) -> Self:
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


class ProgramList(WireModel):
    """Every referral program, oldest first."""

    list: list[ProgramBody]


class CodeCreate(WireModel):
    """Whose code is asked for, and for which program."""

    customer_id: CustomerId
    program_id: AnyId


class CodeBody(WireModel):
    """A code to invite others with."""

    code: str
    customer_id: str
    created_at: Milliseconds

    @classmethod
    def of(cls, code: ReferralCode, customer_id: str) -> Self:
        """As answered."""
        return cls(code=code.code, customer_id=customer_id, created_at=code.created_at)


class CodeRedeem(WireModel):
    """Who redeems which code."""

    code: AnyId
    customer_id: CustomerId


class ReferralBody(WireModel):
    """A code was redeemed by this customer; the reward is what the program gives for it."""

    id: str
    customer_id: str
    reward_id: str

    @classmethod
    def of(cls, referral: Referral, customer_id: str) -> Self:
        """As answered."""
        return cls(id=referral.id, customer_id=customer_id, reward_id=referral.reward_id)


class InvitedCustomer(WireModel):
    """Whom a customer invited."""

    id: str
    name: str | None
    email: str | None


class InvitedBody(WireModel):
    """Somebody whom the customer invited, and whether the customer got the reward for it (api.md §2.1)."""

    program_id: str
    customer: InvitedCustomer
    reward_applied: bool
    created_at: Milliseconds

    @classmethod
    def of(cls, invited: Invited) -> Self:
        """As answered."""
        who = invited.redeemer
        return cls(
            program_id=invited.program_id,
            customer=InvitedCustomer(id=who.public_id, name=who.name, email=who.email),
            reward_applied=invited.referral.referrer_use_id is not None,
            created_at=invited.referral.created_at,
        )
