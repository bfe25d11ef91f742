"""What is due, and how often to look for it (design.md decision 12).

Every chore reads its work from columns in bounded batches and is safe to run twice, by any number of processes. A batch
is only a list of where to look: a customer is locked before anything of theirs is turned or collected, one that another
worker holds is left to it, and whether it is still due is read again under the lock.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from sumac.billing.cleanup import Cleanup
from sumac.billing.migrations import MigrationDesk
from sumac.billing.referrals import ReferralDesk
from sumac.billing.service import BillingService
from sumac.billing.topups import TopupDesk
from sumac.jobs.purge import Purge
from sumac.storage.database import Database

SOON = timedelta(seconds=1)
NOW_AND_THEN = timedelta(seconds=30)
SELDOM = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every so often; `run` answers how many things it did, and is called again while that is any."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[int]]


def chores_of(
    database: Database,
    billing: BillingService,
    topups: TopupDesk,
    migrations: MigrationDesk,
    referrals: ReferralDesk,
) -> tuple[Chore, ...]:
    """Every chore of the process."""
    return (
        Chore("settle_due_customers", SOON, billing.settle_due_customers),
        Chore("collect_due_invoices", SOON, billing.collect_due_invoices),
        Chore("top_up", SOON, topups.buy_waiting),
        Chore("migrate_customers", SOON, migrations.carry_on),
        Chore("reward_referrals", SOON, referrals.trigger_waiting),
        Chore("resume_attempts", SOON, billing.resume_attempts),
        Chore("settle_checkouts", NOW_AND_THEN, billing.settle_checkouts),
        Chore("end_used_up_purchases", SELDOM, Cleanup(database).run),
        Chore("purge", SELDOM, Purge(database).run),
    )
