"""Rewards redeemed, taken away and used up at the same moment (security.md 10; lago-api#2837)."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.billing.rewards import Redeemed
from sumac.billing.service import Receipt
from sumac.core.clock import ManualClock
from sumac.core.errors import BadRequest
from sumac.core.ids import new_id
from sumac.rewards import service as rewards
from sumac.rewards.model import FeatureGrant, PromoCode, Reward
from tests.support.build import feature, plan, price
from tests.support.crowd import Call, at_once
from tests.support.rewarding import TEN_DOLLARS, coded, give_reward, offer_reward, redemptions, standing
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
CROWD = 20
SEEDS = pytest.mark.parametrize("seed", range(2))


@pytest.fixture
async def shop(services: Services) -> Services:
    """Twenty customers with good cards, plans to buy, and $10 off one invoice for the first one with the code."""
    await services.offer(feature(), plan("pro"), plan("extra", add_on=True, price=price(15)))
    for number in range(CROWD):
        await services.add_customer(f"c{number}", card=GOOD_CARD)
    await offer_reward(services, "ten", TEN_DOLLARS, PromoCode("TEN", 1))
    return services


def attach(plan_id: str, customer_id: str = "c0") -> Call:
    return lambda shop: shop.attach(plan_id, customer_id, discounts=coded("ten"))


def redeem(code: str, customer_id: str) -> Call:
    return lambda shop: shop.rewards.redeem(shop.tenant, customer_id, code, actor="test")


def remove(shop: Services) -> Awaitable[object]:
    return shop.rewards.remove(shop.tenant, "c0", "ten", subscription_id=None)


def turn(shop: Services) -> Awaitable[object]:
    return shop.billing.settle_due_customers()


@SEEDS
async def test_the_last_redemption_by_twenty(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """One of twenty customers gets the plan for less; the others are told so, have no plan and paid nothing."""
    answers = await at_once(crowd, seed, [attach("pro", f"c{number}") for number in range(CROWD)])

    kinds = [sum(isinstance(answer, kind) for answer in answers) for kind in (Receipt, BadRequest)]
    totals = [total for number in range(CROWD) for total in await shop.totals(f"c{number}")]
    assert ([1, CROWD - 1], ["10.00"], {"TEN": 1}) == (kinds, totals, await redemptions(shop, "ten"))


@SEEDS
async def test_a_feature_grant_by_twenty(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """A code for three gives units to three customers, once each, however often they ask."""
    async with shop.database.work(shop.tenant) as work:
        grants = (FeatureGrant("messages", Decimal(50)),)
        code = PromoCode("HELLO", 3)
        await rewards.create(
            work, Reward(new_id("rew", now=work.now), "hello", None, work.now, grants=grants, promo_codes=(code,))
        )
    calls = [redeem("hello", f"c{number % (CROWD // 2)}") for number in range(CROWD)]

    answers = await at_once(crowd, seed, calls)

    balances = [await shop.remaining("messages", f"c{number}") for number in range(CROWD)]
    assert 3 == sum(isinstance(answer, Redeemed) for answer in answers)
    assert [Decimal(50)] * 3 == [balance for balance in balances if balance is not None]
    assert {"HELLO": 3} == await redemptions(shop, "hello")


@SEEDS
async def test_one_reward_on_one_of_two_invoices(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Two plans bought at once: what is taken off one invoice once is not taken off the other."""
    await give_reward(shop, "ten", "c0")
    calls: list[Call] = [lambda each: each.attach("pro", "c0"), lambda each: each.attach("extra", "c0")]

    await at_once(crowd, seed, calls)

    off = [invoice.discount.minor for invoice in await shop.invoices("c0") if invoice.discount.minor]
    assert ([1000], []) == (off, await standing(shop, "c0"))


@SEEDS
async def test_taken_away_while_an_invoice_is_made(
    shop: Services, crowd: Sequence[Services], clock: ManualClock, seed: int
) -> None:
    """It is on the renewal or it is not, never half, and it is gone either way."""
    await shop.attach("pro", "c0")
    await give_reward(shop, "ten", "c0")
    clock.move_to(FEBRUARY)

    await at_once(crowd, seed, [turn, remove, turn])
    await turn(shop)

    renewal = (await shop.invoices("c0"))[1]
    taken = [each.amount.minor for each in renewal.discounts]
    assert (renewal.total.minor, taken) in [(1000, [1000]), (2000, [])]
    assert ([], 2) == (await standing(shop, "c0"), len(await shop.totals("c0")))
