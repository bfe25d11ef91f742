"""More or fewer bought units of a running plan (billing.md §12.2, §12.4)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

from sumac.balances.model import Grant
from sumac.balances.rules.topups import spread_units
from sumac.billing.model import Action, ChangePlan, Holding, HoldLines, Snapshot
from sumac.billing.rules.carry import grants_of
from sumac.billing.rules.change import Terms, invoice_of, stated_lines
from sumac.billing.rules.lines import advance_lines, credit_lines, prepaid_of
from sumac.billing.rules.quantities import is_bought_once
from sumac.billing.rules.terms import Replaced, changed_lines
from sumac.billing.rules.transition import is_trialing
from sumac.catalog.model import PlanItem
from sumac.catalog.rules.tiers import compute_prepaid_price
from sumac.core.errors import BadRequest
from sumac.core.money import exact_minor
from sumac.invoices.model import InvoiceKind, LineDraft

ZERO = Decimal(0)
WITH_THE_NEXT = "prorate_next_cycle"
FREE_UNTIL_THE_NEXT = "bill_next_cycle"
LATER = ("none", "no_prorations")


class _Billed(Enum):
    NOW = auto()
    WITH_THE_NEXT = auto()
    NOT = auto()
    LATER = auto()


def change_quantities(
    snapshot: Snapshot,
    target: Holding,
    wanted: Mapping[str, Decimal],
    terms: Terms,
    *,
    now: datetime,
    wait: bool = False,
) -> Replaced:
    """New totals of features that are bought again and again; each item says when a change of it is billed.

    What is billed at once or with the next invoice is given at once; a decrease that costs nothing back waits for the
    next renewal, and with `wait` every change does.
    """
    billed = {
        item.feature_id: _billing_of(item, target, wanted[item.feature_id], wait=wait)
        for item in _items(target, wanted)
    }
    later = {key: wanted[key] for key, how in billed.items() if how is _Billed.LATER}
    changed = {key: wanted[key] for key, how in billed.items() if how is not _Billed.LATER}
    upcoming = {key: value for key, value in target.held.upcoming_quantities.items() if key not in billed}
    held = replace(
        target.held, quantities={**target.held.quantities, **changed}, upcoming_quantities={**upcoming, **later}
    )
    after = Holding(held, target.plan)
    free = is_trialing(target, now) or not terms.prorate or not terms.bill
    now_lines = [] if free else _difference(snapshot, target, after, _keys(billed, _Billed.NOW), now)
    held_lines = [] if free else _difference(snapshot, target, after, _keys(billed, _Billed.WITH_THE_NEXT), now)
    if terms.custom_lines and terms.bill:
        now_lines, held_lines = list(stated_lines(terms.custom_lines, snapshot.currency)), []
    actions: list[Action] = [*_invoice(snapshot, after, now_lines, terms, InvoiceKind.CHANGE)]
    actions.append(ChangePlan(held, tuple(regranted(grants_of(snapshot.grants, held.id), after))))
    if held_lines:
        actions.append(HoldLines(tuple(held_lines)))
    return Replaced(tuple(actions), after)


def top_up(snapshot: Snapshot, target: Holding, feature_id: str, units: Decimal, terms: Terms) -> Replaced:
    """More units of a feature that is bought once, on top of what is there: `units` are the additional ones.

    They pay first for what was used beyond the balance, as those that are bought by themselves do (§6.6). Raises
    BadRequest for anything but a number above zero.
    """
    item = next(each for each in target.plan.items if each.feature_id == feature_id and is_bought_once(each))
    if item.price is None or units <= 0:
        message = f"feature_quantities: say how many more of {feature_id} are bought, above 0"
        raise BadRequest(message, code="invalid_options")
    bought = prepaid_of(item, {feature_id: item.included + units})
    before = prepaid_of(item, target.held.quantities)
    held = replace(target.held, quantities={**target.held.quantities, feature_id: item.included + before + bought})
    after = Holding(held, target.plan)
    lines = [top_up_line(snapshot, after, item, bought)] if terms.bill else []
    if terms.custom_lines and terms.bill:
        lines = list(stated_lines(terms.custom_lines, snapshot.currency))
    giving = [each for each in grants_of(snapshot.grants, held.id) if _is_given_by(each, item)]
    grants = spread_units(snapshot.grants, giving[0], bought) if giving else ()
    return Replaced((*_invoice(snapshot, after, lines, terms, InvoiceKind.TOP_UP), ChangePlan(held, grants)), after)


def regranted(grants: Sequence[Grant], after: Holding, only: Collection[str] | None = None) -> Iterator[Grant]:
    """The plan's grants that give another number of bought units from now on; what was used of them stays used."""
    for grant in grants:
        item = next((each for each in after.plan.items if _is_given_by(grant, each)), None)
        if item is None or (only is not None and item.feature_id not in only):
            continue
        prepaid = prepaid_of(item, after.held.quantities)
        if prepaid != grant.prepaid:
            yield replace(grant, prepaid=prepaid, balance=grant.balance + prepaid - grant.prepaid)


def _is_given_by(grant: Grant, item: PlanItem) -> bool:
    return item.is_prepaid and not item.unlimited and (grant.feature_id, grant.price) == (item.feature_id, item.price)


def _items(target: Holding, wanted: Mapping[str, Decimal]) -> Iterator[PlanItem]:
    for feature_id in wanted:
        yield next(item for item in target.plan.items if item.feature_id == feature_id and item.is_prepaid)


def _billing_of(item: PlanItem, target: Holding, quantity: Decimal, *, wait: bool) -> _Billed:
    before = prepaid_of(item, target.held.quantities)
    after = prepaid_of(item, {item.feature_id: quantity})
    if after == before:
        return _Billed.NOT
    rule = item.proration
    how = None if rule is None else (rule.on_increase if after > before else rule.on_decrease)
    if wait or how in LATER:
        return _Billed.LATER
    if how == WITH_THE_NEXT:
        return _Billed.WITH_THE_NEXT
    return _Billed.NOT if how == FREE_UNTIL_THE_NEXT else _Billed.NOW


def _keys(billed: Mapping[str, _Billed], how: _Billed) -> set[str]:
    return {key for key, each in billed.items() if each is how}


def _difference(
    snapshot: Snapshot, before: Holding, after: Holding, only: Collection[str], now: datetime
) -> list[LineDraft]:
    features, currency, charges = snapshot.features, snapshot.currency, snapshot.billed_beyond
    given_back = credit_lines(before, features, currency=currency, now=now, charges=charges, only=only)
    return changed_lines(given_back, advance_lines(after, features, currency=currency, now=now, only=only))


def _invoice(
    snapshot: Snapshot, after: Holding, lines: Sequence[LineDraft], terms: Terms, kind: InvoiceKind
) -> Iterator[Action]:
    return invoice_of(
        snapshot,
        lines,
        terms,
        kind=kind,
        plan_ids=[after.plan.id],
        customer_plan_id=after.held.id,
        now=None,
    )


def top_up_line(snapshot: Snapshot, after: Holding, item: PlanItem, bought: Decimal) -> LineDraft:
    """What so many more units of something bought once cost by themselves: tiers begin anew."""
    feature = snapshot.features.get(item.feature_id)
    name = feature.name if feature else item.feature_id
    price = compute_prepaid_price(item.price, bought, included=ZERO) if item.price else ZERO
    return LineDraft(
        display_name=name,
        description=f"{bought:,f} more {name}",
        exact_minor=exact_minor(price, snapshot.currency),
        quantity=bought,
        plan_id=after.plan.id,
        feature_id=item.feature_id,
        period=None,
        customer_plan_id=after.held.id,
    )
