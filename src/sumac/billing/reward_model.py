"""What a decision does about the customer's rewards (billing.md §14.4)."""

from dataclasses import dataclass
from typing import Literal

from sumac.rewards.model import RewardUse


@dataclass(frozen=True, slots=True)
class GiveReward:
    """The customer has this reward from now on; it stands and falls with the invoice of its decision."""

    use: RewardUse
    kind: Literal["reward_given"] = "reward_given"


@dataclass(frozen=True, slots=True)
class MoveReward:
    """The reward goes on with what takes the place of its plan: these are its plans from now on."""

    reward_use_id: str
    customer_plan_ids: tuple[str, ...]
    kind: Literal["reward_moved"] = "reward_moved"
