"""Signing in to the dashboard: by the printed link, or by a code."""

import re

from playwright.async_api import expect

from tests.browser.conftest import Tab
from tests.support.server import LiveServer


async def test_the_printed_link_signs_in_once(tab: Tab, server: LiveServer) -> None:
    """The link leads to the customers, leaves no token in the address, and does not work again."""
    path = server.new_sign_in_path()
    await tab.open(path)
    await expect(tab.page.get_by_role("heading", name="Customers")).to_be_visible()
    assert "#" not in tab.page.url

    await tab.page.context.clear_cookies()
    tab.expected.add(f"{tab.url}/v1/sessions.create")
    await tab.page.goto("about:blank")
    await tab.open(path)

    await expect(tab.page.get_by_text("already used or has expired")).to_be_visible()


async def test_a_code_from_the_log_signs_in(tab: Tab, server: LiveServer) -> None:
    """Without SMTP the code stands in the server's log; a wrong one is refused with a sentence."""
    await tab.open("/sandbox/customers/acme")
    await tab.page.get_by_label("Email").fill("owner@localhost")
    await tab.page.keyboard.press("Enter")
    code = tab.page.get_by_label("Six-digit code")
    await expect(code).to_be_visible()
    printed = server.read_until("sign_in_code")
    found = re.search(r"code=\D*(\d{6})", printed)
    assert found is not None, printed

    tab.expected.add(f"{tab.url}/v1/sessions.create")
    await code.fill("000000" if found.group(1) != "000000" else "111111")
    await expect(tab.page.get_by_role("alert")).to_contain_text("wrong or has expired")
    await code.fill(found.group(1))

    await expect(tab.page.get_by_role("heading", name="Acme Corporation")).to_be_visible()


async def test_signing_out_closes_every_door(signed_in: Tab) -> None:
    """After signing out the pages ask who you are."""
    page = signed_in.page
    await page.get_by_role("button", name=re.compile("owner@localhost")).click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await page.wait_for_url("**/sign-in**")
    await signed_in.open("/sandbox/customers")

    await expect(page.get_by_label("Email")).to_be_visible()
