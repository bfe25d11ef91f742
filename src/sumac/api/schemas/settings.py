"""A tenant's billing settings on the wire."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sumac.api.schemas.controls import UsageAlert
from sumac.api.schemas.wire import Truth, WholeNumber, WireModel, storable
from sumac.core.errors import BadRequest
from sumac.core.tenant import Env
from sumac.organizations.model import Organization
from sumac.organizations.settings import ALERTS_MAX, RETRIES_MAX, RETRY_DAYS_MAX, AfterLastRetry, BillingSettings

RetryDays = Annotated[list[Annotated[WholeNumber, Field(ge=1, le=RETRY_DAYS_MAX)]], Field(max_length=RETRIES_MAX)]
Alerts = Annotated[list[UsageAlert], Field(max_length=ALERTS_MAX)]
LastRetry = Literal["cancel", "keep_past_due"]


class BillingSettingsBody(WireModel):
    """What happens when an invoice of a plan cannot be collected, and what usage the tenant is told of.

    An invoice is tried again after each of `retry_days`, counted from the try before; `after_last_retry` says what
    becomes of the plan then. With `persist_free_overage` what was used beyond free units is taken from the next
    period's, or from units that are bought once before. `usage_alerts` are about every customer's usage.
    """

    retry_days: RetryDays
    after_last_retry: LastRetry
    past_due_access: Truth
    cancel_on_past_due: Truth
    void_invoices_on_cancellation: Truth
    persist_free_overage: Truth
    usage_alerts: Alerts

    @classmethod
    def of(cls, settings: BillingSettings) -> Self:
        """As answered."""
        return cls(
            retry_days=list(settings.retry_days),
            after_last_retry=settings.after_last_retry.value,
            past_due_access=settings.past_due_access,
            cancel_on_past_due=settings.cancel_on_past_due,
            void_invoices_on_cancellation=settings.void_invoices_on_cancellation,
            persist_free_overage=settings.persist_free_overage,
            usage_alerts=[UsageAlert.model_validate(each) for each in settings.usage_alerts],
        )


class BillingSettingsChange(WireModel):
    """The settings to change; those left out stay as they are."""

    retry_days: RetryDays | None = None
    after_last_retry: LastRetry | None = None
    past_due_access: Truth | None = None
    cancel_on_past_due: Truth | None = None
    void_invoices_on_cancellation: Truth | None = None
    persist_free_overage: Truth | None = None
    usage_alerts: Alerts | None = None

    def changes(self) -> dict[str, Any]:
        """The settings that were named. Raises BadRequest when none was."""
        named = self.model_dump(exclude_none=True)
        if not named:
            message = f"Nothing to change: send one of {', '.join(BillingSettingsChange.model_fields)}"
            raise BadRequest(message, code="invalid_inputs")
        if "retry_days" in named:
            named["retry_days"] = tuple(named["retry_days"])
        if "usage_alerts" in named:
            named["usage_alerts"] = tuple(storable(named["usage_alerts"]))
        if "after_last_retry" in named:
            named["after_last_retry"] = AfterLastRetry(named["after_last_retry"])
        return named


class OrganizationBody(WireModel):
    """The organization and the environment that a key belongs to."""

    id: str
    name: str
    slug: str
    env: Literal["sandbox", "live"]
    default_currency: str

    @classmethod
    def of(cls, organization: Organization, env: Env) -> Self:
        """As it is answered."""
        return cls(
            id=organization.id,
            name=organization.name,
            slug=organization.slug,
            env=env.value,
            default_currency=organization.default_currency,
        )
