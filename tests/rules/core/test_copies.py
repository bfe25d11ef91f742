"""Quick copies of frozen values."""

from dataclasses import FrozenInstanceError, replace
from decimal import Decimal

import pytest

from sumac.balances.model import Grant
from sumac.core.copies import changed
from tests.rules.offers import grant


def test_a_copy_differs_in_what_was_changed_and_in_nothing_else() -> None:
    """It is what `replace` makes; the original stays as it was, and the copy is frozen too."""
    original: Grant = grant("messages", 5)
    copied = changed(original, balance=Decimal(3), resets_at=None)

    assert replace(original, balance=Decimal(3), resets_at=None) == copied
    assert Decimal(5) == original.balance
    with pytest.raises(FrozenInstanceError):
        copied.balance = Decimal(1)  # type: ignore[misc]  # that is what must not be


def test_there_is_no_other_field() -> None:
    """A name that is no field is a mistake."""
    with pytest.raises(KeyError):
        changed(grant("messages"), balances=Decimal(3))
