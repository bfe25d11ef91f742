"""Months of a customer's life through HTTP with its clock: the timelines of billing.md §20.2, row by row."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from sumac.core.time import to_ms
from tests.support.api import Api, Body

CUSTOMER = {"customer_id": "ada"}
MONTH = {"interval": "month"}


def ms(month: int, day: int, hour: int = 0) -> int:
    """An instant of 2026."""
    return to_ms(datetime(2026, month, day, hour, tzinfo=UTC))


def plan(plan_id: str, base: int, included: int, rate: str) -> Body:
    """A monthly plan with included messages, and each one more at a rate."""
    usage = {"amount": float(rate), "interval": "month", "billing_method": "usage_based"}
    item = {"feature_id": "messages", "included": included, "reset": MONTH, "price": usage}
    return {"plan_id": plan_id, "name": plan_id, "price": {"amount": base, "interval": "month"}, "items": [item]}


@dataclass
class Life:
    """One customer on a clock of its own, with a card, and the invoices seen so far."""

    api: Api
    invoices: int = 0

    @classmethod
    async def begun(cls, api: Api, *plans: Body) -> "Life":
        """On 1 January, with a card on file."""
        await api.call(
            "features.create", {"feature_id": "messages", "name": "Messages", "type": "metered", "consumable": True}
        )
        for each in plans:
            await api.call("plans.create", each)
        await api.call("customers.get_or_create", {**CUSTOMER, "clock_at": ms(1, 1)})
        await api.call("sandbox.add_card", CUSTOMER)
        return cls(api)

    async def at(self, instant: int) -> None:
        """Moves the clock."""
        await self.api.call("customers.advance_test_clock", {**CUSTOMER, "frozen_time": instant})

    async def do(self, operation: str, **body: Any) -> None:  # noqa: ANN401  # any JSON
        """Calls an operation for the customer."""
        await self.api.call(operation, {**CUSTOMER, **body})

    async def billed(self) -> list[float]:
        """The totals of the invoices since it was asked last, oldest first; each adds up and is settled."""
        listed = (await self.api.call("invoices.list", CUSTOMER))["list"][::-1]
        fresh, self.invoices = listed[self.invoices :], len(listed)

        assert all("paid" == invoice["status"] for invoice in fresh)

        return [invoice["total"] for invoice in fresh]

    async def messages(self) -> tuple[float, int | None]:
        """The signed balance of messages, and when it resets."""
        balance = (await self.api.call("customers.get", CUSTOMER))["balances"]["messages"]
        return balance["granted"] - balance["usage"], balance["next_reset_at"]

    async def plans(self) -> dict[str, Body]:
        """What is held, by plan."""
        held = (await self.api.call("customers.get", CUSTOMER))["subscriptions"]
        return {each["plan_id"]: each for each in held}


async def test_consumable_usage_and_an_upgrade(api: Api) -> None:
    """T1: usage beyond what is included is billed at the renewal, and at the switch for the time before it."""
    life = await Life.begun(api, plan("pro", 20, 100, "0.10"), plan("premium", 50, 500, "0.05"))

    await life.do("billing.attach", plan_id="pro")
    assert [20] == await life.billed()
    assert (100, ms(2, 1)) == await life.messages()

    await life.at(ms(1, 20))
    await life.do("balances.track", feature_id="messages", value=150)
    assert [] == await life.billed()
    assert (-50, ms(2, 1)) == await life.messages()

    await life.at(ms(2, 1))
    assert [25] == await life.billed()
    assert (100, ms(3, 1)) == await life.messages()

    await life.at(ms(2, 10))
    await life.do("balances.track", feature_id="messages", value=120)
    assert (-20, ms(3, 1)) == await life.messages()

    await life.at(ms(2, 15))
    await life.do("billing.attach", plan_id="premium")
    assert [17] == await life.billed()
    assert (500, ms(3, 1)) == await life.messages()

    await life.at(ms(2, 20))
    await life.do("balances.track", feature_id="messages", value=600)
    assert (-100, ms(3, 1)) == await life.messages()

    await life.at(ms(3, 1))
    assert [55] == await life.billed()
    assert (500, ms(4, 1)) == await life.messages()


async def test_cancel_and_uncancel_with_a_free_plan(api: Api) -> None:
    """T4: the free plan waits while the paid one is canceling, goes when it is kept, and follows when it is ended."""
    free = {"plan_id": "free", "name": "Free", "auto_enable": True}
    life = await Life.begun(api, free, plan("pro", 20, 100, "0.10"))
    assert {"free"} == set(await life.plans())

    await life.do("billing.attach", plan_id="pro")
    assert [20] == await life.billed()
    assert {"pro"} == set(await life.plans())

    await life.at(ms(1, 10))
    await life.do("billing.update", plan_id="pro", cancel_action="cancel_end_of_cycle")
    plans = await life.plans()
    assert [] == await life.billed()
    assert (ms(1, 10), ms(2, 1)) == (plans["pro"]["canceled_at"], plans["pro"]["expires_at"])
    assert ("scheduled", ms(2, 1)) == (plans["free"]["status"], plans["free"]["started_at"])

    await life.at(ms(1, 20))
    await life.do("billing.update", plan_id="pro", cancel_action="uncancel")
    plans = await life.plans()
    assert {"pro"} == set(plans)
    assert (None, None) == (plans["pro"]["canceled_at"], plans["pro"]["expires_at"])

    await life.at(ms(2, 1))
    assert [20] == await life.billed()

    await life.do("balances.track", feature_id="messages", value=300)
    await life.at(ms(2, 15))
    await life.do("billing.update", plan_id="pro", cancel_action="cancel_immediately")
    plans = await life.plans()
    assert [-10] == await life.billed()
    assert {"free": "active"} == {plan_id: each["status"] for plan_id, each in plans.items()}


async def test_many_small_steps_make_the_same_books(api: Api) -> None:
    """Advancing day by day or in one step: the same invoices at the same instants."""
    life = await Life.begun(api, plan("pro", 20, 100, "0.10"))
    await life.do("billing.attach", plan_id="pro")
    await life.do("balances.track", feature_id="messages", value=130)
    await api.call("customers.get_or_create", {"customer_id": "bob", "clock_at": ms(1, 1)})
    bob = {"customer_id": "bob"}
    await api.call("sandbox.add_card", bob)
    await api.call("billing.attach", {**bob, "plan_id": "pro"})
    await api.call("balances.track", {**bob, "feature_id": "messages", "value": 130})

    for day in range(2, 32):
        await life.at(ms(1, day))
    for month in range(2, 5):
        await life.at(ms(month, 1))
    await api.call("customers.advance_test_clock", {**bob, "frozen_time": ms(4, 1)})

    books = [
        [(invoice["created_at"], invoice["total"]) for invoice in (await api.call("invoices.list", who))["list"]]
        for who in (CUSTOMER, bob)
    ]
    assert books[0] == books[1]
    assert [20, 20, 23, 20] == [total for _, total in books[0]]


def team(on_decrease: str) -> Body:
    """$49 a month with five seats, each more $10."""
    price = {"amount": 10, "interval": "month", "billing_method": "prepaid"}
    seats = {
        "feature_id": "seats",
        "included": 5,
        "price": price,
        "proration": {"on_increase": "prorate_immediately", "on_decrease": on_decrease},
    }
    return {"plan_id": "team", "name": "Team", "price": {"amount": 49, "interval": "month"}, "items": [seats]}


async def seats_and_charges(life: Life) -> tuple[float, list[float]]:
    """The seats granted, and what was billed since it was asked last."""
    balance = (await life.api.call("customers.get", CUSTOMER))["balances"]["seats"]
    return balance["granted"], await life.billed()


@pytest.mark.parametrize(
    ("on_decrease", "on_15_february", "paid_in_march"),
    [("prorate_immediately", (7, [-15]), 54), ("none", (10, []), 69)],
)
async def test_prepaid_seats(
    api: Api, on_decrease: str, on_15_february: tuple[float, list[float]], paid_in_march: int
) -> None:
    """T2: more seats are prorated now; fewer become credit for the renewal, or wait for it."""
    await api.call("features.create", {"feature_id": "seats", "name": "Seats", "type": "metered", "consumable": False})
    life = await Life.begun(api, team(on_decrease))

    async def choose(quantity: int) -> None:
        await life.do(
            "billing.update", plan_id="team", feature_quantities=[{"feature_id": "seats", "quantity": quantity}]
        )

    await life.do("billing.attach", plan_id="team", feature_quantities=[{"feature_id": "seats", "quantity": 5}])
    assert (5, [49]) == await seats_and_charges(life)

    await life.at(ms(1, 16, 12))
    await choose(10)
    assert (10, [25]) == await seats_and_charges(life)

    await life.at(ms(2, 1))
    assert (10, [99]) == await seats_and_charges(life)

    await life.at(ms(2, 15))
    await choose(7)
    assert on_15_february == await seats_and_charges(life)

    await life.at(ms(3, 1))
    assert (7, [69]) == await seats_and_charges(life)
    (renewal, *_) = (await api.call("invoices.list", CUSTOMER))["list"]
    assert paid_in_march == renewal["amount_paid"]
