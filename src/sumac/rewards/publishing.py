"""All rewards at once: what is wanted is compared with what is there, and made so in the caller's work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sumac.core.errors import BadRequest
from sumac.rewards import service
from sumac.rewards.model import Reward
from sumac.storage.work import Work


class Published(StrEnum):
    """What became of a reward."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RewardChange:
    """What became of the reward of this id."""

    reward_id: str
    action: Published


async def read_rewards(work: Work) -> Mapping[str, Reward]:
    """Every reward by its id; nobody else changes them until the work is over."""
    await work.lock(service.CHANGES)
    return {reward.id: reward for reward in await service.list_rewards(work)}


async def publish(
    work: Work, stored: Mapping[str, Reward], wanted: Sequence[Reward], *, removes_others: bool
) -> tuple[RewardChange, ...]:
    """Makes the rewards as they are wanted; those that go leave first, so that others may have their codes.

    Raises as creating, changing and deleting them does, BadRequest `invalid_reward` where one would be worth something
    else: who has it keeps what it was.
    """
    named = {reward.id for reward in wanted}
    gone = [reward_id for reward_id in stored if removes_others and reward_id not in named]
    for reward_id in gone:
        await service.delete(work, reward_id)
    made = [await _publish(work, stored.get(reward.id), reward) for reward in wanted]
    return (*made, *(RewardChange(reward_id, Published.DELETED) for reward_id in gone))


async def _publish(work: Work, before: Reward | None, wanted: Reward) -> RewardChange:
    if before is None:
        await service.create(work, wanted)
        return RewardChange(wanted.id, Published.CREATED)
    if before == wanted:
        return RewardChange(wanted.id, Published.NONE)
    if _worth(before) != _worth(wanted):
        message = f"Reward {wanted.id} is worth something else already; give the new one an id of its own"
        raise BadRequest(message, code="invalid_reward")
    await service.update(work, wanted)
    return RewardChange(wanted.id, Published.UPDATED)


def _worth(reward: Reward) -> object:
    """What may not change: everything of a discount but the plans it is for."""
    return reward.kind, None if reward.discount is None else replace(reward.discount, plan_ids=None)
