"""The sandbox's own operations over HTTP (design.md §6)."""

import pytest

from tests.api.shop import FEBRUARY_MS, JANUARY_MS, add_ada, stock, subscribe_ada
from tests.support.api import ADDRESS, Api, Body, Refused, on_sqlite

PRO = {"customer_id": "ada", "plan_id": "pro"}


async def test_a_card_is_the_default_payment_method(api: Api) -> None:
    """The newest card is the one that is shown and charged."""
    await add_ada(api, card=False)
    for number, last4 in (("4242 4242 4242 4242", "4242"), ("4000-0000-0000-0341", "0341")):
        answer = await api.call("sandbox.add_card", {"customer_id": "ada", "number": number})
        card = {"id": answer["payment_method"]["id"], "type": "card", "card": {"brand": "visa", "last4": last4}}
        ada = await api.call("customers.get", {"customer_id": "ada", "expand": ["payment_method"]})

        assert {"customer_id": "ada", "payment_method": card} == answer
        assert card == ada["payment_method"]


async def test_the_next_charge_only(api: Api) -> None:
    """The outcome that was set is used once."""
    await subscribe_ada(api)

    assert {"success": True} == await api.call(
        "sandbox.set_next_charge", {"customer_id": "ada", "outcome": "insufficient_funds"}
    )

    pack = {"customer_id": "ada", "plan_id": "credit_pack"}

    assert "open" == (await api.call("billing.attach", pack))["invoice"]["status"]
    assert "paid" == (await api.call("billing.attach", pack))["invoice"]["status"]


async def test_a_checkout_is_completed_once(api: Api) -> None:
    """A declined card leaves the page open; completing it twice answers the same and charges once."""
    await add_ada(api, card=False)
    url = (await api.call("billing.attach", PRO))["payment_url"]
    declined = await api.refused("sandbox.complete_checkout", {"url": url, "number": "4000000000000002"})

    assert (400, "card_declined") == (declined.status, declined.code)

    paid = await api.call("sandbox.complete_checkout", {"url": url, "number": "4242424242424242"})
    again = await api.send("sandbox.complete_checkout", {"url": url})

    assert ("completed", "paid", 30) == (paid["status"], paid["invoice"]["status"], paid["invoice"]["total"])
    assert again.status_code in {200, 409}
    assert 1 == len((await api.call("invoices.list"))["list"])


async def test_a_page_that_only_asks_is_confirmed(api: Api) -> None:
    """The card on file is charged and the change made, once; a card that declines leaves the change undone."""
    await subscribe_ada(api)
    await api.call("plans.create", {"plan_id": "team", "name": "Team", "price": {"amount": 99, "interval": "month"}})
    change = {"customer_id": "ada", "plan_id": "team", "redirect_mode": "always"}
    await api.call("sandbox.set_next_charge", {"customer_id": "ada", "outcome": "decline"})
    url = (await api.call("billing.attach", change))["payment_url"]
    declined = await api.refused("sandbox.complete_checkout", {"url": url})

    assert "/c/co" in url
    assert (400, "card_declined") == (declined.status, declined.code)

    paid = (await api.call("billing.attach", change))["payment_url"]
    done = await api.call("sandbox.complete_checkout", {"url": paid})
    again = await api.refused("sandbox.complete_checkout", {"url": paid})

    assert ("ada", "team", "completed", "paid") == (
        done["customer_id"],
        done["plan_id"],
        done["status"],
        done["invoice"]["status"],
    )
    assert 409 == again.status


async def test_a_customer_with_a_clock_of_its_own(api: Api) -> None:
    """Created at an instant of the past, everything of it happens at its clock (design.md §6)."""
    await stock(api)
    born = JANUARY_MS - 86_400_000
    ada = await api.call("customers.get_or_create", {"customer_id": "ada", "clock_at": float(born)})

    assert (born, born) == (ada["created_at"], ada["clock_at"])
    assert born == ada["subscriptions"][0]["started_at"]

    await api.call("balances.track", {"customer_id": "ada", "feature_id": "messages"})

    assert [born] == [event["timestamp"] for event in (await api.call("events.list"))["list"]]


