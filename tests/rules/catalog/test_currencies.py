"""Which currencies a plan may be sold in, and what it costs in each (api.md §2.0, §2.2; billing.md §10.10)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.catalog.model import ItemPrice, Plan, PlanItem, Tier, TierAmount, TierBehavior
from sumac.catalog.rules.currency import is_sold_in, item_price_in, priced_in
from sumac.catalog.rules.normal import compute_normal_form
from sumac.catalog.rules.plans import check_plan
from sumac.core.errors import BadRequest
from tests.support.build import (
    ONCE,
    feature,
    held_item,
    in_currencies,
    item,
    plan,
    prepaid_price,
    price,
    seats,
    usage_price,
)

FEATURES = {each.id: each for each in (feature(), seats())}
USAGE = usage_price("0.01", additional_currencies=in_currencies(eur="0.009", jpy="1.5"))
BANDS = (
    Tier(Decimal(10), Decimal(5), additional_currencies=(TierAmount("eur", Decimal(4)),)),
    Tier(None, Decimal(3), Decimal(7), (TierAmount("eur", Decimal(2), Decimal(6)),)),
)
VOLUME = prepaid_price(None, tiers=BANDS, tier_behavior=TierBehavior.VOLUME)
PRO = plan("pro", item("messages", 100, price=USAGE), price=price(20, eur="18.50", jpy=3000))
TIERED = plan("tiered", held_item(price=VOLUME), price=price(20, eur=18))


def once(amount: int | str, **others: str) -> ItemPrice:
    """What units bought once cost, in dollars and in others."""
    return prepaid_price(amount, cadence=ONCE, additional_currencies=in_currencies(**others))


def amounts(offer: Plan) -> list[Decimal | None]:
    """Its base price, then the amounts of its items."""
    base = [offer.price.amount] if offer.price else []
    return [*base, *(each.price.amount for each in offer.items if each.price)]


def bands(offer: Plan) -> list[tuple[Decimal, Decimal]]:
    """The rates and flat amounts of the tiers of its first item."""
    tiers = offer.items[0].price.tiers if offer.items[0].price else ()
    return [(tier.amount, tier.flat_amount) for tier in tiers]


@pytest.mark.parametrize(
    ("currency", "expected"), [("usd", ["20", "0.01"]), ("eur", ["18.50", "0.009"]), ("jpy", ["3000", "1.5"])]
)
def test_a_plan_in_each_of_its_currencies(currency: str, expected: list[str]) -> None:
    """Every amount is the one of that currency, whatever it is turned into on the way."""
    wanted = [Decimal(each) for each in expected]

    assert wanted == amounts(priced_in(PRO, currency, default="usd"))
    for other in ("usd", "eur", "jpy"):
        on_the_way = priced_in(PRO, other, default="usd")

        assert wanted == amounts(priced_in(on_the_way, currency, default="usd"))


def test_turned_back_it_is_the_catalogue_s() -> None:
    """In the default currency a plan is exactly what is kept in the catalogue."""
    for offer, other in ((PRO, "jpy"), (TIERED, "eur")):
        assert offer == priced_in(offer, "usd", default="usd")
        assert offer == priced_in(priced_in(offer, other, default="usd"), "usd", default="usd")


def test_tiers_in_another_currency() -> None:
    """A band has its own rate and its own flat amount."""
    assert [(Decimal(4), Decimal(0)), (Decimal(2), Decimal(6))] == bands(priced_in(TIERED, "eur", default="usd"))


def test_the_tenant_s_own_currency_is_the_price_s_own() -> None:
    """What needs no offer in dollars for one tenant needs one for the tenant whose prices are in yen."""
    yen = replace(PRO, price=price(3000, usd=20), items=())

    assert [Decimal(20)] == amounts(priced_in(yen, "usd", default="jpy"))
    assert not is_sold_in(yen, "eur", default="jpy")


@pytest.mark.parametrize(
    ("offer", "named"),
    [
        pytest.param(replace(PRO, price=price(20, eur=18)), "base price of plan pro is not offered in jpy", id="base"),
        pytest.param(
            replace(PRO, items=(item(price=usage_price()),)), "price of messages of plan pro is not offered", id="item"
        ),
        pytest.param(TIERED, "base price of plan tiered", id="first-of-several"),
        pytest.param(replace(TIERED, price=None), "price of seats of plan tiered", id="tiers"),
    ],
)
def test_a_price_that_is_not_offered_is_named(offer: Plan, named: str) -> None:
    """Every price that charges must be offered in the customer's currency."""
    with pytest.raises(BadRequest, match=named) as caught:
        priced_in(offer, "jpy", default="usd")

    assert "currency_mismatch" == caught.value.code
    assert not is_sold_in(offer, "jpy", default="usd")


def test_what_costs_nothing_is_sold_everywhere() -> None:
    """A free plan, and a price or a band of nothing, need no offer."""
    nothing = usage_price(None, tiers=(Tier(Decimal(9), Decimal(0)), BANDS[0]))

    assert is_sold_in(plan("free", item("messages", 5), price=None), "kwd", default="usd")
    assert is_sold_in(plan("zero", item(price=usage_price(0)), price=price(0)), "kwd", default="usd")
    assert is_sold_in(plan("band", held_item(price=nothing), price=None), "eur", default="usd")


