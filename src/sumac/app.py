"""The composition root: the only place that builds services and names a provider."""

from dataclasses import asdict, dataclass

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from sumac.api.errors import add_error_handlers
from sumac.api.fast_door import FastDoor
from sumac.api.headers import SafeHeaders
from sumac.api.openapi import add_openapi
from sumac.api.router import api_routes
from sumac.api.services import Services
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
from sumac.config import Settings
from sumac.core.clock import Clock, SystemClock
from sumac.core.tenant import Env
from sumac.jobs.calendar import chores_of
from sumac.jobs.worker import Worker
from sumac.pages.front import add_front
from sumac.pages.site import Site, pages_router
from sumac.providers.mail import LogMailer, SmtpMailer
from sumac.providers.prices import BundledPrices
from sumac.providers.sandbox.bank import SandboxBank
from sumac.storage.database import Database, database_url


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a process is made of; close it when done."""

    services: Services
    worker: Worker

    async def close(self) -> None:
        """Closes the database, once what was counted is written and what was being bought is settled."""
        await self.services.usage.close()
        await self.services.topups.close()
        await self.services.database.close()


def build(settings: Settings, clock: Clock | None = None) -> Parts:
    """Builds the services over the database of the settings; opens no connection yet."""
    address = settings.address
    database = Database(database_url(settings.data_dir, settings.database_url), clock or SystemClock())
    bank = SandboxBank(database, public_url=address)
    providers = {Env.SANDBOX: bank}
    billing = BillingService(database, providers, public_url=address)
    topups, migrations = TopupDesk(database, billing), MigrationDesk(database, billing)
    referrals = ReferralDesk(database, billing)
    services = Services(
        database=database,
        billing=billing,
        usage=UsageDesk(database, billing.due.settled, topups.nudge),
        prices=BundledPrices(),
        topups=topups,
        clocks=ClockService(database, billing, topups),
        entities=EntityDesk(database, billing),
        grants=GrantDesk(database, billing),
        rewards=RewardDesk(billing),
        referrals=referrals,
        migrations=migrations,
        invoice_desk=InvoiceDesk(database, billing, providers),
        bank=bank,
        mailer=SmtpMailer(**asdict(settings.smtp)) if settings.smtp else LogMailer(),
        public_url=address,
    )
    return Parts(services, Worker(chores_of(database, billing, topups, migrations, referrals)))


def create_app(services: Services) -> FastAPI:
    """The HTTP side: API, hosted pages, dashboard. The caller closes the services."""
    app = FastAPI(openapi_url="/openapi.json", docs_url=None, redoc_url=None)
    app.state.services = services
    add_error_handlers(app)
    add_openapi(app)
    app.router.routes.extend(api_routes())
    app.include_router(pages_router(Site(services.database, services.billing, services.bank)))
    app.add_api_route("/health", _health, include_in_schema=False)
    app.add_middleware(SafeHeaders)
    add_front(app)
    return app


def create_server(services: Services) -> ASGIApp:
    """What a process serves: the application, and before it the fast door."""
    return FastDoor(create_app(services), services)


async def _health(request: Request) -> Response:
    services: Services = request.app.state.services
    async with services.database.system_reading():
        return JSONResponse({"status": "ok"})
