"""Rewards: create, find, change, delete, redeem, and what customers have of them (billing.md §18.1, api.md §2.10).

Functions take the work they run in. Those that give a customer a reward need the customer's row locked.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sumac.catalog import service as catalog
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.rewards import store, uses
from sumac.rewards.model import AppliedReward, PromoCode, Reward, RewardChoice, RewardUse, code_key
from sumac.rewards.rules.redeem import Redemptions, check_discount, check_redeemable
from sumac.rewards.rules.terms import check_reward
from sumac.storage.schema import rewards
from sumac.storage.work import Work

CHANGES = "rewards"


async def list_rewards(work: Work) -> Sequence[Reward]:
    """Every reward, oldest first."""
    return await store.find(work)


async def get(work: Work, reward_id: str) -> Reward:
    """The reward. Raises NotFound `reward_not_found`."""
    found = await store.find(work, rewards.c.id == reward_id)
    if not found:
        message = f"Reward {reward_id} not found"
        raise NotFound(message, code="reward_not_found")
    return found[0]


async def create(work: Work, reward: Reward) -> Reward:
    """Adds a reward with its codes.

    Raises BadRequest `invalid_reward`, `duplicate_reward_id`, `duplicate_promo_code`, NotFound for a plan or a feature.
    """
    await work.lock(CHANGES)
    if await store.find(work, rewards.c.id == reward.id):
        message = f"Reward {reward.id} exists already"
        raise BadRequest(message, code="duplicate_reward_id")
    await _check(work, reward)
    await store.add(work, reward)
    await store.replace_codes(work, reward)
    return reward


async def update(work: Work, reward: Reward) -> Reward:
    """Writes the reward anew; who has it already keeps the terms it had, and codes keep what was redeemed with them.

    Raises as `create` does.
    """
    await work.lock(CHANGES)
    await _check(work, reward)
    await store.change(work, reward)
    await store.replace_codes(work, reward)
    return reward


async def delete(work: Work, reward_id: str) -> None:
    """Removes a reward; who has it keeps it. Raises NotFound, Conflict `invalid_request` for one of a program."""
    await work.lock(CHANGES)
    reward = await get(work, reward_id)
    program_id = await store.find_program(work, reward.id)
    if program_id is not None:
        message = f"Reward {reward.id} is given by referral program {program_id}; change or delete that first"
        raise Conflict(message, code="invalid_request")
    await store.remove(work, reward)


async def find_by_code(work: Work, code: str) -> tuple[Reward, PromoCode]:
    """The reward of a promotion code, whatever its case, and the code. Raises NotFound `reward_not_found`."""
    for key, reward_key in await store.find_code_owners(work, [code_key(code)]):
        for reward in await store.find(work, rewards.c.key == reward_key):
            return reward, next(each for each in reward.promo_codes if each.key == key)
    message = f"Promotion code {code} not found"
    raise NotFound(message, code="reward_not_found")


async def redeem(
    work: Work, customer: Customer, choice: RewardChoice, *, use_id: str, actor: str = ""
) -> tuple[Reward, RewardUse]:
    """The reward that is meant, as a use that is not written yet; its code, if it has one, is held until the work ends.

    Raises NotFound `reward_not_found`, and as `check_redeemable` does.
    """
    now = customer.now(work.now)
    if choice.promotion_code is None:
        reward, code = await get(work, choice.reward_id or ""), None
    else:
        await work.lock(f"promo_code:{code_key(choice.promotion_code)}")
        reward, code = await find_by_code(work, choice.promotion_code)
        check_redeemable(reward, code, await _redemptions(work, customer, reward, code), now=now)
    use = RewardUse(
        id=use_id,
        reward_key=reward.key,
        reward_id=reward.id,
        name=reward.name,
        discount=reward.discount,
        actor=actor,
        created_at=now,
        code=None if code is None else code.key,
    )
    return reward, use


async def redeem_discounts(
    work: Work,
    customer: Customer,
    choices: Sequence[tuple[RewardChoice, str]],
    *,
    currency: str,
    plan_ids: Collection[str] | None,
    actor: str = "",
    customer_plan_ids: tuple[str, ...] | None = None,
) -> tuple[RewardUse, ...]:
    """The rewards that are meant, each once, as uses of these ids that are not written yet (billing.md §14.4).

    `plan_ids` are the plans they are wanted for, `customer_plan_ids` the customer's own of them, None for whatever is
    billed. Raises as `redeem` and `check_discount`.
    """
    found: dict[str, RewardUse] = {}
    for choice, use_id in sorted(choices, key=lambda each: code_key(each[0].promotion_code or "")):
        reward, use = await redeem(work, customer, choice, use_id=use_id, actor=actor)
        check_discount(reward, currency, plan_ids)
        found.setdefault(reward.key, replace(use, customer_plan_ids=customer_plan_ids))
    return tuple(found.values())


async def add_use(work: Work, customer: Customer, use: RewardUse, *, invoice_id: str | None = None) -> None:
    """The customer has the reward from now on; it counts for nothing once the invoice is void that it came with."""
    await uses.add_use(work, customer.key, use, invoice_id=invoice_id)


async def end_use(work: Work, customer: Customer, use: RewardUse) -> None:
    """The reward is taken away from the customer."""
    await uses.end_use(work, customer.key, use.id, at=customer.now(work.now))


async def move_use(work: Work, customer: Customer, use_id: str, customer_plan_ids: Sequence[str]) -> None:
    """The reward is for these plans of the customer from now on."""
    await uses.move_use(work, customer.key, use_id, customer_plan_ids)


async def list_applied(work: Work, customer_key: str) -> Sequence[AppliedReward]:
    """The customer's discounts that were not taken away, oldest first, used up or not."""
    found = await uses.uses_of(work, customer_key)
    void = await invoices.find_void(work, {invoice_id for _, invoice_id in found if invoice_id is not None})
    live = [use for use, invoice_id in found if invoice_id not in void]
    taken = await invoices.discounts_taken(work, customer_key, [use.id for use in live])
    applied = []
    for use in live:
        if use.discount is not None:
            so_far = taken.get(use.id)
            each = AppliedReward(use, use.discount)
            if so_far is not None:
                each = replace(
                    each, taken_minor=so_far.amount_minor, invoices=so_far.invoices, first_at=so_far.first_at
                )
            applied.append(each)
    return applied


