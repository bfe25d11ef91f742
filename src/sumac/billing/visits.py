"""Rows of hosted pages: the checkouts we sent customers to, and links to their portal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.billing.requests import BillingRequest, is_long_lived, success_url_of
from sumac.core.ids import new_id, new_token
from sumac.core.tenant import Tenant
from sumac.storage.schema import checkouts, portal_sessions
from sumac.storage.work import SystemWork, Work

OPEN_TIME = timedelta(hours=1)
LONG_TIME = timedelta(days=90)
PREFIX = "co_"


class CheckoutPurpose(StrEnum):
    """What a completed hosted page leads to: what was asked for, the payment of one invoice, or just a stored card.

    A page to confirm on is ours, and so is a link, which leads on to a page of the provider: nobody else has to be
    asked about them.
    """

    ATTACH = "attach"
    INVOICE = "invoice"
    SETUP = "setup"
    CONFIRM = "confirm"
    LINK = "link"


OURS = (CheckoutPurpose.CONFIRM, CheckoutPurpose.LINK)


class CheckoutProgress(StrEnum):
    """Where a checkout of ours stands."""

    OPEN = "open"
    SETTLED = "settled"
    REFUNDED = "refunded"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A hosted page we sent the customer to, and what to do when it is completed.

    `given` are the customer plans that a link gave ahead of its payment; its invoice is what is to be paid for them.
    """

    id: str
    customer_key: str
    provider_checkout: str
    status: CheckoutProgress
    purpose: CheckoutPurpose
    request: BillingRequest | None
    total_minor: int
    invoice_id: str | None
    actor: str
    url: str
    success_url: str | None
    expires_at: datetime
    created_at: datetime
    given: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether the page is our own, at which the provider has no part; its token stands for the provider's id."""
        return self.purpose in OURS

    def links_to(self, request: BillingRequest) -> bool:
        """Whether it is a link to this request."""
        return self.purpose is CheckoutPurpose.LINK and self.request == request

    def leads_to(self, page: "Checkout") -> bool:
        """Whether a link is done with once that page is completed."""
        if self.purpose is not CheckoutPurpose.LINK:
            return False
        if not self.given:
            return page.purpose is CheckoutPurpose.ATTACH
        if self.invoice_id is None:
            return page.purpose is CheckoutPurpose.SETUP
        return page.purpose is CheckoutPurpose.INVOICE and page.invoice_id == self.invoice_id


@dataclass(frozen=True, slots=True)
class _Given:
    """How a request is stored that was carried out before it is paid for."""

    request: BillingRequest
    customer_plan_ids: tuple[str, ...]
    kind: Literal["given_ahead"] = "given_ahead"


STORED: TypeAdapter[BillingRequest | _Given] = TypeAdapter(BillingRequest | _Given)


def page_of_ours(
    customer_key: str,
    purpose: CheckoutPurpose,
    request: BillingRequest,
    *,
    address: str,
    total_minor: int,
    actor: str,
    now: datetime,
) -> Checkout:
    """An open page of our own for a request, for as long as it says; its token is put at the end of `address`."""
    token = f"{PREFIX}{new_token()}"
    return Checkout(
        id=new_id("chk", now=now),
        customer_key=customer_key,
        provider_checkout=token,
        status=CheckoutProgress.OPEN,
        purpose=purpose,
        request=request,
        total_minor=total_minor,
        invoice_id=None,
        actor=actor,
        url=f"{address}{token}",
        success_url=success_url_of(request),
        expires_at=now + (LONG_TIME if is_long_lived(request) else OPEN_TIME),
        created_at=now,
    )


async def add_checkout(work: Work, checkout: Checkout) -> None:
    """Records a hosted page."""
    request = checkout.request
    stored = _Given(request, checkout.given) if request is not None and checkout.given else request
    await work.insert(
        checkouts,
        id=checkout.id,
        customer_key=checkout.customer_key,
        provider_checkout=checkout.provider_checkout,
        status=checkout.status,
        purpose=checkout.purpose,
        request=None if stored is None else STORED.dump_python(stored, mode="json"),
        total_minor=checkout.total_minor,
        invoice_id=checkout.invoice_id,
        actor=checkout.actor,
        url=checkout.url,
        success_url=checkout.success_url,
        expires_at=checkout.expires_at,
        created_at=checkout.created_at,
    )


