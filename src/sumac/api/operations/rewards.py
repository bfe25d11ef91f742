"""rewards.*, and the rewards of a customer (api.md §2.10, billing.md §18.1)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.applied_rewards import AppliedRewardBody, RewardAdd, RewardRemove
from sumac.api.schemas.rewards import (
    RedeemedBody,
    RewardBody,
    RewardChoiceBody,
    RewardCreate,
    RewardList,
    RewardRedeem,
    RewardUpdate,
)
from sumac.api.schemas.wire import Success
from sumac.core.ids import new_id
from sumac.organizations import service as organizations
from sumac.rewards import service as rewards

router = OperationRouter("rewards")


@router.operation("rewards.create", scope="rewards:write")
async def create_reward(body: RewardCreate, context: Context) -> RewardBody:
    """Adds a coupon, which is taken off invoices, or a feature grant, which is redeemed with a code.

    Amounts are in the organization's currency. Invoice credits last over invoices until they are used up; any other
    fixed amount that is more than an invoice lapses with it.
    """
    async with context.work() as work:
        currency = await organizations.default_currency(work)
        reward = await rewards.create(work, body.reward(new_id("rew", now=work.now), currency, work.now))
        return RewardBody.of(reward, await rewards.count_redemptions(work, reward))


@router.operation("rewards.get", scope="rewards:read")
async def get_reward(body: RewardChoiceBody, context: Context) -> RewardBody:
    """One reward."""
    async with context.reading() as work:
        reward = await rewards.get(work, body.reward_id)
        return RewardBody.of(reward, await rewards.count_redemptions(work, reward))


@router.operation("rewards.list", scope="rewards:read")
async def list_rewards(context: Context) -> RewardList:
    """Every reward, oldest first."""
    async with context.reading() as work:
        found = await rewards.list_rewards(work)
        return RewardList.of([(each, await rewards.count_redemptions(work, each)) for each in found])


@router.operation("rewards.update", scope="rewards:write")
async def update_reward(body: RewardUpdate, context: Context) -> RewardBody:
    """Changes the name, the plans or features, or the codes of a reward; lists replace.

    Who has it already keeps the terms it had. A code that stays keeps what was redeemed with it.
    """
    async with context.work() as work:
        before = await rewards.get(work, body.reward_id)
        reward = await rewards.update(work, body.changed(before))
        return RewardBody.of(reward, await rewards.count_redemptions(work, reward))


@router.operation("rewards.delete", scope="rewards:write")
async def delete_reward(body: RewardChoiceBody, context: Context) -> Success:
    """Removes a reward with its codes; who has it keeps it. 409 while a referral program gives it."""
    async with context.work() as work:
        await rewards.delete(work, body.reward_id)
    return Success(success=True)


@router.operation("rewards.redeem", scope="rewards:write")
async def redeem_reward(body: RewardRedeem, context: Context) -> RedeemedBody:
    """Redeems a promotion code for a customer: features at once, a discount on the next checkout or invoice.

    Each customer redeems a reward once, whichever code they have.
    """
    redeemed = await context.services.rewards.redeem(context.tenant, body.customer_id, body.code, actor=context.actor)
    return RedeemedBody.of(redeemed.reward, redeemed.grants)


@router.operation("customers.add_reward", scope="customers:write")
async def add_reward(body: RewardAdd, context: Context) -> AppliedRewardBody:
    """Takes a reward off what the customer is billed next, on a checkout page or an invoice, whichever comes first.

    A customer has one reward at a time: it takes the place of the one there is. With `subscription_id` it is for that
    plan, beside the ones it has; such a plan is not lowered by the customer's own reward.
    """
    use = await context.services.rewards.add(
        context.tenant,
        body.customer_id,
        body.choice(),
        subscription_id=body.subscription_id,
        actor=context.actor,
    )
    return AppliedRewardBody(success=True, reward_id=use.reward_id)


@router.operation("customers.remove_reward", scope="customers:write")
async def remove_reward(body: RewardRemove, context: Context) -> Success:
    """Takes a reward away from the customer, or all of them; what is on an invoice already stays there."""
    await context.services.rewards.remove(
        context.tenant, body.customer_id, body.reward_id, subscription_id=body.subscription_id
    )
    return Success(success=True)
