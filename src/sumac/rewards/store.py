"""Rows of rewards and of their promotion codes."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.rewards.model import FeatureGrant, PromoCode, Reward
from sumac.rewards.uses import discount_of, discount_values
from sumac.storage.schema import promo_codes, referral_programs, rewards
from sumac.storage.work import Work

GRANTS = TypeAdapter(tuple[FeatureGrant, ...])


async def find(work: Work, *where: sa.ColumnElement[bool]) -> list[Reward]:
    """The rewards that match with their codes, oldest first."""
    rows = await work.all(work.select(rewards).where(*where).order_by(rewards.c.created_at, rewards.c.id))
    if not rows:
        return []
    statement = work.select(promo_codes).where(promo_codes.c.reward_key.in_([row.key for row in rows]))
    codes: dict[str, list[PromoCode]] = {}
    for row in await work.all(statement.order_by(promo_codes.c.reward_key, promo_codes.c.position)):
        codes.setdefault(row.reward_key, []).append(
            PromoCode(row.code, row.max_redemptions, row.first_transaction_only, row.expires_at)
        )
    return [_reward(row, tuple(codes.get(row.key, ()))) for row in rows]


async def add(work: Work, reward: Reward) -> None:
    """Adds the reward without its codes."""
    await work.insert(rewards, key=reward.key, id=reward.id, created_at=reward.created_at, **_values(reward))


async def change(work: Work, reward: Reward) -> None:
    """Writes the reward anew, but for its codes."""
    await work.update(rewards, rewards.c.key == reward.key, values=_values(reward))


async def remove(work: Work, reward: Reward) -> None:
    """Deletes the reward and its codes."""
    await work.delete(promo_codes, promo_codes.c.reward_key == reward.key)
    await work.delete(rewards, rewards.c.key == reward.key)


async def find_code_owners(work: Work, code_keys: Collection[str]) -> Sequence[tuple[str, str]]:
    """Which of these codes there are: the code, and the key of its reward."""
    rows = await work.all(work.select(promo_codes).where(promo_codes.c.code_key.in_(code_keys)))
    return [(row.code_key, row.reward_key) for row in rows]


async def replace_codes(work: Work, reward: Reward) -> None:
    """Writes the reward's codes in the place of those it had."""
    await work.delete(promo_codes, promo_codes.c.reward_key == reward.key)
    await work.insert_all(
        promo_codes,
        [
            {
                "code_key": code.key,
                "code": code.code,
                "reward_key": reward.key,
                "position": position,
                "max_redemptions": code.max_redemptions,
                "first_transaction_only": code.first_transaction_only,
                "expires_at": code.expires_at,
            }
            for position, code in enumerate(reward.promo_codes)
        ],
    )


async def find_program(work: Work, reward_id: str) -> str | None:
    """The id of a referral program that gives the reward, or None."""
    row = await work.find(work.select(referral_programs).where(referral_programs.c.reward_id == reward_id).limit(1))
    return None if row is None else str(row.id)


def _values(reward: Reward) -> dict[str, Any]:
    return {
        "name": reward.name,
        "grants": GRANTS.dump_python(reward.grants, mode="json"),
        **discount_values(reward.discount),
    }


def _reward(row: sa.Row[Any], codes: tuple[PromoCode, ...]) -> Reward:
    return Reward(
        key=row.key,
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        discount=discount_of(row),
        grants=GRANTS.validate_python(row.grants),
        promo_codes=codes,
    )
