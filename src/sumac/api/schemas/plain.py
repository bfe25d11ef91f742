"""The plain kind of check and track, as most are: read quickly, or not at all.

What these do not know, or do not take as it is, is left to the models of `balances`, which say what is wrong with it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec

from sumac.api.schemas.wire import LARGEST_WHOLE, METADATA_KEYS_MAX, plain_digits
from sumac.balances.requests import CheckRequest, OverageBehavior, TrackRequest

SIMPLE = (str, bool, type(None))
ESCAPED = b"\\u"
DIGITS_MAX = 30


class PlainCheck(msgspec.Struct, forbid_unknown_fields=True):
    """A check that counts and holds nothing."""

    customer_id: str
    feature_id: str
    required_balance: Any = None
    entity_id: str | None = None
    properties: dict[str, Any] | None = None


class PlainTrack(msgspec.Struct, forbid_unknown_fields=True):
    """Usage that is counted once it is told."""

    customer_id: str
    feature_id: str | None = None
    event_name: str | None = None
    value: Any = None
    entity_id: str | None = None
    properties: dict[str, Any] | None = None
    overage_behavior: Literal["cap", "overflow", "reject"] = "cap"


_checks = msgspec.json.Decoder(PlainCheck, float_hook=Decimal)
_tracks = msgspec.json.Decoder(PlainTrack, float_hook=Decimal)


class NotPlainError(Exception):
    """The body is not of the plain kind, or is wrong."""


def read_check(body: bytes) -> CheckRequest:
    """The request. Raises NotPlainError."""
    plain = _decoded(_checks, body)
    return CheckRequest(
        customer_id=plain.customer_id,
        feature_id=plain.feature_id,
        required=_number(plain.required_balance),
        properties=_properties(plain.properties, body),
        entity_id=plain.entity_id,
    )


def read_track(body: bytes) -> TrackRequest:
    """The request. Raises NotPlainError."""
    plain = _decoded(_tracks, body)
    return TrackRequest(
        customer_id=plain.customer_id,
        feature_id=plain.feature_id,
        event_name=plain.event_name,
        entity_id=plain.entity_id,
        value=_number(plain.value),
        properties=_properties(plain.properties, body),
        overage_behavior=OverageBehavior(plain.overage_behavior),
    )


def _decoded(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:  # noqa: ANN401  # what the decoder is for
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotPlainError from None


def _number(value: object) -> Decimal:
    if value is None:
        return Decimal(1)
    if type(value) is int and abs(value) <= LARGEST_WHOLE:
        return Decimal(value)
    if type(value) is Decimal:
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and abs(exponent) <= DIGITS_MAX and value.adjusted() <= DIGITS_MAX:
            return plain_digits(value)
    raise NotPlainError


def _properties(properties: Mapping[str, Any] | None, body: bytes) -> Mapping[str, Any]:
    if not properties:
        return {}
    if len(properties) > METADATA_KEYS_MAX or ESCAPED in body:
        raise NotPlainError
    for value in properties.values():
        if not (isinstance(value, SIMPLE) or (type(value) is int and abs(value) <= LARGEST_WHOLE)):
            raise NotPlainError
    return properties
