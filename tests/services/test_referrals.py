"""Codes are redeemed and rewarded, at once or with the first purchase (billing.md §18.2; security.md 9, 10)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.billing.requests import CancelAction
from sumac.core.clock import ManualClock
from sumac.core.errors import BadRequest, Conflict, NotFound, SumacError
from sumac.customers import service as customers
from sumac.rewards import programs
from sumac.rewards import service as rewards
from sumac.rewards.model import RewardKind
from sumac.rewards.referral_model import ReceivedBy
from tests.support.referring import (
    ON_CHECKOUT,
    TENTH,
    applied,
    change_program,
    code_of,
    offer_program,
    redeem,
    stock,
    triggered,
)
from tests.support.rewarding import give_reward, offer_reward, standing
from tests.support.services import GOOD_CARD, Services

FEBRUARY, MARCH = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Ada and Bob with good cards, plans to buy, a month for nothing, a tenth off, and units to be given."""
    await stock(services)
    return services


async def refusal(shop: Services, code: str, customer_id: str = "bob") -> str:
    """The stable code of why the customer may not use the code."""
    with pytest.raises(SumacError) as refused:
        await redeem(shop, code, customer_id)
    return refused.value.code


async def test_a_month_for_nothing(shop: Services, clock: ManualClock) -> None:
    """100 % for one month: the referrer's next invoice is $0, the one after that is not (billing.md §18.2)."""
    await shop.attach("pro", "ada")
    await offer_program(shop, "month")
    await redeem(shop, await code_of(shop))
    for month in (FEBRUARY, MARCH):
        clock.move_to(month)
        await shop.billing.settle_due_customers()

    assert ["20.00", "0.00", "20.00"] == await shop.totals("ada")


async def test_a_tenth_of_twenty(shop: Services) -> None:
    """10 % on $20 is $18, for who invited only; or for both (billing.md §18.2)."""
    await offer_program(shop)
    await redeem(shop, await code_of(shop))
    for customer_id in ("ada", "bob"):
        await shop.attach("pro", customer_id)

    assert [["18.00"], ["20.00"]] == [await shop.totals(customer_id) for customer_id in ("ada", "bob")]

    await change_program(shop, received_by=ReceivedBy.ALL)
    for customer_id in ("eve", "zoe"):
        await shop.add_customer(customer_id, card=GOOD_CARD)
    await redeem(shop, await code_of(shop, "eve"), "zoe")
    for customer_id in ("eve", "zoe"):
        await shop.attach("pro", customer_id)

    assert [["18.00"], ["18.00"]] == [await shop.totals(customer_id) for customer_id in ("eve", "zoe")]


async def test_one_discount_at_a_time(shop: Services) -> None:
    """Who has a discount gets no other one; it counts as rewarded all the same (billing.md §18.2)."""
    await give_reward(shop, "month", "ada")
    await offer_program(shop, received_by=ReceivedBy.ALL)
    await redeem(shop, await code_of(shop))

    assert [["month"], ["tenth"]] == [await standing(shop, customer_id) for customer_id in ("ada", "bob")]
    assert ({"bob": False}, 1) == (await applied(shop), await triggered(shop))


async def test_features_are_there_at_once(shop: Services) -> None:
    """Units for each invited customer, a flag once; whoever has a discount gets them too."""
    await give_reward(shop, "month", "ada")
    await offer_program(shop, "units", received_by=ReceivedBy.ALL)
    await shop.add_customer("eve")
    for customer_id in ("bob", "eve"):
        await redeem(shop, await code_of(shop), customer_id)

    balances = [await shop.remaining("messages", customer_id) for customer_id in ("ada", "bob", "eve")]
    assert [Decimal(100), Decimal(50), Decimal(50)] == balances
    assert (await shop.check(feature_id="sso", customer_id="ada")).access.allowed
    assert {"bob": True, "eve": True} == await applied(shop)


