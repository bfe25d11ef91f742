"""Balances as plain JSON values: the one place that says what of a balance is answered (api.md §2.0, §2.4).

The models of `balances` declare the same shapes for readers and check them; the fast door writes the values as they
are. A key that does not apply is left out.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sumac.api.schemas.items import rate_fields
from sumac.api.schemas.wire import as_number
from sumac.balances.model import Balance, Grant, TrackAnswer
from sumac.balances.rules.sum import by_source, shown
from sumac.balances.usage import CheckAnswer
from sumac.catalog.model import ItemPrice
from sumac.core.time import Cadence, to_ms
from sumac.events.model import Deduction

Shown = dict[str, Any]
NEVER = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
PRICES_KEPT = 1_000
ZERO = Decimal(0)


def show_check(answer: CheckAnswer) -> Shown:
    """The answer, and the balance or flag it was judged by."""
    access = answer.access
    judged = shown(access.balance) if access.balance is not None else None
    value: Shown = {
        "allowed": access.allowed,
        "customer_id": answer.customer_id,
        "required_balance": as_number(access.required),
        "balance": None if judged is None else show_balance(judged),
        "flag": None if access.flag is None else show_flag(access.flag),
    }
    if answer.entity_id is not None:
        value["entity_id"] = answer.entity_id
    if answer.balances is not None:
        held = {key: None if each is None else shown(each) for key, each in answer.balances.items()}
        value["balances"] = _show_all(held)
    return value


def show_track(answer: TrackAnswer) -> Shown:
    """What was counted, and what is left."""
    value = show_accepted(answer)
    if answer.balance is not None:
        value["balance"] = show_balance(answer.balance)
    if answer.balances is not None:
        value["balances"] = _show_all(answer.balances)
    value["deductions"] = [show_deduction(each) for each in answer.deductions]
    return value


def show_accepted(answer: TrackAnswer) -> Shown:
    """What was told; no balance, and no deductions."""
    request = answer.request
    value: Shown = {"customer_id": answer.customer_id, "value": as_number(request.value), "balance": None}
    if request.entity_id is not None:
        value["entity_id"] = request.entity_id
    if request.event_name is not None:
        value["event_name"] = request.event_name
    return value


def show_balance(balance: Balance) -> Shown:
    """Everything a customer holds of a feature."""
    value: Shown = {
        "feature_id": balance.feature_id,
        "granted": as_number(balance.granted),
        "remaining": as_number(balance.remaining),
        "usage": as_number(balance.usage),
        "unlimited": balance.unlimited,
        "overage_allowed": balance.overage_allowed,
        "max_purchase": None if balance.max_purchase is None else as_number(balance.max_purchase),
        "next_reset_at": _instant(balance.next_reset_at),
        "breakdown": [show_source(slots) for slots in by_source(balance.grants)],
    }
    if balance.rollovers:
        value["rollovers"] = [show_rollover(each) for each in balance.rollovers]
    return value


def show_source(slots: Sequence[Grant]) -> Shown:
    """A grant, or the slots of one item as one. An unlimited grant has no reset and no price here.

    What was set by hand says since when it is so, and until which reset, null for ever.
    """
    grant = slots[0]
    plain = not grant.unlimited
    value: Shown = {
        "id": grant.public_id,
        "plan_id": grant.plan_id,
        "included_grant": as_number(_sum([each.included + each.adjustment for each in slots])),
        "prepaid_grant": as_number(_sum([each.prepaid for each in slots])),
        "remaining": as_number(_sum([each.remaining for each in slots])),
        "usage": as_number(_sum([each.usage for each in slots])),
        "unlimited": grant.unlimited,
        "reset": show_reset(grant.reset, grant.resets_at) if plain else None,
        "price": _show_price(grant.price) if plain and grant.price is not None else None,
        "expires_at": _instant(grant.expires_at),
    }
    edits = [each.edited_at for each in slots if each.edited_at is not None]
    if edits:
        value["edited_at"] = to_ms(max(edits))
        value["edited_until"] = _instant(grant.resets_at)
    return value


def show_rollover(grant: Grant) -> Shown:
    """Units that were left at a reset: `granted` are those left and those used since."""
    return {
        "granted": as_number(grant.granted),
        "balance": as_number(grant.remaining),
        "expires_at": to_ms(grant.expires_at or NEVER),
    }


def show_reset(cadence: Cadence | None, resets_at: datetime | None) -> Shown | None:
    """How often a balance starts anew, and when next; None for one that never does."""
    if cadence is None:
        return None
    if cadence.count == 1:
        return {"interval": cadence.interval.value, "resets_at": _instant(resets_at)}
    return {"interval": cadence.interval.value, "interval_count": cadence.count, "resets_at": _instant(resets_at)}


def show_flag(grant: Grant) -> Shown:
    """A boolean feature the customer has."""
    return {
        "id": grant.id,
        "plan_id": grant.plan_id,
        "expires_at": _instant(grant.expires_at),
        "feature_id": grant.feature_id,
    }


def show_deduction(deduction: Deduction) -> Shown:
    """What usage took from one source; negative when it gave back."""
    return {
        "balance_id": deduction.public_id,
        "feature_id": deduction.feature_id,
        "plan_id": deduction.plan_id,
        "reset": show_reset(deduction.reset, deduction.resets_at),
        "value": as_number(deduction.value),
    }


@lru_cache(PRICES_KEPT)
def _show_price(price: ItemPrice) -> Shown:
    """What units of a grant cost. Nobody may change what is answered: it is kept."""
    fields = rate_fields(price)
    if "tiers" in fields:
        fields["tiers"] = [tier.model_dump(exclude_unset=True) for tier in fields["tiers"]]
    else:
        fields["amount"] = as_number(fields["amount"])
    return {
        **fields,
        "billing_units": as_number(price.billing_units),
        "billing_method": price.billing_method.value,
        "max_purchase": None if price.max_purchase is None else as_number(price.max_purchase),
    }


def _show_all(balances: Mapping[str, Balance | None]) -> dict[str, Shown | None]:
    return {key: None if each is None else show_balance(each) for key, each in balances.items()}


def _instant(instant: datetime | None) -> int | None:
    return None if instant is None else to_ms(instant)


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    return amounts[0] if len(amounts) == 1 else sum(amounts, ZERO)
