"""customers.* over HTTP (api.md §2.1)."""

import asyncio

from tests.api.shop import ADA, FEBRUARY_MS, JANUARY_MS, add, add_ada, ids, stock, subscribe_ada
from tests.support.api import Api, Refused, on_sqlite

ANSWERED = {
    "id": "ada",
    "name": "Ada",
    "email": "ada@lumen.test",
    "created_at": JANUARY_MS,
    "fingerprint": None,
    "stripe_id": None,
    "env": "sandbox",
    "metadata": {"tier": "startup"},
    "send_email_receipts": False,
    "billing_controls": {},
    "subscriptions": [],
    "purchases": [],
    "licenses": [],
    "balances": {},
    "flags": {},
    "clock_at": None,
}
EXPANDED = (
    "invoices",
    "invoice_previews",
    "trials_used",
    "rewards",
    "entities",
    "referrals",
    "payment_method",
)


async def test_a_new_customer_has_every_key(api: Api) -> None:
    """The worked example of api.md §5.1, before anything is offered; null keys are there (§1.12)."""
    answer = await api.call("customers.get_or_create", {**ADA, "metadata": {"tier": "startup"}, "expand": []})

    assert ANSWERED == answer
    assert answer == await api.call("customers.get", {"customer_id": "ada"})
    assert {"list": [answer], "next_cursor": None} == await api.call("customers.list")


async def test_a_new_customer_gets_the_plans_that_start_by_themselves(api: Api) -> None:
    """The free plan with its balance (api.md §2.1); the ids are ours, everything else is known."""
    await stock(api)
    answer = await add(api, "ada")
    subscription, balance = answer["subscriptions"][0], answer["balances"]["messages"]

    assert {
        "id": subscription["id"],
        "plan_id": "free",
        "auto_enable": True,
        "add_on": False,
        "status": "active",
        "past_due": False,
        "canceled_at": None,
        "expires_at": None,
        "trial_ends_at": None,
        "started_at": JANUARY_MS,
        "current_period_start": None,
        "current_period_end": None,
        "quantity": 1,
        "scope": "customer",
        "plan_version": 1,
        "is_custom": False,
    } == subscription
    assert {
        "feature_id": "messages",
        "granted": 50,
        "remaining": 50,
        "usage": 0,
        "unlimited": False,
        "overage_allowed": False,
        "max_purchase": None,
        "next_reset_at": FEBRUARY_MS,
        "breakdown": [
            {
                "id": balance["breakdown"][0]["id"],
                "plan_id": "free",
                "included_grant": 50,
                "prepaid_grant": 0,
                "remaining": 50,
                "usage": 0,
                "unlimited": False,
                "reset": {"interval": "month", "resets_at": FEBRUARY_MS},
                "price": None,
                "expires_at": None,
            }
        ],
    } == balance
    assert subscription["id"].startswith("cus_prod_")
    assert balance["breakdown"][0]["id"].startswith("cus_ent_")


async def test_everything_a_customer_holds_is_shown(api: Api) -> None:
    """The worked example of api.md §5.1: a subscription, a purchase, balances and a flag."""
    await subscribe_ada(api)
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "credit_pack"})
    await api.call("balances.track", {"customer_id": "ada", "feature_id": "messages", "value": 60})
    await api.call("balances.track", {"customer_id": "ada", "feature_id": "seats", "value": 2})
    answer = await api.call("customers.get", {"customer_id": "ada"})
    subscription = answer["subscriptions"][0]
    messages, seats = answer["balances"]["messages"], answer["balances"]["seats"]

    assert ("pro", "active", JANUARY_MS, JANUARY_MS, FEBRUARY_MS, 1) == (
        subscription["plan_id"],
        subscription["status"],
        subscription["started_at"],
        subscription["current_period_start"],
        subscription["current_period_end"],
        subscription["quantity"],
    )
    assert [
        {
            "plan_id": "credit_pack",
            "expires_at": None,
            "started_at": JANUARY_MS,
            "quantity": 1,
            "scope": "customer",
            "plan_version": 1,
            "is_custom": False,
        }
    ] == answer["purchases"]
    assert {
        "feature_id": "messages",
        "granted": 1000,
        "remaining": 940,
        "usage": 60,
        "unlimited": False,
        "overage_allowed": True,
        "max_purchase": None,
        "next_reset_at": FEBRUARY_MS,
        "breakdown": [
            {
                "id": messages["breakdown"][0]["id"],
                "plan_id": "pro",
                "included_grant": 1000,
                "prepaid_grant": 0,
                "remaining": 940,
                "usage": 60,
                "unlimited": False,
                "reset": {"interval": "month", "resets_at": FEBRUARY_MS},
                "price": {
                    "amount": 2,
                    "billing_units": 500,
                    "billing_method": "usage_based",
                    "max_purchase": None,
                },
                "expires_at": None,
            }
        ],
    } == messages
    assert {
        "feature_id": "seats",
        "granted": 5,
        "remaining": 3,
        "usage": 2,
        "unlimited": False,
        "overage_allowed": False,
        "max_purchase": None,
        "next_reset_at": None,
        "breakdown": [
            {
                "id": seats["breakdown"][0]["id"],
                "plan_id": "pro",
                "included_grant": 2,
                "prepaid_grant": 3,
                "remaining": 3,
                "usage": 2,
                "unlimited": False,
                "reset": None,
                "price": {
                    "amount": 8,
                    "billing_units": 1,
                    "billing_method": "prepaid",
                    "max_purchase": None,
                },
                "expires_at": None,
            }
        ],
    } == seats
    assert {
        "sso": {"id": answer["flags"]["sso"]["id"], "plan_id": "pro", "expires_at": None, "feature_id": "sso"}
    } == answer["flags"]
    assert {"messages", "seats", "ai_credits"} == answer["balances"].keys()


