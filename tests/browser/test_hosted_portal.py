"""The portal in a browser, on a phone and on a desk: plans, cards, what is owed."""

import re

from playwright.async_api import expect

from tests.browser.conftest import Api, Tab
from tests.browser.hosted import ASKS, GOOD, REFUSED, fall_behind, held_by, open_sound, portal, press, subscriber


async def test_cancelling_and_keeping(window: Tab, api: Api) -> None:
    """The customer ends the plan with its period, and changes their mind; each is asked and then confirmed."""
    customer_id = f"leaver_{window.name}"
    await open_sound(window, subscriber(api, customer_id, "Leaving Lee"))
    await expect(window.page.get_by_text(re.compile("Renews on .* for .20.00 plus usage"))).to_be_visible()

    await press(window, "Cancel plan Pro", role="link")
    await expect(window.page.get_by_text("Until then you can change your mind.")).to_be_visible()
    await press(window, "Cancel plan")
    await expect(window.page.get_by_role("status")).to_contain_text("Your plan is set to end.")
    await expect(window.page.get_by_text(re.compile("Ends on"))).to_be_visible()
    plans = api("customers.get", customer_id=customer_id)["subscriptions"]
    assert any(each["plan_id"] == "pro" and each["canceled_at"] is not None for each in plans)

    await press(window, "Keep plan Pro", role="link")
    await press(window, "Keep plan")
    await expect(window.page.get_by_role("status")).to_contain_text("Your plan goes on.")
    plans = api("customers.get", customer_id=customer_id)["subscriptions"]
    assert ["pro"] == [each["plan_id"] for each in plans if each["canceled_at"] is None and each["status"] == "active"]


async def test_cards_are_added_chosen_and_removed(window: Tab, api: Api) -> None:
    """A card is added on a hosted page; another one is made the default; one is removed, but not the last."""
    await open_sound(window, subscriber(api, f"cards_{window.name}", "Carding Carla"))
    await press(window, "Add a card")
    setup = window.page.url
    await window.page.get_by_label("Card number").fill(REFUSED)
    window.expected.add(setup)
    await press(window, "Save card and continue")
    await expect(window.page.get_by_role("alert")).to_contain_text("declined")

    await window.page.get_by_label("Card number").fill(ASKS)
    await press(window, "Save card and continue")
    await press(window, "Approve")
    await expect(window.page.get_by_role("status")).to_contain_text("Your card is stored")
    first = window.page.locator("li.method").first
    await expect(first).to_contain_text("3220")
    await expect(first).to_contain_text("Used for payments")

    await press(window, "Use for payments: Visa ending in 4242", role="link")
    await press(window, "Use for payments")
    await expect(window.page.get_by_role("status")).to_contain_text("Payments are made with this card")
    await expect(window.page.locator("li.method").first).to_contain_text("4242")

    await press(window, "Remove Visa ending in 3220", role="link")
    await press(window, "Remove card")
    await expect(window.page.get_by_role("status")).to_contain_text("The card is removed.")
    await expect(window.page.locator("li.method")).to_have_count(1)

    await press(window, "Remove Visa ending in 4242", role="link")
    await expect(window.page.get_by_role("heading", name="This card is still needed")).to_be_visible()
    await expect(window.page.get_by_role("button", name="Remove card")).to_have_count(0)


async def test_what_is_owed_is_paid(window: Tab, api: Api) -> None:
    """A declined renewal is shown as owed; the card on file pays it, and the plan is active again."""
    customer_id = f"behind_{window.name}"
    subscriber(api, customer_id, "Late Larry")
    fall_behind(api, customer_id)
    await open_sound(window, portal(api, customer_id))
    await expect(window.page.get_by_text("Payment overdue")).to_be_visible()
    assert [("pro", "past_due")] == held_by(api, customer_id)

    await press(window, "Pay $20.00", role="link")
    payment = window.page.url
    api("sandbox.set_next_charge", customer_id=customer_id, outcome="decline")
    window.expected.add(payment)
    await press(window, "Pay $20.00")
    await expect(window.page.get_by_role("alert")).to_contain_text("declined")

    await press(window, "Pay with another card")
    await window.page.get_by_label("Card number").fill(GOOD)
    await press(window, "Pay $20.00")
    await expect(window.page.get_by_role("heading", name=re.compile("Invoice"))).to_be_visible()
    assert [("pro", "active")] == held_by(api, customer_id)


async def test_a_customer_with_nothing(window: Tab, api: Api) -> None:
    """The empty portal says so, and offers to add a card."""
    api("customers.get_or_create", customer_id=f"empty_{window.name}")
    await open_sound(window, portal(api, f"empty_{window.name}"))

    await expect(window.page.get_by_text("No card is stored.")).to_be_visible()
    await expect(window.page.get_by_text("There are no invoices yet.")).to_be_visible()


async def test_names_of_every_kind(window: Tab, api: Api) -> None:
    """Long, right-to-left and hostile names break neither the page's width nor its words."""
    for customer_id in ("long", "arabic", "emoji", "hostile"):
        name = api("customers.get", customer_id=customer_id)["name"]
        await open_sound(window, portal(api, customer_id))

        await expect(window.page.get_by_role("heading", level=1)).to_have_text(name)
