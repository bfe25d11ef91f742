"""What every hosted page must be, in whichever window: readable without scrolling sideways, and accessible."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.conftest import Api, Tab

AXE = Path(__file__).parents[2] / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
AXE_MISSING = "axe-core is missing; make setup installs the dashboard's packages"
GOOD, REFUSED, DECLINES, ASKS = "4242424242424242", "4000000000000002", "4000000000000341", "4000000000003220"


async def open_sound(tab: Tab, address: str, *, status: int = 200) -> None:
    """Opens a hosted page, which must answer with the status and be sound."""
    if status != 200:
        tab.expected.add(address)
    answer = await tab.page.goto(address)

    assert answer is not None
    assert status == answer.status
    await expect_sound(tab.page)


async def expect_sound(page: Page) -> None:
    """Nothing is wider than the window, and the accessibility rules of WCAG A and AA hold."""
    await expect(page.locator("h1")).to_have_count(1)
    too_wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert too_wide <= 0, page.url
    assert AXE.is_file(), AXE_MISSING
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("axe.run()")
    broken = [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]

    assert [] == broken, f"{page.url}\n{broken}"


async def press(tab: Tab, name: str, *, role: Any = "button") -> None:  # noqa: ANN401  # one of playwright's role names
    """Presses a button or follows a link by its name; the page it leads to must be sound."""
    await tab.page.get_by_role(role, name=name).first.click()
    await tab.page.wait_for_load_state()
    await expect_sound(tab.page)


def subscriber(api: Api, customer_id: str, name: str, *, plan_id: str = "pro", cards: tuple[str, ...] = (GOOD,)) -> str:
    """A customer who holds a plan and has these cards, the last one as the default; answers the link to the portal."""
    api("customers.get_or_create", customer_id=customer_id, name=name, email=f"{customer_id}@example.com")
    for number in cards:
        api("sandbox.add_card", customer_id=customer_id, number=number)
    api("billing.attach", customer_id=customer_id, plan_id=plan_id)
    return portal(api, customer_id)


def portal(api: Api, customer_id: str) -> str:
    """A link to the customer's portal."""
    link: str = api("billing.open_customer_portal", customer_id=customer_id)["url"]
    return link


def fall_behind(api: Api, customer_id: str) -> None:
    """The customer's renewal is declined once."""
    held = api("customers.get", customer_id=customer_id)["subscriptions"][0]
    api("sandbox.set_next_charge", customer_id=customer_id, outcome="decline")
    api("customers.advance_test_clock", customer_id=customer_id, frozen_time=held["current_period_end"])


def held_by(api: Api, customer_id: str) -> list[tuple[str, str]]:
    """The plans the customer holds beside the free one, each with its status or that it is past due."""
    held = api("customers.get", customer_id=customer_id)["subscriptions"]
    main = [each for each in held if each["plan_id"] != "free"]
    return [(each["plan_id"], "past_due" if each["past_due"] else each["status"]) for each in main]
