"""Rows of the uses that customers make of rewards."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sumac.rewards.model import DiscountTerms, RewardDuration, RewardKind, RewardUse
from sumac.storage.schema import reward_uses
from sumac.storage.work import Work


async def add_use(work: Work, customer_key: str, use: RewardUse, *, invoice_id: str | None) -> None:
    """Adds a use; `invoice_id` is the invoice of the change that brings it, with which it stands and falls."""
    plan_ids = use.customer_plan_ids
    await work.insert(
        reward_uses,
        customer_key=customer_key,
        id=use.id,
        reward_key=use.reward_key,
        reward_id=use.reward_id,
        name=use.name,
        **discount_values(use.discount),
        code_key=use.code,
        customer_plan_ids=sa.null() if plan_ids is None else list(plan_ids),
        invoice_id=invoice_id,
        actor=use.actor,
        created_at=use.created_at,
    )


async def uses_of(work: Work, customer_key: str) -> Sequence[tuple[RewardUse, str | None]]:
    """The customer's discounts that were not taken away, oldest first, each with the invoice it came with."""
    statement = work.select(reward_uses).where(
        reward_uses.c.customer_key == customer_key,
        reward_uses.c.ended_at.is_(None),
        reward_uses.c.kind != RewardKind.FEATURE_GRANT,
    )
    rows = await work.all(statement.order_by(reward_uses.c.created_at, reward_uses.c.id))
    return [(_use(row), row.invoice_id) for row in rows]


async def redemptions_of(work: Work, reward_key: str) -> Sequence[tuple[str, str, str | None]]:
    """Who redeemed codes of the reward: customer key, code in capitals, and the invoice it came with."""
    statement = work.select(reward_uses).where(
        reward_uses.c.reward_key == reward_key, reward_uses.c.code_key.is_not(None)
    )
    return [(row.customer_key, row.code_key, row.invoice_id) for row in await work.all(statement)]


async def end_use(work: Work, customer_key: str, use_id: str, *, at: datetime) -> None:
    """The reward is taken away from the customer."""
    await work.update(
        reward_uses, reward_uses.c.customer_key == customer_key, reward_uses.c.id == use_id, values={"ended_at": at}
    )


async def move_use(work: Work, customer_key: str, use_id: str, customer_plan_ids: Sequence[str]) -> None:
    """The reward is for these plans of the customer from now on."""
    await work.update(
        reward_uses,
        reward_uses.c.customer_key == customer_key,
        reward_uses.c.id == use_id,
        values={"customer_plan_ids": list(customer_plan_ids)},
    )


def discount_values(terms: DiscountTerms | None) -> dict[str, Any]:
    """The columns of what a reward takes off; a reward without is one that gives features."""
    if terms is None:
        return {"kind": RewardKind.FEATURE_GRANT, "plan_ids": sa.null()}
    return {
        "kind": terms.kind,
        "value": terms.value,
        "currency": terms.currency,
        "duration": terms.duration,
        "months": terms.months,
        "plan_ids": sa.null() if terms.plan_ids is None else list(terms.plan_ids),
    }


def discount_of(row: sa.Row[Any]) -> DiscountTerms | None:
    """What a reward takes off, from its columns."""
    if row.kind == RewardKind.FEATURE_GRANT:
        return None
    return DiscountTerms(
        kind=RewardKind(row.kind),
        value=row.value,
        currency=row.currency,
        duration=RewardDuration(row.duration),
        months=row.months,
        plan_ids=None if row.plan_ids is None else tuple(row.plan_ids),
    )


def _use(row: sa.Row[Any]) -> RewardUse:
    return RewardUse(
        id=row.id,
        reward_key=row.reward_key,
        reward_id=row.reward_id,
        name=row.name,
        discount=discount_of(row),
        actor=row.actor,
        created_at=row.created_at,
        code=row.code_key,
        customer_plan_ids=None if row.customer_plan_ids is None else tuple(row.customer_plan_ids),
    )
