"""Who buys: ids and the customer's own present (billing.md §19, design.md §6)."""

from dataclasses import replace

from sumac.customers.model import Customer
from tests.rules.offers import JANUARY, at

KNOWN_BY_EMAIL = Customer("cus_1", JANUARY, email="ada@example.com")


def test_how_a_customer_is_addressed() -> None:
    """By its own id, or by ours while it has none."""
    assert "cus_1" == KNOWN_BY_EMAIL.public_id
    assert "acme" == replace(KNOWN_BY_EMAIL, id="acme").public_id


def test_a_frozen_clock_is_the_customers_present() -> None:
    """Everything of the customer happens at its clock; without one, at the wall clock's instant."""
    wall = at("2026-05-01")

    assert wall == KNOWN_BY_EMAIL.now(wall)
    assert JANUARY == replace(KNOWN_BY_EMAIL, clock_at=JANUARY).now(wall)
