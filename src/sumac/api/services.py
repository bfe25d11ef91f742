"""What operations may call; built once, in app.py."""

from dataclasses import dataclass
from typing import Protocol

from sumac.balances.desk import UsageDesk
from sumac.balances.tokens import PriceList
from sumac.billing.clock import ClockService
from sumac.billing.correct import InvoiceDesk
from sumac.billing.entities import EntityDesk
from sumac.billing.grants import GrantDesk
from sumac.billing.migrations import MigrationDesk
from sumac.billing.provider import TestBank
from sumac.billing.referrals import ReferralDesk
from sumac.billing.rewards import RewardDesk
from sumac.billing.service import BillingService
from sumac.billing.topups import TopupDesk
from sumac.storage.database import Database


class Mailer(Protocol):
    """Somebody who delivers e-mail."""

    async def send_code(self, email: str, code: str) -> None:
        """Sends a sign-in code; never raises because of the address."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The services behind the API. Features without a service object are modules of functions that take a work.

    `public_url` is the address people reach us at, without a slash at its end.
    """

    database: Database
    billing: BillingService
    usage: UsageDesk
    prices: PriceList
    topups: TopupDesk
    clocks: ClockService
    entities: EntityDesk
    grants: GrantDesk
    rewards: RewardDesk
    referrals: ReferralDesk
    migrations: MigrationDesk
    invoice_desk: InvoiceDesk
    bank: TestBank
    mailer: Mailer
    public_url: str
