"""The customers list: search, filters, pages, both environments, and the width of a phone."""

import re

from playwright.async_api import expect

from tests.browser.conftest import Tab
from tests.browser.story import ARABIC_NAME, EMOJI_NAME, FILLERS, HOSTILE_NAME, LONG_NAME


async def test_rows_are_links_to_customers(signed_in: Tab) -> None:
    """Whatever their names are, every customer stands there as text, and the row leads to their page."""
    page = signed_in.page
    for name in (LONG_NAME, ARABIC_NAME, EMOJI_NAME, HOSTILE_NAME):
        await expect(page.get_by_role("link", name=name)).to_be_visible()
    await page.get_by_role("link", name="Acme Corporation").click()

    await expect(page.get_by_role("heading", name="Acme Corporation")).to_be_visible()
    assert page.url.endswith("/sandbox/customers/acme")


async def test_search_finds_by_name_mail_and_id(signed_in: Tab) -> None:
    """What is typed stands in the address and finds customers by any of the three."""
    page = signed_in.page
    for text, found in (
        ("lighting", "Lapsed Lighting"),
        ("billing@acme", "Acme Corporation"),
        ("filler_07", "Filler 07"),
    ):
        await page.keyboard.press("Escape")
        await page.get_by_role("searchbox").fill(text)
        await expect(page.get_by_role("row").filter(has_text=found)).to_be_visible()
        await expect(page.get_by_role("row")).to_have_count(2)
        await expect(page).to_have_url(re.compile("q="))


async def test_a_search_without_a_match_can_be_cleared(signed_in: Tab) -> None:
    """Nothing found is said, with a way back."""
    page = signed_in.page
    await signed_in.open("/sandbox/customers?q=nobody-has-this-name")
    await page.get_by_role("button", name=re.compile("Clear", re.IGNORECASE)).last.click()

    await expect(page.get_by_role("link", name="Acme Corporation")).to_be_visible()


async def test_pages_lead_through_everyone(signed_in: Tab) -> None:
    """Page by page every customer is shown exactly once."""
    page = signed_in.page
    await signed_in.open("/sandbox/customers?size=25")
    seen: list[str] = []
    for _ in range(10):
        await page.wait_for_load_state("networkidle")
        seen += await page.locator("tbody a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        following = page.get_by_role("button", name="Next page")
        if await following.is_disabled():
            break
        shown = await page.locator("tbody a").first.get_attribute("href")
        await following.click()
        await expect(page.locator("tbody a").first).not_to_have_attribute("href", shown or "")

    customers = [address for address in seen if "/customers/" in address]
    assert len(customers) == len(set(customers)), customers
    assert FILLERS + 6 == len(customers)


async def test_live_holds_nothing_of_the_sandbox(signed_in: Tab) -> None:
    """The other environment has no customers yet, and says how to make one."""
    page = signed_in.page
    await page.get_by_role("link", name="Live").or_(page.get_by_role("radio", name="Live")).first.click()
    await page.wait_for_url("**/live/customers**")

    await expect(page.get_by_text("customers.get_or_create").first).to_be_visible()
    await expect(page.get_by_text("test data, no real money")).to_have_count(0)


async def test_unknown_addresses_say_so(signed_in: Tab) -> None:
    """A page that does not exist, and one of no environment."""
    await signed_in.open("/sandbox/nothing-here")
    await expect(signed_in.page.get_by_text(re.compile("not found", re.IGNORECASE)).first).to_be_visible()


async def test_the_list_fits_a_phone(signed_in_phone: Tab) -> None:
    """At 390 px nothing has to be scrolled sideways, and the menu opens."""
    await expect(signed_in_phone.page.get_by_role("link", name=re.compile("Acme Corporation"))).to_be_visible()
    width = await signed_in_phone.page.evaluate("document.documentElement.scrollWidth")

    assert width <= 390
