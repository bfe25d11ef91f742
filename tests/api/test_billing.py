"""billing.* over HTTP (api.md §2.5)."""

import asyncio

from sumac.core.clock import ManualClock
from tests.api.shop import ADA, FEBRUARY_MS, JANUARY_MS, MARCH_MS, SEATS_CHOSEN, add_ada, stock, subscribe_ada
from tests.support.api import ADDRESS, Api, Body, Refused, on_sqlite

PRO = {"customer_id": "ada", "plan_id": "pro"}
DONE = "https://app.lumen.test/done"
FIRST_PERIOD = {"start": JANUARY_MS, "end": FEBRUARY_MS}
SECOND_PERIOD = {"start": FEBRUARY_MS, "end": MARCH_MS}


async def held(api: Api) -> dict[str, Body]:
    """Ada's subscriptions by plan."""
    ada = await api.call("customers.get", {"customer_id": "ada"})
    return {subscription["plan_id"]: subscription for subscription in ada["subscriptions"]}


def lines_of(period: dict[str, int]) -> list[Body]:
    """Pro with five seats, of which two are included."""
    base = {
        "display_name": "Pro",
        "description": "Pro - base price",
        "subtotal": 30,
        "total": 30,
        "discounts": [],
        "plan_id": "pro",
        "feature_id": None,
        "period": period,
        "quantity": 1,
    }
    seats = {
        "display_name": "Seats",
        "description": "3 seats",
        "subtotal": 24,
        "total": 24,
        "discounts": [],
        "plan_id": "pro",
        "feature_id": "seats",
        "period": period,
        "quantity": 3,
    }
    return [base, seats]


async def test_a_preview_is_answered_as_documented(api: Api) -> None:
    """The worked example of api.md §5.1; the lines of the next cycle are of the period they are for."""
    await add_ada(api, card=False)
    answer = await api.call("billing.preview_attach", {**PRO, **SEATS_CHOSEN, "redirect_mode": "if_required"})

    assert {
        "customer_id": "ada",
        "line_items": lines_of(FIRST_PERIOD),
        "subtotal": 54,
        "total": 54,
        "currency": "usd",
        "next_cycle": {
            "starts_at": FEBRUARY_MS,
            "subtotal": 54,
            "total": 54,
            "line_items": lines_of(SECOND_PERIOD),
            "usage_line_items": [
                {"display_name": "Messages", "plan_id": "pro", "feature_id": "messages", "period": SECOND_PERIOD}
            ],
        },
        "incoming": [
            {
                "plan_id": "pro",
                "feature_quantities": [{"feature_id": "seats", "quantity": 5}],
                "effective_at": None,
                "canceled_at": None,
                "expires_at": None,
            }
        ],
        "outgoing": [
            {
                "plan_id": "free",
                "feature_quantities": [],
                "effective_at": JANUARY_MS,
                "canceled_at": JANUARY_MS,
                "expires_at": JANUARY_MS,
            }
        ],
        "redirect_to_checkout": True,
        "checkout_type": "stripe_checkout",
    } == answer


async def test_a_preview_changes_nothing(api: Api) -> None:
    """Before and after a preview everything is the same, and the plans are shown when asked for."""
    await add_ada(api)
    before = await api.call("customers.get", {"customer_id": "ada"})
    answer = await api.call("billing.preview_attach", {**PRO, "expand": ["incoming.plan", "outgoing.plan"]})

    assert (False, None) == (answer["redirect_to_checkout"], answer["checkout_type"])
    assert await api.call("plans.get", {"plan_id": "pro"}) == answer["incoming"][0]["plan"]
    assert await api.call("plans.get", {"plan_id": "free"}) == answer["outgoing"][0]["plan"]
    assert before == await api.call("customers.get", {"customer_id": "ada"})
    assert [] == (await api.call("invoices.list"))["list"]


