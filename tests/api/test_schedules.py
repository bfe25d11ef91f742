"""billing.create_schedule over HTTP (api.md §2.5, billing.md §13.2)."""

from typing import Any

from tests.api.shop import ADA, FEBRUARY_MS, JANUARY_MS, MARCH_MS, MONTH, add_ada, stock, subscribe_ada
from tests.support.api import Api, Body, Refused, on_sqlite

SCHEDULE = "billing.create_schedule"
APRIL_MS = 1_775_001_600_000  # 2026-04-01
MAY_MS = 1_777_593_600_000  # 2026-05-01
NOW: Body = {"starts_at": "now", "plans": [{"plan_id": "pro"}]}
DEARER = {"customize": {"price": {"amount": 45, "interval": "month"}}}


def after(months: int, *plans: Body, **fields: object) -> Body:
    """A phase that begins so many months after the first one."""
    offset = {"duration_type": "month", "duration_count": months}
    return {"starting_after": offset, "plans": list(plans), **fields}


async def schedule(api: Api, *phases: Body, **fields: object) -> Body:
    """Ada's plans are to follow the phases."""
    return await api.call(SCHEDULE, {"customer_id": "ada", "phases": list(phases), **fields})


async def subscriptions(api: Api) -> list[tuple[str, str, int | None]]:
    """Ada's subscriptions: plan, status, and when each is over."""
    ada = await api.call("customers.get", {"customer_id": "ada"})
    held = [(each["plan_id"], each["status"], each["expires_at"]) for each in ada["subscriptions"]]
    return sorted(held, key=lambda each: each[:2])


async def totals(api: Api) -> list[Any]:
    """Ada's invoices, oldest first."""
    listed = await api.call("invoices.list", {"customer_id": "ada"})
    return [invoice["total"] for invoice in reversed(listed["list"])]


async def test_the_worked_example(api: Api) -> None:
    """Pro now, and at another price three months later: one row goes over into the other (api.md §2.5)."""
    await add_ada(api)

    answer = await schedule(api, NOW, after(3, {"plan_id": "pro", **DEARER}))

    assert ("ada", None, "created", None) == tuple(
        answer[name] for name in ("customer_id", "entity_id", "status", "payment_url")
    )
    assert ("paid", 30, "usd") == tuple(answer["invoice"][name] for name in ("status", "total", "currency"))
    schedule_id = answer["schedule_id"]
    assert schedule_id.startswith("sched_")
    assert [(f"{schedule_id}_1", JANUARY_MS, 1), (f"{schedule_id}_2", APRIL_MS, 1)] == [
        (each["phase_id"], each["starts_at"], len(each["customer_product_ids"])) for each in answer["phases"]
    ]
    assert "required_action" not in answer
    ada = await api.call("customers.get", {"customer_id": "ada"})
    ids = [phase["customer_product_ids"][0] for phase in answer["phases"]]
    assert set(ids) == {each["id"] for each in ada["subscriptions"]}
    assert [("pro", "active", APRIL_MS), ("pro", "scheduled", None)] == await subscriptions(api)
    await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": MAY_MS})
    assert [30, 30, 30, 45, 45] == await totals(api)


async def test_placed_before_it_is_paid(api: Api) -> None:
    """Without a card the first phase begins all the same, behind a link to pay for it."""
    await stock(api)
    await api.call("customers.get_or_create", {"customer_id": "ada"})

    answer = await schedule(api, NOW, after(3, {"plan_id": "pro", **DEARER}), enable_plan_immediately=True)

    assert ("created", "open", 2) == (answer["status"], answer["invoice"]["status"], len(answer["phases"]))
    assert "/l/" in answer["payment_url"]
    assert [("pro", "active", APRIL_MS), ("pro", "scheduled", None)] == await subscriptions(api)


