"""Pieces that the bodies of billing operations share (api.md §2.5)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from sumac.api.schemas.later import refuse_later
from sumac.api.schemas.wire import AnyId, FeatureId, Milliseconds, Name, Number, Truth, WholeNumber, WireModel
from sumac.billing.requests import CarryOver, CustomLine, InvoiceMode
from sumac.core.errors import BadRequest

ADDRESS_LENGTH_MAX = 2_000
LINES_MAX = 100
NET_TERMS_MAX = 365
QUANTITIES_MAX = 200


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if len(value) > ADDRESS_LENGTH_MAX or parts.scheme not in {"http", "https"} or not parts.netloc:
        raise PydanticCustomError("address", "must be an address that begins with http:// or https://")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]


class FeatureQuantity(WireModel):
    """The total chosen of a prepaid feature, included units counted."""

    feature_id: FeatureId
    quantity: Annotated[Number, Field(ge=0)] | None = None
    adjustable: Truth | None = None


Quantities = Annotated[list[FeatureQuantity], Field(max_length=QUANTITIES_MAX)]


def quantities_of(chosen: Sequence[FeatureQuantity] | None) -> dict[str, Decimal]:
    """The totals by feature. Raises BadRequest for a feature that stands twice."""
    totals: dict[str, Decimal] = {}
    for each in chosen or ():
        if each.feature_id in totals:
            message = f"feature_quantities: {each.feature_id} stands twice"
            raise BadRequest(message, code="invalid_options")
        if each.quantity is not None:
            totals[each.feature_id] = each.quantity
    return totals


class CarryOverBody(WireModel):
    """Which features take something along; all where none are listed."""

    enabled: Truth
    feature_ids: Annotated[list[FeatureId], Field(max_length=QUANTITIES_MAX)] | None = None

    def carry_over(self) -> CarryOver:
        """As a carry-over."""
        return CarryOver(self.enabled, None if self.feature_ids is None else tuple(self.feature_ids))


class InvoiceModeBody(WireModel):
    """The invoice is sent instead of charged."""

    enabled: Truth
    finalize: Truth = True
    enable_plan_immediately: Truth = False
    net_terms_days: Annotated[WholeNumber, Field(ge=1, le=NET_TERMS_MAX)] = 30
    invoice_template_id: AnyId | None = None
    issue_method: AnyId | None = None
    payment_method_types: list[str] | None = None

    def mode(self) -> InvoiceMode | None:
        """As an invoice mode; None when it is not enabled. Raises BadRequest for what is not available yet."""
        refuse_later(self, ("invoice_template_id", "issue_method", "payment_method_types"))
        if not self.enabled:
            return None
        return InvoiceMode(self.finalize, self.enable_plan_immediately, self.net_terms_days)


class LineBody(WireModel):
    """A line that the caller states, in major units; negative is a credit."""

    amount: Number
    description: Name
    period_start: Milliseconds | None = None
    period_end: Milliseconds | None = None


Lines = Annotated[list[LineBody], Field(max_length=LINES_MAX)]


def custom_lines_of(lines: Sequence[LineBody] | None) -> tuple[CustomLine, ...]:
    """The lines as stated."""
    return tuple(CustomLine(line.amount, line.description) for line in lines or ())
