"""balances.list on the wire (api.md §2.16)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from sumac.api.schemas.balances import BreakdownBody, RolloverUnitsBody
from sumac.api.schemas.pages import PageRequest
from sumac.api.schemas.wire import AnyId, CustomerId, FeatureId, Milliseconds, PlanId, Truth, WireModel
from sumac.balances.listing import GrantFilter, ListedStatus
from sumac.balances.model import Grant
from sumac.customers.model import Customer, Entity


class BalanceListRequest(PageRequest):
    """Which balances; `plan_id` null means those that were given beside every plan."""

    customer_id: CustomerId | None = None
    entity_id: AnyId | None = None
    feature_id: FeatureId | None = None
    plan_id: PlanId | None = None
    statuses: Annotated[list[Literal["active", "expired"]], Field(max_length=2)] | None = None

    def chosen(self, customer: Customer | None, entity_keys: Sequence[str] | None) -> GrantFilter:
        """As a filter."""
        return GrantFilter(
            customer_key=customer.key if customer else None,
            entity_keys=entity_keys,
            feature_id=self.feature_id,
            plan_id=self.plan_id,
            beside_plans="plan_id" in self.model_fields_set and self.plan_id is None,
            statuses=[ListedStatus(status) for status in self.statuses or ()],
        )


class ListedBalanceBody(BreakdownBody):
    """One source of a balance, and whose it is."""

    feature_id: str
    status: Literal["active", "expired"]
    rollovers: list[RolloverUnitsBody]
    customer_id: str
    entity_id: str | None
    created_at: Milliseconds
    source: Literal["customer", "entity"]

    @classmethod
    def listed(
        cls,
        grant: Grant,
        rollovers: Sequence[Grant],
        owner: Customer,
        entities: Mapping[str, Entity],
        now: datetime,
    ) -> Self:
        """As listed; one whose time is up by now is over, even before its end is written down."""
        plain = BreakdownBody.of(grant)
        over = grant.ended_at is not None or (grant.expires_at is not None and grant.expires_at <= now)
        entity = entities.get(grant.entity_key) if grant.entity_key is not None else None
        return cls(
            **{name: getattr(plain, name) for name in plain.model_fields_set},
            feature_id=grant.feature_id,
            status="expired" if over else "active",
            rollovers=[RolloverUnitsBody.of(each) for each in rollovers],
            customer_id=owner.public_id,
            entity_id=entity.public_id if entity else None,
            created_at=grant.created_at,
            source="customer" if grant.entity_key is None else "entity",
        )


class BalanceList(WireModel):
    """A page of balances, newest first."""

    list: list[ListedBalanceBody]
    has_more: Truth
    next_cursor: str | None
