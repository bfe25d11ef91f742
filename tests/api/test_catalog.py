"""catalog.preview_update and catalog.update over HTTP: a whole catalogue at once (clients.md §5)."""

from typing import Any

from tests.api.shop import FEATURES, FREE, PACK, PRO, SUPPORT, stock, subscribe_ada
from tests.support.api import Api, Body, on_sqlite

MESSAGES, SEATS, SSO, CREDITS = FEATURES
NOTHING: dict[str, Any] = {"features": [], "plans": []}
SALE: dict[str, Any] = {
    "coupon": {
        "id": "sale",
        "name": "Sale",
        "type": "percentage_discount",
        "value": 20,
        "duration": {"type": "months", "length": 3},
        "plan_ids": ["pro"],
        "promo_codes": [{"code": "SALE", "global_max_redemption": 5, "first_time_transaction": True}],
    }
}
GIFT: dict[str, Any] = {
    "feature_grant": {
        "id": "gift",
        "name": "Gift",
        "grants": [{"feature_id": "messages", "included": 10, "expiry": {"type": "month", "length": 1}}],
        "promo_codes": [{"code": "GIFT", "max_uses": None, "expires_at": 4_102_444_800_000}],
    }
}
DEAR = {**PRO, "price": {"amount": 40, "interval": "month"}}


def catalog(features: object = FEATURES, plans: object = (FREE, PRO), **options: object) -> dict[str, Any]:
    return {"features": features, "plans": plans, **options}


def told(preview: Body) -> dict[str, str]:
    """What becomes of each feature and plan, in its order."""
    features = {
        each["feature_id"]: "archive" if each["will_archive"] else each["action"] for each in preview["feature_changes"]
    }
    plans = {
        each["plan_id"]: "archived" if each["will_archive"] else each["action"] for each in preview["plan_changes"]
    }
    return {**features, **plans}


async def shown(api: Api) -> Body:
    """The catalogue as the lists show it, archived plans too."""
    plans = await api.call("plans.list", {"include_archived": True})
    return {"features": (await api.call("features.list"))["list"], "plans": plans["list"]}


async def test_from_nothing_and_again(api: Api) -> None:
    """A preview writes nothing; the update makes all of it, in whatever order it stands; again there is no change."""
    wanted = catalog(features=[CREDITS, SSO, SEATS, MESSAGES])
    preview = await api.call("catalog.preview_update", wanted)

    assert {
        "ai_credits": "create",
        "sso": "create",
        "seats": "create",
        "messages": "create",
        "free": "created",
        "pro": "created",
    } == told(preview)
    assert NOTHING == await shown(api)

    answer = await api.call("catalog.update", wanted)

    assert answer == await shown(api)
    assert answer["plans"] == [each["plan"] for each in preview["plan_changes"]]
    assert {"none", "skipped"} >= set(told(await api.call("catalog.preview_update", wanted)).values())


async def test_the_same_as_one_by_one(api: Api, rival: Api) -> None:
    """A catalogue that was pushed is the one that plans.create and features.create make."""
    await stock(rival)
    await api.call("catalog.update", catalog(plans=[FREE, PRO, PACK, SUPPORT]))

    assert await shown(rival) == await shown(api)


async def test_held_terms_make_a_version(api: Api) -> None:
    """Who holds the plan keeps the version; in place only where that is asked for; a name makes no version."""
    await subscribe_ada(api)
    (named,) = (await api.call("catalog.preview_update", catalog((), [{**PRO, "name": "P"}], skip_deletions=True)))[
        "plan_changes"
    ]
    (dear,) = (await api.call("catalog.preview_update", catalog((), [DEAR], skip_deletions=True)))["plan_changes"]
    forced = {**DEAR, "disable_version": True}
    (placed,) = (await api.call("catalog.preview_update", catalog((), [forced], skip_deletions=True)))["plan_changes"]

    for change, seen in ((named, (False, 1, 1)), (dear, (True, 1, 2)), (placed, (False, 1, 1))):
        assert "updated" == change["action"]
        assert seen == (change["versionable"], change["customers"], change["plan"]["version"])

    await api.call("catalog.update", catalog((), [DEAR], skip_deletions=True))
    ada = await api.call("customers.get", {"customer_id": "ada", "expand": ["subscriptions.plan"]})

    assert 2 == (await api.call("plans.get", {"plan_id": "pro"}))["version"]
    assert [30] == [each["plan"]["price"]["amount"] for each in ada["subscriptions"]]