def test_the_price_of_a_grant() -> None:
    """A price by itself is turned like one inside a plan, and named as it was called."""
    assert Decimal("0.009") == item_price_in(USAGE, "eur", default="usd", name="price of messages").amount
    with pytest.raises(BadRequest, match="The price of messages is not offered in kwd; it is in usd, eur, jpy"):
        item_price_in(USAGE, "kwd", default="usd", name="price of messages")


def test_a_single_tier_is_a_plain_amount_in_every_currency() -> None:
    """A band without end and without a flat amount in any currency reads as an amount."""
    only = Tier(None, Decimal(5), additional_currencies=(TierAmount("eur", Decimal(4)),))
    kept = compute_normal_form(plan("one", held_item(price=prepaid_price(None, tiers=(only,)))), FEATURES)

    assert prepaid_price(5, additional_currencies=in_currencies(eur=4)) == kept.items[0].price


@pytest.mark.parametrize(
    "offered",
    [
        pytest.param(PRO, id="amounts"),
        pytest.param(TIERED, id="tiers"),
        pytest.param(plan("tiny", price=price("0.0000000001", kwd="0.0000000001")), id="ten-decimals"),
        pytest.param(
            plan("once", held_item(price=once("9.99", kwd="3.125"))),
            id="one-off-with-three-decimals-where-the-currency-has-them",
        ),
        pytest.param(plan("gift", price=price(20, eur=0)), id="free-in-one-of-them"),
    ],
)
def test_valid_offers(offered: Plan) -> None:
    """Nothing is said against them."""
    check_plan(offered, FEATURES, currency="usd")


def with_price(changed: ItemPrice) -> Plan:
    return plan("pro", held_item(price=changed))


def with_bands(*tiers: Tier) -> Plan:
    return plan("pro", PlanItem("seats", price=prepaid_price(None, tiers=tiers, tier_behavior=TierBehavior.VOLUME)))


def in_euros(tier: Tier, amount: int, flat_amount: int = 0) -> Tier:
    """The band, offered in euros too."""
    return replace(tier, additional_currencies=(TierAmount("eur", Decimal(amount), Decimal(flat_amount)),))


EUR = in_currencies(eur=4)


@pytest.mark.parametrize(
    ("offered", "problem"),
    [
        pytest.param(plan(price=price(20, EUR=18)), "'EUR' is not a code of three", id="upper-case"),
        pytest.param(plan(price=price(20, euro=18)), "'euro' is not a code of three", id="four-letters"),
        pytest.param(plan(price=price(20, usd=18)), "usd is the default currency", id="default-currency"),
        pytest.param(plan(price=price(0, eur=18)), "need a price above 0", id="beside-nothing"),
        pytest.param(plan(price=price(20, eur=-1)), "an amount in eur must be between 0", id="negative"),
        pytest.param(plan(price=price(20, eur="1e11")), "an amount in eur must be between", id="huge"),
        pytest.param(plan(price=price(20, eur="0.00000000001")), "at most 10 decimals", id="eleven-decimals"),
        pytest.param(
            plan(price=replace(price(20), additional_currencies=(*EUR, *EUR))), "eur is there twice", id="twice"
        ),
        pytest.param(with_price(prepaid_price(0, additional_currencies=EUR)), "above 0", id="item-beside-nothing"),
        pytest.param(with_price(replace(VOLUME, additional_currencies=EUR)), "tiers have their own", id="beside-tiers"),
        pytest.param(with_price(prepaid_price(5, additional_currencies=in_currencies(usd=4))), "default", id="item"),
        pytest.param(
            with_price(once(5, eur="0.001")),
            "in eur has at most 2 decimals",
            id="one-off-below-a-cent",
        ),
        pytest.param(
            with_bands(replace(BANDS[0], additional_currencies=()), BANDS[1]),
            "tier 1 has no amount in eur",
            id="incomplete-tiers",
        ),
        pytest.param(
            with_bands(BANDS[0], in_euros(BANDS[1], 2, -1)),
            "flat amount in eur must be between",
            id="negative-flat-amount",
        ),
        pytest.param(
            with_price(usage_price(None, tiers=(in_euros(BANDS[0], 1, 1), in_euros(Tier(None, Decimal(3)), 1)))),
            "flat_amount needs volume",
            id="flat-amount-in-bands",
        ),
    ],
)
def test_invalid_offers(offered: Plan, problem: str) -> None:
    """A broken rule is named."""
    with pytest.raises(BadRequest, match=problem) as caught:
        check_plan(offered, FEATURES, currency="usd")

    assert "invalid_product_item" == caught.value.code


def test_one_off_prices_in_the_tenant_s_currency() -> None:
    """They have as many decimals as the currency, and never fewer than two are allowed."""
    fine = replace(with_price(once("3.125")), price=None)
    check_plan(fine, FEATURES, currency="kwd")
    with pytest.raises(BadRequest, match="in eur has at most 2 decimals"):
        check_plan(fine, FEATURES, currency="eur")
