"""The page of one customer: what they hold, use, paid and did."""

import re

from playwright.async_api import Locator, expect

from tests.browser.conftest import Api, Tab


def section(tab: Tab, name: str) -> Locator:
    """A section of the page by its heading."""
    return tab.page.get_by_role("region", name=name)


async def test_products_show_status_price_and_dates(signed_in: Tab) -> None:
    """The plan with its badge, its price, the next billing and, opened, its limits."""
    await signed_in.open("/sandbox/customers/acme")
    products = section(signed_in, "Products")

    await expect(products.get_by_text("Active", exact=True)).to_be_visible()
    await expect(products.get_by_text("$20 per month")).to_be_visible()
    await expect(products.get_by_text(re.compile("Renews"))).to_be_visible()
    await products.get_by_role("button", name=re.compile("Pro")).first.click()
    await expect(products.get_by_text("1,000 messages")).to_be_visible()


async def test_features_show_what_is_used_and_left(signed_in: Tab) -> None:
    """Used of granted for what is metered, a mark for what is on."""
    await signed_in.open("/sandbox/customers/acme")
    features = section(signed_in, "Available features")

    await expect(features.get_by_text("400 of 1,000 used")).to_be_visible()
    await expect(features.get_by_text("600 left")).to_be_visible()
    await expect(features.get_by_text("0 of 3 in use")).to_be_visible()
    await expect(features.get_by_text("Single sign-on")).to_be_visible()


async def test_invoices_link_to_their_page(signed_in: Tab) -> None:
    """Both invoices with number, amount and status; the link opens the same numbers."""
    await signed_in.open("/sandbox/customers/acme")
    row = section(signed_in, "Invoices").get_by_role("row").filter(has_text="$22.00")
    await expect(row.get_by_text("Paid")).to_be_visible()
    async with signed_in.page.expect_popup() as opened:
        await row.get_by_role("link").click()
    invoice = await opened.value

    await expect(invoice.get_by_text("$22.00").first).to_be_visible()


async def test_events_are_filtered_and_opened(signed_in: Tab) -> None:
    """Usage newest first, and the properties that came with it."""
    await signed_in.open("/sandbox/customers/acme")
    events = section(signed_in, "Events")

    await expect(events.get_by_text("1,200")).to_be_visible()
    await expect(events.get_by_text("region=us").first).to_be_visible()


async def test_details_and_card(signed_in: Tab) -> None:
    """Who they are, and what they pay with."""
    await signed_in.open("/sandbox/customers/acme")

    await expect(section(signed_in, "Details").get_by_text("billing@acme.example")).to_be_visible()
    await expect(section(signed_in, "Details").get_by_text("gold")).to_be_visible()
    await expect(section(signed_in, "Billing").get_by_text(re.compile("4242"))).to_be_visible()


async def test_a_failed_renewal_is_seen(signed_in: Tab) -> None:
    """Past due is said where the plan stands, and the invoice is open."""
    await signed_in.open("/sandbox/customers/lapsed")

    await expect(section(signed_in, "Products").get_by_text("Past due", exact=True)).to_be_visible()
    await expect(section(signed_in, "Invoices").get_by_text("Open", exact=True)).to_be_visible()


async def test_an_unknown_customer_is_not_found(signed_in: Tab) -> None:
    """With a way back to the list."""
    signed_in.expected |= {f"{signed_in.url}/v1/{name}" for name in ("customers.get", "invoices.list", "events.list")}
    await signed_in.open("/sandbox/customers/nobody")

    await expect(signed_in.page.get_by_text("Customer not found")).to_be_visible()


async def test_the_page_fits_a_phone(signed_in_phone: Tab) -> None:
    """At 390 px nothing has to be scrolled sideways."""
    await signed_in_phone.open("/sandbox/customers/acme")
    await expect(signed_in_phone.page.get_by_role("heading", name="Acme Corporation")).to_be_visible()
    width = await signed_in_phone.page.evaluate("document.documentElement.scrollWidth")

    assert width <= 390


async def test_the_page_speaks_to_public_operations_only(signed_in: Tab, api: Api) -> None:
    """Every request of the page is an operation of the OpenAPI document."""
    known = set(api.client.get("/openapi.json").json()["paths"])
    asked: set[str] = set()
    signed_in.page.on("request", lambda request: asked.add(request.url.removeprefix(signed_in.url).partition("?")[0]))
    await signed_in.open("/sandbox/customers/acme")
    called = {path for path in asked if path.startswith("/v1/")}

    assert {"/v1/customers.get", "/v1/invoices.list", "/v1/events.list"} <= called
    assert called <= known
