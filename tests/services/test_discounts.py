"""Rewards on invoices, from the attach to the renewals (billing.md §14.4, §18.1)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest

from sumac.billing.requests import CancelAction, CancelRequest, InvoiceMode, RefundKind, UpdateRequest
from sumac.core.errors import BadRequest, NotFound
from sumac.invoices.model import InvoiceStatus
from sumac.invoices.rules.totals import compute_lines
from sumac.rewards import service as rewards
from sumac.rewards.model import PromoCode, RewardKind
from tests.support.build import feature, free_plan, held_item, item, plan, prepaid_price, price, seats, usage_price
from tests.support.rewarding import (
    FOREVER,
    MONTHS,
    ONE_OFF,
    TEN_DOLLARS,
    TWENTY,
    asked,
    coded,
    give_reward,
    offer_reward,
    redemptions,
    standing,
)
from tests.support.services import ACTOR, GOOD_CARD, Services

NEW_YEAR, FEBRUARY, MARCH, APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 6))
HALF = datetime(2026, 1, 16, 12, tzinfo=UTC)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Free with a good card, plans to buy, and 20 % off forever to be had."""
    await services.offer(
        feature(),
        seats(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price("0.10"))),
        plan("premium", item("messages", 500), price=price(50)),
        plan("team", held_item("seats", 0, price=prepaid_price(10)), group="teams", price=None),
        plan("extra", add_on=True, price=price(5)),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.advance(NEW_YEAR)
    await offer_reward(services)
    return services


async def test_a_reward_that_comes_with_a_plan(shop: Services) -> None:
    """20 % forever is taken off the first invoice and off every renewal, usage too; the preview says so before."""
    preview = await shop.preview("pro", discounts=asked())
    assert preview.decision.invoice is not None
    assert Decimal(400) == preview.decision.invoice.lines[0].exact_discount_minor

    await shop.attach("pro", discounts=asked())
    await shop.track(200)
    await shop.advance(FEBRUARY)

    assert ["16.00", "24.00"] == await shop.totals()
    assert [1600, 2400] == await shop.charged()
    first = (await shop.invoices())[0]
    assert [("launch", Decimal(20), 400)] == [
        (each.source.reward_id, each.source.percent, each.amount.minor) for each in first.discounts
    ]


async def test_a_reward_of_the_customer_shows_on_the_next_invoice(shop: Services) -> None:
    """Once is once: the next invoice has it, whichever that is, and the one after it has not (users.md)."""
    await shop.attach("pro")
    await offer_reward(shop, "ten", TEN_DOLLARS)
    await give_reward(shop, "ten")
    await shop.advance(MARCH)

    assert ["20.00", "10.00", "20.00"] == await shop.totals()
    assert [] == await standing(shop)


async def test_months_count_from_the_first_invoice(shop: Services) -> None:
    """A reward for two months that waited for its plan is on two invoices (§14.4)."""
    await offer_reward(shop, "months", replace(TWENTY, duration=MONTHS, months=2))
    await give_reward(shop, "months")
    await shop.advance(HALF)
    await shop.attach("pro")
    await shop.advance(MAY)

    assert ["16.00", "16.00", "20.00", "20.00"] == await shop.totals()


async def test_invoice_credits_last(shop: Services) -> None:
    """$50 over invoices of $20: 0, 0 and 10 are paid (§18.1); nothing is charged for what they cover."""
    await offer_reward(shop, "fifty", replace(TEN_DOLLARS, kind=RewardKind.INVOICE_CREDITS, value=Decimal(50)))
    await give_reward(shop, "fifty")
    await shop.attach("pro")
    await shop.advance(APRIL)

    assert ["0.00", "0.00", "10.00", "20.00"] == await shop.totals()
    assert [1000, 2000] == await shop.charged()


async def test_a_fixed_amount_beyond_the_invoice_lapses(shop: Services) -> None:
    """$100 off an invoice of $20 costs nothing, and the next one is whole."""
    await offer_reward(shop, "hundred", replace(TEN_DOLLARS, value=Decimal(100)))
    await shop.attach("pro", discounts=asked("hundred"))
    await shop.advance(FEBRUARY)

    assert ["0.00", "20.00"] == await shop.totals()


async def test_a_discounted_switch(shop: Services) -> None:
    """$16 paid, Premium at half: -8 + 20 = $12; the reward goes on with Premium (§20 34)."""
    await shop.attach("pro", discounts=asked())
    await shop.advance(HALF)
    await shop.attach("premium")
    await shop.advance(FEBRUARY)

    assert ["16.00", "12.00", "40.00"] == await shop.totals()


async def test_a_scheduled_switch_keeps_the_reward(shop: Services) -> None:
    """A downgrade at the end of the cycle is lowered as the plan before was."""
    await shop.attach("premium", discounts=asked())
    await shop.attach("pro")
    await shop.advance(MARCH)

    assert ["40.00", "16.00", "16.00"] == await shop.totals()


