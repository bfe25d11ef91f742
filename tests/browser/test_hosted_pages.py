"""What a customer sees in a browser, on a phone and on a desk: checkout, confirm page, invoice; the API's reference."""

from playwright.async_api import Browser, expect

from tests.browser.conftest import PHONE, Api, Tab
from tests.browser.hosted import ASKS, GOOD, REFUSED, held_by, open_sound, portal, press, subscriber
from tests.support.server import LiveServer


async def checkout(api: Api, customer_id: str, **asked: object) -> str:
    """A page on which somebody new subscribes to Pro."""
    api("customers.get_or_create", customer_id=customer_id, name="Paying Paula")
    link: str = api("billing.attach", customer_id=customer_id, plan_id="pro", **asked)["payment_url"]
    return link


async def test_paying_a_checkout(window: Tab, api: Api) -> None:
    """A refused card keeps the page; a good one pays, and the plan is active; opened again it is complete."""
    payer = f"payer_{window.name}"
    link = await checkout(api, payer)
    await open_sound(window, link)
    await expect(window.page.get_by_text("$20.00").first).to_be_visible()

    await window.page.get_by_label("Card number").fill(REFUSED)
    window.expected.add(link)
    await press(window, "Pay $20.00")
    await expect(window.page.get_by_role("alert")).to_contain_text("declined")
    assert [] == held_by(api, payer)

    await window.page.get_by_label("Card number").fill(GOOD)
    await press(window, "Pay $20.00")
    await expect(window.page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert [("pro", "active")] == held_by(api, payer)

    await open_sound(window, link, status=409)
    await expect(window.page.get_by_role("heading", name="already complete")).to_be_visible()
    await press(window, "View invoice", role="link")
    await expect(window.page.get_by_text("Paid").first).to_be_visible()


async def test_a_card_that_asks(window: Tab, api: Api) -> None:
    """The bank asks; refused, nothing is charged and another try is possible; approved, it is paid."""
    payer = f"asked_{window.name}"
    link = await checkout(api, payer)
    await open_sound(window, link)
    await window.page.get_by_label("Card number").fill(ASKS)
    await press(window, "Pay $20.00")
    await expect(window.page.get_by_role("heading", name="Do you make this payment?")).to_be_visible()
    window.expected.add(link)
    await press(window, "Refuse")
    await expect(window.page.get_by_role("alert")).to_contain_text("did not confirm")
    assert [] == held_by(api, payer)

    await window.page.get_by_label("Card number").fill(ASKS)
    await press(window, "Pay $20.00")
    await press(window, "Approve")
    await expect(window.page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert [("pro", "active")] == held_by(api, payer)


async def test_a_card_ahead_of_a_plan(window: Tab, api: Api) -> None:
    """The page says what is charged once the card is stored, and does that."""
    customer_id = f"ahead_{window.name}"
    api("customers.get_or_create", customer_id=customer_id, name="Ahead Ada")
    await open_sound(window, api("billing.setup_payment", customer_id=customer_id, plan_id="team")["url"])
    await window.page.get_by_label("Card number").fill(GOOD)
    await window.page.get_by_label("Expiry").fill("12 / 34")
    await press(window, "Save card and pay $99.00")
    await expect(window.page.get_by_text("You paid $99.00")).to_be_visible()
    assert [("team", "active")] == held_by(api, customer_id)

    await open_sound(window, portal(api, customer_id))
    await expect(window.page.get_by_text("Expires 12 / 34")).to_be_visible()


async def test_links_that_lead_nowhere(window: Tab, api: Api) -> None:
    """A page replaced by another one has expired, and unknown links are not found; each says what to do."""
    link = await checkout(api, f"lost_{window.name}")
    api("billing.attach", customer_id=f"lost_{window.name}", plan_id="pro", success_url="https://shop.example/")
    await open_sound(window, link, status=410)
    await expect(window.page.get_by_text("start again to get a new link")).to_be_visible()
    for path in ("checkout/unknown", "c/co_unknown", "invoice/unknown", "portal/unknown"):
        await open_sound(window, f"{window.url}/{path}", status=404)


async def test_confirming_a_change(window: Tab, api: Api) -> None:
    """The page says what changes and costs; turned down nothing happens, confirmed the card on file is charged."""
    customer_id = f"grower_{window.name}"
    subscriber(api, customer_id, "Growing Greta")
    link: str = api("billing.attach", customer_id=customer_id, plan_id="team", redirect_mode="always")["payment_url"]
    await open_sound(window, link)
    for words in ("Change to Team", "Pro ends now", "Team starts now", "•••• 4242 is charged at once"):
        await expect(window.page.get_by_text(words).first).to_be_visible()

    await press(window, "Go back")
    await expect(window.page.get_by_role("heading", name="Nothing was changed")).to_be_visible()
    assert [("pro", "active")] == held_by(api, customer_id)

    await press(window, "Look at it again", role="link")
    await press(window, "Confirm and pay")
    await expect(window.page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert [("team", "active")] == held_by(api, customer_id)

    await open_sound(window, link, status=409)


async def test_the_invoice_and_its_pdf(window: Tab, api: Api) -> None:
    """The invoice says what was paid; its PDF is a PDF."""
    customer_id = f"reader_{window.name}"
    await open_sound(window, subscriber(api, customer_id, "Reading Rita"))
    await press(window, "Invoice", role="link")
    await expect(window.page.get_by_text("$20.00").first).to_be_visible()
    address = f"{window.page.url}/pdf"
    answer = await window.page.request.get(address)

    assert (200, "application/pdf") == (answer.status, answer.headers["content-type"].partition(";")[0])
    assert (await answer.body()).startswith(b"%PDF-")
    await expect(window.page.locator(f'a[href="{address.removeprefix(window.url)}"]').first).to_be_visible()


async def test_without_javascript_and_by_keyboard(browser: Browser, server: LiveServer, api: Api) -> None:
    """A checkout is paid with JavaScript switched off and without a mouse."""
    link = await checkout(api, "keyboard")
    width, height = PHONE
    context = await browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(link)
    await page.get_by_label("Card number").focus()
    await page.keyboard.type(GOOD)
    for _ in range(3):
        await page.keyboard.press("Tab")
    focused = page.locator(":focus")
    await expect(focused).to_have_text("Pay $20.00")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    await context.close()

    assert link.startswith(server.url)
    assert [("pro", "active")] == held_by(api, "keyboard")


async def test_the_reference_is_readable(tab: Tab, api: Api) -> None:
    """/docs reads the OpenAPI document and shows it, without anything from elsewhere."""
    del api
    await tab.open("/docs")

    await expect(tab.page.get_by_text("May this customer use this much of the feature").first).to_be_visible(
        timeout=30_000
    )
