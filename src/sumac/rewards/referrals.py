"""Referral codes, and who redeemed them (billing.md §18.2, api.md §2.9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sumac.core.errors import NotFound
from sumac.core.ids import new_id, new_referral_code
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.rewards import programs, referral_rows
from sumac.rewards.referral_model import Program, Referral, ReferralCode
from sumac.rewards.rules.referral import ReferralFacts, check_referral
from sumac.storage.schema import referral_codes, referral_redemptions
from sumac.storage.work import Work


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody whom a customer invited: to which program, who, and whether that was rewarded with something."""

    program_id: str
    redeemer: Customer
    referral: Referral


async def create_code(work: Work, customer: Customer, program: Program) -> ReferralCode:
    """The customer's code for the program, made on first need. The customer's row is locked."""
    found = await referral_rows.find_code(
        work, referral_codes.c.customer_key == customer.key, referral_codes.c.program_key == program.key
    )
    while found is None:
        made = ReferralCode(new_referral_code(), customer.key, program.key, customer.now(work.now))
        found = made if await referral_rows.add_code(work, made) else None
    return found


async def find_code(work: Work, code: str) -> tuple[ReferralCode, Program]:
    """A code, whatever its case, and its program, of which nobody else changes anything until the work ends.

    Raises NotFound `referral_code_not_found`.
    """
    found = await referral_rows.find_code(work, referral_codes.c.code == code.upper())
    if found is not None:
        await programs.hold(work, found.program_key)
        program = await programs.find_by_key(work, found.program_key)
        if program is not None:
            return found, program
    message = f"Referral code {code} not found"
    raise NotFound(message, code="referral_code_not_found")


async def redeem(work: Work, code: ReferralCode, program: Program, referrer: Customer, redeemer: Customer) -> Referral:
    """The redeemer used the referrer's code; nobody is rewarded for it yet. The program is held.

    Raises as `check_referral` does.
    """
    own = referral_redemptions.c.customer_key == redeemer.key, referral_redemptions.c.program_key == program.key
    facts = ReferralFacts(
        triggered=await referral_rows.count_triggered(work, program.key),
        has_redeemed=bool(await referral_rows.find_referrals(work, *own)),
        is_ring=await referral_rows.is_invited_by(work, program.key, referrer.key, redeemer.key),
    )
    check_referral(program, referrer, redeemer, facts)
    now = redeemer.now(work.now)
    referral = Referral(
        id=new_id("rr", now=now),
        customer_key=redeemer.key,
        program_key=program.key,
        referrer_key=referrer.key,
        code=code.code,
        reward_id=program.reward_id,
        created_at=now,
    )
    await referral_rows.add_referral(work, referral)
    return referral


async def find_waiting(work: Work, referral_id: str) -> Referral | None:
    """Who redeemed a code and was not rewarded for it, by the id of that; None when it is gone or was rewarded."""
    where = referral_redemptions.c.id == referral_id, referral_redemptions.c.triggered_at.is_(None)
    found = await referral_rows.find_referrals(work, *where)
    return found[0] if found else None


async def count_triggered(work: Work, program: Program) -> int:
    """How many of the program were rewarded."""
    return await referral_rows.count_triggered(work, program.key)


async def trigger(work: Work, referral: Referral) -> None:
    """It was rewarded. The program is held."""
    await referral_rows.trigger(work, referral)


async def list_invited(work: Work, customer_key: str) -> Sequence[Invited]:
    """Whom the customer invited, oldest first."""
    found = await referral_rows.referrals_by(work, customer_key)
    known: Mapping[str, Customer] = await customers.get_by_keys(work, {each.customer_key for _, each in found})
    return [Invited(program_id, known[each.customer_key], each) for program_id, each in found]