async def test_phases_and_plans_beside_them(api: Api) -> None:
    """Support is in one phase only, the pack is bought once, and what is beside the schedule is not ended by it."""
    await add_ada(api)
    await api.call("plans.create", {"plan_id": "eu", "name": "EU", "group": "eu", "price": {"amount": 7, **MONTH}})
    chosen = {"feature_quantities": [{"feature_id": "seats", "quantity": 3}]}

    answer = await schedule(
        api,
        {"starts_at": JANUARY_MS, "plans": [{"plan_id": "pro", **chosen}, {"plan_id": "support"}]},
        after(1, {"plan_id": "pro"}, {"plan_id": "credit_pack"}),
        unscheduled_plans=[{"plan_id": "eu"}],
        success_url="https://app.lumen.test/done",
        billing_behavior="prorate_immediately",
        preserve_add_ons=True,
    )

    assert 30 + 8 + 5 + 7 == answer["invoice"]["total"]
    first, second = (each["customer_product_ids"] for each in answer["phases"])
    assert first[0] == second[0]
    assert [("eu", "active", None), ("pro", "active", None), ("support", "active", FEBRUARY_MS)] == [
        each for each in await subscriptions(api) if each[0] != "credit_pack"
    ]
    moved = await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": MARCH_MS})
    assert "ready" == moved["status"]
    assert [50, 30 + 8 + 7 + 10, 45] == await totals(api)
    assert [("eu", "active", None), ("pro", "active", None)] == await subscriptions(api)


async def test_without_a_card(api: Api) -> None:
    """Pending behind a page, with no schedule yet; completing it places the schedule."""
    await add_ada(api, card=False)

    answer = await schedule(api, NOW, after(1, {"plan_id": "support"}))

    assert ("pending_payment", None, []) == (answer["status"], answer["schedule_id"], answer["phases"])
    assert [("free", "active", None)] == await subscriptions(api)
    await api.call("sandbox.complete_checkout", {"url": answer["payment_url"]})
    assert [("pro", "active", FEBRUARY_MS), ("free", "scheduled", None), ("support", "scheduled", None)] == sorted(
        await subscriptions(api), key=lambda each: (each[1], each[0])
    )


async def test_a_bank_that_asks(api: Api) -> None:
    """The answer says what the customer has to do; nothing is placed before."""
    await add_ada(api)
    await api.call("sandbox.set_next_charge", {"customer_id": "ada", "outcome": "require_action"})

    answer = await schedule(api, NOW)

    assert ("pending_payment", None, "open") == (answer["status"], answer["schedule_id"], answer["invoice"]["status"])
    assert "3ds_required" == answer["required_action"]["code"]
    assert answer["payment_url"]


async def test_begun_in_the_past(api: Api) -> None:
    """Forty days ago: two cycles are charged, and the offset counts from that day."""
    await add_ada(api)
    begun = JANUARY_MS - 40 * 86_400_000

    answer = await schedule(api, {**NOW, "starts_at": begun}, after(3, {"plan_id": "support"}))

    assert 60 == answer["invoice"]["total"]
    assert [begun, 1_771_718_400_000] == [each["starts_at"] for each in answer["phases"]]  # 2026-02-22


async def test_replaced_wholesale(api: Api) -> None:
    """A second call is the schedule from then on: what waited is gone, the plan that it goes on with is not billed."""
    await add_ada(api)
    await schedule(api, NOW, after(1, {"plan_id": "pro", **DEARER}))

    answer = await schedule(api, NOW, after(2, {"plan_id": "support"}), billing_cycle_anchor="now")

    assert "invoice" not in answer
    assert [("free", "scheduled", None), ("pro", "active", MARCH_MS), ("support", "scheduled", None)] == (
        await subscriptions(api)
    )


@on_sqlite
async def test_the_first_phase_may_be_a_little_late(api: Api) -> None:
    """A client's clock may be a quarter of an hour off."""
    await add_ada(api)

    early = await api.refused(
        SCHEDULE, {"customer_id": "ada", "phases": [{**NOW, "starts_at": JANUARY_MS + 16 * 60_000}]}
    )
    answer = await schedule(api, {**NOW, "starts_at": JANUARY_MS + 15 * 60_000})

    assert (400, "invalid_request") == (early.status, early.code)
    assert JANUARY_MS == answer["phases"][0]["starts_at"]


