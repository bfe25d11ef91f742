"""What a customer sees on a phone: checkout, invoice, portal; and the API's reference."""

import re

from playwright.async_api import expect

from tests.browser.conftest import Api, Tab


async def test_paying_a_checkout(phone: Tab, api: Api) -> None:
    """A refused card keeps the page; a good one pays, and the plan is active."""
    api("customers.get_or_create", customer_id="payer", name="Paying Paula")
    link = api("billing.attach", customer_id="payer", plan_id="pro")["payment_url"]
    await phone.open(link.removeprefix(phone.url))
    await expect(phone.page.get_by_text("$20.00").first).to_be_visible()

    await phone.page.get_by_label("Card number").fill("4000 0000 0000 0002")
    phone.expected.add(link)
    await phone.page.get_by_role("button", name=re.compile("Pay")).click()
    await expect(phone.page.get_by_role("alert")).to_contain_text("declined")
    await phone.page.get_by_label("Card number").fill("4242 4242 4242 4242")
    await phone.page.get_by_role("button", name=re.compile("Pay")).click()
    await expect(phone.page.get_by_text(re.compile("Pro", re.IGNORECASE)).first).to_be_visible()

    held = api("customers.get", customer_id="payer")["subscriptions"][0]
    assert ("pro", "active") == (held["plan_id"], held["status"])


async def test_the_portal_cancels_and_keeps(phone: Tab, api: Api) -> None:
    """The customer ends the plan with its period, and changes their mind."""
    api("customers.get_or_create", customer_id="leaver", name="Leaving Lee")
    api("sandbox.add_card", customer_id="leaver")
    api("billing.attach", customer_id="leaver", plan_id="pro")
    link = api("billing.open_customer_portal", customer_id="leaver")["url"]
    await phone.open(link.removeprefix(phone.url))
    await expect(phone.page.get_by_text("Leaving Lee").first).to_be_visible()

    await phone.page.get_by_role("link", name="Cancel plan").click()
    await phone.page.get_by_role("button", name="Cancel plan").click()
    await expect(phone.page.get_by_text(re.compile("Ends on"))).to_be_visible()
    plans = api("customers.get", customer_id="leaver")["subscriptions"]
    assert any(each["plan_id"] == "pro" and each["canceled_at"] is not None for each in plans)

    await phone.page.get_by_role("link", name="Keep plan").click()
    await phone.page.get_by_role("button", name="Keep plan").click()
    await expect(phone.page.get_by_text(re.compile("Renews on"))).to_be_visible()
    plans = api("customers.get", customer_id="leaver")["subscriptions"]
    assert ["pro"] == [each["plan_id"] for each in plans if each["canceled_at"] is None and each["status"] == "active"]


async def test_the_reference_is_readable(tab: Tab, api: Api) -> None:
    """/docs reads the OpenAPI document and shows it, without anything from elsewhere."""
    del api
    await tab.open("/docs")

    await expect(tab.page.get_by_text("May this customer use this much of the feature").first).to_be_visible(
        timeout=30_000
    )
