"""How amounts, dates, numbers and names read on the pages.

The pages are in English; amounts are in the customer's currency with exactly that currency's decimals, dates name the
month and are those of UTC, as the billing periods are.
"""

import re
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlsplit

from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_symbol

from sumac.billing.provider import CardExpiry
from sumac.core.errors import BadRequest
from sumac.core.money import Money, minor_digits
from sumac.core.time import Period
from sumac.invoices.model import CreditEntry, CreditReason

LOCALE = "en_US"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
WEB_SCHEMES = frozenset({"http", "https"})
CARD_GROUP = 4
CENTURY = 2000
EXPIRY = re.compile(r"(?P<month>0?[1-9]|1[0-2])[/-]?(?P<year>20\d\d|\d\d)", re.ASCII)
CREDIT_REASONS = {
    CreditReason.INVOICE: "Given by invoice",
    CreditReason.CREDIT_NOTE: "Credit note for invoice",
    CreditReason.SPENT: "Spent on invoice",
    CreditReason.RETURNED: "Returned by invoice",
}


def money(amount: Money) -> str:
    """ "$1,234.50", "¥500", "−€3.00", "KWD 1.250"."""
    digits = minor_digits(amount.currency)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    number = format_decimal(abs(amount.major), format=pattern, locale=LOCALE)
    symbol = get_currency_symbol(amount.currency.upper(), locale=LOCALE)
    space = NO_BREAK_SPACE if symbol[-1:].isalpha() else ""
    sign = "\N{MINUS SIGN}" if amount.minor < 0 else ""
    return f"{sign}{symbol}{space}{number}"


def day(instant: datetime) -> str:
    """ "January 31, 2026"."""
    return format_date(instant.date(), format="long", locale=LOCALE)


def days(period: Period) -> str:
    """ "Jan 1, 2026 – Feb 1, 2026": from the first instant of the period to the one it ends at."""
    first, last = (format_date(at.date(), format="medium", locale=LOCALE) for at in (period.start, period.end))
    return f"{first} \N{EN DASH} {last}"


def number(quantity: Decimal) -> str:
    """ "1,200", "0.5": exact, without trailing zeros."""
    return format_decimal(quantity, format="#,##0.##########", locale=LOCALE)


def initial(name: str) -> str:
    """The first letter or digit of a name, for its round sign; a dot where there is none."""
    return next((character.upper() for character in name if character.isalnum()), "\N{BULLET}")


def grouped(card_number: str) -> str:
    """A card number as it is printed on a card: in groups of four."""
    return " ".join(card_number[start : start + CARD_GROUP] for start in range(0, len(card_number), CARD_GROUP))


def credit_reason(entry: CreditEntry) -> str:
    """ "Spent on invoice 3"."""
    return f"{CREDIT_REASONS[entry.reason]} {entry.invoice_number}"


def read_expiry(text: str) -> CardExpiry:
    """ "04 / 30", "4/2030" or "0430" as on a card. Raises BadRequest for anything else."""
    found = EXPIRY.fullmatch(text.replace(" ", ""))
    if found is None:
        message = "Write the expiry as month and year, such as 04 / 30."
        raise BadRequest(message, code="invalid_inputs")
    year = int(found["year"])
    return CardExpiry(year if year >= CENTURY else CENTURY + year, int(found["month"]))


def web_address(address: str | None) -> str | None:
    """The address if a browser may be sent there: http or https with a host; None for anything else."""
    if address is None:
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme.lower() in WEB_SCHEMES and parts.hostname else None


def site_of(address: str | None) -> str | None:
    """The first page of the site an address belongs to; None for what no browser may be sent to."""
    allowed = web_address(address)
    if allowed is None:
        return None
    parts = urlsplit(allowed)
    return f"{parts.scheme}://{parts.netloc}/"
