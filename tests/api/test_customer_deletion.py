"""customers.delete over HTTP: nothing stays, and nobody pays for nothing (api.md §2.1, billing.md §19)."""

from tests.api.shop import add, add_ada, subscribe_ada
from tests.support.api import Api


async def test_a_deleted_customer_is_gone(api: Api) -> None:
    """The same id starts clean afterwards."""
    await subscribe_ada(api)

    assert {"success": True} == await api.call("customers.delete", {"customer_id": "ada", "delete_in_stripe": False})
    assert 404 == (await api.refused("customers.get", {"customer_id": "ada"})).status

    again = await add(api, "ada")

    assert ["free"] == [each["plan_id"] for each in again["subscriptions"]]
    assert [] == (await api.call("invoices.list", {"customer_id": "ada"}))["list"]


async def test_nobody_pays_for_a_deleted_customer(api: Api) -> None:
    """A payment page that was open is closed: what was paid there could be given to nobody."""
    await add_ada(api, card=False)
    link = (await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"}))["payment_url"]
    await api.call("customers.delete", {"customer_id": "ada"})
    refused = await api.refused("sandbox.complete_checkout", {"url": link})

    assert (410, "checkout_expired") == (refused.status, refused.code)
