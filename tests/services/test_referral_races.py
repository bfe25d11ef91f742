"""Codes redeemed and purchases rewarded at the same moment (security.md 10)."""

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal

import pytest

from sumac.core.errors import BadRequest
from sumac.rewards.referral_model import ReceivedBy, Referral
from tests.support.crowd import Call, at_once
from tests.support.failure import KilledError, Life, MortalDatabase
from tests.support.referring import ON_CHECKOUT, code_of, offer_program, redeem, stock, triggered
from tests.support.services import GOOD_CARD, Services

CROWD = 20
SEEDS = pytest.mark.parametrize("seed", range(2))


@pytest.fixture
async def shop(services: Services) -> Services:
    """Ada and Bob with good cards, plans to buy, and units to be given."""
    await stock(services)
    return services


def using(code: str, customer_id: str) -> Call:
    return lambda shop: shop.referrals.redeem(shop.tenant, customer_id, code)


@pytest.fixture
async def many(shop: Services) -> Services:
    """Twenty more customers with good cards."""
    for number in range(CROWD):
        await shop.add_customer(f"c{number}", card=GOOD_CARD)
    return shop


@SEEDS
async def test_the_last_one_by_twenty(many: Services, crowd: Sequence[Services], seed: int) -> None:
    """Twenty redeem a code of a program for one: one does, the others are told so, one reward is given."""
    await offer_program(many, "units", received_by=ReceivedBy.ALL, max_redemptions=1)
    code = await code_of(many)

    answers = await at_once(crowd, seed, [using(code, f"c{number}") for number in range(CROWD)])

    kinds = [sum(isinstance(answer, kind) for answer in answers) for kind in (Referral, BadRequest)]
    balances = [await many.remaining("messages", f"c{number}") for number in range(CROWD)]
    assert ([1, CROWD - 1], 1) == (kinds, await triggered(many))
    assert [Decimal(50)] == [balance for balance in balances if balance is not None]
    assert Decimal(50) == await many.remaining("messages", "ada")


@SEEDS
async def test_twenty_purchases_for_one_reward(many: Services, crowd: Sequence[Services], seed: int) -> None:
    """Twenty buy, three workers look at all of it at the same moment: one is rewarded, once; all have the plan."""
    await offer_program(many, "units", **ON_CHECKOUT, max_redemptions=1)
    code = await code_of(many)
    for number in range(CROWD):
        await redeem(many, code, f"c{number}")
        await many.attach("pro", f"c{number}")

    await at_once(crowd, seed, [lambda shop: shop.referrals.trigger_waiting() for _ in range(6)])

    assert (1, Decimal(50)) == (await triggered(many), await many.remaining("messages", "ada"))
    assert [["20.00"]] * CROWD == [await many.totals(f"c{number}") for number in range(CROWD)]


@SEEDS
async def test_invited_by_each_other_at_once(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Ada and Bob redeem each other's codes, again and again: one of them did, and nobody waits for ever."""
    await offer_program(shop, "units", received_by=ReceivedBy.ALL)
    codes = {"ada": await code_of(shop, "bob"), "bob": await code_of(shop, "ada")}

    await at_once(crowd, seed, [using(code, customer_id) for customer_id, code in codes.items() for _ in range(5)])

    assert 1 == await triggered(shop)
    assert [Decimal(50)] * 2 == [await shop.remaining("messages", customer_id) for customer_id in codes]


@SEEDS
async def test_one_code_for_who_asks_twenty_times(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """However many ask for it at once, a customer has one code in a program."""
    await offer_program(shop)

    answers = await at_once(crowd, seed, [code_of for _ in range(CROWD)])

    assert {await code_of(shop)} == set(answers)


async def test_killed_anywhere(shop: Services) -> None:
    """Whoever rewards a purchase dies around any commit: the next one carries on, and each is given once."""
    await offer_program(shop, "units", **ON_CHECKOUT, received_by=ReceivedBy.ALL)
    code = await code_of(shop)
    points = 0
    for number in range(CROWD):
        buyer, life = f"c{number}", Life(dies_at=number + 1)
        await shop.add_customer(buyer, card=GOOD_CARD)
        await redeem(shop, code, buyer)
        await shop.attach("pro", buyer)
        mortal = MortalDatabase(shop.database.url, shop.clock, life)
        process = Services.over(mortal, shop.clock, shop.tenant)
        with suppress(KilledError):
            await process.referrals.trigger_waiting()
        await mortal.close()
        await shop.referrals.trigger_waiting()

        assert (number + 1, Decimal(50)) == (await triggered(shop), await shop.remaining("messages", buyer))
        assert Decimal(50) * (number + 1) == await shop.remaining("messages", "ada")

        points = len(life.passed)
        if points <= number:
            break

    assert 2 <= points < CROWD
