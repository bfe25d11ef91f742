"""The HTTP API in this process, over the test's database at the test's clock, and who calls it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from sumac.api.fast_door import FastDoor
from sumac.api.services import Services
from sumac.app import create_app
from sumac.balances.desk import UsageDesk
from sumac.billing.clock import ClockService
from sumac.billing.correct import InvoiceDesk
from sumac.billing.entities import EntityDesk
from sumac.billing.grants import GrantDesk
from sumac.billing.migrations import MigrationDesk
from sumac.billing.referrals import ReferralDesk
from sumac.billing.rewards import RewardDesk
from sumac.billing.service import BillingService
from sumac.billing.topups import TopupDesk
from sumac.core.tenant import Env, Tenant
from sumac.providers.mail import LogMailer
from sumac.providers.prices import BundledPrices
from sumac.providers.sandbox.bank import SandboxBank
from sumac.storage.database import Database
from tests.support.api import ADDRESS, Api, new_organization, other_env
from tests.support.contract import Contract, published


@pytest.fixture
def app_services(database: Database) -> Services:
    """The services behind the API, as app.py builds them."""
    bank = SandboxBank(database, public_url=ADDRESS)
    providers = {Env.SANDBOX: bank}
    billing = BillingService(database, providers, public_url=ADDRESS)
    topups = TopupDesk(database, billing)
    return Services(
        database=database,
        billing=billing,
        usage=UsageDesk(database, billing.due.settled, topups.nudge),
        prices=BundledPrices(),
        topups=topups,
        clocks=ClockService(database, billing, topups),
        entities=EntityDesk(database, billing),
        grants=GrantDesk(database, billing),
        migrations=MigrationDesk(database, billing),
        rewards=RewardDesk(billing),
        referrals=ReferralDesk(database, billing),
        invoice_desk=InvoiceDesk(database, billing, providers),
        bank=bank,
        mailer=LogMailer(),
        public_url=ADDRESS,
    )


@pytest.fixture
def app(app_services: Services) -> FastAPI:
    """The application."""
    return create_app(app_services)


@pytest.fixture(scope="session")
def contracts() -> list[Contract]:
    """What every successful answer is held against: the published contract where there is a copy, then our own."""
    return [*published()]


@pytest.fixture
async def client(app: FastAPI, app_services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who sends requests, without any key."""
    transport = httpx.ASGITransport(FastDoor(app, app_services))
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as opened:
        yield opened


@pytest.fixture
async def api(app: FastAPI, client: httpx.AsyncClient, app_services: Services, contracts: list[Contract]) -> Api:
    """The organization "Lumen" in its sandbox."""
    if len(contracts) == len(published()):
        contracts.append(Contract("our own", app.openapi()))
    organization_id = await new_organization(app_services, "lumen", owner_email="owner@lumen.test")
    return await Api.opened(client, app_services, contracts, Tenant(organization_id, Env.SANDBOX))


@pytest.fixture
async def live(api: Api) -> Api:
    """The same organization in its live environment."""
    return await Api.opened(api.client, api.services, api.contracts, other_env(api.tenant))


@pytest.fixture
async def rival(api: Api) -> Api:
    """Another organization in its sandbox."""
    organization_id = await new_organization(api.services, "rival", owner_email="owner@rival.test")
    return await Api.opened(api.client, api.services, api.contracts, Tenant(organization_id, Env.SANDBOX))
