"""Storing a card ahead of a charge, on the wire (api.md §2.5 `billing.setup_payment`)."""

from sumac.api.schemas.billing import AttachTerms
from sumac.api.schemas.wire import PlanId, WireModel
from sumac.billing.requests import SetupRequest
from sumac.core.errors import BadRequest

NOT_FOR_A_CARD = ("invoice_mode", "long_lived_checkout", "new_billing_subscription", "plan_schedule", "redirect_mode")


class SetupBody(AttachTerms):
    """Whose card is to be stored, and what is to be attached once it is there, if anything."""

    plan_id: PlanId | None = None

    def request(self) -> SetupRequest:
        """As a request. Raises as the request of an attach does, and BadRequest for what has no sense for a card."""
        for name in NOT_FOR_A_CARD:
            if getattr(self, name) not in (None, "if_required"):
                message = f"{name}: is not for billing.setup_payment, whose plan is charged to the card stored with it"
                raise BadRequest(message)
        if self.enable_plan_immediately and self.starts_at is None:
            message = (
                "enable_plan_immediately: is not for billing.setup_payment, whose plan starts once there is a card"
            )
            raise BadRequest(message)
        attach = None if self.plan_id is None else self.request_for(self.plan_id)
        return SetupRequest(self.customer_id, attach, self.success_url)


class SetupAnswer(WireModel):
    """The page to send the customer to."""

    customer_id: str
    entity_id: str | None = None
    url: str
