"""What a past period of real usage costs on some terms (decision 0023).

The engine's own parts do it: its lines, its grants and its order of deduction. All periods are counted from the start
of the one replayed; the last one of each price is closed at its end, as when a plan is left.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from sumac.analytics.model import FeatureReplay, PeriodBill, Used
from sumac.balances.model import Grant
from sumac.balances.requests import OverageBehavior
from sumac.balances.rules.deduct import compute_deduction, compute_sources
from sumac.billing.model import Holding, Snapshot
from sumac.billing.rules.lines import advance_lines, overage_lines, prorate
from sumac.billing.rules.provision import fresh_provisions
from sumac.billing.units import Provision
from sumac.catalog.model import Plan, PlanItem
from sumac.core.errors import BadRequest
from sumac.core.money import DECIMAL_PRECISION, Money, apportion
from sumac.core.time import MILLISECOND, Cadence, Interval, Period, boundary, cycle
from sumac.invoices.model import LineDraft

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PERIOD_MAX, PERIOD_BY_HOUR_MAX = timedelta(days=92), timedelta(days=31)
ZERO = Decimal(0)


def compute_steps(plans: Iterable[Plan], period: Period) -> list[datetime]:
    """The edges of the steps by which usage is replayed: days from the period's start, hours where something is hourly.

    Raises BadRequest for a period that is too long, and for plans that cannot be replayed.
    """
    items = [item for plan in plans for item in plan.items]
    hourly = any(cadence.interval is Interval.HOUR for item in items for cadence in _cadences(item))
    longest = PERIOD_BY_HOUR_MAX if hourly else PERIOD_MAX
    if not period.start < period.end <= period.start + longest:
        message = f"period: it ends after it starts, at most {longest.days} days later"
        raise BadRequest(message)
    if any(item.entity_feature_id is not None for item in items):
        message = "Plans that give units to each entity cannot be replayed"
        raise BadRequest(message)
    if any(cadence.interval is Interval.MINUTE for item in items for cadence in _cadences(item)):
        message = "Plans with units by the minute cannot be replayed; the shortest step is an hour"
        raise BadRequest(message)
    step = HOUR if hourly else DAY
    count = -((period.start - period.end) // step)
    return [*(period.start + number * step for number in range(count)), period.end]


def compute_period_bill(snapshot: Snapshot, holding: Holding, usage: Sequence[Used], period: Period) -> PeriodBill:
    """What the period costs the customer on the plan of the holding, at its prices in the snapshot's currency.

    Of the snapshot only the customer, its currency and the features count. `usage` is in the order of its instants,
    each at or after the period's start; units that are held are used at the start. Same plan, same usage: same bill.
    """
    replay = _Replay(snapshot, _aligned(holding, period), period)
    boundaries = set(_boundaries(replay.holding.plan, period))
    at_once: dict[datetime, list[Used]] = {}
    for each in usage:
        at_once.setdefault(each.at, []).append(each)
    for at in sorted({period.start} | boundaries | set(at_once)):
        replay.begin(at)
        for each in at_once.get(at, ()):
            replay.use(each)
    replay.close()
    return replay.bill()


def _aligned(holding: Holding, period: Period) -> Holding:
    """The plan as though it had begun with the period; seats are billed for the period, and pools are its own units."""
    held = replace(
        holding.held,
        anchor_at=period.start,
        starts_at=period.start,
        next_anchor_at=None,
        trial_ends_at=None,
        period_start=period.start,
        period_end=period.end,
    )
    items = tuple(replace(item, proration=None, pooled=False) for item in holding.plan.items)
    return Holding(held, replace(holding.plan, items=items))


def _cadences(item: PlanItem) -> Iterator[Cadence]:
    for cadence in (item.reset, item.price.cadence if item.price else None):
        if cadence is not None and cadence.recurs:
            yield cadence


def _boundaries(plan: Plan, period: Period) -> Iterator[datetime]:
    """Where a price or units of the plan begin anew within the period."""
    cadences = {cadence for item in plan.items for cadence in _cadences(item)}
    if plan.price is not None and plan.price.cadence.recurs:
        cadences.add(plan.price.cadence)
    for cadence in cadences:
        number = 1
        while (at := boundary(period.start, cadence, number)) < period.end:
            yield at
            number += 1


class _Replay:
    """The grants and the lines on the way through the period."""

    def __init__(self, snapshot: Snapshot, holding: Holding, period: Period) -> None:
        self.holding = holding
        self._features, self._currency, self._period = snapshot.features, snapshot.currency, period
        provisions = fresh_provisions(holding, snapshot, now=period.start)
        grants = [_grant(holding, each, place, period.start) for place, each in enumerate(provisions)]
        self._grants = {grant.id: grant for grant in grants}
        self._seen: dict[str, FeatureReplay] = {}
        self._recurring, self._prepaid, self._overage = [ZERO], [ZERO], [ZERO]

    def begin(self, at: datetime) -> None:
        """What ends here is billed, what begins here is given and charged."""
        if at > self._period.start:
            self._bill_overage(at, closing=False)
            for grant in list(self._grants.values()):
                if grant.reset is not None and cycle(self._period.start, grant.reset, at).start == at:
                    self._grants[grant.id] = replace(grant, balance=grant.granted)
        charged = advance_lines(self.holding, self._features, currency=self._currency, now=at, boundary_only=True)
        for line in charged:
            part = self._recurring if line.feature_id is None else self._prepaid
            part.append(self._share(line))

    def use(self, used: Used) -> None:
        """Takes the units from the grants in the engine's order; what nobody pays for is refused."""
        if used.feature_id not in self._features:
            return
        feature = self._features[used.feature_id]
        sources = compute_sources(feature, list(self._grants.values()), list(self._features.values()))
        deducted = compute_deduction(sources, used.units, OverageBehavior.REJECT)
        before = self._seen_of(used.feature_id)
        refused = max(ZERO, deducted.shortfall)
        self._seen[used.feature_id] = replace(
            before, used=before.used + used.units, refused=before.refused + refused, is_included=bool(sources)
        )
        for taken in deducted.taken:
            self._grants[taken.grant.id] = taken.grant
            paid = taken.amount if taken.grant.feature_id != used.feature_id else ZERO
            self._note(taken.grant, paid, used.at)

    def close(self) -> None:
        """Bills what is left to be billed at the period's end."""
        self._bill_overage(self._period.end, closing=True)

    def bill(self) -> PeriodBill:
        """What it all came to, rounded once."""
        with localcontext() as context:
            context.prec = DECIMAL_PRECISION
            exact = [sum(part, ZERO) for part in (self._recurring, self._prepaid, self._overage)]
        recurring, prepaid, overage = (Money(minor, self._currency) for minor in apportion(exact))
        return PeriodBill(recurring, prepaid, overage, tuple(self._seen[key] for key in sorted(self._seen)))

    def _seen_of(self, feature_id: str) -> FeatureReplay:
        return self._seen.get(feature_id, FeatureReplay(feature_id))

    def _note(self, grant: Grant, paid: Decimal, at: datetime) -> None:
        """What is known of the grant's feature now; `paid` are credits that paid for another one."""
        before = self._seen_of(grant.feature_id)
        seen = replace(before, used=before.used + paid, is_included=True)
        runs_out = not grant.unlimited and grant.granted > 0 and grant.balance <= 0
        if runs_out and seen.ran_out_at is None:
            seen = replace(seen, ran_out_at=at)
        self._seen[grant.feature_id] = seen

    def _bill_overage(self, at: datetime, *, closing: bool) -> None:
        lines = overage_lines(
            self.holding,
            list(self._grants.values()),
            self._features,
            currency=self._currency,
            at=at,
            closing=closing,
        )
        for line in lines:
            held = line.feature_id is not None and not self._features[line.feature_id].consumable
            self._overage.append(self._held_share(line, at) if held else line.exact_minor)

    def _share(self, line: LineDraft) -> Decimal:
        """The part of what is charged in advance that falls into the period."""
        return line.exact_minor if line.period is None else _until(line.exact_minor, line.period, self._period.end)

    def _held_share(self, line: LineDraft, at: datetime) -> Decimal:
        """Held units are paid for by time: the part of their own period that is over at `at`."""
        grants = (each for each in self._grants.values() if each.feature_id == line.feature_id and each.price)
        cadence = next(each.price.cadence for each in grants if each.price is not None)
        return _until(line.exact_minor, cycle(self._period.start, cadence, at - MILLISECOND), at)


def _until(exact: Decimal, period: Period, end: datetime) -> Decimal:
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        return exact - prorate(exact, period, end)


def _grant(holding: Holding, given: Provision, place: int, at: datetime) -> Grant:
    return Grant(
        id=f"{place:06}",
        customer_key=holding.held.customer_key,
        feature_id=given.feature_id,
        customer_plan_id=holding.held.id,
        plan_id=holding.plan.id,
        anchor_at=at,
        created_at=at,
        add_on=holding.plan.add_on,
        included=given.included,
        prepaid=given.prepaid,
        balance=given.balance,
        unlimited=given.unlimited,
        overage_allowed=given.overage_allowed,
        max_purchase=given.max_purchase,
        reset=given.reset,
        resets_at=given.resets_at,
        price=given.price,
    )
