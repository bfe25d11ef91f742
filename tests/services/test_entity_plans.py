"""Plans of entities: each entity has its own, billed together with the customer's (billing.md §10.2, §10.4, §17.1)."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.billing.requests import CancelAction, CancelRequest, MultiCancelRequest, UpdateRequest
from sumac.catalog.model import Plan
from sumac.core.errors import BadRequest, Conflict, NotFound
from tests.support.build import YEARLY, feature, free_plan, item, plan, price, seats, trial, usage_price
from tests.support.services import ACTOR, GOOD_CARD, Services

MID_JANUARY, FEBRUARY, MARCH = (datetime(2026, month, day, tzinfo=UTC) for month, day in ((1, 15), (2, 1), (3, 1)))
PRO = plan("pro", item("messages", 100))
PREMIUM = plan("premium", item("messages", 500), price=price(50))
FREE = free_plan("free", item("messages", 10), auto_enable=True)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Features, and a customer with a good card and two entities; each test offers its own plans."""
    await services.offer(feature(), seats())
    await services.add_customer(card=GOOD_CARD)
    await services.add_entity("one")
    await services.add_entity("two")
    return services


async def statuses(shop: Services) -> dict[tuple[str | None, str], str]:
    """The status of each live plan, by whose it is and its id; canceling ones say so."""
    async with shop.database.reading(shop.tenant) as work:
        ada = await shop.customer()
        held = (await shop.billing.holdings(work, [ada.key])).get(ada.key, ())
        keys = {entity.key: entity.id for entity in await shop.entities_of()}
    return {
        (keys.get(each.held.entity_key or ""), each.plan.id): (
            "canceling" if each.held.is_canceling else each.held.status.value
        )
        for each in held
    }


async def left(shop: Services) -> tuple[int, ...]:
    """Messages left to the customer, and to entities one and two; -1 for nothing held."""
    found = [await shop.remaining(entity_id=each) for each in (None, "one", "two")]
    return tuple(-1 if units is None else int(units) for units in found)


async def test_a_second_entity_joins_the_cycle(shop: Services) -> None:
    """Pro for one, two weeks later Pro for the other: 17 of 31 days, $10.97, and one invoice at the renewal (A19)."""
    await shop.offer(PRO)
    await shop.attach("pro", entity_id="one")
    await shop.advance(MID_JANUARY)
    await shop.attach("pro", entity_id="two")
    assert ["20.00", "10.97"] == await shop.totals()

    await shop.advance(FEBRUARY)

    assert ["20.00", "10.97", "40.00"] == await shop.totals()
    assert {("one", "pro"): "active", ("two", "pro"): "active"} == await statuses(shop)


async def test_a_subscription_of_its_own(shop: Services) -> None:
    """With a new subscription the second one has its own cycle, whole from the start (A20)."""
    await shop.offer(PRO)
    await shop.attach("pro", entity_id="one")
    await shop.advance(MID_JANUARY)
    await shop.attach("pro", entity_id="two", new_subscription=True)
    await shop.advance(FEBRUARY)

    assert ["20.00", "20.00", "20.00"] == await shop.totals()


async def test_a_month_beside_a_year(shop: Services) -> None:
    """A year for one and, three weeks later, a month for the other: only that, prorated on its own month (A21)."""
    await shop.offer(PRO, plan("annual", item("messages", 100), price=price(200, YEARLY), group="other"))
    await shop.attach("annual", entity_id="one")
    await shop.advance(datetime(2026, 1, 22, tzinfo=UTC))
    await shop.attach("pro", entity_id="two")

    assert ["200.00", "6.45"] == await shop.totals()
    await shop.advance(FEBRUARY)
    assert ["200.00", "6.45", "20.00"] == await shop.totals()


async def test_a_trial_is_shared(shop: Services) -> None:
    """Two entities try Pro; one goes to Premium, which has no trial: $70, and the sibling is on trial no more (§11)."""
    await shop.offer(plan("pro", item("messages", 100), free_trial=trial(14)), PREMIUM)
    await shop.attach("pro", entity_id="one")
    await shop.attach("pro", entity_id="two")
    assert [] == [total for total in await shop.totals() if total != "0.00"]
    await shop.attach("premium", entity_id="one")

    assert ["70.00"] == [total for total in await shop.totals() if total != "0.00"]
    assert {("one", "premium"): "active", ("two", "pro"): "active"} == await statuses(shop)
    await shop.advance(FEBRUARY)
    assert ["70.00", "70.00"] == [total for total in await shop.totals() if total != "0.00"]