async def test_without_a_card_there_is_a_link(api: Api) -> None:
    """The worked example of api.md §5.1: nothing is attached until the page is paid."""
    await add_ada(api, card=False)
    answer = await api.call("billing.attach", {**PRO, **SEATS_CHOSEN, "success_url": DONE})

    assert {"customer_id": "ada", "payment_url": answer["payment_url"]} == answer
    assert answer["payment_url"].startswith(f"{ADDRESS}/checkout/")
    assert {"free"} == (await held(api)).keys()

    paid = await api.call("sandbox.complete_checkout", {"url": answer["payment_url"]})
    listed = (await api.call("invoices.list"))["list"]

    assert {
        "customer_id": "ada",
        "plan_id": "pro",
        "status": "completed",
        "success_url": DONE,
        "invoice": {
            "status": "paid",
            "stripe_id": listed[0]["stripe_id"],
            "total": 54,
            "currency": "usd",
            "hosted_invoice_url": listed[0]["hosted_invoice_url"],
        },
    } == paid
    assert {"pro"} == (await held(api)).keys()
    assert 1 == len(listed)


async def test_with_a_card_it_is_charged(api: Api) -> None:
    """The worked example of api.md §5.1: the invoice is paid, and it is the one that is listed."""
    await add_ada(api)
    answer = await api.call("billing.attach", {**PRO, **SEATS_CHOSEN})
    listed = (await api.call("invoices.list"))["list"]

    assert {
        "customer_id": "ada",
        "invoice": {
            "status": "paid",
            "stripe_id": listed[0]["stripe_id"],
            "total": 54,
            "currency": "usd",
            "hosted_invoice_url": listed[0]["hosted_invoice_url"],
        },
        "payment_url": None,
    } == answer
    assert {"pro"} == (await held(api)).keys()


async def test_a_charge_that_does_not_complete_leaves_a_page_to_pay_at(api: Api) -> None:
    """The worked example of api.md §5.1: the invoice stays open, and the customer has to act."""
    await add_ada(api)
    for outcome, code in (
        ("require_action", "3ds_required"),
        ("decline", "payment_failed"),
        ("insufficient_funds", "payment_failed"),
        ("pending", "payment_processing"),
    ):
        await api.call("sandbox.set_next_charge", {"customer_id": "ada", "outcome": outcome})
        answer = await api.call("billing.attach", PRO)

        assert {"customer_id", "invoice", "payment_url", "required_action"} == answer.keys()
        assert ("open", 30) == (answer["invoice"]["status"], answer["invoice"]["total"])
        assert answer["payment_url"]
        assert code == answer["required_action"]["code"]
        assert answer["required_action"]["reason"]


async def test_a_free_plan_is_active_at_once(api: Api) -> None:
    """No invoice, no link (api.md §2.5)."""
    await add_ada(api, card=False)
    await api.call("plans.create", {"plan_id": "hobby", "name": "Hobby", "group": "other"})

    assert {"customer_id": "ada", "payment_url": None} == await api.call(
        "billing.attach", {"customer_id": "ada", "plan_id": "hobby"}
    )
    assert {"free", "hobby"} == (await held(api)).keys()


async def test_add_ons_and_one_offs_stand_beside(api: Api) -> None:
    """An add-on is a subscription beside the main plan, a one-off is a purchase, and both may be had again."""
    await subscribe_ada(api)
    for plan_id in ("support", "credit_pack", "credit_pack"):
        answer = await api.call("billing.attach", {"customer_id": "ada", "plan_id": plan_id})

        assert "paid" == answer["invoice"]["status"]

    ada = await api.call("customers.get", {"customer_id": "ada"})

    assert {"pro", "support"} == {each["plan_id"] for each in ada["subscriptions"]}
    assert 2 == sum(each["quantity"] for each in ada["purchases"])
    assert 200 == ada["balances"]["ai_credits"]["granted"]


async def test_the_same_plan_again_is_refused(api: Api) -> None:
    """Whatever the quantities (api.md §2.5); the message says what to use."""
    await subscribe_ada(api)
    for body in (PRO, {**PRO, "feature_quantities": [{"feature_id": "seats", "quantity": 9}]}):
        refused = await api.refused("billing.attach", body)

        assert (409, "plan_already_attached") == (refused.status, refused.code)
        assert "billing.update" in refused.message


