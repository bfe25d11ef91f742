"""May this customer? (billing.md §4)."""

import asyncio
from decimal import Decimal

import pytest

from sumac.catalog.model import PlanItem
from sumac.core.errors import BadRequest, NotFound
from sumac.events import service as events
from sumac.events.service import EventFilter
from tests.support.build import credit_system, feature, flag, free_plan, held_item, item, seats, usage_price
from tests.support.services import Services


async def holding(services: Services, *items: PlanItem) -> Services:
    """A customer on a free plan with these items."""
    await services.offer(
        feature(),
        seats(),
        flag(),
        credit_system("credits", {"messages": "0.2"}),
        credit_system("credits3", {"messages": "2"}),
    )
    await services.offer(free_plan("free", *items, auto_enable=True))
    await services.add_customer()
    return services


async def counted(services: Services) -> int:
    async with services.database.reading(services.tenant) as work:
        return len((await events.list_page(work, EventFilter(), cursor=None, limit=50)).items)


@pytest.mark.parametrize(
    ("held", "used", "required", "allowed"),
    [
        pytest.param(item("messages", 100), 30, 70, True, id="exactly-what-is-left"),
        pytest.param(item("messages", 100), 30, "70.0000000001", False, id="a-little-more"),
        pytest.param(item("messages", 100), 100, 0, True, id="nothing-at-zero"),
        pytest.param(item("messages", 100), 100, -1, True, id="giving-back"),
        pytest.param(item("messages", 100, price=usage_price(0)), 5000, 9999, True, id="overage-without-end"),
        pytest.param(
            item("messages", 100, price=usage_price(0, max_purchase=Decimal(300))), 0, 400, True, id="to-the-cap"
        ),
        pytest.param(
            item("messages", 100, price=usage_price(0, max_purchase=Decimal(300))), 0, 401, False, id="above-cap"
        ),
        pytest.param(
            item("messages", 100, price=usage_price(0, max_purchase=Decimal(300))), 150, 250, True, id="used-cap"
        ),
        pytest.param(
            item("messages", 100, price=usage_price(0, max_purchase=Decimal(300))), 150, 251, False, id="over-used"
        ),
        pytest.param(item("messages", unlimited=True, reset=None), 10**12, 10**12, True, id="unlimited"),
        pytest.param(held_item("seats", 5), 5, 1, False, id="held-units-at-zero"),
        pytest.param(held_item("seats", 5), 8, 1, False, id="held-units-below-zero"),
        pytest.param(held_item("seats", 5), 4, 1, True, id="a-held-unit-left"),
    ],
)
async def test_one_balance(services: Services, held: PlanItem, used: int, required: int | str, allowed: bool) -> None:  # noqa: FBT001  # a column
    """What is left, and overage where it is allowed, must cover what is required; equality passes (billing.md §4.2)."""
    await holding(services, held)
    await services.track(used, held.feature_id)

    answer = await services.check(required, held.feature_id)

    assert (allowed, held.feature_id) == (answer.access.allowed, answer.access.feature_id)
    assert answer.access.balance == await services.balance(held.feature_id)


async def test_a_flag_is_had_or_not(services: Services) -> None:
    """A boolean feature is allowed by its presence alone."""
    await holding(services, held_item("sso"))
    await services.offer(flag("audit"))

    with_flag, without = await services.check(1, "sso"), await services.check(1, "audit")

    assert (True, False) == (with_flag.access.allowed, without.access.allowed)
    assert with_flag.access.flag is not None
    assert with_flag.access.balance is None


async def test_a_feature_nobody_holds(services: Services) -> None:
    """Without a balance nothing is allowed but nothing (billing.md §4.2)."""
    await holding(services)

    assert [False, True] == [(await services.check(required)).access.allowed for required in (1, 0)]


async def test_credits_answer_for_a_feature(services: Services) -> None:
    """Five messages at a fifth of a credit need one credit, and the answer is about the credits (billing.md §4.1)."""
    await holding(services, item("credits", 1))

    answer = await services.check(5)
    more = await services.check("5.1")

    assert (True, "credits", Decimal(1)) == (answer.access.allowed, answer.access.feature_id, answer.access.required)
    assert not more.access.allowed


async def test_the_feature_itself_answers_first(services: Services) -> None:
    """As long as the feature's own balance allows it, credits are not asked."""
    await holding(services, item("messages", 3), item("credits", 100))

    own, paid = await services.check(3), await services.check(4)

    assert ("messages", "credits") == (own.access.feature_id, paid.access.feature_id)
    assert (Decimal(3), Decimal("0.8")) == (own.access.required, paid.access.required)


async def test_an_exhausted_credit_system_that_is_held_answers(services: Services) -> None:
    """Of two systems that pay for the feature the held one answers, also when it is empty (billing.md §4.1)."""
    await holding(services, item("credits3", 1))
    await services.track(1, "credits3")

    answer = await services.check(1)

    assert (False, "credits3", Decimal(2)) == (answer.access.allowed, answer.access.feature_id, answer.access.required)


async def test_a_check_that_counts(services: Services) -> None:
    """With an event the units are taken if they are allowed; if not, nothing is taken or recorded (billing.md §4.3)."""
    await holding(services, item("messages", 5))

    taken = await services.check(3, send_event=True)
    refused = await services.check(3, send_event=True)

    assert (True, False) == (taken.access.allowed, refused.access.allowed)
    assert taken.access.balance is not None
    assert Decimal(2) == taken.access.balance.remaining == await services.remaining()
    assert 1 == await counted(services)


async def test_a_check_alone_counts_nothing(services: Services) -> None:
    """Without an event nothing moves."""
    await holding(services, item("messages", 5))

    await services.check(3)

    assert (Decimal(5), 0) == (await services.remaining(), await counted(services))


async def test_parallel_checks_that_count_do_not_overspend(services: Services) -> None:
    """20 at once for one unit each on a balance of 7: exactly 7 are allowed, and all 7 are taken."""
    await holding(services, item("messages", 7))

    answers = await asyncio.gather(*(services.check(1, send_event=True) for _ in range(20)))

    assert 7 == sum(answer.access.allowed for answer in answers)
    assert (Decimal(0), 7) == (await services.remaining(), await counted(services))


async def test_what_cannot_be_asked(services: Services) -> None:
    """An event on a flag is refused; unknown customers and features are not found."""
    await holding(services, held_item("sso"))

    with pytest.raises(BadRequest):
        await services.check(1, "sso", send_event=True)
    with pytest.raises(NotFound) as no_feature:
        await services.check(1, "unknown")
    with pytest.raises(NotFound) as no_customer:
        await services.check(1, customer_id="nobody")
    assert ("feature_not_found", "customer_not_found") == (no_feature.value.code, no_customer.value.code)
