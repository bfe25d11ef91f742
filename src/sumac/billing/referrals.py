"""Referral codes are redeemed and rewarded (billing.md §18.2).

Who is to be rewarded for a purchase follows from the state: somebody who redeemed a code, was not rewarded for it, and
has bought one of the program's plans since. It is read again while nobody else changes the program and both customers
are locked, and the rewards are given in the same transaction. So each is given once, however many look for it at once,
and whoever dies leaves it to the next one who looks.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace

from sumac.balances import usage
from sumac.balances.model import BalanceSnapshot
from sumac.billing import referral_store
from sumac.billing.collect import work_off
from sumac.billing.execute import refresh_due
from sumac.billing.load import currency_of
from sumac.billing.rewards import USE, give_features, own_rewards
from sumac.billing.service import BillingService
from sumac.core.errors import Conflict, Locked, NotFound
from sumac.core.ids import new_id
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.rewards import programs, referrals
from sumac.rewards import service as rewards
from sumac.rewards.model import Reward, RewardChoice
from sumac.rewards.referral_model import Program, RedeemOn, Referral
from sumac.rewards.rules.referral import has_room, is_applied, receivers
from sumac.storage.database import Database
from sumac.storage.schema import referral_redemptions
from sumac.storage.work import Work

ACTOR = "system:referrals"
BATCH = 100


class ReferralDesk:
    """The referrals of every tenant's customers."""

    def __init__(self, database: Database, billing: BillingService) -> None:
        self._database = database
        self._billing = billing

    async def redeem(self, tenant: Tenant, customer_id: str, code: str) -> Referral:
        """The customer uses somebody's code: rewarded at once, or with their first purchase, as the program says.

        Raises NotFound `customer_not_found` and `referral_code_not_found`, BadRequest as `check_referral` does.
        """

        async def change() -> tuple[Referral, Collection[str]]:
            async with self._database.work(tenant) as work:
                redeemer = await customers.get(work, customer_id)
                found, program = await referrals.find_code(work, code)
                snapshots = await _load_locked(work, {redeemer.key, found.customer_key})
                parties = (snapshots[key].customer for key in (found.customer_key, redeemer.key))
                referral = await referrals.redeem(work, found, program, *parties)
                if program.redeem_on is RedeemOn.CHECKOUT:
                    return referral, ()
                return referral, await _reward(work, program, referral, snapshots)

        referral, lowered = await self._billing.due.settled(tenant, change)
        await self._close_pages(tenant, lowered)
        return referral

    async def trigger_waiting(self) -> int:
        """Rewards a batch of each program's purchases; answers how many."""
        async with self._database.system_reading() as system:
            found = await referral_store.open_programs(system)
        return sum([await self._trigger_program(tenant, program_key) for tenant, program_key in found])

    async def _trigger_program(self, tenant: Tenant, program_key: str) -> int:
        async with self._database.reading(tenant) as work:
            program = await programs.find_by_key(work, program_key)
            bought = () if program is None else await referral_store.find_bought(work, program, BATCH)
        return await work_off("rewarding_failed", [(tenant, referral_id) for referral_id in bought], self._trigger)

    async def _trigger(self, tenant: Tenant, referral_id: str) -> bool:
        """Rewards one purchase; False when there is nothing to reward any more."""

        async def change() -> Collection[str] | None:
            async with self._database.work(tenant) as work:
                return await _reward_purchase(work, referral_id)

        lowered = await self._billing.due.settled(tenant, change)
        await self._close_pages(tenant, lowered or ())
        return lowered is not None

    async def _close_pages(self, tenant: Tenant, customer_ids: Collection[str]) -> None:
        """Nobody pays on a page that does not know of the reward; whoever is paying just now has it the next time."""
        for customer_id in customer_ids:
            with suppress(Locked, NotFound):
                await self._billing.close_pages(tenant, customer_id)


async def _reward_purchase(work: Work, referral_id: str) -> Collection[str] | None:
    """Rewards a purchase that is still to be rewarded, as `_reward` does; None where it is not."""
    referral = await referrals.find_waiting(work, referral_id)
    if referral is None:
        return None
    await programs.hold(work, referral.program_key)
    program = await programs.find_by_key(work, referral.program_key)
    if program is None or not has_room(program, await referrals.count_triggered(work, program)):
        return None
    present = await customers.get_by_keys(work, {referral.customer_key, referral.referrer_key})
    snapshots = await _load_locked(work, present)
    if not await referral_store.find_bought(work, program, 1, referral_redemptions.c.id == referral_id):
        return None
    return await _reward(work, program, referral, snapshots)


async def _load_locked(work: Work, customer_keys: Collection[str]) -> Mapping[str, BalanceSnapshot]:
    """What the customers have, by key, each locked and up to date; in one order, so that nobody waits in a circle."""
    loaded = {}
    for key in sorted(customer_keys):
        customer = await customers.get_by_key(work, key)
        loaded[key] = await usage.load_settled(work, customer.public_id, lock=True)
    return loaded


async def _reward(
    work: Work, program: Program, referral: Referral, snapshots: Mapping[str, BalanceSnapshot]
) -> Collection[str]:
    """Gives the reward to whom the program names and writes that it is done; answers whose invoices it lowers."""
    reward = await rewards.get(work, program.reward_id)
    given = {key: await _give(work, snapshots[key], reward) for key in receivers(program, referral) if key in snapshots}
    await referrals.trigger(
        work,
        replace(
            referral,
            reward_id=reward.id,
            triggered_at=snapshots[referral.customer_key].customer.now(work.now),
            referrer_use_id=given.get(referral.referrer_key),
            redeemer_use_id=given.get(referral.customer_key),
        ),
    )
    lowered = [key for key, use_id in given.items() if use_id is not None and reward.discount is not None]
    return [snapshots[key].customer.public_id for key in lowered]


async def _give(work: Work, snapshot: BalanceSnapshot, reward: Reward) -> str | None:
    """Gives a customer the reward; answers the id of the use, None where they have a discount already."""
    customer = snapshot.customer
    has_discount = bool(await own_rewards(work, customer))
    if not is_applied(reward, await currency_of(work, customer), has_discount=has_discount):
        return None
    use_id = new_id(USE, now=customer.now(work.now))
    _, use = await rewards.redeem(work, customer, RewardChoice(reward_id=reward.id), use_id=use_id, actor=ACTOR)
    await rewards.add_use(work, customer, use)
    for grant in reward.grants:
        # A flag that they have already needs not be given again.
        with suppress(Conflict):
            await give_features(work, snapshot, grant, reward, actor=ACTOR)
    await refresh_due(work, customer.key)
    return use_id
