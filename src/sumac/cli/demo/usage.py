"""How customers of the demo use the product: by week and hour, growing, and the same every time it is made."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

WEEKDAY_WEIGHTS = (110, 120, 115, 110, 90, 25, 15)  # Monday first
FIRST_WEIGHT, LAST_WEIGHT = 60, 140  # per cent of the average, on the first and on the last day
HOURS = (7, 8, 9, 9, 10, 10, 10, 11, 11, 12, 13, 13, 14, 14, 14, 15, 15, 16, 16, 17, 18, 20, 22)
DAYS_A_MONTH = 30
HUNDRED = 100
DAY = timedelta(days=1)
PROPERTIES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "messages": {
        "model": ("lark-2", "lark-2", "lark-2-mini", "lark-2-mini", "lark-3-preview"),
        "endpoint": ("/chat", "/chat", "/ask"),
        "region": ("eu-west", "eu-west", "us-east", "us-east", "ap-south"),
    },
    "pages": {
        "document_type": ("contract", "invoice", "report", "manual", "scan"),
        "region": ("eu-west", "us-east", "ap-south"),
    },
    "summaries": {"model": ("lark-2", "lark-2-mini"), "language": ("en", "en", "de", "fr", "ja")},
    "translations": {"model": ("lark-2",), "from": ("de", "fr", "ja", "pt"), "to": ("en", "en", "es")},
}
SHARES: Mapping[str, int] = {"messages": 55, "pages": 20, "summaries": 15, "translations": 10}


@dataclass(frozen=True, slots=True)
class Usage:
    """What a customer uses in an average month, in units, and in how many events."""

    messages: int = 0
    pages: int = 0
    summaries: int = 0
    translations: int = 0
    events: int = 30

    def units(self) -> Mapping[str, int]:
        """The units per month of each feature that is used at all."""
        named = {
            "messages": self.messages,
            "pages": self.pages,
            "summaries": self.summaries,
            "translations": self.translations,
        }
        return {feature_id: units for feature_id, units in named.items() if units}


@dataclass(frozen=True, slots=True)
class Use:
    """One event: so many units of the feature at this instant, with these properties."""

    at: datetime
    feature_id: str
    value: Decimal
    properties: Mapping[str, str]


def roll(below: int, *what: object) -> int:
    """A number from 0 up to `below`, which looks accidental and is always the same for the same thing."""
    name = ":".join(str(part) for part in what)
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % below


def uses(who: str, usage: Usage, start: datetime, end: datetime, *, events_percent: int) -> list[Use]:
    """Every event of a customer between two instants, in order.

    With fewer events each counts for more, so that the months' totals stay about the same.
    """
    units = usage.units()
    if not units or usage.events * events_percent < HUNDRED:
        return []
    monthly_events = usage.events * events_percent // HUNDRED
    made = [
        _use(who, units, monthly_events, at) for at in _instants(who, monthly_events, start, end) if start < at < end
    ]
    return sorted(made, key=lambda use: use.at)


def _instants(who: str, monthly_events: int, start: datetime, end: datetime) -> Iterator[datetime]:
    days = max(1, (end - start) // DAY)
    for number in count():
        midnight = (start + number * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
        if midnight >= end:
            return
        growth = FIRST_WEIGHT + (LAST_WEIGHT - FIRST_WEIGHT) * number // days
        weight = WEEKDAY_WEIGHTS[midnight.weekday()] * growth
        expected = monthly_events * weight  # in parts of DAYS_A_MONTH x 100 x 100 of an event
        whole, rest = divmod(expected, DAYS_A_MONTH * HUNDRED * HUNDRED)
        events = whole + (roll(DAYS_A_MONTH * HUNDRED * HUNDRED, who, number, "events") < rest)
        for event in range(events):
            hour = HOURS[roll(len(HOURS), who, number, event, "hour")]
            yield midnight + timedelta(hours=hour, milliseconds=roll(3_600_000, who, number, event, "moment"))


def _use(who: str, units: Mapping[str, int], monthly_events: int, at: datetime) -> Use:
    weighted = [feature_id for feature_id in units for _ in range(SHARES[feature_id])]
    total = len(weighted)
    feature_id = weighted[roll(total, who, at, "feature")]
    average = units[feature_id] * total * HUNDRED // (monthly_events * SHARES[feature_id])
    value = average * (50 + roll(101, who, at, "value")) // (HUNDRED * HUNDRED)
    chosen = PROPERTIES[feature_id].items()
    properties = {name: choices[roll(len(choices), who, at, name)] for name, choices in chosen}
    return Use(at, feature_id, Decimal(max(1, value)), properties)
