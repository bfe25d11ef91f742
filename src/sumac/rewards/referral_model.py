"""Referral programs, the codes that customers invite others with, and who redeemed them (billing.md §18.2)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RedeemOn(StrEnum):
    """When a redeemed code is rewarded: at once, or with the first purchase of the redeemer."""

    CUSTOMER_CREATION = "customer_creation"
    CHECKOUT = "checkout"


class ReceivedBy(StrEnum):
    """Who gets the reward: who invited, or both."""

    REFERRER = "referrer"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Program:
    """What customers are promised for inviting others.

    `plan_ids` are the plans one of which must be bought, for a program that is redeemed on checkout; with
    `exclude_trial` a trial of one does not count before it is paid for. At most `max_redemptions` are rewarded, None
    for any number. `key` tells it from a deleted one of the same id.
    """

    key: str
    id: str
    reward_id: str
    redeem_on: RedeemOn
    received_by: ReceivedBy
    created_at: datetime
    max_redemptions: int | None = None
    plan_ids: tuple[str, ...] | None = None
    exclude_trial: bool | None = None


@dataclass(frozen=True, slots=True)
class ReferralCode:
    """Six letters and digits that a customer invites others to a program with."""

    code: str
    customer_key: str
    program_key: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Referral:
    """A customer redeemed somebody's code; `triggered_at` is when that was rewarded, None while it was not.

    `referrer_use_id` and `redeemer_use_id` are the uses of the reward that they got, None where they got none.
    """

    id: str
    customer_key: str
    program_key: str
    referrer_key: str
    code: str
    reward_id: str
    created_at: datetime
    triggered_at: datetime | None = None
    referrer_use_id: str | None = None
    redeemer_use_id: str | None = None
