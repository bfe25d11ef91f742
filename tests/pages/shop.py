"""A seller with its services, and a browser without JavaScript in front of its pages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Self
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI

from sumac.core.tenant import Env, Tenant
from sumac.organizations import service as organizations
from sumac.pages.site import Site, pages_router
from tests.support.services import PUBLIC_URL, Services

INLINE_TAGS = re.compile(r"</?(bdi|span|strong|small)\b[^>]*>")
TAGS = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Shop:
    """One seller's services, and the pages of everybody."""

    services: Services
    browser: httpx.AsyncClient

    @classmethod
    async def opened(cls, services: Services, browser: httpx.AsyncClient, name: str, env: Env = Env.SANDBOX) -> Self:
        """A new organization with these services."""
        async with services.database.system() as system:
            slug = f"org-{len(name)}-{env}"
            organization, _ = await organizations.create_organization(
                system, slug=slug, name=name, owner_email="o@x.io"
            )
        return cls(services.of(Tenant(organization.id, env)), browser)

    async def visit(self, url: str) -> httpx.Response:
        """Opens a page."""
        return await self.browser.get(urlsplit(url).path)

    async def visit_in_full(self, url: str) -> httpx.Response:
        """Opens a page with what its address asks for."""
        return await self.browser.get(url)

    async def submit(self, url: str, /, *, headers: Mapping[str, str] | None = None, **fields: str) -> httpx.Response:
        """Sends a form of a page; redirects are not followed."""
        return await self.browser.post(urlsplit(url).path, data=fields, headers=headers)


def browser_of(services: Services) -> httpx.AsyncClient:
    """Something that opens the pages over the services."""
    app = FastAPI()
    app.include_router(pages_router(Site(services.database, services.billing, services.bank)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC_URL)


def words_of(answer: httpx.Response) -> str:
    """What a reader sees of a page, on one line."""
    return " ".join(unescape(TAGS.sub(" ", INLINE_TAGS.sub("", answer.text))).split())
