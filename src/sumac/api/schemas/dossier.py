"""What is shown of whom: plans, balances and flags of a customer or of one entity of theirs (api.md §2.0)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Self

from sumac.api.schemas.balances import BalanceBody, FlagBody
from sumac.api.schemas.plans import PlanBody
from sumac.api.schemas.shown_controls import customer_controls, with_purchases
from sumac.api.schemas.subscriptions import PurchaseBody, SubscriptionBody
from sumac.api.schemas.wire import Milliseconds, WireModel
from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.sum import compute_balance
from sumac.balances.rules.sum import shown as shown_balance
from sumac.billing.model import Holding
from sumac.billing.provider import PaymentMethod
from sumac.billing.rules.upcoming import Upcoming
from sumac.billing.topup_model import TopupState
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.tenant import Tenant
from sumac.customers.model import Customer, Entity
from sumac.invoices.model import Invoice
from sumac.rewards.model import AppliedReward
from sumac.rewards.referrals import Invited


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that is shown of a customer; some of it only when it was asked for."""

    customer: Customer
    currency: str
    holdings: Sequence[Holding]
    grants: Sequence[Grant]
    features: Mapping[str, Feature]
    limits: BalanceSnapshot
    invoices: Sequence[Invoice] = ()
    cards: Sequence[PaymentMethod] = ()
    trials_used: Collection[str] = ()
    entities: Sequence[Entity] = ()
    topups: Mapping[str, TopupState] | None = None
    upcoming: Sequence[Upcoming] = ()
    rewards: Sequence[AppliedReward] = ()
    referrals: Sequence[Invited] = ()

    def controls(self, now: datetime) -> dict[str, Any]:
        """Billing controls of the customer, and of their plans those that decide."""
        plans = {each.held.id: each.plan.billing_controls or {} for each in self.holdings}
        shown = customer_controls(self.limits, plans, now)
        return shown if self.topups is None else with_purchases(shown, self.topups, now)

    def seen_by(self, entity: Entity) -> Self:
        """What one entity sees of it: its own and the customer's, nothing of its siblings (billing.md §3.3)."""
        own = {None, entity.key}
        held = [each for each in self.holdings if each.held.entity_key in own]
        return replace(self, holdings=held, grants=visible(self.grants, entity.key))

    def holds(self, tenant: Tenant, now: datetime, expand: Collection[str]) -> dict[str, Any]:
        """Subscriptions, purchases, balances and flags at an instant; `expand` names what else to show of each."""
        return {
            "subscriptions": [
                SubscriptionBody.of(each, self._plan(each, tenant, "subscriptions.plan" in expand), now=now)
                for each in self.holdings
                if each.held.recurring
            ],
            "purchases": [
                PurchaseBody.of(each, self._plan(each, tenant, "purchases.plan" in expand))
                for each in self.holdings
                if not each.held.recurring
            ],
            "balances": self._balances(self.features if "balances.feature" in expand else None),
            "flags": self._flags(self.features if "flags.feature" in expand else None),
        }

    def _plan(self, holding: Holding, tenant: Tenant, shown: bool) -> PlanBody | None:  # noqa: FBT001  # an answer
        if not shown:
            return None
        custom = holding.held.terms is not None
        return PlanBody.of(holding.plan, self.features, tenant.env, currency=self.currency, is_custom=custom)

    def _balances(self, shown: Mapping[str, Feature] | None) -> dict[str, BalanceBody]:
        bodies = {}
        grants = visible(self.grants, None)
        for feature_id in dict.fromkeys(grant.feature_id for grant in grants):
            feature = self.features.get(feature_id)
            held = compute_balance(feature_id, grants)
            balance = shown_balance(held) if held is not None else None
            if balance is not None and feature is not None and feature.kind is not FeatureKind.BOOLEAN:
                bodies[feature_id] = BalanceBody.of(balance, shown)
        return bodies

    def _flags(self, shown: Mapping[str, Feature] | None) -> dict[str, FlagBody]:
        flags: dict[str, FlagBody] = {}
        for grant in visible(self.grants, None):
            feature = self.features.get(grant.feature_id)
            if feature is not None and feature.kind is FeatureKind.BOOLEAN:
                flags.setdefault(grant.feature_id, FlagBody.of(grant, shown))
        return flags


class EntityShortBody(WireModel):
    """An entity without what it holds."""

    id: str | None
    name: str | None
    customer_id: str | None
    feature_id: str | None
    created_at: Milliseconds
    env: Literal["sandbox", "live"]

    @classmethod
    def of(cls, entity: Entity, customer: Customer, tenant: Tenant) -> Self:
        """The entity of that customer."""
        return cls(
            id=entity.id,
            name=entity.name,
            customer_id=customer.public_id,
            feature_id=entity.feature_id,
            created_at=entity.created_at,
            env=tenant.env.value,
        )