async def find_checkout(work: Work, *where: sa.ColumnElement[bool]) -> Checkout | None:
    """The newest checkout that matches, or None."""
    statement = work.select(checkouts).where(*where).order_by(checkouts.c.created_at.desc(), checkouts.c.id.desc())
    row = await work.find(statement)
    return None if row is None else _checkout(row)


async def open_checkouts(work: Work, customer_key: str) -> list[Checkout]:
    """The customer's hosted pages that are open and have not expired."""
    return [page for page in await unfinished_checkouts(work, customer_key) if page.expires_at > work.now]


async def unfinished_checkouts(work: Work, customer_key: str) -> list[Checkout]:
    """The customer's hosted pages of which nobody has said that they are over, expired ones too, the oldest first."""
    statement = work.select(checkouts).where(
        checkouts.c.customer_key == customer_key,
        checkouts.c.status == CheckoutProgress.OPEN,
    )
    return [_checkout(row) for row in await work.all(statement.order_by(checkouts.c.created_at, checkouts.c.id))]


async def forgotten_checkouts(
    system: SystemWork,
    opened_before: datetime,
    after: str,
    limit: int,
) -> Sequence[tuple[Tenant, str, str]]:
    """The provider's pages opened some time ago that nobody has settled: tenant, our id, the provider's; by our id."""
    statement = sa.select(checkouts.c.tenant, checkouts.c.id, checkouts.c.provider_checkout).where(
        checkouts.c.status == CheckoutProgress.OPEN,
        checkouts.c.purpose.not_in(OURS),
        checkouts.c.created_at < opened_before,
        checkouts.c.id > after,
    )
    rows = await system.all(statement.order_by(checkouts.c.id).limit(limit))
    return [(Tenant.from_key(row.tenant), row.id, row.provider_checkout) for row in rows]


async def expired_links(system: SystemWork, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
    """Links whose time is up: tenant and token, the longest expired first."""
    statement = sa.select(checkouts.c.tenant, checkouts.c.provider_checkout).where(
        checkouts.c.status == CheckoutProgress.OPEN,
        checkouts.c.purpose == CheckoutPurpose.LINK,
        checkouts.c.expires_at <= now,
    )
    rows = await system.all(statement.order_by(checkouts.c.expires_at).limit(limit))
    return [(Tenant.from_key(row.tenant), row.provider_checkout) for row in rows]


async def find_tenant(system: SystemWork, provider_checkout: str, purpose: CheckoutPurpose) -> Tenant | None:
    """The tenant that has a page of this kind, or None."""
    where = (checkouts.c.provider_checkout == provider_checkout, checkouts.c.purpose == purpose)
    row = await system.find(sa.select(checkouts.c.tenant).where(*where))
    return None if row is None else Tenant.from_key(row.tenant)


async def change_checkout(
    work: Work, checkout: Checkout, status: CheckoutProgress, *, invoice_id: str | None = None
) -> None:
    """Marks a checkout settled, refunded or closed, with the invoice it ended in if there is one."""
    await work.update(
        checkouts,
        checkouts.c.customer_key == checkout.customer_key,
        checkouts.c.id == checkout.id,
        values={"status": status, "invoice_id": invoice_id or checkout.invoice_id},
    )


async def add_portal_session(work: Work, customer_key: str, **values: Any) -> None:  # noqa: ANN401  # the table's columns
    """Records a portal link (its digest only)."""
    await work.insert(portal_sessions, customer_key=customer_key, **values)


async def find_portal_session(system: SystemWork, digest: str, now: datetime) -> sa.Row[Any] | None:
    """The portal session of a link that has not expired."""
    where = (portal_sessions.c.digest == digest, portal_sessions.c.expires_at > now)
    return await system.find(sa.select(portal_sessions).where(*where))


def _checkout(row: sa.Row[Any]) -> Checkout:
    stored = None if row.request is None else STORED.validate_python(row.request)
    return Checkout(
        id=row.id,
        customer_key=row.customer_key,
        provider_checkout=row.provider_checkout,
        status=CheckoutProgress(row.status),
        purpose=CheckoutPurpose(row.purpose),
        request=stored.request if isinstance(stored, _Given) else stored,
        total_minor=row.total_minor,
        invoice_id=row.invoice_id,
        actor=row.actor,
        url=row.url,
        success_url=row.success_url,
        expires_at=row.expires_at,
        created_at=row.created_at,
        given=stored.customer_plan_ids if isinstance(stored, _Given) else (),
    )
