"""The rewards of a customer on the wire (api.md §2.1, §2.5 `discounts`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from sumac.api.schemas.wire import AnyId, CustomerId, Truth, WireModel
from sumac.core.errors import BadRequest
from sumac.core.money import Money
from sumac.core.time import to_ms
from sumac.rewards.model import AppliedReward, RewardChoice
from sumac.rewards.rules.standing import ends_at

DISCOUNTS_MAX = 20


class DiscountBody(WireModel):
    """A reward, by its id or by a promotion code of it: exactly one of them."""

    reward_id: AnyId | None = None
    promotion_code: AnyId | None = None

    def choice(self) -> RewardChoice:
        """As a choice. Raises BadRequest."""
        if (self.reward_id is None) == (self.promotion_code is None):
            message = "discounts: give exactly one of reward_id and promotion_code"
            raise BadRequest(message)
        return RewardChoice(self.reward_id, self.promotion_code)


Discounts = Annotated[list[DiscountBody], Field(max_length=DISCOUNTS_MAX)]


def choices_of(discounts: Sequence[DiscountBody] | None) -> tuple[RewardChoice, ...]:
    """The rewards that are meant. Raises BadRequest."""
    return tuple(each.choice() for each in discounts or ())


class RewardAdd(DiscountBody):
    """Which reward a customer gets; with `subscription_id` for that plan only."""

    customer_id: CustomerId
    subscription_id: AnyId | None = None


class RewardRemove(WireModel):
    """Which reward is taken away: all of them without an id, those of one plan with `subscription_id`."""

    customer_id: CustomerId
    reward_id: AnyId | None = None
    subscription_id: AnyId | None = None


class AppliedRewardBody(WireModel):
    """It is done: this reward."""

    success: Truth
    reward_id: str


def shown_rewards(applied: Sequence[AppliedReward]) -> dict[str, Any]:
    """The rewards of a customer as `expand` shows them; amounts are major units.

    A reward of several plans is shown once, with the first of them.
    """
    return {"discounts": [_shown(each) for each in applied]}


def _shown(applied: AppliedReward) -> dict[str, Any]:
    use, terms = applied.use, applied.terms
    taken = None if terms.currency is None else Money(applied.taken_minor, terms.currency).major
    return {
        "id": use.reward_id,
        "name": use.name,
        "type": terms.kind.value,
        "discount_value": terms.value,
        "duration_type": terms.duration.value,
        "duration_value": terms.months,
        "currency": terms.currency,
        "start": to_ms(use.created_at),
        "end": _ms(ends_at(applied)),
        "subscription_id": use.customer_plan_ids[0] if use.customer_plan_ids else None,
        "total_discount_amount": taken,
    }


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else to_ms(instant)