async def test_a_reward_ends_with_its_plan(shop: Services) -> None:
    """Cancelled and bought again, the plan costs what it costs."""
    await shop.attach("pro", discounts=asked())
    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE, plan_id="pro")
    await shop.advance(HALF.replace(month=2))
    await shop.attach("pro")

    assert "20.00" == (await shop.totals())[-1]


async def test_a_reward_is_for_its_plan_only(shop: Services) -> None:
    """An add-on that is billed along is not lowered by it, and is by the customer's own (§14.4)."""
    await shop.attach("pro", discounts=asked())
    await shop.attach("extra")
    await shop.advance(FEBRUARY)
    assert ["16.00", "5.00", "21.00"] == await shop.totals()

    await offer_reward(shop, "half", replace(TWENTY, value=Decimal(50)))
    await give_reward(shop, "half")
    await shop.advance(MARCH)

    assert "18.50" == (await shop.totals())[-1]


async def test_a_refund_is_of_what_was_charged(shop: Services) -> None:
    """$16 paid for Pro: half of it goes back to the card at half of the month (§14.3)."""
    await shop.attach("pro", discounts=asked())
    await shop.advance(HALF)
    at_once = CancelRequest("ada", CancelAction.CANCEL_IMMEDIATELY, plan_id="pro", refund=RefundKind.PRORATED)

    await shop.billing.perform(shop.tenant, at_once, actor=ACTOR)
    await shop.billing.resume_attempts()

    assert [800] == await shop.charged()


async def test_a_reward_by_an_update(shop: Services) -> None:
    """It costs nothing now and is taken off the renewal; there must be such a plan (§12.1)."""
    await shop.attach("pro")

    await shop.billing.perform(shop.tenant, UpdateRequest("ada", "pro", discounts=asked()), actor=ACTOR)
    await shop.advance(FEBRUARY)

    assert ["20.00", "16.00"] == await shop.totals()


async def test_taken_away_it_lowers_nothing_more(shop: Services) -> None:
    """What was invoiced stays, the next invoice is whole; what is not there cannot be taken away."""
    await shop.attach("pro", discounts=asked())
    await shop.rewards.remove(shop.tenant, "ada", "launch", subscription_id=None)
    await shop.advance(FEBRUARY)

    assert ["16.00", "20.00"] == await shop.totals()
    with pytest.raises(NotFound):
        await shop.rewards.remove(shop.tenant, "ada", "launch", subscription_id=None)


async def test_a_reward_for_one_subscription(shop: Services) -> None:
    """Added to one plan it is not the customer's own; removed of that plan, it is gone."""
    await shop.attach("pro")
    await shop.attach("extra")
    held = (await shop.held("pro")).id
    choice = asked()[0]

    await shop.rewards.add(shop.tenant, "ada", choice, subscription_id=held, actor=ACTOR)
    await shop.advance(FEBRUARY)
    await shop.rewards.remove(shop.tenant, "ada", None, subscription_id=held)
    await shop.advance(MARCH)

    assert ["20.00", "5.00", "21.00", "25.00"] == await shop.totals()
    with pytest.raises(NotFound):
        await shop.rewards.add(shop.tenant, "ada", choice, subscription_id="nothing", actor=ACTOR)


async def test_a_page_that_was_opened_before_is_closed(shop: Services) -> None:
    """Whoever gets a reward meanwhile is sent to a page that has it; the old one takes no money."""
    await shop.add_customer("bob")
    before = (await shop.attach("pro", "bob")).payment_url
    await give_reward(shop, customer_id="bob")
    after = (await shop.attach("pro", "bob")).payment_url
    assert before
    assert after
    assert before != after

    await shop.pay(after)

    assert (["16.00"], [1600]) == (await shop.totals("bob"), await shop.charged("bob"))


async def test_a_code_on_a_page_is_spent_when_it_is_paid(shop: Services) -> None:
    """The page costs what is left; the code counts once the page is completed, and its lines say what it is for."""
    await offer_reward(shop, "half", replace(TWENTY, value=Decimal(50)), PromoCode("HALF", 1))
    await shop.add_customer("bob")
    url = (await shop.attach("pro", "bob", discounts=coded("half"))).payment_url
    assert url
    page = await shop.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
    assert page is not None
    assert 0 == (await redemptions(shop, "half"))["HALF"]

    await shop.pay(url)

    assert (1, [1000]) == ((await redemptions(shop, "half"))["HALF"], await shop.charged("bob"))
    with pytest.raises(BadRequest, match="as often"):
        await shop.attach("pro", discounts=coded("HALF"))


async def test_a_page_whose_code_was_spent_gives_the_money_back(shop: Services) -> None:
    """Two pages for the last redemption: the second is not possible any more, and what was paid goes back."""
    await offer_reward(shop, "half", replace(TWENTY, value=Decimal(50)), PromoCode("HALF", 1))
    urls = {}
    for name in ("bob", "eve"):
        await shop.add_customer(name)
        urls[name] = (await shop.attach("pro", name, discounts=coded("HALF"))).payment_url
    for url in urls.values():
        assert url
        await shop.pay(url)

    assert ([1000], []) == (await shop.charged("bob"), await shop.charged("eve"))
    assert "pro" not in await shop.statuses("eve")


