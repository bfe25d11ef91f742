"""Rows of notices: what happened that others want to be told. Delivering them is somebody else's work."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sumac.balances.model import Notice
from sumac.core.ids import digest, new_id
from sumac.core.tenant import Tenant
from sumac.storage.prepared import Row, inserting_unless_taken
from sumac.storage.schema import TENANT, notices
from sumac.storage.work import Work

TOLD = inserting_unless_taken(notices)
PREFIX = "ntc"
DIGITS = 27
MINUTE = 60


def row(tenant: Tenant, customer_key: str, notice: Notice, now: datetime) -> Row:
    """The notice as a row. Notices with one key have the same id within a minute, so that only the first is kept."""
    if notice.key is None:
        notice_id = new_id(PREFIX, now=now)
    else:
        minute = int(now.timestamp()) // MINUTE
        notice_id = _named(f"{customer_key}:{minute}:{notice.key}")
    return _row(tenant, customer_key, notice_id, notice, now)


async def tell(work: Work, customer_key: str, notice: Notice) -> None:
    """Writes a notice, unless one with its key was written in this minute."""
    await work.write(TOLD, [row(work.tenant, customer_key, notice, work.now)])


async def tell_once(work: Work, customer_key: str, notice: Notice, occasion: str) -> None:
    """Writes a notice about an occasion, unless it was written before."""
    notice_id = _named(f"{customer_key}:{notice.kind}:{occasion}")
    await work.write(TOLD, [_row(work.tenant, customer_key, notice_id, notice, work.now)])


def _named(name: str) -> str:
    return f"{PREFIX}_{digest(name)[:DIGITS]}"


def _row(tenant: Tenant, customer_key: str, notice_id: str, notice: Notice, now: datetime) -> Row:
    return {
        TENANT: tenant.key,
        "customer_key": customer_key,
        "id": notice_id,
        "kind": notice.kind,
        "body": _plain(notice.body),
        "created_at": now,
    }


def _plain(value: Any) -> Any:  # noqa: ANN401  # a value of JSON, with exact numbers in it
    """The value with its decimals as numbers of JSON."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