async def test_each_entity_switches_by_itself(shop: Services) -> None:
    """Up at once, down at the end, the same plan twice only for others; whose plan it is says whose units it gives."""
    await shop.offer(PRO, PREMIUM)
    await shop.attach("pro")
    await shop.attach("pro", entity_id="one")
    await shop.attach("premium", entity_id="two")
    with pytest.raises(Conflict):
        await shop.attach("pro", entity_id="one")
    assert (700, 200, 600) == await left(shop)
    await shop.track(150, entity_id="one")
    assert (550, 50, 550) == await left(shop)
    await shop.attach("premium", entity_id="one")
    await shop.attach("pro", entity_id="two")

    assert {
        (None, "pro"): "active",
        ("one", "premium"): "active",
        ("two", "premium"): "canceling",
        ("two", "pro"): "scheduled",
    } == await statuses(shop)
    assert ["20.00", "20.00", "50.00", "30.00"] == await shop.totals()
    await shop.advance(FEBRUARY)
    assert {(None, "pro"): "active", ("one", "premium"): "active", ("two", "pro"): "active"} == await statuses(shop)
    assert ["90.00"] == (await shop.totals())[4:]


async def test_overage_of_plans_is_rounded_by_itself(shop: Services) -> None:
    """155 and 123 used of 100 each, $1 for every ten, in two plans: $6 and $3 (§20.1 row 12)."""
    metered = item("messages", 100, price=usage_price(1, billing_units=Decimal(10)))
    await shop.offer(plan("pro", metered, price=None))
    await shop.attach("pro", entity_id="one")
    await shop.attach("pro", entity_id="two")
    await shop.track(155, entity_id="one")
    await shop.track(123, entity_id="two")
    await shop.advance(FEBRUARY)

    assert ["9.00"] == [total for total in await shop.totals() if total != "0.00"]


async def test_the_plans_of_an_entity_go_with_it(shop: Services) -> None:
    """At once and without any proration, what waits as well; the customer and the siblings are not touched (§17.1)."""
    await shop.offer(PRO, PREMIUM, plan("add-on", item("messages", 7), price=price(5), add_on=True))
    for entity_id in (None, "one", "two"):
        await shop.attach("premium", entity_id=entity_id)
    await shop.attach("add-on", entity_id="one")
    await shop.attach("pro", entity_id="one")
    before = await shop.totals()
    await shop.advance(MID_JANUARY)
    await shop.delete_entity("one")

    assert before == await shop.totals()
    assert {(None, "premium"): "active", ("two", "premium"): "active"} == await statuses(shop)
    assert Decimal(1000) == await shop.remaining()
    await shop.advance(FEBRUARY)
    assert ["100.00"] == (await shop.totals())[len(before) :]
    again = await shop.add_entity("one")
    await shop.attach("pro", entity_id="one")
    assert again.id == "one"
    assert ("one", "pro") in await statuses(shop)


async def test_cancelling_the_plan_of_an_entity(shop: Services) -> None:
    """At once with the unused time given back, or at the end; no free plan takes its place (§12.5)."""
    await shop.offer(FREE, PRO)
    await shop.attach("pro", entity_id="one")
    await shop.attach("pro", entity_id="two")
    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE, entity_id="one")
    assert {("one", "pro"): "canceling", ("two", "pro"): "active"} == await statuses(shop)
    await shop.cancel(CancelAction.UNCANCEL, entity_id="one")
    await shop.cancel(CancelAction.CANCEL_END_OF_CYCLE, entity_id="one")
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, entity_id="two")
    assert ["20.00", "20.00", "-20.00"] == await shop.totals()
    await shop.advance(FEBRUARY)
    assert {} == await statuses(shop)
    assert (-1, -1, -1) == await left(shop)


async def test_which_plan_is_meant(shop: Services) -> None:
    """A plan is looked for where the request says; its own id finds it anywhere (§12.1)."""
    await shop.offer(PRO, plan("dear", item("messages", 100), price=price(30), group="other"))
    await shop.attach("pro", entity_id="one", subscription_id="sub-one")
    await shop.attach("dear", entity_id="two")
    for missing in ({}, {"entity_id": "two"}):
        with pytest.raises(NotFound) as error:
            await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro", **missing)
        assert "customer_product_not_found" == error.value.code
    with pytest.raises(NotFound) as unknown:
        await shop.attach("pro", entity_id="three")
    assert "entity_not_found" == unknown.value.code
    request = UpdateRequest("ada", subscription_id="sub-one", version=1, anchor="now")
    await shop.billing.perform(shop.tenant, request, actor=ACTOR)
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, subscription_id="sub-one")
    assert {("two", "dear"): "active"} == await statuses(shop)
    with pytest.raises(NotFound):
        await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, subscription_id="sub-two")