async def test_whose_code_may_be_redeemed(shop: Services) -> None:
    """Nobody's own, on the same device, twice, or in a ring of any length; nor one that is not known."""
    await offer_program(shop)
    await shop.add_customer("eve", fingerprint="device")
    await shop.add_customer("ivy", fingerprint="device")
    await redeem(shop, await code_of(shop, "ada"), "bob")
    await redeem(shop, await code_of(shop, "bob"), "eve")

    assert "referral_code_not_found" == await refusal(shop, "NOBODY")
    assert "customer_cannot_redeem_own_code" == await refusal(shop, await code_of(shop, "ada"), "ada")
    assert "customer_cannot_redeem_own_code" == await refusal(shop, await code_of(shop, "eve"), "ivy")
    assert "customer_cannot_redeem_own_code" == await refusal(shop, await code_of(shop, "bob"), "ada")
    assert "customer_cannot_redeem_own_code" == await refusal(shop, await code_of(shop, "eve"), "ada")
    assert "customer_already_redeemed_referral_code" == await refusal(shop, await code_of(shop, "ivy"), "bob")
    assert 2 == await triggered(shop)


async def test_the_first_purchase_is_rewarded_once(shop: Services, clock: ManualClock) -> None:
    """Another plan counts for nothing, renewals are not rewarded again, nor is looking at it twice."""
    await offer_program(shop, **ON_CHECKOUT)
    await redeem(shop, await code_of(shop))
    await shop.attach("extra", "bob")

    assert (0, {"bob": False}) == (await shop.referrals.trigger_waiting(), await applied(shop))

    await shop.attach("pro", "bob")

    assert (1, {"bob": True}) == (await shop.referrals.trigger_waiting(), await applied(shop))

    clock.move_to(FEBRUARY)
    await shop.billing.settle_due_customers()

    assert 0 == await shop.referrals.trigger_waiting()
    assert ["tenth"] == await standing(shop, "ada")


async def test_a_page_counts_when_it_is_paid(shop: Services) -> None:
    """An open page is no purchase; a paid one is, and so is an invoice that was sent once it is paid."""
    await offer_program(shop, **ON_CHECKOUT)
    await shop.add_customer("eve")
    await redeem(shop, await code_of(shop), "eve")
    page = await shop.attach("pro", "eve")

    assert 0 == await shop.referrals.trigger_waiting()

    assert page.payment_url is not None
    await shop.pay(page.payment_url)

    assert 1 == await shop.referrals.trigger_waiting()


async def test_a_free_plan_counts(shop: Services, clock: ManualClock) -> None:
    """A listed plan that costs nothing is a purchase; what was had before the code was redeemed is not."""
    await shop.attach("free", "bob")
    clock.move_to(clock.now() + timedelta(days=1))
    await offer_program(shop, **ON_CHECKOUT)
    await redeem(shop, await code_of(shop))

    assert 0 == await shop.referrals.trigger_waiting()

    await shop.add_customer("eve")
    await redeem(shop, await code_of(shop), "eve")
    await shop.attach("free", "eve")

    assert (1, {"bob": False, "eve": True}) == (await shop.referrals.trigger_waiting(), await applied(shop))


async def test_a_renewal_after_the_code_counts(shop: Services, clock: ManualClock) -> None:
    """Who had the plan already is rewarded for with the first invoice that is paid after the code was redeemed."""
    await shop.attach("pro", "bob")
    clock.move_to(clock.now() + timedelta(days=1))
    await offer_program(shop, **ON_CHECKOUT)
    await redeem(shop, await code_of(shop))

    assert 0 == await shop.referrals.trigger_waiting()

    clock.move_to(FEBRUARY)
    await shop.billing.settle_due_customers()
    await shop.billing.collect_due_invoices()

    assert 1 == await shop.referrals.trigger_waiting()