async def test_what_is_expanded_is_there_and_what_is_not_is_not(api: Api) -> None:
    """An expanded part that is empty is present, one that was not asked for has no key (api.md §1.11)."""
    await add_ada(api)
    plain = await api.call("customers.get", {"customer_id": "ada"})
    expanded = await api.call("customers.get", {"customer_id": "ada", "expand": list(EXPANDED)})

    assert set(EXPANDED) == expanded.keys() - plain.keys()
    assert {
        "invoices": [],
        "invoice_previews": [],
        "trials_used": [],
        "rewards": {"discounts": []},
        "entities": [],
        "referrals": [],
        "payment_method": {
            "id": expanded["payment_method"]["id"],
            "type": "card",
            "card": {"brand": "visa", "last4": "4242"},
        },
    } == {name: expanded[name] for name in EXPANDED}


async def test_plans_and_features_are_expanded_in_their_places(api: Api) -> None:
    """subscriptions.plan, purchases.plan, balances.feature, flags.feature (api.md §1.11)."""
    await subscribe_ada(api)
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "credit_pack"})
    names = ["subscriptions.plan", "purchases.plan", "balances.feature", "flags.feature", "invoices"]
    answer = await api.call("customers.get", {"customer_id": "ada", "expand": names})

    assert await api.call("plans.get", {"plan_id": "pro"}) == answer["subscriptions"][0]["plan"]
    assert await api.call("plans.get", {"plan_id": "credit_pack"}) == answer["purchases"][0]["plan"]
    for feature_id in ("messages", "seats", "ai_credits"):
        feature = await api.call("features.get", {"feature_id": feature_id})

        assert feature == answer["balances"][feature_id]["feature"]

    assert await api.call("features.get", {"feature_id": "sso"}) == answer["flags"]["sso"]["feature"]
    assert [54, 10] == sorted((invoice["total"] for invoice in answer["invoices"]), reverse=True)


async def test_an_existing_customer_gets_only_what_it_lacked(api: Api) -> None:
    """A name or an e-mail that is set stays; metadata stays (api.md §2.1)."""
    await add(api, "ada", name="Ada", metadata={"tier": "startup"})
    answer = await add(api, "ada", name="Eve", email="ada@lumen.test", metadata={"tier": "x"}, fingerprint="f")

    assert ("Ada", "ada@lumen.test", {"tier": "startup"}, None) == (
        answer["name"],
        answer["email"],
        answer["metadata"],
        answer["fingerprint"],
    )


async def test_a_customer_known_by_email_only(api: Api) -> None:
    """Its id is null; it is claimed by the first creation with an id and the same e-mail (api.md §1.7)."""
    unnamed = await api.call("customers.get_or_create", {"customer_id": None, "email": "ada@lumen.test"})
    again = await api.call("customers.get_or_create", {"customer_id": None, "email": "Ada@lumen.test"})
    claimed = await add(api, "ada", email="ada@lumen.test")

    assert (None, None, "ada") == (unnamed["id"], again["id"], claimed["id"])
    assert ["ada"] == await ids(api)


async def test_a_plan_may_be_chosen_for_a_new_customer(api: Api) -> None:
    """`auto_enable_plan_id` takes the place of the plans that start by themselves."""
    await stock(api)
    await api.call("plans.create", {"plan_id": "starter", "name": "Starter"})
    answer = await add(api, "ada", auto_enable_plan_id="starter")

    assert ["starter"] == [subscription["plan_id"] for subscription in answer["subscriptions"]]


async def test_an_update_merges_metadata_and_keeps_the_rest(api: Api) -> None:
    """A key set to null is deleted (api.md §1.7); fields not given stay."""
    await add(api, "ada", name="Ada", metadata={"tier": "startup", "seats": 4.0, "rate": 0.25})
    answer = await api.call(
        "customers.update",
        {"customer_id": "ada", "email": "ap@lumen.test", "metadata": {"tier": None, "region": "eu"}},
    )

    assert {
        **ANSWERED,
        "email": "ap@lumen.test",
        "metadata": {"seats": 4, "rate": 0.25, "region": "eu"},
    } == answer
    assert answer == await api.call("customers.get", {"customer_id": "ada"})


