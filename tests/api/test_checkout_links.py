"""Plans given before their page is paid, and links that outlive it, over HTTP (api.md §2.5, billing.md §10.5)."""

from datetime import timedelta

import httpx
import pytest

from sumac.core.clock import ManualClock
from tests.api.shop import add_ada
from tests.support.api import Api, Body

ADA: Body = {"customer_id": "ada"}
PRO: Body = {**ADA, "plan_id": "pro"}
ATTACH, COMPLETE = "billing.attach", "sandbox.complete_checkout"


async def held(api: Api) -> list[str]:
    """The plans that ada holds."""
    return [each["plan_id"] for each in (await api.call("customers.get", ADA))["subscriptions"]]


async def test_given_at_once(api: Api, client: httpx.AsyncClient) -> None:
    """The plan is there with an open invoice of the previewed total; its link leads to the page, until it is paid."""
    await add_ada(api, card=False)
    asked = {**PRO, "enable_plan_immediately": True}
    preview = await api.call("billing.preview_attach", asked)
    answer = await api.call(ATTACH, asked)
    url = answer["payment_url"]

    assert ("open", preview["total"]) == (answer["invoice"]["status"], answer["invoice"]["total"])
    assert ["pro"] == await held(api)
    assert url == (await api.call(ATTACH, asked))["payment_url"]
    led = await client.get(url)
    assert (303, True) == (led.status_code, "/checkout/" in led.headers["location"])
    assert led.headers["location"] == (await client.get(url)).headers["location"]
    assert 200 == (await client.get(led.headers["location"])).status_code

    done = await api.call(COMPLETE, {"url": url})

    assert ("completed", "pro", "paid", preview["total"]) == (
        done["status"],
        done["plan_id"],
        done["invoice"]["status"],
        done["invoice"]["total"],
    )
    assert 409 == (await api.refused(COMPLETE, {"url": url})).status
    over = await client.get(url)
    assert (409, True) == (over.status_code, "nothing is charged twice" in over.text)
    assert 1 == len((await api.call("invoices.list", ADA))["list"])


async def test_a_link_is_followed_much_later(api: Api, client: httpx.AsyncClient, clock: ManualClock) -> None:
    """Nothing is given before it is paid, weeks after it was asked for."""
    await add_ada(api, card=False)
    url = (await api.call(ATTACH, {**PRO, "long_lived_checkout": True}))["payment_url"]
    clock.advance(timedelta(days=60))

    assert ["free"] == await held(api)
    assert 303 == (await client.get(url)).status_code
    await api.call(COMPLETE, {"url": url})
    assert ["pro"] == await held(api)


async def test_a_link_that_leads_nowhere(api: Api, client: httpx.AsyncClient, clock: ManualClock) -> None:
    """Unknown, expired, and no longer possible: a page that says so, and nothing else happens."""
    await add_ada(api, card=False)
    ends_at = int(clock.now().timestamp() * 1000) + 30 * 86_400_000
    url = (await api.call(ATTACH, {**PRO, "long_lived_checkout": True, "ends_at": ends_at}))["payment_url"]

    assert 404 == (await client.get(f"{url}x")).status_code
    clock.advance(timedelta(days=31))
    impossible = await client.get(url)
    assert (409, True) == (impossible.status_code, "no longer possible" in impossible.text)
    clock.advance(timedelta(days=60))
    expired = await client.get(url)
    assert (410, True) == (expired.status_code, "expired" in expired.text)
    assert ["free"] == await held(api)


async def test_several_plans_at_once(api: Api) -> None:
    """multi_attach gives them all ahead of one payment."""
    await add_ada(api, card=False)
    plans = [{"plan_id": "pro"}]
    answer = await api.call("billing.multi_attach", {**ADA, "plans": plans, "enable_plan_immediately": True})

    assert ("open", ["pro"]) == (answer["invoice"]["status"], await held(api))
    await api.call(COMPLETE, {"url": answer["payment_url"]})
    assert ["paid"] == [each["status"] for each in (await api.call("invoices.list", ADA))["list"]]


@pytest.mark.parametrize("name", ["enable_plan_immediately", "long_lived_checkout"])
async def test_what_is_for_an_attach_only(api: Api, name: str) -> None:
    """An update has neither, and says so."""
    await add_ada(api)
    await api.call(ATTACH, PRO)
    refused = await api.refused("billing.update", {**PRO, "feature_quantities": [], "version": 1, name: True})

    assert (400, True) == (refused.status, name in refused.message)


async def test_a_sent_invoice_says_it_itself(api: Api) -> None:
    """Beside invoice_mode, which has a field of its own for it, enable_plan_immediately is refused."""
    await add_ada(api)
    mode = {"invoice_mode": {"enabled": True}, "enable_plan_immediately": True}
    for operation, body in ((ATTACH, PRO), ("billing.multi_attach", {**ADA, "plans": [{"plan_id": "pro"}]})):
        assert 400 == (await api.refused(operation, {**body, **mode})).status
    assert 400 == (await api.refused("billing.setup_payment", {**PRO, "enable_plan_immediately": True})).status
