"""The dashboard's files: the application at every address of its own, and nothing where the server has its own."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from sumac.pages.front import add_front

OK, NOT_FOUND = httpx.codes.OK, httpx.codes.NOT_FOUND


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """Asks a server that has nothing but the dashboard."""
    app = FastAPI(docs_url=None, redoc_url=None)
    add_front(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sumac.test") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/sandbox/customers", "/live/customers/cus%2Fone", "/sign-in", "/docs"])
async def test_pages_run_only_our_own_scripts(browser: httpx.AsyncClient, path: str) -> None:
    """Every page forbids scripts from elsewhere and being framed, and is asked for again each time."""
    page = await browser.get(path)

    assert OK == page.status_code
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "DENY" == page.headers["x-frame-options"]
    assert "no-cache" == page.headers["cache-control"]
    assert OK == (await browser.head(path)).status_code


async def test_scripts_are_kept_by_the_browser(browser: httpx.AsyncClient) -> None:
    """What a page loads has its content in its name and may be kept for ever."""
    page = await browser.get("/")
    scripts = re.findall(r'src="(/assets/[^"]+\.js)"', page.text)

    assert scripts
    for script in scripts:
        answer = await browser.get(script)
        assert OK == answer.status_code
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    ["/v1/unknown", "/checkout/", "/invoice/a/b", "/assets/missing.js", "/assets/..%2f..%2ffront.py", "/pages/x.css"],
)
async def test_addresses_of_the_server_are_not_the_application(browser: httpx.AsyncClient, path: str) -> None:
    """An address below the server's own that nobody serves does not exist; no file outside can be reached."""
    assert NOT_FOUND == (await browser.get(path)).status_code
