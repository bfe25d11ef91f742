"""Rewards in services: offering them, having them, and what they take off."""

from dataclasses import replace
from decimal import Decimal

from sumac.billing.rewards import list_standing
from sumac.core.ids import new_id
from sumac.customers import service as customers
from sumac.rewards import service as rewards
from sumac.rewards.model import DiscountTerms, PromoCode, Reward, RewardChoice, RewardDuration, RewardKind
from tests.support.services import ACTOR, Services

FOREVER, ONE_OFF, MONTHS = RewardDuration.FOREVER, RewardDuration.ONE_OFF, RewardDuration.MONTHS
TWENTY = DiscountTerms(RewardKind.PERCENTAGE, Decimal(20), None, FOREVER)
TEN_DOLLARS = DiscountTerms(RewardKind.FIXED, Decimal(10), "usd", ONE_OFF)


async def offer_reward(
    shop: Services, reward_id: str = "launch", terms: DiscountTerms = TWENTY, *codes: PromoCode, **changes: object
) -> Reward:
    """Adds a discount of these terms with these codes."""
    async with shop.database.work(shop.tenant) as work:
        changed = replace(terms, **changes)  # type: ignore[arg-type]  # each test changes what it names
        made = Reward(new_id("rew", now=work.now), reward_id, reward_id.title(), work.now, changed, promo_codes=codes)
        return await rewards.create(work, made)


async def give_reward(shop: Services, reward_id: str = "launch", customer_id: str = "ada") -> None:
    """Adds the reward to whatever the customer is billed."""
    await shop.rewards.add(
        shop.tenant, customer_id, RewardChoice(reward_id=reward_id), subscription_id=None, actor=ACTOR
    )


def asked(reward_id: str = "launch") -> tuple[RewardChoice, ...]:
    """This reward, as a request asks for it."""
    return (RewardChoice(reward_id=reward_id),)


def coded(code: str) -> tuple[RewardChoice, ...]:
    """The reward of this code, as a request asks for it."""
    return (RewardChoice(promotion_code=code),)


async def standing(shop: Services, customer_id: str = "ada") -> list[str]:
    """The rewards that the customer has something left of."""
    async with shop.database.reading(shop.tenant) as work:
        customer = await customers.get(work, customer_id)
        return [each.use.reward_id for each in await list_standing(work, customer)]


async def redemptions(shop: Services, reward_id: str = "launch") -> dict[str, int]:
    """How often each code of the reward was redeemed."""
    async with shop.database.reading(shop.tenant) as work:
        return await rewards.count_redemptions(work, await rewards.get(work, reward_id))
