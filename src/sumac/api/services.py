"""What operations may call; built once, in app.py."""

from dataclasses import dataclass

from sumac.billing.clock import ClockService
from sumac.billing.service import BillingService
from sumac.storage.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """The services behind the API. Features without a service object are modules of functions that take a work."""

    database: Database
    billing: BillingService
    clocks: ClockService
    public_url: str