async def test_several_plans_of_one_entity(shop: Services) -> None:
    """They are cancelled together."""
    await shop.offer(PRO, plan("add-on", item("messages", 7), price=price(5), add_on=True))
    await shop.attach("pro", entity_id="one")
    await shop.attach("add-on", entity_id="one")
    await shop.attach("pro", entity_id="two")
    now = CancelAction.CANCEL_IMMEDIATELY
    both = MultiCancelRequest(
        "ada", (CancelRequest("ada", now, "pro"), CancelRequest("ada", now, "add-on")), entity_id="one"
    )
    await shop.billing.perform(shop.tenant, both, actor=ACTOR)

    assert {("two", "pro"): "active"} == await statuses(shop)
    assert "-25.00" == (await shop.totals())[-1]


async def test_plans_of_several_scopes_are_cancelled_together(shop: Services) -> None:
    """On one invoice, each where its change says; the customer's free plan follows the customer's plan only (§12.5)."""
    await shop.offer(FREE, PRO, plan("add-on", item("messages", 7), price=price(5), add_on=True))
    for entity_id in (None, "one", "two"):
        await shop.attach("pro", entity_id=entity_id)
    await shop.attach("add-on", entity_id="two")
    now, later = CancelAction.CANCEL_IMMEDIATELY, CancelAction.CANCEL_END_OF_CYCLE
    changes = (
        CancelRequest("ada", now, "pro"),
        CancelRequest("ada", later, "pro", entity_id="one"),
        CancelRequest("ada", now, "pro", entity_id="two"),
    )
    request = MultiCancelRequest("ada", changes)
    preview = await shop.billing.preview(shop.tenant, request)
    receipt = await shop.billing.perform(shop.tenant, request, actor=ACTOR)

    assert receipt.invoice is not None
    assert preview.decision.invoice is not None
    assert ("-40.00", 2) == ((await shop.totals())[-1], len(preview.decision.invoice.lines))
    assert {
        (None, "free"): "active",
        ("one", "pro"): "canceling",
        ("two", "add-on"): "active",
    } == await statuses(shop)


async def test_what_cannot_be_cancelled_together(shop: Services) -> None:
    """A plan that somebody else has, an entity that is not there, one plan twice: nothing is cancelled at all."""
    await shop.offer(PRO)
    await shop.attach("pro", entity_id="one")
    await shop.attach("pro", entity_id="two")
    held = await statuses(shop)
    now = CancelAction.CANCEL_IMMEDIATELY
    first = CancelRequest("ada", now, "pro", entity_id="one")
    for other, error in (
        (CancelRequest("ada", now, "pro"), NotFound),
        (CancelRequest("ada", now, "pro", entity_id="three"), NotFound),
        (CancelRequest("ada", now, "pro", entity_id="one"), BadRequest),
    ):
        with pytest.raises(error):
            await shop.billing.perform(shop.tenant, MultiCancelRequest("ada", (first, other)), actor=ACTOR)

    assert held == await statuses(shop)


@pytest.mark.parametrize("offered", [PRO, PREMIUM], ids=["the-same-price", "a-dearer-plan"])
async def test_a_trial_is_had_once_by_each(shop: Services, offered: Plan) -> None:
    """An entity may try what another one has tried; nobody tries the same plan twice (§11)."""
    tried = plan("tried", item("messages", 100), price=offered.price, free_trial=trial(14))
    await shop.offer(tried)
    await shop.attach("tried", entity_id="one")
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, entity_id="one")
    await shop.attach("tried", entity_id="two")
    assert [] == [total for total in await shop.totals() if total != "0.00"]
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, entity_id="two")
    await shop.attach("tried", entity_id="one")
    assert offered.price is not None
    assert [f"{offered.price.amount:.2f}"] == [total for total in await shop.totals() if total != "0.00"]


async def test_what_waits_for_a_payment_goes_with_the_entity(shop: Services) -> None:
    """A page that is paid after the entity has gone gives nothing, and the money goes back."""
    await shop.offer(PRO)
    await shop.add_customer("eve")
    await shop.add_entity("one", customer_id="eve")
    receipt = await shop.attach("pro", "eve", entity_id="one")
    assert receipt.payment_url is not None
    await shop.delete_entity("one", "eve")
    await shop.pay(receipt.payment_url)

    assert {} == await shop.statuses("eve")
    assert [] == await shop.charged("eve")


async def test_a_declined_charge_goes_with_the_entity(shop: Services) -> None:
    """An invoice that waits for its payment is void once the entity has gone."""
    await shop.offer(PRO)
    await shop.set_next_charge("decline")
    receipt = await shop.attach("pro", entity_id="one")
    assert receipt.payment_url is not None
    await shop.delete_entity("one")

    assert ["void"] == [invoice.status.value for invoice in await shop.invoices()]
    assert {} == await statuses(shop)
