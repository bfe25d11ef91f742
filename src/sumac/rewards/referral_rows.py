"""Rows of referral programs, of the codes for them, and of who redeemed one."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from sumac.rewards.referral_model import Program, ReceivedBy, RedeemOn, Referral, ReferralCode
from sumac.storage.schema import TENANT, referral_codes, referral_programs, referral_redemptions
from sumac.storage.work import Work


async def find_programs(work: Work, *where: sa.ColumnElement[bool]) -> list[Program]:
    """The programs that match, oldest first."""
    statement = work.select(referral_programs).where(*where)
    rows = await work.all(statement.order_by(referral_programs.c.created_at, referral_programs.c.id))
    return [_program(row) for row in rows]


async def add_program(work: Work, program: Program) -> None:
    """Adds the program."""
    values = _values(program)
    await work.insert(referral_programs, key=program.key, id=program.id, created_at=program.created_at, **values)


async def change_program(work: Work, program: Program) -> None:
    """Writes the program anew."""
    await work.update(referral_programs, referral_programs.c.key == program.key, values=_values(program))


async def remove_program(work: Work, program: Program) -> None:
    """Deletes the program with its codes and with who redeemed them."""
    await work.delete(referral_redemptions, referral_redemptions.c.program_key == program.key)
    await work.delete(referral_codes, referral_codes.c.program_key == program.key)
    await work.delete(referral_programs, referral_programs.c.key == program.key)


async def find_code(work: Work, *where: sa.ColumnElement[bool]) -> ReferralCode | None:
    """The code that matches, or None."""
    row = await work.find(work.select(referral_codes).where(*where))
    return None if row is None else ReferralCode(row.code, row.customer_key, row.program_key, row.created_at)


async def add_code(work: Work, code: ReferralCode) -> bool:
    """Adds the code; False when it is another customer's."""
    return await work.insert_unless_taken(
        referral_codes,
        customer_key=code.customer_key,
        program_key=code.program_key,
        code=code.code,
        created_at=code.created_at,
    )


async def find_referrals(work: Work, *where: sa.ColumnElement[bool]) -> list[Referral]:
    """Who redeemed a code, of those that match, oldest first."""
    statement = work.select(referral_redemptions).where(*where)
    rows = await work.all(statement.order_by(referral_redemptions.c.created_at, referral_redemptions.c.id))
    return [referral_of(row) for row in rows]


async def referrals_by(work: Work, referrer_key: str) -> Sequence[tuple[str, Referral]]:
    """Whom the customer invited, oldest first, each with the id of the program."""
    named = work.select(referral_redemptions, referral_programs).add_columns(referral_programs.c.id.label("program_id"))
    statement = named.where(
        referral_programs.c.key == referral_redemptions.c.program_key,
        referral_redemptions.c.referrer_key == referrer_key,
    )
    rows = await work.all(statement.order_by(referral_redemptions.c.created_at, referral_redemptions.c.id))
    return [(row.program_id, referral_of(row)) for row in rows]


async def add_referral(work: Work, referral: Referral) -> None:
    """Adds who redeemed a code, not rewarded yet."""
    await work.insert(
        referral_redemptions,
        customer_key=referral.customer_key,
        id=referral.id,
        program_key=referral.program_key,
        referrer_key=referral.referrer_key,
        code=referral.code,
        reward_id=referral.reward_id,
        created_at=referral.created_at,
    )


async def trigger(work: Work, referral: Referral) -> None:
    """Writes that it was rewarded, and with what."""
    await work.update(
        referral_redemptions,
        referral_redemptions.c.customer_key == referral.customer_key,
        referral_redemptions.c.id == referral.id,
        values={
            "reward_id": referral.reward_id,
            "triggered_at": referral.triggered_at,
            "referrer_use_id": referral.referrer_use_id,
            "redeemer_use_id": referral.redeemer_use_id,
        },
    )


async def count_triggered(work: Work, program_key: str) -> int:
    """How many of the program were rewarded."""
    counted = work.select_columns(referral_redemptions, sa.func.count())
    return int(
        await work.scalar(
            counted.where(
                referral_redemptions.c.program_key == program_key, referral_redemptions.c.triggered_at.is_not(None)
            )
        )
    )


async def is_invited_by(work: Work, program_key: str, customer_key: str, inviter_key: str) -> bool:
    """Whether the one customer was invited to the program by the other, or by somebody that other one invited."""
    own = (referral_redemptions.c[TENANT] == work.tenant.key, referral_redemptions.c.program_key == program_key)
    referrer = sa.select(referral_redemptions.c.referrer_key.label("key"))
    above = referrer.where(*own, referral_redemptions.c.customer_key == customer_key).cte("above", recursive=True)
    # A union, not a union of all: each customer is looked at once, so it ends.
    above = above.union(referrer.where(*own, referral_redemptions.c.customer_key == above.c.key))
    return await work.find(sa.select(above.c.key).where(above.c.key == inviter_key)) is not None


def referral_of(row: sa.Row[Any]) -> Referral:
    """Who redeemed a code, from the row."""
    return Referral(
        id=row.id,
        customer_key=row.customer_key,
        program_key=row.program_key,
        referrer_key=row.referrer_key,
        code=row.code,
        reward_id=row.reward_id,
        created_at=row.created_at,
        triggered_at=row.triggered_at,
        referrer_use_id=row.referrer_use_id,
        redeemer_use_id=row.redeemer_use_id,
    )


def _values(program: Program) -> dict[str, Any]:
    return {
        "reward_id": program.reward_id,
        "redeem_on": program.redeem_on,
        "received_by": program.received_by,
        "max_redemptions": program.max_redemptions,
        "plan_ids": sa.null() if program.plan_ids is None else list(program.plan_ids),
        "exclude_trial": program.exclude_trial,
    }


def _program(row: sa.Row[Any]) -> Program:
    return Program(
        key=row.key,
        id=row.id,
        reward_id=row.reward_id,
        redeem_on=RedeemOn(row.redeem_on),
        received_by=ReceivedBy(row.received_by),
        created_at=row.created_at,
        max_redemptions=row.max_redemptions,
        plan_ids=None if row.plan_ids is None else tuple(row.plan_ids),
        exclude_trial=row.exclude_trial,
    )