async def test_every_version_where_it_is_asked_for(api: Api) -> None:
    """A change of terms names the versions that keep theirs; with all_versions they change alike."""
    await subscribe_ada(api)
    await api.call("catalog.update", catalog((), [DEAR], skip_deletions=True))
    named = {**DEAR, "name": "P"}
    dearer = {**DEAR, "price": {"amount": 50, "interval": "month"}}
    for plan, others in ((named, []), (dearer, [{"version": 1}]), ({**dearer, "all_versions": True}, [{"version": 1}])):
        (change,) = (await api.call("catalog.preview_update", catalog((), [plan], skip_deletions=True)))["plan_changes"]

        assert (others, False) == (change["other_versions"], change["versionable"])

    await api.call("catalog.update", catalog((), [{**dearer, "all_versions": True}], skip_deletions=True))
    for version in (1, 2):
        assert 50 == (await api.call("plans.get", {"plan_id": "pro", "version": version}))["price"]["amount"]


async def test_what_is_not_named_goes(api: Api) -> None:
    """Removed where nobody needs it, archived where somebody does, kept where it is skipped or nothing is deleted."""
    await subscribe_ada(api)
    kept = {**NOTHING, "skip_deletions": True}
    skipped = {**NOTHING, "skip_feature_ids": ["sso"], "skip_plan_ids": ["free", "credit_pack"]}
    for body, seen in (
        (kept, {}),
        (
            skipped,
            {
                "ai_credits": "archive",
                "messages": "archive",
                "seats": "archive",
                "pro": "archived",
                "support": "deleted",
            },
        ),
        (
            NOTHING,
            {
                "ai_credits": "remove",
                "messages": "archive",
                "seats": "archive",
                "sso": "archive",
                "free": "archived",
                "pro": "archived",
                "credit_pack": "deleted",
                "support": "deleted",
            },
        ),
    ):
        assert seen == told(await api.call("catalog.preview_update", body))

    await api.call("catalog.update", NOTHING)
    after = await shown(api)

    assert {"messages": True, "seats": True, "sso": True} == {
        each["id"]: each["archived"] for each in after["features"]
    }
    assert {"free": True, "pro": True} == {each["id"]: each["archived"] for each in after["plans"]}
    assert {"none"} == set(told(await api.call("catalog.preview_update", NOTHING)).values())


async def test_one_takes_the_place_of_another(api: Api) -> None:
    """A group has one plan that starts by itself; the one that goes, or no longer does, makes room in the same push."""
    await api.call("catalog.update", catalog(plans=[FREE]))
    other = {**FREE, "plan_id": "start", "name": "Start"}
    await api.call("catalog.update", catalog(plans=[other]))

    assert ["start"] == [each["id"] for each in (await shown(api))["plans"]]

    await api.call("catalog.update", catalog(plans=[FREE, {**other, "auto_enable": False}]))

    assert {"start": False, "free": True} == {each["id"]: each["auto_enable"] for each in (await shown(api))["plans"]}


async def test_all_or_nothing(api: Api) -> None:
    """What is wrong with one plan is told by the preview already, and nothing of the update is kept."""
    wrong = {**PRO, "plan_id": "wrong", "items": [{"feature_id": "nobody"}]}
    for operation in ("catalog.preview_update", "catalog.update"):
        refused = await api.refused(operation, catalog(plans=[FREE, wrong]))

        assert (404, "feature_not_found") == (refused.status, refused.code)

    assert NOTHING == await shown(api)


async def test_what_is_not_given_stays(api: Api) -> None:
    """Words for units, metadata and controls stay unless they are given, and then they are replaced, not merged."""
    limits = {"spend_limits": [{"feature_id": "messages", "enabled": True, "overage_limit": 5}]}
    await api.call("catalog.update", catalog(plans=[]))
    await api.call("plans.create", {**PRO, "metadata": {"a": 1, "b": 2}, "billing_controls": limits})
    bare = {"feature_id": "messages", "name": "Messages", "type": "metered", "consumable": True}
    same = await api.call("catalog.preview_update", catalog([bare], [PRO], skip_deletions=True))

    assert {"messages": "none", "pro": "none"} == told(same)

    (plan,) = (
        await api.call(
            "catalog.update",
            catalog((), [{**PRO, "metadata": {"b": 3}, "billing_controls": None}], skip_deletions=True),
        )
    )["plans"]

    assert {"b": 3} == plan["metadata"]
    assert "billing_controls" not in plan