async def test_a_dearer_plan_comes_now_and_a_cheaper_one_later(api: Api) -> None:
    """An upgrade is immediate and prorated, a downgrade waits for the end of the cycle (api.md §2.5)."""
    await subscribe_ada(api)
    await api.call("plans.create", {"plan_id": "max", "name": "Max", "price": {"amount": 99, "interval": "month"}})
    upgraded = await api.call("billing.attach", {"customer_id": "ada", "plan_id": "max"})

    assert 99 - 54 == upgraded["invoice"]["total"]
    assert {"max"} == (await held(api)).keys()

    downgraded = await api.call("billing.attach", PRO)
    now = await held(api)

    assert {"customer_id": "ada", "payment_url": None} == downgraded
    assert ("active", JANUARY_MS, FEBRUARY_MS) == (
        now["max"]["status"], now["max"]["canceled_at"], now["max"]["expires_at"]
    )  # fmt: skip
    assert ("scheduled", FEBRUARY_MS) == (now["pro"]["status"], now["pro"]["started_at"])


async def test_a_cancelled_plan_ends_with_its_cycle(api: Api) -> None:
    """The worked example of api.md §5.1; the cancellation can be undone, or brought forward."""
    await subscribe_ada(api)
    answered = {"customer_id": "ada", "payment_url": None}

    assert answered == await api.call("billing.update", {**PRO, "cancel_action": "cancel_end_of_cycle"})

    canceled = (await held(api))["pro"]

    assert ("active", JANUARY_MS, FEBRUARY_MS) == (
        canceled["status"], canceled["canceled_at"], canceled["expires_at"]
    )  # fmt: skip
    assert answered == await api.call("billing.update", {"customer_id": "ada", "cancel_action": "uncancel"})
    assert (None, None) == ((await held(api))["pro"]["canceled_at"], (await held(api))["pro"]["expires_at"])

    await api.call("billing.update", {**PRO, "cancel_action": "cancel_immediately", "redirect_mode": "if_required"})

    assert {"free"} == (await held(api)).keys()


async def test_a_subscription_renews_when_its_clock_passes_the_end(api: Api) -> None:
    """$20.00 and 200 units above at a cent would be $22.00; here $54 and 200 above in a pack of 500 for $2."""
    await subscribe_ada(api)
    await api.call("balances.track", {"customer_id": "ada", "feature_id": "messages", "value": 1200})
    moved = await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": FEBRUARY_MS})
    invoice = (await api.call("invoices.list", {"customer_id": "ada"}))["list"][0]
    ada = await api.call("customers.get", {"customer_id": "ada"})

    assert (FEBRUARY_MS, "ready") == (moved["frozen_time"], moved["status"])
    assert {"plan_renewed", "balances_reset", "invoice_issued", "invoice_paid"} == {
        each["kind"] for each in moved["happened"]
    }
    assert (56, "paid", 56) == (invoice["total"], invoice["status"], invoice["amount_paid"])
    assert (1000, 0) == (ada["balances"]["messages"]["remaining"], ada["balances"]["messages"]["usage"])
    assert (FEBRUARY_MS, MARCH_MS) == (
        ada["subscriptions"][0]["current_period_start"],
        ada["subscriptions"][0]["current_period_end"],
    )


async def test_a_renewal_is_found_by_whoever_looks(api: Api, clock: ManualClock) -> None:
    """When time has passed and no job ran, the first reader finds the plan renewed (design.md §5)."""
    await subscribe_ada(api)
    clock.move_to(clock.now().replace(month=2, day=2))
    answer = await api.call("balances.check", {"customer_id": "ada", "feature_id": "messages"})

    assert MARCH_MS == answer["balance"]["next_reset_at"]
    assert [54, 54] == [invoice["total"] for invoice in (await api.call("invoices.list"))["list"]]


async def test_a_portal_has_a_link(api: Api) -> None:
    """The worked example of api.md §5.1."""
    await add_ada(api)
    answer = await api.call(
        "billing.open_customer_portal", {"customer_id": "ada", "return_url": "https://app.lumen.test"}
    )

    assert {"customer_id": "ada", "url": answer["url"]} == answer
    assert answer["url"].startswith(f"{ADDRESS}/portal/")


