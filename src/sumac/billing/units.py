"""Units that plans give, and usage that is counted on them from the start (billing.md §1.5, §3.1, §10.9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import PoolMode, RolledUnits
from sumac.catalog.model import ItemPrice, Proration, Rollover
from sumac.core.time import Cadence


@dataclass(frozen=True, slots=True)
class Provision:
    """Units a started plan gives: a grant that has no id yet. `balance` already counts usage that is carried over.

    Those of an entity have its `entity_key`; the slots that one item gives to each of them have its place in the plan.

    `rolled` are units that rolled over before and go along beside it. Those with a `pool_mode` are given to a pool.
    """

    feature_id: str
    included: Decimal
    prepaid: Decimal
    balance: Decimal
    unlimited: bool
    overage_allowed: bool
    max_purchase: Decimal | None
    reset: Cadence | None
    resets_at: datetime | None
    price: ItemPrice | None
    proration: Proration | None = None
    expires_at: datetime | None = None
    entity_key: str | None = None
    place: int | None = None
    rollover: Rollover | None = None
    rolled: tuple[RolledUnits, ...] = ()
    pool_mode: PoolMode | None = None

    @property
    def granted(self) -> Decimal:
        """Units given per period."""
        return self.included + self.prepaid

    @property
    def overage(self) -> Decimal:
        """Carried units beyond what is granted."""
        return Decimal(0) if self.unlimited else max(Decimal(0), -self.balance)


Usage = Mapping[tuple[str, str | None], Decimal]
"""Units used, by feature and by the key of the entity; of the customer for None."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Whose usage the provisions of a plan count, by grant id: all of it, or only what was used beyond the grant.

    What rolled over from the grants of `rolled_of` goes along with them.
    """

    usage_of: tuple[str, ...] = ()
    overage_of: tuple[str, ...] = ()
    rolled_of: tuple[str, ...] = ()
