"""Rows of the sandbox bank."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from sumac.billing.provider import CardExpiry
from sumac.storage.schema import bank_cards, bank_charges, bank_checkouts, bank_refunds
from sumac.storage.work import SystemWork, Work

Row = sa.Row[Any]


async def cards(work: Work, bank_customer: str, *, lock: bool = False) -> Sequence[Row]:
    """The stored cards, the default one first, then the newest."""
    statement = work.select(bank_cards).where(bank_cards.c.bank_customer == bank_customer)
    ordered = statement.order_by(bank_cards.c.is_default.desc(), bank_cards.c.created_at.desc(), bank_cards.c.id.desc())
    return await work.all(ordered.with_for_update() if lock else ordered)


async def add_card(work: Work, bank_customer: str, **values: Any) -> None:  # noqa: ANN401  # column types
    """Adds a card and makes it the default one."""
    await work.update(bank_cards, bank_cards.c.bank_customer == bank_customer, values={"is_default": False})
    await work.insert(bank_cards, bank_customer=bank_customer, is_default=True, next_outcome=None, **values)


async def set_default_card(work: Work, bank_customer: str, card_id: str) -> None:
    """Makes the card the default one."""
    values = {"is_default": bank_cards.c.id == card_id}
    await work.update(bank_cards, bank_cards.c.bank_customer == bank_customer, values=values)


async def set_expiry(work: Work, card: Row, expiry: CardExpiry) -> None:
    """Writes down when a card that was entered again expires."""
    where = (bank_cards.c.bank_customer == card.bank_customer, bank_cards.c.id == card.id)
    await work.update(bank_cards, *where, values={"expiry_year": expiry.year, "expiry_month": expiry.month})


async def remove_card(work: Work, bank_customer: str, card_id: str) -> None:
    """Deletes the card, if it is there."""
    await work.delete(bank_cards, bank_cards.c.bank_customer == bank_customer, bank_cards.c.id == card_id)


async def set_next_outcome(work: Work, card: Row, outcome: str | None) -> None:
    """Decides, or forgets, what the next charge on the card does."""
    where = (bank_cards.c.bank_customer == card.bank_customer, bank_cards.c.id == card.id)
    await work.update(bank_cards, *where, values={"next_outcome": outcome})


async def find_charge(work: Work, key: str) -> Row | None:
    """The charge made with a key, or None."""
    return await work.find(work.select(bank_charges).where(bank_charges.c.idempotency_key == key))


async def get_charge(work: Work, charge_id: str, *, lock: bool = False) -> Row | None:
    """A charge by its id."""
    statement = work.select(bank_charges).where(bank_charges.c.id == charge_id)
    return await work.find(statement.with_for_update() if lock else statement)


async def add_charge(work: Work, **values: Any) -> None:  # noqa: ANN401  # column types
    """Records a charge and how it ended."""
    await work.insert(bank_charges, refunded_minor=0, **values)


async def set_charge_status(work: Work, charge: Row, status: str) -> None:
    """Writes how a charge that was pending ended."""
    await work.update(bank_charges, bank_charges.c.id == charge.id, values={"status": status})


async def find_refund(work: Work, key: str) -> Row | None:
    """The refund made with a key, or None."""
    return await work.find(work.select(bank_refunds).where(bank_refunds.c.idempotency_key == key))


async def add_refund(work: Work, charge: Row, amount_minor: int, **values: Any) -> None:  # noqa: ANN401  # column types
    """Records that this much of a charge was given back."""
    await work.insert(bank_refunds, charge_id=charge.id, amount_minor=amount_minor, **values)
    refunded_minor = charge.refunded_minor + amount_minor
    await work.update(bank_charges, bank_charges.c.id == charge.id, values={"refunded_minor": refunded_minor})


async def add_checkout(work: Work, **values: Any) -> None:  # noqa: ANN401  # column types
    """Records a hosted page."""
    await work.insert(bank_checkouts, status="open", charge_id=None, **values)


async def find_checkout(work: Work, checkout_id: str, *, lock: bool = False) -> Row | None:
    """A hosted page by its id, or None."""
    statement = work.select(bank_checkouts).where(bank_checkouts.c.id == checkout_id)
    return await work.find(statement.with_for_update() if lock else statement)


async def set_checkout(work: Work, checkout_id: str, *, status: str, charge_id: str | None) -> None:
    """Marks a hosted page completed or expired."""
    values = {"status": status, "charge_id": charge_id}
    await work.update(bank_checkouts, bank_checkouts.c.id == checkout_id, values=values)


async def find_checkout_by_token(system: SystemWork, token: str) -> Row | None:
    """The hosted page of an address, in whichever tenant."""
    return await system.find(sa.select(bank_checkouts).where(bank_checkouts.c.token == token))
