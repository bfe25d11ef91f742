"""A running plan goes on on other terms: customised, or at another version (billing.md §12.3)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import chain

from sumac.balances.model import Grant
from sumac.billing.model import Action, CustomerPlan, Holding, ReplaceTerms, Snapshot
from sumac.billing.rules.carry import NOTHING, carried_of, carried_usage, grants_of
from sumac.billing.rules.change import (
    Terms,
    bring_along,
    invoice_of,
    keep_units,
    release_lines,
    stated_lines,
    units_kept,
)
from sumac.billing.rules.lines import advance_lines, credit_lines, one_off_lines
from sumac.billing.rules.provision import provisions_of
from sumac.billing.rules.quantities import is_bought_again
from sumac.billing.rules.rolled import carry_rolled
from sumac.billing.rules.seats import bills_seats, starting_seat_lines, unused_seat_lines
from sumac.billing.rules.transition import is_trialing
from sumac.billing.units import Provision
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free, is_one_off, longest_cadence, shortest_cadence
from sumac.core.errors import BadRequest
from sumac.core.money import round_half_up
from sumac.core.time import cycle, cycle_end
from sumac.invoices.model import InvoiceKind, LineDraft


@dataclass(frozen=True, slots=True)
class TermsChange:
    """The plan as it is to be from now on, and bought quantities where they change; `anew` begins a period now."""

    plan: Plan
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    customized: bool = False
    sets_trial: bool = False
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Replaced:
    """The actions, and the plan as it goes on."""

    actions: tuple[Action, ...]
    holding: Holding


def replace_terms(snapshot: Snapshot, target: Holding, change: TermsChange, terms: Terms, *, now: datetime) -> Replaced:
    """The plan keeps its start, its state and its reset dates, and takes along the usage that the terms say.

    What was paid and is unused is given back, what the new terms cost is charged; a price that stays is on no line.
    Raises BadRequest where the plan cannot go on on them.
    """
    check_terms(target, change)
    after = Holding(_held_after(target, change, now), change.plan)
    check_cycle(target, after, anew=change.anew, now=now)
    _check_billing(snapshot, target, after, terms, anew=change.anew, now=now)
    lines = _lines(snapshot, target, after, terms, anew=change.anew, now=now) if terms.bill else []
    billed_along, moved = bring_along(snapshot, target, after, terms, now=now)
    invoice = invoice_of(
        snapshot,
        [*lines, *billed_along],
        terms,
        kind=InvoiceKind.CHANGE,
        plan_ids=[after.plan.id],
        customer_plan_id=after.held.id,
        now=None,
    )
    own = grants_of(snapshot.grants, target.held.id)
    provisions = tuple(_dated(_provisions(snapshot, after, own, terms, now), own, same=_same_phase(target, after)))
    taken = replace(terms, carry_balances=NOTHING)
    charged = terms.bill and not terms.custom_lines and (terms.prorate or change.anew)
    carried = carried_of(own, snapshot.features, usages=terms.carry_usages)
    replaced = ReplaceTerms(
        after.held,
        after.plan.add_on,
        carry_rolled(provisions, own, carried, now=now),
        carried,
        units_kept(snapshot, target, taken),
        seats_billed=charged and bills_seats(after, now),
    )
    kept = keep_units(snapshot, target, taken)
    released = release_lines(snapshot, {target.held.id}) if after.held.period_end is None else ()
    return Replaced((*invoice, *released, replaced, *kept, *moved), after)


def check_terms(target: Holding, change: TermsChange) -> None:
    """Raises BadRequest where nothing would change, or where the plan cannot go on on these terms (billing.md §12.3).

    It is a change that a plan made to measure is the standard one again. A plan bought once does not recur, nor the
    other way round; a newly bought feature needs a quantity.
    """
    quantities = {**target.held.quantities, **change.quantities}
    same_trial = not change.sets_trial
    same = change.plan.terms == target.plan.terms and change.plan.version == target.plan.version
    same = same and (change.customized or target.held.terms is None)
    if same and same_trial and not change.anew and quantities == dict(target.held.quantities):
        message = f"Plan {target.plan.id} is on these terms already; there is nothing to change"
        raise BadRequest(message)
    if is_one_off(target.plan) != is_one_off(change.plan):
        message = "A plan that is bought once cannot become one that recurs, nor the other way round"
        raise BadRequest(message)
    for item in change.plan.items:
        before = next((each for each in target.plan.items if each.feature_id == item.feature_id), None)
        newly_bought = is_bought_again(item) and (before is None or not before.is_prepaid)
        if newly_bought and item.feature_id not in change.quantities:
            message = f"feature_quantities: say how much of {item.feature_id} is bought on the new terms"
            raise BadRequest(message, code="invalid_options")


def check_cycle(before: Holding, after: Holding, *, anew: bool, now: datetime) -> None:
    """Raises BadRequest for periods begun anew on trial, and for ones that a plan set to end would not live to see.

    On trial periods are counted from its end (billing.md §10.10).
    """
    if anew and is_trialing(after, now):
        message = "billing_cycle_anchor: cannot be combined with a free trial, whose end is the anchor"
        raise BadRequest(message)
    ends_at, paid_until, sold_until = after.held.ends_at, _paid_until(before, now), _paid_until(after, now)
    if ends_at is not None and sold_until > max(paid_until, ends_at):
        message = f"Plan {after.plan.id} ends on {ends_at:%d %B %Y}, before the period that this would charge does"
        raise BadRequest(message)


def _paid_until(holding: Holding, now: datetime) -> datetime:
    cadence = longest_cadence(holding.plan)
    return now if cadence is None else cycle_end(holding.held.anchor_at, cadence, now)


def _check_billing(
    snapshot: Snapshot, before: Holding, after: Holding, terms: Terms, *, anew: bool, now: datetime
) -> None:
    """Raises BadRequest where what has to be charged now would not be, or not as the plan has it (billing.md §10.8)."""
    begins_to_cost = is_free(before.plan) and not is_free(after.plan)
    ends_trial = is_trialing(before, now) and not is_trialing(after, now) and not is_free(after.plan)
    if terms.custom_lines and (begins_to_cost or ends_trial):
        message = "custom_line_items: the first period of a plan is charged as the plan has it"
        raise BadRequest(message)
    if terms.prorate or not terms.bill or anew or is_one_off(after.plan):
        return
    if begins_to_cost or ends_trial:
        message = "proration_behavior: none is not possible where a plan begins to cost something"
        raise BadRequest(message)
    if not terms.custom_lines and any(one_off_lines(after, snapshot.features, currency=snapshot.currency)):
        message = f"proration_behavior: none is not possible with what plan {after.plan.id} costs once"
        raise BadRequest(message)


def changed_lines(before: Iterable[LineDraft], after: Iterable[LineDraft]) -> list[LineDraft]:
    """Credits and charges without the pairs for one price that come to nothing, before discounts or after."""
    given_back, charged = list(before), list(after)
    for credit in tuple(given_back):
        same = next((line for line in charged if _undoes(line, credit)), None)
        if same is not None:
            given_back.remove(credit)
            charged.remove(same)
    return [*(line for line in given_back if line.exact_minor), *charged]


def _undoes(line: LineDraft, credit: LineDraft) -> bool:
    one_price = (line.feature_id, line.period) == (credit.feature_id, credit.period)
    owed = line.exact_minor + credit.exact_minor
    return one_price and 0 in {round_half_up(owed), round_half_up(owed + credit.exact_waived_minor)}


def _held_after(target: Holding, change: TermsChange, now: datetime) -> CustomerPlan:
    held, plan = target.held, change.plan
    trial_ends_at = held.trial_ends_at
    if change.sets_trial:
        trial_ends_at = plan.free_trial.end_after(now) if plan.free_trial is not None else None
    ended_trial = is_trialing(target, now) and trial_ends_at is None
    began_to_cost = is_free(target.plan) and not is_free(plan)
    anchor = held.anchor_at
    if change.sets_trial and trial_ends_at is not None:
        anchor = trial_ends_at
    elif change.anew or ended_trial or began_to_cost:
        anchor = now
    cadence = shortest_cadence(plan)
    period = cycle(anchor, cadence, now) if cadence is not None else None
    running_trial = trial_ends_at if trial_ends_at is not None and trial_ends_at > now else None
    bought = {item.feature_id for item in plan.items if item.is_prepaid}
    return replace(
        held,
        version=plan.version,
        terms=plan.terms if change.customized else None,
        quantities={key: value for key, value in {**held.quantities, **change.quantities}.items() if key in bought},
        upcoming_quantities=_still_waiting(held, change),
        anchor_at=anchor,
        trial_ends_at=trial_ends_at,
        period_start=(held.period_start if anchor == held.anchor_at and held.period_start else now) if period else None,
        period_end=(running_trial or period.end) if period else None,
    )


def _still_waiting(held: CustomerPlan, change: TermsChange) -> dict[str, Decimal]:
    """Totals that wait for the renewal, where the new terms sell the feature again and again and no other is chosen."""
    again = {item.feature_id for item in change.plan.items if is_bought_again(item)} - set(change.quantities)
    return {key: quantity for key, quantity in held.upcoming_quantities.items() if key in again}


def _lines(
    snapshot: Snapshot, before: Holding, after: Holding, terms: Terms, *, anew: bool, now: datetime
) -> list[LineDraft]:
    """What is given back and what is charged; what waits comes along where no renewal follows.

    Without proration nothing is given back, and the new price is charged only where a period begins anew.
    """
    features, currency = snapshot.features, snapshot.currency
    if terms.custom_lines:
        return list(stated_lines(terms.custom_lines, currency))
    once = one_off_lines(after, features, currency=currency)
    seats = _provisions(snapshot, after, grants_of(snapshot.grants, before.held.id), terms, now)
    charged = chain(
        () if is_trialing(after, now) else advance_lines(after, features, currency=currency, now=now),
        starting_seat_lines(snapshot, after, seats, now=now),
    )
    if not terms.prorate:
        return [*(charged if anew else ()), *once]
    charges = snapshot.billed_beyond
    own = (each.line for each in snapshot.held_lines if each.line.customer_plan_id == before.held.id)
    given_back = chain(
        own if after.held.period_end is None else (),
        credit_lines(before, features, currency=currency, now=now, charges=charges, with_waived=True),
        unused_seat_lines(snapshot, before, now=now),
    )
    return [*changed_lines(given_back, charged), *once]


def _provisions(
    snapshot: Snapshot, after: Holding, own: list[Grant], terms: Terms, now: datetime
) -> tuple[Provision, ...]:
    usage = carried_usage(own, snapshot.features, usages=terms.carry_usages)
    return provisions_of(after, snapshot, now=now, usage=usage)


def _dated(provisions: Iterable[Provision], own: Iterable[Grant], *, same: bool) -> Iterator[Provision]:
    """Units keep the reset date they had where they reset as often as before, and periods were not begun anew."""
    dated = [grant for grant in own if same and not grant.is_contribution]
    dates = {(grant.feature_id, grant.reset): grant.resets_at for grant in dated}
    for each in provisions:
        yield replace(each, resets_at=dates.get((each.feature_id, each.reset), each.resets_at))


def _same_phase(before: Holding, after: Holding) -> bool:
    return before.held.anchor_at == after.held.anchor_at
