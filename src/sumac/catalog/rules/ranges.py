"""Numbers a plan may be made of: not below 0, not absurdly large, at most ten decimals (api.md §1.7)."""

from decimal import Decimal
from typing import NoReturn

from sumac.core.errors import BadRequest
from sumac.core.quantity import rounded

AMOUNT_MAX = Decimal(10_000_000_000)


def refuse(sentence: str) -> NoReturn:
    """Raises BadRequest `invalid_product_item`."""
    raise BadRequest(sentence, code="invalid_product_item")


def check_range(number: Decimal, largest: Decimal, where: str) -> None:
    """Raises BadRequest `invalid_product_item` for a number out of range, or finer than ten decimals."""
    if not 0 <= number <= largest:
        refuse(f"{where} must be between 0 and {largest:f}")
    if number != rounded(number):
        refuse(f"{where} has at most 10 decimals")


def check_amount(amount: Decimal, where: str) -> None:
    """Raises BadRequest `invalid_product_item` for an amount of money below 0 or absurdly large."""
    check_range(amount, AMOUNT_MAX, where)
