"""The worked tables of billing.md §2.4."""

from decimal import Decimal

import pytest

from sumac.catalog.model import BillingMethod, ItemPrice, Tier, TierBehavior
from sumac.catalog.rules.tiers import compute_overage_price, compute_prepaid_price, whole_packs
from sumac.core.time import Cadence, Interval

MONTHLY = Cadence(Interval.MONTH)
GRADUATED = TierBehavior.GRADUATED
VOLUME = TierBehavior.VOLUME
UNITS = ((100, "0.10"), (500, "0.05"), (None, "0.02"))
PACKS = ((500, "10"), (None, "5"))


def tiered(
    bands: tuple[tuple[int | None, str], ...],
    behavior: TierBehavior,
    *,
    included: int = 0,
    billing_units: int = 1,
) -> ItemPrice:
    """A prepaid price; the bands are given without the included units and shown with them."""
    tiers = tuple(Tier(None if to is None else Decimal(to + included), Decimal(rate)) for to, rate in bands)
    return ItemPrice(
        MONTHLY,
        BillingMethod.PREPAID,
        tiers=tiers,
        tier_behavior=behavior,
        billing_units=Decimal(billing_units),
    )


@pytest.mark.parametrize(
    ("units", "graduated", "volume"),
    [
        (50, "5.00", "5.00"),
        (100, "10.00", "10.00"),
        (101, "10.05", "5.05"),
        (250, "17.50", "12.50"),
        (500, "30.00", "25.00"),
        (1000, "40.00", "20.00"),
    ],
)
def test_bands_of_units(units: int, graduated: str, volume: str) -> None:
    """Graduated fills band after band; volume prices everything at the rate of the band reached."""
    nothing = Decimal(0)

    assert Decimal(graduated) == compute_prepaid_price(tiered(UNITS, GRADUATED), Decimal(units), included=nothing)
    assert Decimal(volume) == compute_prepaid_price(tiered(UNITS, VOLUME), Decimal(units), included=nothing)


@pytest.mark.parametrize(("total", "price"), [(50, "0"), (51, "5.10"), (120, "12.00"), (200, "10.00"), (600, "12.00")])
def test_volume_with_included_units_prices_the_whole_total(total: int, price: str) -> None:
    """At or below the included units nothing is paid; above them the whole total is."""
    included = 50
    prices = tiered(UNITS, VOLUME, included=included)

    assert Decimal(price) == compute_prepaid_price(prices, Decimal(total - included), included=Decimal(included))


@pytest.mark.parametrize(
    ("total", "included", "graduated", "volume"),
    [(800, 0, 65, 40), (800, 100, 60, 40), (400, 200, 20, 40), (200, 200, 0, 0)],
)
def test_packs(total: int, included: int, graduated: int, volume: int) -> None:
    """Rates are per pack of 100 units."""
    bought, free = Decimal(total - included), Decimal(included)
    by_band = tiered(PACKS, GRADUATED, included=included, billing_units=100)
    by_total = tiered(PACKS, VOLUME, included=included, billing_units=100)

    assert graduated == compute_prepaid_price(by_band, bought, included=free)
    assert volume == compute_prepaid_price(by_total, bought, included=free)


@pytest.mark.parametrize(("units", "price"), [(50, 60), (150, 100), (0, 0)])
def test_flat_amounts_are_added_once(units: int, price: int) -> None:
    """The flat amount of the band reached comes on top."""
    prices = ItemPrice(
        MONTHLY,
        BillingMethod.PREPAID,
        tiers=(Tier(Decimal(100), Decimal(1), Decimal(10)), Tier(None, Decimal("0.50"), Decimal(25))),
        tier_behavior=VOLUME,
    )

    assert price == compute_prepaid_price(prices, Decimal(units), included=Decimal(0))


@pytest.mark.parametrize(
    ("used", "price"),
    [("250.5", "15.10"), ("106.5", "0.70"), ("100", "0"), ("99.5", "0"), ("100.0000000001", "0.10")],
)
def test_broken_units_round_up(used: str, price: str) -> None:
    """Usage beyond the grant is billed in whole packs."""
    prices = ItemPrice(MONTHLY, BillingMethod.USAGE_BASED, amount=Decimal("0.10"))
    included = Decimal(100)

    assert Decimal(price) == compute_overage_price(prices, Decimal(used) - included, included=included)


def test_overage_bands_begin_after_the_included_units() -> None:
    """1,000 units included, $0.10 up to 1,500 and $0.05 above."""
    tiers = (Tier(Decimal(1500), Decimal("0.10")), Tier(None, Decimal("0.05")))
    prices = ItemPrice(MONTHLY, BillingMethod.USAGE_BASED, tiers=tiers, tier_behavior=GRADUATED)

    assert Decimal(55) == compute_overage_price(prices, Decimal(600), included=Decimal(1000))


@pytest.mark.parametrize(
    ("quantity", "billing_units", "packs"),
    [("150.5", "1", "151"), ("200", "100", "200"), ("201", "100", "300"), ("0", "5", "0"), ("0.3", "0.1", "0.3")],
)
def test_whole_packs(quantity: str, billing_units: str, packs: str) -> None:
    """The smallest number of whole packs that covers the quantity."""
    assert Decimal(packs) == whole_packs(Decimal(quantity), Decimal(billing_units))