async def test_a_clock_goes_through_everything_due(api: Api) -> None:
    """In order, each at its own instant; a customer without a clock gets one; staying is no move."""
    await subscribe_ada(api)
    april = 1_775_001_600_000
    moved = await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": april})
    renewed = [each["at"] for each in moved["happened"] if each["kind"] == "plan_renewed"]
    instants = [each["at"] for each in moved["happened"]]

    assert {"customer_id": "ada", "frozen_time": april, "status": "ready"} == {
        name: moved[name] for name in ("customer_id", "frozen_time", "status")
    }
    assert [FEBRUARY_MS, 1_772_323_200_000, april] == renewed
    assert sorted(instants) == instants
    assert [54, 54, 54, 54] == [invoice["total"] for invoice in (await api.call("invoices.list"))["list"]]

    again = await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": april})

    assert [] == again["happened"]


@on_sqlite
async def test_a_long_way_takes_several_calls(api: Api) -> None:
    """One call walks through a bounded number of steps and says that there is more; calling again goes on."""
    await stock(api)
    hourly = {"feature_id": "messages", "included": 5, "reset": {"interval": "hour"}}
    await api.call("plans.create", {"plan_id": "hourly", "name": "Hourly", "items": [hourly]})
    await api.call("customers.get_or_create", {"customer_id": "ada", "auto_enable_plan_id": "hourly"})
    to = JANUARY_MS + 1_500 * 3_600_000
    calls: list[Body] = []
    while not calls or calls[-1]["status"] != "ready":
        calls.append(await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": to}))
    resets = [each["at"] for call in calls for each in call["happened"]]

    assert ["advancing", "ready"] == [call["status"] for call in calls]
    assert JANUARY_MS < calls[0]["frozen_time"] < to == calls[1]["frozen_time"]
    assert [JANUARY_MS + hour * 3_600_000 for hour in range(1, 1_501)] == resets


BROKEN_RULES: list[Refused] = [
    ("sandbox.add_card", {"customer_id": "ghost"}, 404, "customer_not_found"),
    ("sandbox.add_card", {"customer_id": "ada", "number": "1234"}, 400, "invalid_inputs"),
    ("sandbox.add_card", {"customer_id": "ada", "number": "4111 1111 1111 1111"}, 400, "card_not_accepted"),
    ("sandbox.add_card", {"customer_id": "ada", "number": "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"}, 400, "invalid_inputs"),
    ("sandbox.add_card", {"customer_id": "ada", "number": 4242424242424242}, 400, "invalid_inputs"),
    ("sandbox.set_next_charge", {"customer_id": "ghost", "outcome": "decline"}, 404, "customer_not_found"),
    ("sandbox.set_next_charge", {"customer_id": "ada", "outcome": "explode"}, 400, "invalid_inputs"),
    ("sandbox.complete_checkout", {"url": f"{ADDRESS}/checkout/nonsense"}, 404, "checkout_unavailable"),
    ("sandbox.complete_checkout", {"url": "not an address"}, 400, "invalid_inputs"),
    ("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": 0}, 400, "invalid_request"),
    ("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": "soon"}, 400, "invalid_inputs"),
    ("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": 10**15}, 400, "invalid_inputs"),
]


@on_sqlite
async def test_a_rule_of_the_sandbox_that_is_broken(api: Api) -> None:
    """Each is refused with its own code."""
    await add_ada(api, card=False)

    assert BROKEN_RULES == await api.refusals(BROKEN_RULES)


@on_sqlite
@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("sandbox.add_card", {"customer_id": "ada"}),
        ("sandbox.set_next_charge", {"customer_id": "ada", "outcome": "decline"}),
        ("sandbox.complete_checkout", {"url": f"{ADDRESS}/checkout/nonsense"}),
        ("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": FEBRUARY_MS}),
        ("customers.get_or_create", {"customer_id": "bob", "clock_at": JANUARY_MS}),
    ],
)
async def test_a_live_key_cannot_play(live: Api, operation: str, body: dict[str, object]) -> None:
    """What only a sandbox can do is refused in live, and nothing happens (design.md §6)."""
    await live.call("customers.get_or_create", {"customer_id": "ada"})
    refused = await live.refused(operation, body)

    assert (403, "sandbox_only", "live") == (refused.status, refused.code, refused.env)
    assert ["ada"] == [customer["id"] for customer in (await live.call("customers.list"))["list"]]