@on_sqlite
async def test_refusals(api: Api) -> None:
    """Each is told what is wrong, and nothing is changed."""
    await subscribe_ada(api)
    before = await subscriptions(api)
    two = {"starts_at": "now", **after(1, {"plan_id": "pro"})}

    def asked(*phases: Body, **fields: object) -> Body:
        return {"customer_id": "ada", "phases": list(phases), **fields}

    table: list[Refused] = [
        (SCHEDULE, {"customer_id": "ada"}, 400, "invalid_inputs"),
        (SCHEDULE, asked(), 400, "invalid_inputs"),
        (SCHEDULE, asked({"starts_at": "now", "plans": []}), 400, "invalid_inputs"),
        (SCHEDULE, asked({"plans": [{"plan_id": "pro"}]}), 400, "invalid_inputs"),
        (SCHEDULE, asked(two), 400, "invalid_inputs"),
        (SCHEDULE, asked({**NOW, "starts_at": "later"}), 400, "invalid_inputs"),
        (SCHEDULE, asked(NOW, after(0, {"plan_id": "pro"})), 400, "invalid_inputs"),
        (SCHEDULE, asked(NOW, after(1_000_000, {"plan_id": "pro"})), 400, "invalid_inputs"),
        (SCHEDULE, asked({**NOW, "billing_cycle_anchor": "now"}), 400, "invalid_inputs"),
        (SCHEDULE, asked(NOW, billing_cycle_anchor="phase_start"), 400, "invalid_inputs"),
        (SCHEDULE, asked(after(1, {"plan_id": "pro"})), 400, "invalid_request"),
        (SCHEDULE, asked(NOW, NOW), 400, "invalid_request"),
        (SCHEDULE, asked(NOW, after(2, {"plan_id": "pro"}), after(1, {"plan_id": "pro"})), 400, "invalid_request"),
        (SCHEDULE, asked({**NOW, "starts_at": JANUARY_MS - 86_400_000}), 400, "invalid_request"),
        (SCHEDULE, asked({**NOW, "plans": [{"plan_id": "pro"}, {"plan_id": "free"}]}), 400, "invalid_request"),
        (SCHEDULE, asked(NOW, discounts=[{"reward_id": "launch"}]), 404, "reward_not_found"),
        (SCHEDULE, asked(NOW, enable_plan_immediately=True, invoice_mode={"enabled": True}), 400, "invalid_request"),
        (
            SCHEDULE,
            asked({**NOW, "plans": [{"plan_id": "pro", "customize": {"free_trial": None}}]}),
            400,
            "invalid_request",
        ),
        (
            SCHEDULE,
            asked({**NOW, "plans": [{"plan_id": "pro", "feature_quantities": [{"feature_id": "sso", "quantity": 1}]}]}),
            400,
            "invalid_options",
        ),
        (SCHEDULE, asked(NOW, after(1, {"plan_id": "ghost"})), 404, "product_not_found"),
        (SCHEDULE, asked(NOW, entity_id="seat_1"), 404, "entity_not_found"),
        (SCHEDULE, asked({**NOW, "plans": [{"plan_id": "pro", "entity_id": "seat_1"}]}), 404, "entity_not_found"),
        (SCHEDULE, {"customer_id": "ghost", "phases": [NOW]}, 404, "customer_not_found"),
        (SCHEDULE, asked(NOW, currency="eur"), 400, "currency_mismatch"),
    ]

    assert table == await api.refusals(table)
    assert before == await subscriptions(api)
    assert 1 == len(await totals(api))


@on_sqlite
async def test_a_customer_without_a_card_who_may_not_be_sent_away(api: Api) -> None:
    """`redirect_mode` never is refused where a card is missing."""
    await stock(api)
    await api.call("customers.get_or_create", ADA)

    refused = await api.refused(SCHEDULE, {"customer_id": "ada", "phases": [NOW], "redirect_mode": "never"})

    assert (400, "customer_has_no_payment_method") == (refused.status, refused.code)