@pytest.mark.parametrize(("exclude_trial", "at_once"), [(True, 0), (None, 1), (False, 1)])
async def test_a_trial_may_have_to_be_paid_first(
    shop: Services,
    clock: ManualClock,
    exclude_trial: bool | None,  # noqa: FBT001  # a table's column
    at_once: int,
) -> None:
    """Where trials are excluded the reward waits until the trial has become a paid plan; else it does not wait."""
    await offer_program(shop, **ON_CHECKOUT, exclude_trial=exclude_trial)
    await redeem(shop, await code_of(shop))
    await shop.attach("tried", "bob")

    assert at_once == await shop.referrals.trigger_waiting()

    clock.move_to(FEBRUARY)

    assert 0 == await shop.referrals.trigger_waiting()

    await shop.billing.settle_due_customers()
    await shop.billing.collect_due_invoices()
    await shop.referrals.trigger_waiting()

    assert ({"bob": True}, 1) == (await applied(shop), await triggered(shop))


async def test_a_trial_that_is_not_paid_earns_nothing(shop: Services, clock: ManualClock) -> None:
    """A trial that is cancelled, or whose first invoice is declined, is no purchase; paying later is."""
    await offer_program(shop, **ON_CHECKOUT, exclude_trial=True)
    await shop.add_customer("eve", card=GOOD_CARD)
    for customer_id in ("bob", "eve"):
        await redeem(shop, await code_of(shop), customer_id)
        await shop.attach("tried", customer_id)
    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE, "bob", plan_id="tried")
    await shop.set_next_charge("decline", "eve")
    clock.move_to(datetime(2026, 1, 15, tzinfo=UTC))
    await shop.billing.settle_due_customers()
    await shop.billing.collect_due_invoices()

    assert (0, {"bob": False, "eve": False}) == (await shop.referrals.trigger_waiting(), await applied(shop))

    clock.move_to(datetime(2026, 1, 25, tzinfo=UTC))
    await shop.billing.collect_due_invoices()

    assert (1, {"bob": False, "eve": True}) == (await shop.referrals.trigger_waiting(), await applied(shop))


async def test_beyond_the_maximum_the_purchase_is_fine(shop: Services) -> None:
    """Two redeem, one is rewarded; the other has the plan, and nobody can redeem any more (billing.md §18.2)."""
    await offer_program(shop, **ON_CHECKOUT, max_redemptions=1)
    await shop.add_customer("eve", card=GOOD_CARD)
    await shop.add_customer("ivy")
    code = await code_of(shop)
    for customer_id in ("bob", "eve"):
        await redeem(shop, code, customer_id)
    for customer_id in ("bob", "eve"):
        await shop.attach("pro", customer_id)
        await shop.referrals.trigger_waiting()

    assert ({"bob": True, "eve": False}, 1) == (await applied(shop), await triggered(shop))
    assert ["20.00"] == await shop.totals("eve")
    assert "referral_code_max_redemptions_reached" == await refusal(shop, code, "ivy")


async def test_who_is_gone(shop: Services) -> None:
    """Who invited may be deleted before the purchase: the other one is still rewarded, where both are."""
    await offer_program(shop, **ON_CHECKOUT, received_by=ReceivedBy.ALL)
    await redeem(shop, await code_of(shop))
    async with shop.database.work(shop.tenant) as work:
        await customers.delete(work, "ada")
    await shop.attach("pro", "bob")

    assert 1 == await shop.referrals.trigger_waiting()
    assert ["tenth"] == await standing(shop, "bob")


async def test_the_reward_of_a_program_stays(shop: Services) -> None:
    """It cannot be deleted before the program is; a free product is no reward for inviting anybody."""
    await offer_program(shop)
    async with shop.database.work(shop.tenant) as work:
        with pytest.raises(Conflict):
            await rewards.delete(work, "tenth")
        await programs.delete(work, "friends")
        await rewards.delete(work, "tenth")
        with pytest.raises(NotFound):
            await programs.get(work, "friends")
    await offer_reward(
        shop, "gift", replace(TENTH, kind=RewardKind.FREE_PRODUCT, value=Decimal(100), plan_ids=("pro",))
    )
    with pytest.raises(BadRequest):
        await offer_program(shop, "gift")
