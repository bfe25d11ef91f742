"""What every page has in common: headers, escaping, forms from elsewhere, and forms that are no forms."""

import pytest

from sumac.pages.render import STYLESHEET_PATH
from tests.pages.shop import Shop, words_of
from tests.support import build

GOOD = "4242424242424242"
HOSTILE = "\"><script>alert('1')</script><img src=x onerror=alert(2)>{{ 7*7 }}"
NAMES = ("محمد بن عبد الله", "👩‍💻🚀", "x" * 300, "Zażółć & Söhne <b>", "A\u202eB")


async def every_page(shop: Shop) -> dict[str, str]:
    """One address of each page."""
    await shop.services.add_card(number="4000000000000341")
    paid_later = (await shop.services.attach("pro")).payment_url
    await shop.services.attach("growth")

    assert paid_later is not None

    invoice = (await shop.services.invoices())[0]
    portal = await shop.services.billing.open_portal(shop.services.tenant, "ada", None)
    held = await shop.services.held("growth")
    return {
        "checkout": paid_later,
        "invoice": f"/invoice/{invoice.token}",
        "portal": portal,
        "choice": f"{portal}/plans/{held.id}/cancel",
        "unknown": "/checkout/unknown",
    }


async def test_every_answer_is_private(shop: Shop) -> None:
    """Not cached, not framed, not indexed, no referrer, and nothing but our stylesheet is loaded."""
    pages = await every_page(shop)
    answers = [await shop.visit(address) for address in pages.values()]
    answers.append(await shop.submit(f"{pages['invoice']}/pay"))
    answers.append(await shop.submit(pages["checkout"], number="1"))
    answers.append(await shop.submit(pages["checkout"], number=GOOD, headers={"sec-fetch-site": "cross-site"}))
    for answer in answers:
        assert "no-store" == answer.headers["cache-control"]
        assert "no-referrer" == answer.headers["referrer-policy"]
        assert "DENY" == answer.headers["x-frame-options"]
        assert "nosniff" == answer.headers["x-content-type-options"]
        assert "noindex" == answer.headers["x-robots-tag"]
        if answer.status_code != 303:
            policy = answer.headers["content-security-policy"]

            assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; ")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy


async def test_pages_bring_no_script_and_no_style_of_their_own(shop: Shop) -> None:
    """The policy would stop them; every resource is the one stylesheet."""
    for address in (await every_page(shop)).values():
        text = (await shop.visit(address)).text

        assert "<script" not in text
        assert "style=" not in text
        assert 1 == text.count("<link ")
        assert f'<link rel="stylesheet" href="{STYLESHEET_PATH}">' in text


async def test_the_stylesheet(shop: Shop) -> None:
    """It is served by us, names its content in its address, and loads nothing either."""
    answer = await shop.visit(STYLESHEET_PATH)

    assert 200 == answer.status_code
    assert "text/css; charset=utf-8" == answer.headers["content-type"]
    assert "public, max-age=31536000, immutable" == answer.headers["cache-control"]
    assert "url(" not in answer.text
    assert "@import" not in answer.text


async def test_hostile_names_stay_text(shop: Shop) -> None:
    """Markup and template marks in the names of seller, customer, plan and feature are shown as they were typed."""
    other = await Shop.opened(shop.services, shop.browser, HOSTILE)
    items = (build.item("messages", 5),)
    await other.services.offer(build.feature("messages", name=HOSTILE), build.plan("pro", name=HOSTILE, items=items))
    await other.services.add_customer("ada", name=HOSTILE, email="ada@example.com")
    url = (await other.services.attach("pro")).payment_url

    assert url is not None

    checkout = await other.visit(url)
    asked = await other.submit(url, number="4000000000003220")
    done = await other.visit((await other.submit(url, test_card=GOOD)).headers["location"])
    invoice = await other.visit(f"/invoice/{(await other.services.invoices())[0].token}")
    portal_url = await other.services.billing.open_portal(other.services.tenant, "ada", f"https://x.example/{HOSTILE}")
    portal = await other.visit(portal_url)
    choice = await other.visit(f"{portal_url}/plans/{(await other.services.held('pro')).id}/cancel")
    for answer in (checkout, asked, done, invoice, portal, choice):
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        assert "{{ 7*7 }}" in answer.text
        assert "onerror=alert(2)>" not in answer.text


@pytest.mark.parametrize("name", NAMES)
async def test_names_of_any_script(shop: Shop, name: str) -> None:
    """Each stands for itself: set apart from the text around it, so that its direction does not spread."""
    await shop.services.add_customer("bob", name=name)
    answer = await shop.visit(await shop.services.billing.open_portal(shop.services.tenant, "bob", None))

    assert name in words_of(answer)
    assert "<h1><bdi>" in answer.text


async def test_forms_from_another_site_are_refused(shop: Shop) -> None:
    """By what the browser says of where they come from; nothing is paid."""
    url = (await shop.services.attach("pro")).payment_url

    assert url is not None

    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:1"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:2"},
        {"origin": "http://["},
    ):
        answer = await shop.submit(url, test_card=GOOD, headers=headers)

        assert 403 == answer.status_code
        assert "This was not sent from our page" in words_of(answer)
    assert {} == await shop.services.statuses()


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"sec-fetch-site": "none"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
        {},
    ],
)
async def test_own_forms_are_taken(shop: Shop, headers: dict[str, str]) -> None:
    """Browsers send no origin with the form of a page that sends no referrer; old ones say nothing at all."""
    url = (await shop.services.attach("pro")).payment_url

    assert url is not None
    assert 303 == (await shop.submit(url, test_card=GOOD, headers=headers)).status_code


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"number=" + b"4" * 5_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % index for index in range(17)), "application/x-www-form-urlencoded"),
        (b"number=\xff", "application/x-www-form-urlencoded"),
        (b'{"number": "4242424242424242"}', "application/json"),
        (b"test_card=4242424242424242", "text/plain"),
        (b"test_card=4242424242424242", ""),
    ],
)
async def test_what_is_no_form_is_refused(shop: Shop, body: bytes, content_type: str) -> None:
    """Too large, too many fields, not text, or another type: an answer that says so, and nothing is paid."""
    url = (await shop.services.attach("pro")).payment_url

    assert url is not None

    answer = await shop.browser.post(url, content=body, headers={"content-type": content_type})

    assert 400 == answer.status_code
    assert "go back and try again" in words_of(answer)
    assert {} == await shop.services.statuses()


@pytest.mark.parametrize("token", ["a" * 129, "%00", "a%20b", "%27%20OR%201=1", "..%2F..%2Fetc", "é"])
async def test_what_can_be_no_token_is_unknown(shop: Shop, token: str) -> None:
    """It never reaches the database."""
    for page in ("checkout", "invoice", "portal"):
        answer = await shop.browser.get(f"/{page}/{token}")

        assert 404 == answer.status_code
