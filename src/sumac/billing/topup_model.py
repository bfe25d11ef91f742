"""An automatic top-up: what it gives, and what was bought by it before (billing.md §6.6)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from sumac.balances.controls import AutoTopup


@dataclass(frozen=True, slots=True)
class TopUp:
    """So many more units of a feature that the plan sells once; they are spread when it is carried out.

    `topup` says why they were bought; `card` is the stored card that pays, None when an invoice is sent.
    """

    customer_plan_id: str
    units: Decimal
    topup: AutoTopup
    card: str | None
    kind: Literal["topped_up"] = "topped_up"


@dataclass(frozen=True, slots=True)
class TopupState:
    """What became of the automatic top-ups of one feature.

    `purchases` were made in the window that ends at `window_ends_at`; `attempted_at` are the latest attempts, oldest
    first; `failures` so many in a row, the last one with `failed_card`.
    """

    customer_key: str
    feature_id: str
    window_ends_at: datetime | None = None
    purchases: int = 0
    attempted_at: tuple[datetime, ...] = ()
    failed_at: datetime | None = None
    failures: int = 0
    failed_card: str | None = None


class TopupFailure(StrEnum):
    """Why nothing was bought (api.md §2.15)."""

    CHARGE_FAILED = "charge_failed"
    MISSING_PAYMENT_METHOD = "missing_payment_method"
    MISSING_CUSTOMER_PRODUCT = "missing_customer_product"
    PURCHASE_LIMIT_REACHED = "purchase_limit_reached"
    ATTEMPT_LIMIT_REACHED = "attempt_limit_reached"
    FAILED_ATTEMPT_LIMIT_REACHED = "failed_attempt_limit_reached"
    SUSPENDED_AFTER_FAILURES = "suspended_after_failures"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing is bought now. `again_at` is when it may be tried by itself; without `reason` it only has to wait.

    It is told once for each `since`.
    """

    reason: TopupFailure | None
    since: datetime
    again_at: datetime | None = None