async def test_a_change_that_was_given_up_spends_nothing(shop: Services) -> None:
    """While the payer is waited for the code is spent and the reward used up; once it is given up, neither is."""
    await offer_reward(shop, "ten", TEN_DOLLARS, PromoCode("TEN", 1))
    await give_reward(shop)
    await shop.set_next_charge("decline")
    await shop.attach("pro", discounts=coded("TEN"))
    assert (["6.00"], 1) == (await shop.totals(), (await redemptions(shop, "ten"))["TEN"])

    await shop.attach("premium")

    assert ["6.00", "40.00"] == await shop.totals()
    assert InvoiceStatus.VOID is (await shop.invoices())[0].status
    assert (0, ["launch"]) == ((await redemptions(shop, "ten"))["TEN"], await standing(shop))


async def test_what_waits_to_be_paid_is_consumed_once(shop: Services) -> None:
    """An invoice that was sent has the one-off reward; the renewals of others meanwhile have not (§14.4)."""
    await offer_reward(shop, "ten", TEN_DOLLARS)
    await shop.attach("extra")
    await give_reward(shop, "ten")
    await shop.attach("pro", invoice_mode=InvoiceMode())
    assert ["5.00", "10.00"] == await shop.totals()

    await shop.advance(FEBRUARY)
    await shop.billing.collect(shop.tenant, (await shop.invoices())[1].id)

    assert ["5.00", "10.00", "5.00"] == await shop.totals()
    assert "pro" in await shop.statuses()


async def test_a_deleted_reward_goes_on_for_who_has_it(shop: Services) -> None:
    """Changing or deleting a reward takes nothing from who has it already (§14.4)."""
    await shop.attach("pro", discounts=asked())
    async with shop.database.work(shop.tenant) as work:
        await rewards.delete(work, "launch")
    await shop.advance(FEBRUARY)

    assert ["16.00", "16.00"] == await shop.totals()


async def test_an_expired_code_and_somebody_elses_reward(shop: Services) -> None:
    """A code is refused once it has expired, even by whoever looked at it before; a reward is its customer's alone."""
    await offer_reward(shop, "half", replace(TWENTY, value=Decimal(50)), PromoCode("HALF", expires_at=HALF))
    await shop.preview("pro", discounts=coded("HALF"))
    await give_reward(shop)
    await shop.add_customer("bob", card=GOOD_CARD)
    await shop.attach("pro", "bob")
    await shop.advance(HALF)

    with pytest.raises(BadRequest, match="expired"):
        await shop.attach("pro", discounts=coded("HALF"))

    assert (["20.00"], ["launch"]) == (await shop.totals("bob"), await standing(shop))


async def test_a_code_is_not_used_again_after_its_months(shop: Services) -> None:
    """Whoever had a reward through one code does not get it again through another, once it is over (security.md 10)."""
    terms = replace(TWENTY, duration=MONTHS, months=1)
    await offer_reward(shop, "month", terms, PromoCode("ONE"), PromoCode("TWO"))
    await shop.attach("pro", discounts=coded("ONE"))
    await shop.advance(FEBRUARY)

    with pytest.raises(BadRequest, match="already"):
        await shop.billing.perform(shop.tenant, UpdateRequest("ada", "pro", discounts=coded("TWO")), actor=ACTOR)

    assert ["16.00", "20.00"] == await shop.totals()


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_shown_is_invoiced(shop: Services, seed: int) -> None:
    """Whatever rewards there are, the preview's lines are the invoice's, and the upcoming invoice is the renewal."""
    random = Random(seed)  # noqa: S311  # a seed replays the choice
    for number in range(4):
        kind = random.choice([RewardKind.PERCENTAGE, RewardKind.FIXED, RewardKind.INVOICE_CREDITS])
        currency = None if kind is RewardKind.PERCENTAGE else "usd"
        value, duration = Decimal(random.randint(1, 9000)) / 100, random.choice([ONE_OFF, FOREVER])
        changes = {"kind": kind, "currency": currency, "value": value, "duration": duration}
        await offer_reward(shop, f"r{number}", TWENTY, **changes)
    await shop.attach("extra", discounts=asked("r0"))
    await give_reward(shop, "r1")
    wanted = (*asked("r2"), *asked("r3"))

    proposal = await shop.preview("premium", discounts=wanted)
    receipt = await shop.attach("premium", discounts=wanted)
    assert proposal.decision.invoice is not None
    assert receipt.invoice is not None
    shown = compute_lines(proposal.decision.invoice.lines, "usd")
    assert [(line.amount, line.discount_minor) for line in shown] == [
        (line.amount, line.discount_minor) for line in receipt.invoice.lines
    ]
    upcoming = await shop.billing.due.upcoming(shop.tenant, (await shop.customer()).key)
    await shop.advance(FEBRUARY)
    renewal = (await shop.invoices())[-1]
    expected = compute_lines(upcoming[0].draft.lines, "usd")
    assert [line.total for line in expected] == [line.total for line in renewal.lines]