async def test_controls_are_kept_with_their_defaults(api: Api) -> None:
    """The worked example of api.md §5.1; each list given replaces the stored one, the others stay (§2.0)."""
    await add(api, "ada", billing_controls={"overage_allowed": [{"feature_id": "messages"}]})
    alert = {"feature_id": "messages", "threshold": 80, "threshold_type": "usage_percentage", "name": "80 percent"}
    answer = await api.call("customers.update", {"customer_id": "ada", "billing_controls": {"usage_alerts": [alert]}})

    assert {
        "overage_allowed": [{"feature_id": "messages", "enabled": False, "source": "customer"}],
        "usage_alerts": [{**alert, "enabled": True, "source": "customer"}],
    } == answer["billing_controls"]

    answer = await api.call(
        "customers.update",
        {
            "customer_id": "ada",
            "billing_controls": {
                "usage_alerts": [],
                "auto_topups": [
                    {
                        "feature_id": "messages",
                        "enabled": True,
                        "threshold": 10.0,
                        "quantity": 100,
                        "purchase_limit": {"interval": "month", "limit": 3},
                    }
                ],
            },
            "config": {"disable_overage_billing": True},
        },
    )

    assert [] == answer["billing_controls"]["usage_alerts"]
    assert {"interval": "month", "interval_count": 1, "limit": 3} == (
        answer["billing_controls"]["auto_topups"][0]["purchase_limit"]
    )
    assert {"disable_overage_billing": True} == answer["config"]
    assert answer == await api.call("customers.get", {"customer_id": "ada"})


async def test_stripe_ids_are_linked_and_unlinked(api: Api) -> None:
    """The empty text and null both unlink (api.md §2.1)."""
    await add(api, "ada", stripe_id="cus_TESTabc")
    linked = await api.call("customers.get", {"customer_id": "ada"})
    unlinked = await api.call("customers.update", {"customer_id": "ada", "stripe_id": ""})

    assert ("cus_TESTabc", {"stripe": {"id": "cus_TESTabc"}}) == (linked["stripe_id"], linked["processors"])
    assert unlinked["stripe_id"] is None
    assert "processors" not in unlinked


async def test_a_new_id_answers_under_the_new_id_only(api: Api) -> None:
    """Everything the customer holds moves along."""
    await subscribe_ada(api)
    renamed = await api.call("customers.update", {"customer_id": "ada", "new_customer_id": "lovelace"})

    assert "lovelace" == renamed["id"]
    assert ["pro"] == [each["plan_id"] for each in renamed["subscriptions"]]
    assert 404 == (await api.refused("customers.get", {"customer_id": "ada"})).status


async def test_parallel_creations_answer_the_same_customer(api: Api) -> None:
    """Ten requests for one id at once: one customer with one free plan."""
    await stock(api)
    answers = await asyncio.gather(*(add(api, "ada") for _ in range(10)))

    assert 1 == len({answer["subscriptions"][0]["id"] for answer in answers})
    assert ["ada"] == await ids(api)


BROKEN_RULES: list[Refused] = [
    ("customers.get", {"customer_id": "ghost"}, 404, "customer_not_found"),
    ("customers.update", {"customer_id": "ghost", "name": "Ghost"}, 404, "customer_not_found"),
    ("customers.delete", {"customer_id": "ghost"}, 404, "customer_not_found"),
    ("customers.advance_test_clock", {"customer_id": "ghost", "frozen_time": FEBRUARY_MS}, 404, "customer_not_found"),
    ("customers.update", {"customer_id": "ada", "new_customer_id": "bob"}, 409, "customer_already_exists"),
    ("customers.get_or_create", {"customer_id": None}, 400, "invalid_inputs"),
    ("customers.get_or_create", {}, 400, "invalid_inputs"),
    ("customers.get_or_create", {"customer_id": "x", "email": "nobody"}, 400, "invalid_inputs"),
    ("customers.get_or_create", {"customer_id": "x", "auto_enable_plan_id": "ghost"}, 404, "product_not_found"),
    ("customers.get_or_create", {"customer_id": "x", "expand": ["plans"]}, 400, "invalid_expand"),
    ("customers.get", {"customer_id": "ada", "expand": ["invoices", "Invoices"]}, 400, "invalid_expand"),
    (
        "customers.update",
        {"customer_id": "ada", "billing_controls": {"usage_alerts": [{"threshold": 1}]}},
        400,
        "invalid_inputs",
    ),
    (
        "customers.update",
        {"customer_id": "ada", "billing_controls": {"spend_limits": [{"overage_limit": -1}]}},
        400,
        "invalid_inputs",
    ),
    ("customers.update", {"customer_id": "ada", "config": {"disable_overage_billing": "yes"}}, 400, "invalid_inputs"),
    ("customers.list", {"sort_order": "up"}, 400, "invalid_inputs"),
    ("customers.list", {"subscription_status": "expired"}, 400, "invalid_inputs"),
    ("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": JANUARY_MS - 1}, 400, "invalid_request"),
]


@on_sqlite
async def test_a_rule_of_customers_that_is_broken(api: Api) -> None:
    """Each is refused with its own code, and the customers stay as they were (api.md §2.1)."""
    await add(api, "ada")
    await add(api, "bob")
    before = await api.call("customers.list")

    assert BROKEN_RULES == await api.refusals(BROKEN_RULES)
    assert before == await api.call("customers.list")
