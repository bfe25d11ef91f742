"""How a tenant deals with customers who do not pay, and what it wants to be told (billing.md §1.1, §12.5, §15.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from sumac.core.errors import BadRequest
from sumac.storage.schema import billing_settings
from sumac.storage.work import Work

RETRIES_MAX = 10
RETRY_DAYS_MAX = 60
ALERTS_MAX = 100


class AfterLastRetry(StrEnum):
    """What becomes of a plan when the last try to collect its invoice has failed."""

    CANCEL = "cancel"
    KEEP_PAST_DUE = "keep_past_due"


@dataclass(frozen=True, slots=True)
class BillingSettings:
    """What happens when an invoice cannot be collected or too much is used, and what the tenant wants to be told of.

    An invoice is tried again after each of `retry_days`, counted from the try before. With `past_due_access` the plan
    gives access all the while. `cancel_on_past_due` ends the plan at the first failure already, and voids the invoice.
    When a plan ends unpaid later, what is still owed for it is void with `void_invoices_on_cancellation`, else it stays
    in the books as a loss.

    With `persist_free_overage` what was used beyond units that cost nothing is taken from the next period's, or
    from units that are bought once before it begins (§9.3).
    `usage_alerts` are about the usage of every customer (§6.5), each as a customer's own is kept.
    """

    retry_days: tuple[int, ...] = (1, 3, 5, 7)
    after_last_retry: AfterLastRetry = AfterLastRetry.CANCEL
    past_due_access: bool = True
    cancel_on_past_due: bool = False
    void_invoices_on_cancellation: bool = False
    persist_free_overage: bool = False
    usage_alerts: tuple[Mapping[str, Any], ...] = ()


SETTINGS = TypeAdapter(BillingSettings)


async def get_billing_settings(work: Work) -> BillingSettings:
    """The tenant's settings; the usual ones until they are changed."""
    row = await work.find(work.select(billing_settings))
    return BillingSettings() if row is None else SETTINGS.validate_python(row.settings)


async def update_billing_settings(work: Work, changes: Mapping[str, Any]) -> BillingSettings:
    """Changes the settings that are named. Raises BadRequest for retry days out of bounds and too many alerts."""
    await work.lock("billing_settings")
    settings = replace(await get_billing_settings(work), **changes)
    _check(settings)
    values = {"settings": SETTINGS.dump_python(settings, mode="json"), "updated_at": work.now}
    if not await work.update(billing_settings, values=values):
        await work.insert(billing_settings, **values)
    return settings


def _check(settings: BillingSettings) -> None:
    if len(settings.retry_days) > RETRIES_MAX:
        message = f"retry_days: an invoice is tried again at most {RETRIES_MAX} times"
        raise BadRequest(message, code="invalid_inputs")
    if not all(1 <= days <= RETRY_DAYS_MAX for days in settings.retry_days):
        message = f"retry_days: each must be between 1 and {RETRY_DAYS_MAX} days"
        raise BadRequest(message, code="invalid_inputs")
    if len(settings.usage_alerts) > ALERTS_MAX:
        message = f"usage_alerts: there may be at most {ALERTS_MAX}"
        raise BadRequest(message, code="invalid_inputs")
