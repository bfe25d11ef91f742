"""The test cards and what they do (payments.md §4.7)."""

from dataclasses import dataclass
from enum import StrEnum

from sumac.billing.provider import Collection, Outcome
from sumac.core.errors import BadRequest

FIRST_DIGIT_BRANDS = {"3": "amex", "4": "visa", "5": "mastercard"}


class Behaviour(StrEnum):
    """What a card does when it is charged."""

    SUCCEED = "succeed"
    DECLINE = "decline"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LOST = "lost"
    EXPIRED = "expired"
    ASK_UNLESS_SAVED = "ask_unless_saved"
    REQUIRE_ACTION = "require_action"
    PENDING = "pending"
    PENDING_THEN_DECLINE = "pending_then_decline"


@dataclass(frozen=True, slots=True)
class TestCard:
    """A test card: its number, what it does, and whether it is refused already when it is entered."""

    number: str
    behaviour: Behaviour
    about: str
    refused: bool = False


TEST_CARDS = (
    TestCard("4242424242424242", Behaviour.SUCCEED, "succeeds"),
    TestCard("4000000000000002", Behaviour.DECLINE, "is refused when entered", refused=True),
    TestCard("4000000000000341", Behaviour.DECLINE, "is saved, every later charge declines"),
    TestCard("4000000000009995", Behaviour.INSUFFICIENT_FUNDS, "is refused: insufficient funds", refused=True),
    TestCard("4000000000009987", Behaviour.LOST, "is refused: lost card", refused=True),
    TestCard("4000000000000069", Behaviour.EXPIRED, "is refused: expired card", refused=True),
    TestCard("4000002500003155", Behaviour.ASK_UNLESS_SAVED, "asks for confirmation unless saved"),
    TestCard("4000000000003220", Behaviour.REQUIRE_ACTION, "always asks for confirmation"),
)
REFUSALS = {
    Behaviour.DECLINE: "Your card was declined.",
    Behaviour.INSUFFICIENT_FUNDS: "Your card has insufficient funds.",
    Behaviour.LOST: "Your card was reported lost.",
    Behaviour.EXPIRED: "Your card has expired.",
}
ASKING = frozenset({Behaviour.ASK_UNLESS_SAVED, Behaviour.REQUIRE_ACTION})
RETRYABLE = frozenset({Behaviour.DECLINE, Behaviour.INSUFFICIENT_FUNDS})
NEXT_OUTCOMES = {
    "succeed": Behaviour.SUCCEED,
    "decline": Behaviour.DECLINE,
    "insufficient_funds": Behaviour.INSUFFICIENT_FUNDS,
    "require_action": Behaviour.REQUIRE_ACTION,
    "pending": Behaviour.PENDING,
    "pending_then_decline": Behaviour.PENDING_THEN_DECLINE,
}


def digits_of(number: str) -> str:
    """The number without spaces and dashes. Raises BadRequest when it is not a card number."""
    digits = number.replace(" ", "").replace("-", "")
    if not digits.isascii() or not digits.isdigit() or not 12 <= len(digits) <= 19:  # noqa: PLR2004  # ISO 7812 lengths
        message = "number: this is not a card number"
        raise BadRequest(message, code="invalid_inputs")
    return digits


def brand_of(digits: str) -> str:
    """The brand a number belongs to."""
    return FIRST_DIGIT_BRANDS.get(digits[0], "card")


def card_entered(number: str) -> TestCard:
    """The test card of a number that a customer enters. Raises BadRequest for any other, and for a refused one."""
    digits = digits_of(number)
    card = next((card for card in TEST_CARDS if card.number == digits), None)
    if card is None:
        message = "The sandbox takes test cards only; use 4242 4242 4242 4242 for a card that succeeds"
        raise BadRequest(message, code="card_not_accepted")
    if card.refused:
        raise BadRequest(REFUSALS[card.behaviour], code="card_declined")
    return card


def charge(behaviour: Behaviour, *, payment: str, confirmed: bool) -> Collection:
    """What charging a card of this behaviour comes to; `confirmed` when the customer is there and approves.

    A charge that is under way has a decline code when it is going to fail.
    """
    match behaviour:
        case Behaviour.SUCCEED | Behaviour.ASK_UNLESS_SAVED:
            return Collection(Outcome.PAID, payment)
        case Behaviour.REQUIRE_ACTION if confirmed:
            return Collection(Outcome.PAID, payment)
        case Behaviour.REQUIRE_ACTION:
            return Collection(Outcome.ACTION_REQUIRED, payment, "authentication_required")
        case Behaviour.PENDING:
            return Collection(Outcome.PROCESSING, payment)
        case Behaviour.PENDING_THEN_DECLINE:
            return Collection(Outcome.PROCESSING, payment, "card_declined", retryable=True)
        case _:
            code = "insufficient_funds" if behaviour is Behaviour.INSUFFICIENT_FUNDS else "card_declined"
            return Collection(Outcome.DECLINED, payment, code, retryable=behaviour in RETRYABLE)