async def count_redemptions(work: Work, reward: Reward) -> dict[str, int]:
    """How often each code of the reward was redeemed, by the code in capitals."""
    counts = {code.key: 0 for code in reward.promo_codes}
    for _, key in await _redeemed(work, reward):
        if key in counts:
            counts[key] += 1
    return counts


async def _redemptions(work: Work, customer: Customer, reward: Reward, code: PromoCode) -> Redemptions:
    redeemed = await _redeemed(work, reward)
    return Redemptions(
        of_code=sum(key == code.key for _, key in redeemed),
        by_customer=any(customer_key == customer.key for customer_key, _ in redeemed),
        has_paid=code.first_transaction_only and await invoices.has_paid(work, customer.key),
    )


async def _redeemed(work: Work, reward: Reward) -> list[tuple[str, str]]:
    """Who redeemed which code of the reward; changes that were given up do not count."""
    found = await uses.redemptions_of(work, reward.key)
    void = await invoices.find_void(work, {invoice_id for *_, invoice_id in found if invoice_id is not None})
    return [(customer_key, key) for customer_key, key, invoice_id in found if invoice_id not in void]


async def _check(work: Work, reward: Reward) -> None:
    """Raises where the reward cannot be as it is."""
    features = {grant.feature_id: await catalog.get_feature(work, grant.feature_id) for grant in reward.grants}
    for plan_id in reward.discount.plan_ids or () if reward.discount else ():
        await catalog.get_plan(work, plan_id)
    check_reward(reward, features)
    owners = await store.find_code_owners(work, [code.key for code in reward.promo_codes])
    taken = next((key for key, reward_key in owners if reward_key != reward.key), None)
    if taken is not None:
        message = f"Promotion code {taken} belongs to another reward"
        raise BadRequest(message, code="duplicate_promo_code")
