"""The HTTP API in this process, as one caller sees it: a key, and every answer held against the contracts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import httpx
import pytest

from sumac.api.services import Services
from sumac.core.tenant import Env, Tenant
from sumac.organizations import service as organizations
from tests.support.contract import Contract

ADDRESS = "http://127.0.0.1:1"
Body = dict[str, Any]
Refused = tuple[str, Body | None, int, str]
"""An operation, a body, and the status and the code that it is refused with."""

on_sqlite = pytest.mark.parametrize("address", ["sqlite"], indirect=True)
"""For tests of what does not depend on the engine."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not a success."""

    status: int
    code: str
    message: str
    env: str | None


@dataclass(frozen=True, slots=True)
class Api:
    """One caller of the API: its secret key, and what it sends with every request."""

    client: httpx.AsyncClient
    services: Services
    contracts: Sequence[Contract]
    tenant: Tenant
    headers: Mapping[str, str]

    @classmethod
    async def opened(
        cls, client: httpx.AsyncClient, services: Services, contracts: Sequence[Contract], tenant: Tenant
    ) -> Self:
        """A caller with a fresh secret key of the tenant, whose organization must exist."""
        headers = {"authorization": f"Bearer {await new_key(services, tenant)}", "x-api-version": "2.3.0"}
        return cls(client, services, contracts, tenant, headers)

    def sending(self, **headers: str) -> Self:
        """The same caller with other headers (`x_api_version` for x-api-version)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})

    async def raw(self, path: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        """The answer to a POST of these bytes to a path below /v1."""
        kind = {} if content is None else {"content-type": "application/json"}
        return await self.client.post(f"/v1/{path}", content=content, headers={**kind, **self.headers, **headers})

    async def send(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        """The answer to a POST of a JSON body, or of none."""
        sent: dict[str, Any] = {} if body is None else {"json": body}
        return await self.client.post(f"/v1/{path}", headers={**self.headers, **headers}, **sent)

    async def call(self, path: str, body: object = None, **headers: str) -> Body:
        """The body of a success, after it was held against the contracts."""
        response = await self.send(path, body, **headers)

        assert 200 == response.status_code, response.text
        assert "application/json" == response.headers["content-type"]

        answer: Body = response.json()
        known = [contract for contract in self.contracts if contract.knows(f"/v1/{path}")]

        assert [] == [problem for contract in known for problem in contract.problems(f"/v1/{path}", answer)]

        return answer

    async def refused(self, path: str, body: object = None, **headers: str) -> Refusal:
        """An answer that is not a success; its body must be the error body and nothing else."""
        return refusal(await self.send(path, body, **headers))

    async def refusals(self, table: Sequence[Refused]) -> list[Refused]:
        """The table as it turned out: what each of its requests was told in truth."""
        told = [(path, body, await self.refused(path, body)) for path, body, *_ in table]
        return [(path, body, refused.status, refused.code) for path, body, refused in told]

    async def with_key(self, *scopes: str) -> Self:
        """The same tenant through another key, which has these scopes."""
        return self.sending(authorization=f"Bearer {await new_key(self.services, self.tenant, *scopes)}")


def refusal(response: httpx.Response) -> Refusal:
    """What a failed request was told (api.md §1.6)."""
    assert response.status_code >= 400, response.text
    assert "application/json" == response.headers["content-type"]

    body = response.json()

    assert {"message", "code"} <= body.keys() <= {"message", "code", "env"}
    assert isinstance(body["message"], str)
    assert body["message"]

    return Refusal(response.status_code, body["code"], body["message"], body.get("env"))


async def new_organization(services: Services, slug: str, *, owner_email: str) -> str:
    """Adds an organization; answers its id."""
    async with services.database.system() as system:
        organization, _ = await organizations.create_organization(
            system, slug=slug, name=slug.capitalize(), owner_email=owner_email
        )
    return organization.id


async def new_key(services: Services, tenant: Tenant, *scopes: str) -> str:
    """A fresh secret key of the tenant."""
    async with services.database.system() as system:
        return await organizations.create_key(system, tenant.organization_id, tenant.env, name="Test", scopes=scopes)


def other_env(tenant: Tenant) -> Tenant:
    """The other environment of the same organization."""
    return Tenant(tenant.organization_id, Env.LIVE if tenant.env is Env.SANDBOX else Env.SANDBOX)
