"""A real browser on a real server: no page may write an error to the console or have a request that fails."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Request, Response, async_playwright

from tests.browser.story import tell
from tests.support.server import LiveServer, live_server
from tools.machine import find_browser

HERE = Path(__file__).parent
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1280, 900), (390, 844)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder shares its module's event loop, and so its browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@dataclass
class Api:
    """The server's API with a secret key."""

    client: httpx.Client
    server: LiveServer

    def __call__(self, operation: str, **body: object) -> dict[str, Any]:
        """Calls an operation, which must succeed."""
        answer = self.client.post(f"/v1/{operation}", json=body)
        assert answer.is_success, f"{answer.text}\n{self.server.printed}"
        result: dict[str, Any] = answer.json()
        return result


@dataclass
class Tab:
    """A page of the browser and what went wrong on it."""

    page: Page
    url: str
    name: str = ""
    problems: list[str] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Listens for everything that should not happen."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    async def open(self, path: str) -> None:
        """Goes to an address of the server and waits until nothing more is loaded."""
        await self.page.goto(f"{self.url}{path}")
        await self.page.wait_for_load_state("networkidle")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        signed_out = response.status == httpx.codes.UNAUTHORIZED and response.url.endswith("/v1/sessions.get")
        if response.status >= httpx.codes.BAD_REQUEST and not signed_out and response.url not in self.expected:
            self.problems.append(f"{response.status}: {response.url}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server on an empty folder."""
    with live_server(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture(scope="module")
def api(server: LiveServer) -> Iterator[Api]:
    """Its API, and a company's first months told through it."""
    headers = {"authorization": f"Bearer {server.create_key()}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
        called = Api(client, server)
        tell(called)
        yield called


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium from the system."""
    found = find_browser()
    assert found is not None, "Chromium is missing; .venv/bin/python -m tools.machine says how to get it"
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=found, args=list(OPTIONS))
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="module")
async def tab(browser: Browser, server: LiveServer, api: Api) -> AsyncIterator[Tab]:
    """A fresh window, signed out, at desktop size; nothing may have gone wrong in it at the end."""
    del api
    async for opened in _tab(browser, server, DESKTOP):
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def phone(browser: Browser, server: LiveServer, api: Api) -> AsyncIterator[Tab]:
    """The same at the width of a phone."""
    del api
    async for opened in _tab(browser, server, PHONE):
        yield opened


@pytest_asyncio.fixture(loop_scope="module", params=["phone", "desktop"])
async def window(request: pytest.FixtureRequest, browser: Browser, server: LiveServer, api: Api) -> AsyncIterator[Tab]:
    """Each of the two in turn; `name` says which."""
    del api
    async for opened in _tab(browser, server, PHONE if request.param == "phone" else DESKTOP, name=request.param):
        yield opened


@pytest.fixture(scope="module")
def cookie(server: LiveServer) -> dict[str, str]:
    """The session of the owner, who signed in with the printed link."""
    link = server.sign_in_link.partition("#link=")[2]
    headers = {"x-client-type": "dashboard"}
    answer = httpx.post(f"{server.url}/v1/sessions.create", json={"link": link}, headers=headers)
    ((name, value),) = answer.cookies.items()
    return {"name": name, "value": value, "url": server.url}


@pytest_asyncio.fixture(loop_scope="module")
async def signed_in(tab: Tab, cookie: Any) -> Tab:  # noqa: ANN401  # the browser's own kind of cookie
    """A window of somebody who is signed in, on the customers list."""
    await tab.page.context.add_cookies([cookie])
    await tab.open("/sandbox/customers")
    return tab


@pytest_asyncio.fixture(loop_scope="module")
async def signed_in_phone(phone: Tab, cookie: Any) -> Tab:  # noqa: ANN401  # the browser's own kind of cookie
    """The same at the width of a phone."""
    await phone.page.context.add_cookies([cookie])
    await phone.open("/sandbox/customers")
    return phone


async def _tab(browser: Browser, server: LiveServer, size: tuple[int, int], *, name: str = "") -> AsyncIterator[Tab]:
    width, height = size
    context = await browser.new_context(viewport={"width": width, "height": height}, locale="en-GB", timezone_id="UTC")
    opened = Tab(await context.new_page(), server.url, name)
    yield opened
    await context.close()

    assert [] == opened.problems
