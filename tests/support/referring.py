"""Referrals in services: programs, codes, and what became of them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from sumac.core.ids import new_id
from sumac.customers import service as customers
from sumac.rewards import programs, referrals
from sumac.rewards import service as rewards
from sumac.rewards.model import DiscountTerms, FeatureGrant, PromoCode, Reward, RewardKind
from sumac.rewards.referral_model import Program, ReceivedBy, RedeemOn, Referral
from tests.support.build import feature, flag, free_plan, plan, price, trial
from tests.support.rewarding import MONTHS, ONE_OFF, offer_reward
from tests.support.services import GOOD_CARD, Services

ALL_OF_A_MONTH = DiscountTerms(RewardKind.PERCENTAGE, Decimal(100), None, MONTHS, months=1)
TENTH = DiscountTerms(RewardKind.PERCENTAGE, Decimal(10), None, ONE_OFF)
ON_CHECKOUT: dict[str, Any] = {"redeem_on": RedeemOn.CHECKOUT, "plan_ids": ("pro", "free", "tried")}


async def stock(shop: Services) -> None:
    """Ada and Bob with good cards, plans to buy, a month for nothing, a tenth off, and units to be given."""
    await shop.offer(
        feature(),
        flag(),
        free_plan("free"),
        plan("pro"),
        plan("extra", add_on=True, price=price(15)),
        plan("tried", free_trial=trial()),
    )
    await shop.add_customer("ada", card=GOOD_CARD)
    await shop.add_customer("bob", card=GOOD_CARD)
    await offer_reward(shop, "month", ALL_OF_A_MONTH)
    await offer_reward(shop, "tenth", TENTH)
    async with shop.database.work(shop.tenant) as work:
        grants = (FeatureGrant("messages", Decimal(50)), FeatureGrant("sso", None))
        made = Reward(
            new_id("rew", now=work.now), "units", None, work.now, grants=grants, promo_codes=(PromoCode("UNITS"),)
        )
        await rewards.create(work, made)


async def offer_program(shop: Services, reward_id: str = "tenth", **changes: object) -> Program:
    """A program that rewards who invited at once, unless told otherwise."""
    async with shop.database.work(shop.tenant) as work:
        made = Program(
            new_id("rp", now=work.now),
            "friends",
            reward_id,
            RedeemOn.CUSTOMER_CREATION,
            ReceivedBy.REFERRER,
            work.now,
        )
        return await programs.create(work, replace(made, **changes))  # type: ignore[arg-type]  # as each test names


async def change_program(shop: Services, **changes: object) -> None:
    """Changes the program."""
    async with shop.database.work(shop.tenant) as work:
        before = await programs.get(work, "friends")
        await programs.update(work, replace(before, **changes))  # type: ignore[arg-type]  # as each test names


async def code_of(shop: Services, customer_id: str = "ada") -> str:
    """The customer's code for the program."""
    async with shop.database.work(shop.tenant) as work:
        customer = await customers.get_for_update(work, customer_id)
        return (await referrals.create_code(work, customer, await programs.get(work, "friends"))).code


async def redeem(shop: Services, code: str, customer_id: str = "bob") -> Referral:
    """The customer uses the code."""
    return await shop.referrals.redeem(shop.tenant, customer_id, code)


async def applied(shop: Services, customer_id: str = "ada") -> dict[str, bool]:
    """Whether the customer got the reward, by whom they invited."""
    async with shop.database.reading(shop.tenant) as work:
        customer = await customers.get(work, customer_id)
        invited = await referrals.list_invited(work, customer.key)
        return {each.redeemer.public_id: each.referral.referrer_use_id is not None for each in invited}


async def triggered(shop: Services) -> int:
    """How many were rewarded."""
    async with shop.database.reading(shop.tenant) as work:
        return await referrals.count_triggered(work, await programs.get(work, "friends"))
