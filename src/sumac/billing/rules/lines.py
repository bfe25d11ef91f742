"""Lines of an invoice, exact and unrounded (billing.md §2.2 to §2.4, §10.8)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext

from sumac.balances.model import Grant
from sumac.balances.rules.sum import by_source
from sumac.billing.model import (
    Holding,
)
from sumac.catalog.model import Feature, PlanItem
from sumac.catalog.rules.text import units_text
from sumac.catalog.rules.tiers import compute_overage_price, compute_prepaid_price
from sumac.core.errors import BadRequest
from sumac.core.money import DECIMAL_PRECISION, exact_minor
from sumac.core.quantity import packs_for
from sumac.core.time import MILLISECOND, Cadence, Period, boundary, cycle, cycle_number
from sumac.invoices.model import LineDraft

ONE = Decimal(1)
ZERO = Decimal(0)
MOST_ELAPSED = 250


def prorate(amount: Decimal, period: Period, now: datetime) -> Decimal:
    """The part of the period's amount that falls between `now` and its end: all of it before, nothing after.

    Multiplied before it is divided, so that whatever has an end as a decimal is exact.
    """
    whole = (period.end - period.start) // MILLISECOND
    left = min(max((period.end - now) // MILLISECOND, 0), whole)
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        return amount * left / whole


def prepaid_of(item: PlanItem, quantities: Mapping[str, Decimal]) -> Decimal:
    """Units of the item bought in advance: whole packs beyond the included ones; 0 when none are chosen."""
    if not item.is_prepaid or item.price is None or item.feature_id not in quantities:
        return ZERO
    units = item.price.billing_units
    return packs_for(quantities[item.feature_id], included=item.included, billing_units=units) * units


def one_off_lines(holding: Holding, features: Mapping[str, Feature], *, currency: str) -> Iterator[LineDraft]:
    """What the plan costs once, whole, when it starts."""
    for price in _advance_prices(holding, features):
        if not price.cadence.recurs:
            yield price.line(holding, exact_minor(price.amount, currency), None)


def advance_lines(
    holding: Holding,
    features: Mapping[str, Feature],
    *,
    currency: str,
    now: datetime,
    boundary_only: bool = False,
    only: Collection[str] | None = None,
) -> Iterator[LineDraft]:
    """What the plan's recurring prices cost in advance from `now` to the end of each one's own period, prorated.

    `boundary_only` keeps only the prices whose period begins exactly now, as a renewal needs; `only` those of some
    features.
    """
    for price in _advance_prices(holding, features):
        if not price.cadence.recurs or (only is not None and price.feature_id not in only):
            continue
        period = cycle(holding.held.anchor_at, price.cadence, now)
        if boundary_only and period.start != now:
            continue
        due = exact_minor(prorate(price.amount, period, now), currency)
        yield price.line(holding, due, Period(now, period.end))


def elapsed_lines(
    holding: Holding, features: Mapping[str, Feature], *, currency: str, now: datetime
) -> Iterator[LineDraft]:
    """What every period from the plan's start in the past to the present costs in advance, each whole (§10.10).

    Raises BadRequest for more periods than fit on an invoice.
    """
    for price in _advance_prices(holding, features):
        if not price.cadence.recurs:
            continue
        first = cycle_number(holding.held.anchor_at, price.cadence, holding.held.starts_at)
        last = cycle_number(holding.held.anchor_at, price.cadence, now)
        if last - first >= MOST_ELAPSED:
            message = f"starts_at: more than {MOST_ELAPSED} periods have gone by since then"
            raise BadRequest(message)
        for number in range(first, last + 1):
            period = Period(
                boundary(holding.held.anchor_at, price.cadence, number),
                boundary(holding.held.anchor_at, price.cadence, number + 1),
            )
            yield price.line(holding, exact_minor(price.amount, currency), period)


def extension_lines(
    before: Holding, after: Holding, features: Mapping[str, Feature], *, currency: str, at: datetime
) -> Iterator[LineDraft]:
    """What is due when periods are counted from `at` on: the part of the new period that is not paid yet (§10.10)."""
    for price in _advance_prices(after, features):
        if not price.cadence.recurs:
            continue
        paid = cycle(before.held.anchor_at, price.cadence, at)
        paid_until = at if paid.start == at else paid.end
        period = cycle(after.held.anchor_at, price.cadence, at)
        due = exact_minor(prorate(price.amount, period, paid_until), currency)
        if due:
            yield price.line(after, due, Period(paid_until, period.end))


def credit_lines(
    holding: Holding,
    features: Mapping[str, Feature],
    *,
    currency: str,
    now: datetime,
    charges: Sequence[LineDraft] = (),
    only: Collection[str] | None = None,
    with_waived: bool = False,
) -> Iterator[LineDraft]:
    """Gives back what was paid in advance for the time after `now`; one-off prices are never given back.

    What was really charged for that time counts, less what was given back of it already; a price that was never charged
    is given back as the catalogue has it (billing.md §14.3). A price that was waived altogether has a line of nothing
    where `with_waived` asks for it.
    """
    held = holding.held
    if held.trial_ends_at is not None and now < held.trial_ends_at:
        return
    for price in _advance_prices(holding, features):
        if not price.cadence.recurs or (only is not None and price.feature_id not in only):
            continue
        period = cycle(held.anchor_at, price.cadence, now)
        if period.start == now and held.period_end == now:
            continue
        own = [line for line in charges if _is_charge_of(line, held.id, price.feature_id)]
        waived = _unused(((line.period, line.exact_waived_minor) for line in own), now)
        if own:
            unused = _unused(((line.period, line.exact_minor) for line in own), now)
            left = Period(now, max(line.period.end for line in own if line.period))
        else:
            unused, left = exact_minor(prorate(price.amount, period, now), currency), Period(now, period.end)
        if unused or (waived and with_waived):
            credit = replace(price, description=f"Unused time: {price.description}")
            line = credit.line(holding, unused.copy_negate(), left)
            yield replace(line, exact_waived_minor=waived.copy_negate()) if waived else line


def _is_charge_of(line: LineDraft, customer_plan_id: str, feature_id: str | None) -> bool:
    return line.period is not None and (line.customer_plan_id, line.feature_id) == (customer_plan_id, feature_id)


def _unused(charges: Iterable[tuple[Period | None, Decimal]], now: datetime) -> Decimal:
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        return sum((prorate(exact, period, now) for period, exact in charges if period is not None), Decimal(0))


def overage_lines(
    holding: Holding,
    grants: Sequence[Grant],
    features: Mapping[str, Feature],
    *,
    currency: str,
    at: datetime,
    closing: bool,
    unbilled: Collection[str] = (),
) -> Iterator[LineDraft]:
    """Usage beyond what was granted, billed afterwards: that of the entities' slots of an item together (§9.4).

    That of the grants in `unbilled` is not.

    `at` is the end of the period used. Without `closing` only prices whose own period ends exactly then are billed;
    with it (the plan is being left) all are.
    """
    own = [grant for grant in grants if grant.customer_plan_id == holding.held.id and grant.id not in unbilled]
    for slots in by_source(own):
        grant = slots[0]
        overage = sum((each.overage for each in slots), ZERO)
        if grant.price is None or not grant.overage_allowed or not overage or grant.proration is not None:
            continue
        period = _period_ending(holding.held.anchor_at, grant.price.cadence, at)
        if not closing and period.end != at:
            continue
        granted = sum((each.granted for each in slots), ZERO)
        price = compute_overage_price(grant.price, overage, included=granted)
        name = features[grant.feature_id].name if grant.feature_id in features else grant.feature_id
        yield LineDraft(
            display_name=name,
            description=f"{name}: {overage:,f} used beyond {granted:,f}",
            exact_minor=exact_minor(price, currency),
            quantity=overage,
            plan_id=holding.plan.id,
            feature_id=grant.feature_id,
            period=Period(max(period.start, holding.held.starts_at), at),
            customer_plan_id=holding.held.id,
        )


def _period_ending(anchor: datetime, cadence: Cadence, at: datetime) -> Period:
    """The price's period that ends at `at`, or else the one that contains it."""
    number = cycle_number(anchor, cadence, at)
    start = boundary(anchor, cadence, number)
    if start == at:
        return Period(boundary(anchor, cadence, number - 1), at)
    return Period(start, boundary(anchor, cadence, number + 1))


