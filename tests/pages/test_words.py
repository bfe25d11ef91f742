"""How amounts, dates, numbers and names read."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.billing.provider import CardExpiry
from sumac.core.errors import BadRequest
from sumac.core.money import Money
from sumac.core.time import Period
from sumac.pages import words


@pytest.mark.parametrize(
    ("minor", "currency", "expected"),
    [
        (0, "usd", "$0.00"),
        (5, "usd", "$0.05"),
        (123_456_789, "usd", "$1,234,567.89"),
        (-300, "eur", "−€3.00"),
        (500, "jpy", "¥500"),
        (1_250, "kwd", "KWD\N{NO-BREAK SPACE}1.250"),
        (3_000, "chf", "CHF\N{NO-BREAK SPACE}30.00"),
        (199, "cad", "CA$1.99"),
        (100_000, "ugx", "UGX\N{NO-BREAK SPACE}100,000"),
        (10**18, "usd", "$10,000,000,000,000,000.00"),
    ],
)
def test_money_has_the_decimals_of_its_currency(minor: int, currency: str, expected: str) -> None:
    """Exactly as many as the minor unit has, with the currency's own sign, exact at any size."""
    assert expected == words.money(Money(minor, currency))


def test_days_name_their_month() -> None:
    """No date can be read in two ways."""
    period = Period(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC))

    assert "January 2, 2026" == words.day(period.start)
    assert "Jan 2, 2026 – Feb 2, 2026" == words.days(period)


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("1200", "1,200"), ("0.5", "0.5"), ("3.000", "3"), ("0.0000000001", "0.0000000001")],
)
def test_numbers_are_exact(quantity: str, expected: str) -> None:
    """Nothing is rounded and no zero trails."""
    assert expected == words.number(Decimal(quantity))


@pytest.mark.parametrize(
    ("name", "expected"), [("lumen", "L"), ("👩‍💻 Studio", "S"), ("محمد", "م"), ("🚀", "•"), ("", "•")]
)
def test_initial_of_any_name(name: str, expected: str) -> None:
    """A letter of any script; never half an emoji."""
    assert expected == words.initial(name)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/path",
        "https:",
        "mailto:a@b.c",
        "http://[",
        "",
        None,
    ],
)
def test_only_web_addresses_are_followed(address: str | None) -> None:
    """Anything but http and https with a host is no address to send a browser to."""
    assert words.web_address(address) is None


def test_web_addresses_are_kept() -> None:
    """As given, with their query."""
    assert "HTTPS://x.example/a?b=c" == words.web_address("HTTPS://x.example/a?b=c")


@pytest.mark.parametrize("text", ["04 / 30", "4/30", "0430", "04-2030", "04/2030", " 4 / 2030 "])
def test_an_expiry_is_read_as_it_stands_on_cards(text: str) -> None:
    """Month and year, with or without a sign between them, the year with two digits or four."""
    assert CardExpiry(2030, 4) == words.read_expiry(text)


@pytest.mark.parametrize("text", ["13/30", "00/30", "4/1930", "2030/04", "04/", "0", "٠٤/٣٠", "04/30/30"])
def test_what_is_no_expiry(text: str) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(BadRequest, match="such as 04 / 30"):
        words.read_expiry(text)
