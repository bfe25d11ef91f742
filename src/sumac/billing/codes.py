"""Promotion codes that the payer enters on a hosted page (billing.md §14.4, §18.1)."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol

from sumac.billing import visits
from sumac.billing.requests import BillingRequest, CancelRequest, MultiCancelRequest, RedirectMode
from sumac.billing.visits import Checkout, CheckoutProgress, CheckoutPurpose
from sumac.core.errors import BadRequest, Conflict
from sumac.core.tenant import Tenant
from sumac.rewards.model import RewardChoice
from sumac.storage.database import Database
from sumac.storage.schema import checkouts
from sumac.storage.work import Work


class Answered(Protocol):
    """What asking for something came to; `payment_url` is the page that the payer is sent to."""

    @property
    def payment_url(self) -> str | None:
        """Where it is paid."""
        ...


class Perform(Protocol):
    """Does what is asked of billing."""

    def __call__(self, tenant: Tenant, request: BillingRequest, *, actor: str) -> Awaitable[Answered]:
        """Raises what billing raises."""
        ...


class CodeDesk:
    """Codes on the pages of every tenant."""

    def __init__(self, database: Database, perform: Perform) -> None:
        self._database = database
        self._perform = perform

    async def is_taken(self, tenant: Tenant, provider_checkout: str) -> bool:
        """Whether a code may be entered on the page: it is open, and for something that is bought or changed."""
        async with self._database.reading(tenant) as work:
            return await _asked_on(work, provider_checkout) is not None

    async def enter(self, tenant: Tenant, provider_checkout: str, code: str) -> str:
        """The address of a page for the same, less what the code takes off; the page before is closed.

        A payer has one code at a time: it takes the place of another one. Raises BadRequest and NotFound for the code,
        Conflict where the page is not open any more, and as `perform` does.
        """
        if not code:
            message = "Enter a promotion code"
            raise BadRequest(message, code="invalid_reward")
        async with self._database.reading(tenant) as work:
            page = await _asked_on(work, provider_checkout)
        request = None if page is None else page.request
        if page is None or request is None or isinstance(request, CancelRequest | MultiCancelRequest):
            message = "A code cannot be entered here any more; go back and start again"
            raise Conflict(message)
        kept = tuple(each for each in request.discounts if each.promotion_code is None)
        lowered = replace(request, discounts=(*kept, RewardChoice(promotion_code=code)))
        lowered = replace(lowered, redirect_mode=RedirectMode.ALWAYS)
        url = (await self._perform(tenant, lowered, actor=page.actor)).payment_url
        if url is None:
            message = "What this page was for has changed; go back and start again"
            raise Conflict(message)
        return url


async def _asked_on(work: Work, provider_checkout: str) -> Checkout | None:
    """The open page on which something is bought or changed, or None."""
    page = await visits.find_checkout(work, checkouts.c.provider_checkout == provider_checkout)
    if page is None or page.status is not CheckoutProgress.OPEN or page.request is None:
        return None
    if page.purpose not in {CheckoutPurpose.ATTACH, CheckoutPurpose.CONFIRM}:
        return None
    return None if isinstance(page.request, CancelRequest | MultiCancelRequest) else page