@dataclass(frozen=True, slots=True)
class _AdvancePrice:
    """A price paid in advance: `amount` in major units per period, for `quantity` units."""

    display_name: str
    description: str
    amount: Decimal
    quantity: Decimal
    feature_id: str | None
    cadence: Cadence

    def line(self, holding: Holding, exact: Decimal, period: Period | None) -> LineDraft:
        return LineDraft(
            display_name=self.display_name,
            description=self.description,
            exact_minor=exact,
            quantity=self.quantity,
            plan_id=holding.plan.id,
            feature_id=self.feature_id,
            period=period,
            customer_plan_id=holding.held.id,
        )


def _advance_prices(holding: Holding, features: Mapping[str, Feature]) -> Iterator[_AdvancePrice]:
    plan = holding.plan
    if plan.price is not None and plan.price.amount:
        yield _AdvancePrice(plan.name, f"{plan.name} - base price", plan.price.amount, ONE, None, plan.price.cadence)
    for item in plan.items:
        bought = prepaid_of(item, holding.held.quantities)
        if item.price is None or not bought:
            continue
        feature = features.get(item.feature_id)
        name = feature.name if feature else item.feature_id
        units = units_text(feature, bought) if feature else f"{bought:,f} {name}"
        amount = compute_prepaid_price(item.price, bought, included=item.included)
        yield _AdvancePrice(name, units, amount, bought, item.feature_id, item.price.cadence)
