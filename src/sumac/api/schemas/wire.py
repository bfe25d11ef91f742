"""The types that cross the wire (api.md §1.7, §1.12).

Numbers are exact decimals, instants are milliseconds, and a key that was not set is left out of an answer while one
that was set to None is written as null. Requests drop keys they do not know.
"""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

import msgspec
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StrictBool, WithJsonSchema
from pydantic_core import PydanticCustomError

from sumac.core.time import from_ms, to_ms

ID_LENGTH_MAX = 256
TEXT_LENGTH_MAX = 5_000
METADATA_KEYS_MAX = 100
LATEST_MS = 253_402_300_799_999
DIGITS_MAX = 40
LARGEST_WHOLE = 2**63 - 1
LARGEST_COUNT = 2**31 - 1
LARGEST_SAFE = 2**53 - 1
CURRENCY_CODE = re.compile(r"[a-z]{3}")

_encoder = msgspec.json.Encoder(decimal_format="number")


class WireModel(BaseModel):
    """Base of every request and answer."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)
    answered_with: ClassVar[int | None] = None
    """The status of an answer like this, where it is not the operation's own."""

    def encoded(self) -> bytes:
        """The JSON text; keys that were not set are left out."""
        return encode(self.model_dump(exclude_unset=True))


def encode(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """JSON text; decimals with their exact digits."""
    return _encoder.encode(value)


def kind_of(value: object) -> str:
    """What a JSON value is called in an error message."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float() | Decimal():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case _:
            return "object"


def _expected(what: str, value: object) -> PydanticCustomError:
    return PydanticCustomError("kind", "must be {what} (received {kind})", {"what": what, "kind": kind_of(value)})


def _read_number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _expected("a number", value)
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > DIGITS_MAX or number.adjusted() > DIGITS_MAX:
        raise PydanticCustomError("number", "must be a finite number of reasonable size")
    return plain_digits(number)


def _whole(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = _read_number(value)
        if number != number.to_integral_value():
            raise PydanticCustomError("whole", "must be a whole number")
        if not least <= number <= most:
            raise PydanticCustomError("whole", "must be between {least} and {most}", {"least": least, "most": most})
        return int(number)

    return read


def _read_instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    milliseconds = int(_read_number(value))
    if not 0 <= milliseconds <= LATEST_MS:
        raise PydanticCustomError("instant", "must be milliseconds since 1970, before the year 10000")
    return from_ms(milliseconds)


def plain_digits(number: Decimal) -> Decimal:
    """The same number as 1000, not as 1000.0 or 1E+3: clients write whole numbers in each of these ways."""
    digits = format(number, "f")
    return Decimal(digits.rstrip("0").rstrip(".") if "." in digits else digits)


def as_number(value: Decimal) -> int | Decimal:
    """How a decimal is written: whole ones as integers, others with their own digits."""
    return int(value) if value == value.to_integral_value() else plain_digits(value)


def _pattern(pattern: str, allowed: str) -> Callable[[str], str]:
    expression = re.compile(pattern)

    def check(value: str) -> str:
        if not value:
            raise PydanticCustomError("empty", "cannot be empty")
        if len(value) > ID_LENGTH_MAX:
            raise PydanticCustomError("long", "must have at most {most} characters", {"most": ID_LENGTH_MAX})
        if not expression.fullmatch(value):
            raise PydanticCustomError("pattern", "must contain only {allowed}", {"allowed": allowed})
        return value

    return check


def _not_empty(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("empty", "cannot be empty")
    return value


def _not_too_long(value: str) -> str:
    if len(value) > TEXT_LENGTH_MAX:
        raise PydanticCustomError("long", "must have at most {most} characters", {"most": TEXT_LENGTH_MAX})
    if "\x00" in value:
        raise PydanticCustomError("text", "must not contain a null character")
    return value


def _email(value: str) -> str:
    try:
        # the domain .test is for trying things out, which is what a sandbox is for
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise PydanticCustomError("email", "must be an e-mail address") from None


def _currency(value: str) -> str:
    if not CURRENCY_CODE.fullmatch(value):
        raise PydanticCustomError("currency", "must be a currency's code of three lower-case letters")
    return value


def _not_too_many(value: dict[str, Any]) -> dict[str, Any]:
    if len(value) > METADATA_KEYS_MAX:
        raise PydanticCustomError("long", "must have at most {most} keys", {"most": METADATA_KEYS_MAX})
    return value


def storable(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Decimals inside free JSON as plain numbers, so that it can be stored and written again."""
    match value:
        case Decimal():
            number = _read_number(value)
            return int(number) if number == number.to_integral_value() else float(number)
        case int() if not isinstance(value, bool) and abs(value) > LARGEST_WHOLE:
            raise PydanticCustomError("number", "must not contain whole numbers of more than 64 bits")
        case dict():
            return {key: storable(inner) for key, inner in value.items()}
        case list():
            return [storable(inner) for inner in value]
        case _:
            return value


Truth = StrictBool
Number = Annotated[
    Decimal,
    BeforeValidator(_read_number),
    PlainSerializer(as_number, return_type=Any),
    WithJsonSchema({"type": "number"}),
]
WholeNumber = Annotated[
    int, BeforeValidator(_whole(-LARGEST_COUNT, LARGEST_COUNT)), WithJsonSchema({"type": "integer"})
]
LargeCount = Annotated[
    int,
    BeforeValidator(_whole(0, LARGEST_SAFE)),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": LARGEST_SAFE}),
]
Milliseconds = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    PlainSerializer(to_ms, return_type=int),
    WithJsonSchema({"type": "integer", "description": "Milliseconds since the Unix epoch"}),
]
Text = Annotated[str, AfterValidator(_not_too_long)]
Name = Annotated[str, AfterValidator(_not_too_long), AfterValidator(_not_empty)]
CustomerId = Annotated[
    str,
    AfterValidator(_pattern(r"[a-zA-Z0-9_:-]+", "letters, numbers, underscores, dashes and colons")),
]
PlanId = Annotated[str, AfterValidator(_pattern(r"[a-zA-Z0-9_-]+", "letters, numbers, underscores and dashes"))]
FeatureId = Annotated[str, AfterValidator(_pattern(r"[a-zA-Z0-9_-]+", "letters, numbers, underscores and dashes"))]
EmailAddress = Annotated[str, AfterValidator(_email), WithJsonSchema({"type": "string", "format": "email"})]
Currency = Annotated[str, AfterValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[a-z]{3}$"})]
AnyId = Annotated[str, AfterValidator(_pattern(r"[^\x00]+", "visible characters"))]
JsonObject = Annotated[dict[str, Any], BeforeValidator(storable), AfterValidator(_not_too_many)]


class Success(WireModel):
    """It is done."""

    success: Truth


class ErrorBody(WireModel):
    """Every answer that is not a success (api.md §1.6); `env` is missing when the caller was not known yet."""

    message: str
    code: str
    env: str | None = None
