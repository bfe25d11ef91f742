"""Rewards as customers get and lose them, beside what they attach (billing.md §18.1).

What a promotion code gives, and what is billed next, belong to the customer, so they are changed with the customer
locked and up to date.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sumac.balances import administer
from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.requests import GiveRequest
from sumac.billing import store
from sumac.billing.load import currency_of
from sumac.billing.service import BillingService
from sumac.core.errors import BadRequest, NotFound
from sumac.core.ids import new_id
from sumac.core.tenant import Tenant
from sumac.core.time import boundary
from sumac.customers.model import Customer
from sumac.rewards import service as rewards
from sumac.rewards.model import AppliedReward, FeatureGrant, Reward, RewardChoice, RewardUse
from sumac.rewards.rules.redeem import check_discount
from sumac.rewards.rules.standing import stands
from sumac.storage.work import Work

USE = "rwu"


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What redeeming a code came to: its reward, and the grants where it gives features."""

    reward: Reward
    grants: Sequence[Grant]


class RewardDesk:
    """The rewards of every tenant's customers."""

    def __init__(self, billing: BillingService) -> None:
        self._billing = billing

    async def redeem(self, tenant: Tenant, customer_id: str, code: str, *, actor: str) -> Redeemed:
        """Gives the customer what a promotion code is for: features at once, or a discount on what is billed next.

        Raises NotFound `reward_not_found` and `customer_not_found`, BadRequest as `check_redeemable` does, and where a
        discount would take the place of one that the customer has.
        """

        async def step(work: Work, snapshot: BalanceSnapshot) -> Redeemed:
            customer = snapshot.customer
            choice = RewardChoice(promotion_code=code)
            use_id = new_id(USE, now=customer.now(work.now))
            reward, use = await rewards.redeem(work, customer, choice, use_id=use_id, actor=actor)
            if reward.discount is not None:
                check_discount(reward, await currency_of(work, customer), None)
                _refuse_second(await own_rewards(work, customer))
                await rewards.add_use(work, customer, use)
                return Redeemed(reward, ())
            await rewards.add_use(work, customer, use)
            given = [await give_features(work, snapshot, each, reward, actor=actor) for each in reward.grants]
            return Redeemed(reward, given)

        redeemed = await self._billing.due.change(tenant, customer_id, step)
        if redeemed.reward.discount is not None:
            await self._billing.close_pages(tenant, customer_id)
        return redeemed

    async def add(
        self, tenant: Tenant, customer_id: str, choice: RewardChoice, *, subscription_id: str | None, actor: str
    ) -> RewardUse:
        """Takes a reward off whatever the customer is billed next, in the place of the one there is, if any.

        With `subscription_id` it is for that plan of the customer, beside those it has. Raises NotFound, BadRequest as
        `redeem` and `check_discount` do.
        """

        async def step(work: Work, snapshot: BalanceSnapshot) -> RewardUse:
            customer = snapshot.customer
            use_id = new_id(USE, now=customer.now(work.now))
            plans = None if subscription_id is None else await _plans_named(work, customer, subscription_id)
            (use,) = await rewards.redeem_discounts(
                work,
                customer,
                [(choice, use_id)],
                currency=await currency_of(work, customer),
                plan_ids=None if plans is None else list(plans.values()),
                actor=actor,
                customer_plan_ids=None if plans is None else tuple(plans),
            )
            for before in await rewards.list_applied(work, customer.key):
                same_plans = before.use.customer_plan_ids == use.customer_plan_ids
                if same_plans and (plans is None or before.use.reward_key == use.reward_key):
                    await rewards.end_use(work, customer, before.use)
            await rewards.add_use(work, customer, use)
            return use

        use = await self._billing.due.change(tenant, customer_id, step)
        await self._billing.close_pages(tenant, customer_id)
        return use

    async def remove(
        self, tenant: Tenant, customer_id: str, reward_id: str | None, *, subscription_id: str | None
    ) -> Sequence[RewardUse]:
        """Takes rewards away from the customer: the one that is named, or all; of one plan, or wherever they are.

        What is on an invoice already stays there. Raises NotFound `reward_not_found` where there is nothing to remove.
        """

        async def step(work: Work, snapshot: BalanceSnapshot) -> Sequence[RewardUse]:
            customer = snapshot.customer
            plans = None if subscription_id is None else await _plans_named(work, customer, subscription_id)
            removed = [
                each.use
                for each in await rewards.list_applied(work, customer.key)
                if reward_id in {None, each.use.reward_id}
                and (plans is None or not plans.keys().isdisjoint(each.use.customer_plan_ids or ()))
            ]
            if not removed:
                message = f"Customer {customer.public_id} has no reward {reward_id or ''}".rstrip()
                raise NotFound(message, code="reward_not_found")
            for use in removed:
                await rewards.end_use(work, customer, use)
            return removed

        removed = await self._billing.due.change(tenant, customer_id, step)
        await self._billing.close_pages(tenant, customer_id)
        return removed


async def give_features(
    work: Work, snapshot: BalanceSnapshot, grant: FeatureGrant, reward: Reward, *, actor: str
) -> Grant:
    """Gives what the reward gives of a feature, beside every plan. Raises as `decide_give` does."""
    now = snapshot.customer.now(work.now)
    request = GiveRequest(
        customer_id=snapshot.customer.public_id,
        feature_id=grant.feature_id,
        included=grant.included,
        expires_at=None if grant.expiry is None else boundary(now, grant.expiry, 1),
        reason=f"reward {reward.id}",
    )
    return await administer.give(work, snapshot, request, actor=actor)


async def list_standing(work: Work, customer: Customer) -> Sequence[AppliedReward]:
    """What the customer has that still takes something off invoices, oldest first."""
    now = customer.now(work.now)
    return [each for each in await rewards.list_applied(work, customer.key) if stands(each, at=now)]


async def own_rewards(work: Work, customer: Customer) -> Sequence[AppliedReward]:
    """The standing rewards that are for whatever the customer is billed."""
    return [each for each in await list_standing(work, customer) if each.use.customer_plan_ids is None]


def _refuse_second(own: Sequence[AppliedReward]) -> None:
    for each in own:
        message = f"This customer has reward {each.use.reward_id}; one at a time, remove it first"
        raise BadRequest(message, code="invalid_reward")


async def _plans_named(work: Work, customer: Customer, subscription_id: str) -> dict[str, str]:
    """The customer's live plans of a subscription id, with their plan ids, by customer plan id."""
    held = await store.plans_of(work, [customer.key])
    found = {each.id: each.plan_id for each in held if subscription_id in {each.id, each.subscription_id}}
    if not found:
        message = f"Customer {customer.public_id} has no subscription {subscription_id}"
        raise NotFound(message, code="customer_product_not_found")
    return found
