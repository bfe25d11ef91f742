"""Fifty callers at one lock at once, through several processes: the balance changes once (billing.md §7)."""

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.balances import reservations
from sumac.balances.requests import FinalizeAction, FinalizeRequest, OverageBehavior
from sumac.balances.usage import CheckAnswer
from sumac.core.errors import Conflict
from tests.conftest import NEW_YEAR
from tests.support.crowd import Call, at_once
from tests.support.reserving import counted, holding, left
from tests.support.services import Services

SEEDS = pytest.mark.parametrize("seed", range(3))
CALLERS = 50
MINUTE = timedelta(minutes=1)


class ProcessDiedError(Exception):
    """The process was killed before its transaction was committed."""


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer with 30 units that never come back by themselves."""
    return await holding(services, ("all", "messages", 30, None))


def reserve(required: int, lock_id: str = "job") -> Call:
    return lambda shop: shop.reserve(required, lock_id=lock_id)


def finalize(value: int, lock_id: str = "job") -> Call:
    return lambda shop: shop.finalize(value, lock_id)


def release(shop: Services) -> Awaitable[object]:
    return shop.finalize(action=FinalizeAction.RELEASE)


async def use(shop: Services) -> int:
    """One unit, or a refusal; how many were used."""
    await shop.track(1, overage_behavior=OverageBehavior.REJECT)
    return 1


def hold_three_and_use_one(lock_id: str) -> Call:
    """Three units are held, and one of them is used; how many were."""

    async def work_off(shop: Services) -> int:
        if not (await shop.reserve(3, lock_id=lock_id)).access.allowed:
            return 0
        await shop.finalize(1, lock_id)
        return 1

    return work_off


def sweep(shop: Services) -> Awaitable[object]:
    return shop.billing.settle_due_customers()


def allowed(answers: Sequence[object]) -> int:
    """How many were told yes."""
    return sum(isinstance(answer, CheckAnswer) and answer.access.allowed for answer in answers)


@SEEDS
async def test_a_lock_is_finalized_by_fifty(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Each says another value: one of them is what it comes to, and is recorded once."""
    await shop.reserve(20)

    await at_once(crowd, seed, [finalize(value) for value in range(CALLERS // 2)] + [release] * (CALLERS // 2))

    recorded = await counted(shop)
    assert 20 in recorded
    assert len(recorded) <= 2
    assert {"all": 30 - sum(recorded)} == await left(shop)
    before = await left(shop)
    await shop.finalize(1)
    assert before == await left(shop)


@SEEDS
async def test_one_name_for_fifty(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """One of them holds its units, all others are told that the lock exists."""
    answers = await at_once(crowd, seed, [reserve(1) for _ in range(CALLERS)])

    assert (1, CALLERS - 1) == (allowed(answers), sum(isinstance(answer, Conflict) for answer in answers))
    assert {"all": 29} == await left(shop)
    assert [1] == await counted(shop)


@SEEDS
async def test_thirty_units_for_fifty(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Exactly thirty of fifty hold a unit; released, all thirty are there again."""
    answers = await at_once(crowd, seed, [reserve(1, f"job-{number}") for number in range(CALLERS)])

    assert (30, {"all": 0}) == (allowed(answers), await left(shop))

    await at_once(crowd, seed, [finalize(0, f"job-{number}") for number in range(CALLERS)])

    assert {"all": 30} == await left(shop)
    assert [-1] * 30 + [1] * 30 == await counted(shop)


@SEEDS
async def test_finalized_as_it_expires(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """At the instant of its expiry finalizing comes too late, whoever gives the units back; they come back once."""
    await shop.reserve(20, expires_at=NEW_YEAR + MINUTE)
    shop.clock.advance(MINUTE)

    await at_once(crowd, seed, [finalize(7)] * 30 + [sweep] * 10 + [use] * 10)

    assert {"all": 20} == await left(shop)
    assert [-20, *[1] * 10, 20] == await counted(shop)
    assert None is (await shop.customer()).due_at


@SEEDS
async def test_a_process_that_died(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """It had finalized the lock but not committed: nothing of it is there, and the next one to finalize does it."""
    await shop.reserve(20)
    with suppress(ProcessDiedError):
        async with shop.database.work(shop.tenant) as work:
            await reservations.finalize(work, FinalizeRequest("job", override_value=Decimal(3)))
            raise ProcessDiedError
    assert {"all": 10} == await left(shop)

    await at_once(crowd, seed, [finalize(12)] * CALLERS)

    assert {"all": 18} == await left(shop)
    assert [-8, 20] == await counted(shop)


@SEEDS
async def test_a_process_that_died_before_it_finalized(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Its units come back when the lock expires, however many see to it, and others may use them at once."""
    for number in range(3):
        await shop.reserve(10, lock_id=f"job-{number}", expires_at=NEW_YEAR + (number + 1) * MINUTE)
    shop.clock.advance(3 * MINUTE)

    answers = await at_once(crowd, seed, [sweep] * 10 + [reserve(1, f"new-{number}") for number in range(40)])

    assert (30, {"all": 0}) == (allowed(answers), await left(shop))
    assert [-10] * 3 + [1] * 30 + [10] * 3 == await counted(shop)


@SEEDS
async def test_locks_and_usage(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Locks that are held and finalized for less, and usage beside them: all that was let through is counted once."""
    answers = await at_once(crowd, seed, [*[use] * 15, *[hold_three_and_use_one(f"job-{each}") for each in range(35)]])

    used = sum(answer for answer in answers if isinstance(answer, int))
    assert used > 0
    assert {"all": 30 - used} == await left(shop)
    assert used == sum(await counted(shop))