async def test_rewards_in_a_catalogue(api: Api) -> None:
    """Made, changed, and removed where a list of them stands there, and left alone where none does."""
    sale, gift = SALE["coupon"], GIFT["feature_grant"]
    (code,) = gift["promo_codes"]
    lasting = {"feature_grant": {**gift, "promo_codes": [{"code": code["code"], "max_uses": None}]}}
    renamed = {"coupon": {**sale, "name": "Big sale", "plan_ids": None}}
    thief = {"coupon": {**sale, "id": "thief", "promo_codes": [{"code": "gift"}]}}
    for rewards, told_of in (
        ([SALE, GIFT], {"sale": "created", "gift": "created"}),
        ([GIFT, SALE], {"sale": "none", "gift": "none"}),
        ([SALE, lasting], {"sale": "none", "gift": "none"}),
        ([renamed, GIFT], {"sale": "updated", "gift": "none"}),
        (None, {}),
        ([renamed, thief], {"sale": "none", "thief": "created", "gift": "deleted"}),
        ([], {"sale": "deleted", "thief": "deleted"}),
        ([], {}),
    ):
        wanted = catalog(rewards=rewards)
        preview = await api.call("catalog.preview_update", wanted)

        assert told_of == {each["id"]: each["action"] for each in preview["reward_changes"]}

        await api.call("catalog.update", wanted)

    assert {"coupons": [], "feature_grants": []} == await api.call("rewards.list")


async def test_what_a_reward_is_worth_stays(api: Api) -> None:
    """Another value under the same id is refused, by the preview already; so is a key that may not give rewards."""
    await api.call("catalog.update", catalog(rewards=[SALE]))
    for other in ({"value": 30}, {"type": "fixed_discount"}, {"duration": {"type": "forever", "length": None}}):
        refused = await api.refused(
            "catalog.preview_update", catalog(rewards=[{"coupon": {**SALE["coupon"], **other}}])
        )

        assert (400, "invalid_reward") == (refused.status, refused.code)

    planner = await api.with_key("plans:write", "features:write")
    await planner.call("catalog.update", catalog())

    assert 403 == (await planner.refused("catalog.update", catalog(rewards=[SALE]))).status


async def test_once_is_never_again(api: Api) -> None:
    """A reset that never recurs and none say the same: a push that says it in the other word changes nothing."""
    once = {**PACK, "items": [{"feature_id": "ai_credits", "included": 100, "reset": {"interval": "one_off"}}]}
    for first, other in ((PACK, once), (once, PACK)):
        await api.call("catalog.update", catalog(plans=[first]))
        preview = await api.call("catalog.preview_update", catalog(plans=[other]))

        assert ["none"] == [each["action"] for each in preview["plan_changes"]]

        await api.call("catalog.update", catalog(plans=[]))


@on_sqlite
async def test_refusals(api: Api) -> None:
    """Both lists must stand there, nothing stands twice, and what is not available yet is refused, not dropped."""
    for body, code in (
        ({}, "invalid_inputs"),
        ({"features": []}, "invalid_inputs"),
        (catalog(features=[SSO, SSO]), "invalid_inputs"),
        (catalog(plans=[FREE, FREE]), "invalid_inputs"),
        (catalog(plans=[{**FREE, "variants": [{"variant_plan_id": "x"}]}]), "invalid_request"),
        (catalog(plans=[{**FREE, "version": 2}]), "invalid_request"),
        (catalog(rewards=[{"coupon": {}}]), "invalid_inputs"),
        (catalog(rewards=[SALE, SALE]), "invalid_inputs"),
        (catalog(rewards=[{}]), "invalid_inputs"),
        (catalog(referral_programs=[{"id": "x"}]), "invalid_request"),
    ):
        refused = await api.refused("catalog.update", body)

        assert (400, code) == (refused.status, refused.code), refused.message


@on_sqlite
async def test_features_need_their_scope(api: Api) -> None:
    """Whoever may change plans only can push plans, as long as no feature is touched."""
    planner = await api.with_key("plans:write")
    await planner.call("catalog.update", catalog((), [{**FREE, "items": []}], skip_deletions=True))
    for body in (catalog(plans=[]), NOTHING):
        refused = await planner.refused("catalog.update", body)

        assert (403, "insufficient_scopes") == (refused.status, refused.code)