async def test_parallel_attaches_charge_once(api: Api) -> None:
    """Five attaches of one plan at once: one is carried out, the others are told that it was or that it is running."""
    await add_ada(api)
    answers = await asyncio.gather(*(api.send("billing.attach", PRO) for _ in range(5)))
    invoices = (await api.call("invoices.list"))["list"]

    assert 1 == sum(answer.status_code == 200 for answer in answers)
    assert {200, 409, 423} >= {answer.status_code for answer in answers}
    assert [("paid", 30)] == [(invoice["status"], invoice["total"]) for invoice in invoices]


BROKEN_RULES: list[Refused] = [
    ("billing.attach", {"customer_id": "ghost", "plan_id": "pro"}, 404, "customer_not_found"),
    ("billing.attach", {"customer_id": "ada", "plan_id": "ghost"}, 404, "product_not_found"),
    ("billing.attach", {**PRO, "version": 7}, 404, "product_not_found"),
    ("billing.attach", {**PRO, "entity_id": "ghost"}, 404, "entity_not_found"),
    ("billing.attach", {"customer_id": "ada"}, 400, "invalid_inputs"),
    ("billing.attach", {**PRO, "redirect_mode": "never"}, 400, "customer_has_no_payment_method"),
    ("billing.attach", {**PRO, "redirect_mode": "sometimes"}, 400, "invalid_inputs"),
    ("billing.attach", {**PRO, "success_url": "javascript:alert(1)"}, 400, "invalid_inputs"),
    (
        "billing.attach",
        {**PRO, "feature_quantities": [{"feature_id": "messages", "quantity": 1}]},
        400,
        "invalid_options",
    ),
    (
        "billing.attach",
        {**PRO, "feature_quantities": [{"feature_id": "seats", "quantity": -1}]},
        400,
        "invalid_inputs",
    ),
    ("billing.preview_attach", {"customer_id": "ghost", "plan_id": "pro"}, 404, "customer_not_found"),
    ("billing.preview_attach", {"customer_id": "ada", "plan_id": "ghost"}, 404, "product_not_found"),
    ("billing.preview_attach", {**PRO, "expand": ["plan"]}, 400, "invalid_expand"),
    ("billing.update", {**PRO, "cancel_action": "uncancel"}, 404, "customer_product_not_found"),
    ("billing.update", {**PRO, "cancel_action": "stop"}, 400, "invalid_inputs"),
    ("billing.update", PRO, 400, "invalid_request"),
    ("billing.update", {**PRO, "customer_id": "ghost", "cancel_action": "uncancel"}, 404, "customer_not_found"),
    ("billing.open_customer_portal", {"customer_id": "ghost"}, 404, "customer_not_found"),
    ("billing.open_customer_portal", {"customer_id": "ada", "return_url": "ftp://x"}, 400, "invalid_inputs"),
]


@on_sqlite
async def test_a_rule_of_billing_that_is_broken(api: Api) -> None:
    """Each is refused with its own code; nothing is attached and nothing is billed (api.md §2.5)."""
    await stock(api)
    await api.call("customers.get_or_create", ADA)
    before = await api.call("customers.get", {"customer_id": "ada"})

    assert BROKEN_RULES == await api.refusals(BROKEN_RULES)
    assert before == await api.call("customers.get", {"customer_id": "ada"})
    assert [] == (await api.call("invoices.list"))["list"]


async def test_live_needs_a_payment_provider_for_what_costs(live: Api) -> None:
    """Free plans work without one; a paid one is refused with what is missing, and nothing is attached (§1.6)."""
    await stock(live)
    await live.call("customers.get_or_create", ADA)
    refused = await live.refused("billing.attach", PRO)

    assert (400, "stripe_config_not_found", "live") == (refused.status, refused.code, refused.env)
    assert {"free"} == (await held(live)).keys()
    assert [] == (await live.call("invoices.list"))["list"]
