"""Customers with rewards: what takes something off their invoices, and what that comes to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.billing.model import Decision, Snapshot
from sumac.billing.requests import AttachRequest, PlanTiming, UpdateRequest
from sumac.billing.reward_model import GiveReward, MoveReward
from sumac.billing.rules.decision import decide
from sumac.catalog.model import Plan
from sumac.invoices.rules.totals import compute_lines, compute_total
from sumac.rewards.model import AppliedReward, DiscountTerms, RewardDuration, RewardKind, RewardUse
from tests.rules.offers import JANUARY

FOREVER, ONE_OFF = RewardDuration.FOREVER, RewardDuration.ONE_OFF


def percent(value: int, duration: RewardDuration = FOREVER, **changes: object) -> DiscountTerms:
    """So many percent off."""
    terms = DiscountTerms(RewardKind.PERCENTAGE, Decimal(value), None, duration)
    return replace(terms, **changes)  # type: ignore[arg-type]  # each test changes what it names


def off(dollars: int, duration: RewardDuration = FOREVER, **changes: object) -> DiscountTerms:
    """So many dollars off."""
    terms = DiscountTerms(RewardKind.FIXED, Decimal(dollars), "usd", duration)
    return replace(terms, **changes)  # type: ignore[arg-type]  # each test changes what it names


def credits_of(dollars: int) -> DiscountTerms:
    """So many dollars of invoice credits."""
    return off(dollars, kind=RewardKind.INVOICE_CREDITS)


def use(terms: DiscountTerms, name: str = "launch", plans: Sequence[str] | None = None) -> RewardUse:
    """A use of a reward on these terms, for these plans of the customer, or for whatever is billed."""
    scope = None if plans is None else tuple(plans)
    return RewardUse(f"use-{name}", f"key-{name}", name, name.title(), terms, "test", JANUARY, customer_plan_ids=scope)


def has(
    terms: DiscountTerms,
    name: str = "launch",
    plans: Sequence[str] | None = None,
    *,
    taken: int = 0,
    invoices: int = 0,
    first_at: datetime | None = None,
) -> AppliedReward:
    """A reward that the customer has, of which so much was taken already."""
    return AppliedReward(use(terms, name, plans), terms, taken, invoices, first_at)


def attached(state: Snapshot, offer: Plan, *asked: RewardUse, now: datetime = JANUARY, **request: object) -> Decision:
    """Attaches the plan at once, with these rewards asked for."""
    wanted = AttachRequest("acme", offer.id, timing=PlanTiming.IMMEDIATE)
    wanted = replace(wanted, **request)  # type: ignore[arg-type]  # each test changes what it names
    return decide(replace(state, new_rewards=asked), [offer], wanted, now=now)


def updated(state: Snapshot, offer: Plan, *asked: RewardUse, now: datetime = JANUARY, **request: object) -> Decision:
    """Updates the plan, with these rewards asked for."""
    wanted = replace(UpdateRequest("acme", offer.id), **request)  # type: ignore[arg-type]  # each test changes what it names
    return decide(replace(state, new_rewards=asked), [offer], wanted, now=now)


def total(decision: Decision) -> str:
    """What the invoice comes to in dollars, as it would be printed; "-" without one."""
    draft = decision.invoice
    return f"{compute_total(compute_lines(draft.lines, 'usd'), 'usd').major:.2f}" if draft else "-"


def given(decision: Decision) -> list[tuple[str, tuple[str, ...] | None]]:
    """The rewards that the customer gets with it, and for which plans."""
    actions = [each for each in decision.actions if isinstance(each, GiveReward)]
    return [(each.use.reward_id, each.use.customer_plan_ids) for each in actions]


def moved(decision: Decision) -> list[tuple[str, tuple[str, ...]]]:
    """The rewards that go on with other plans."""
    return [(each.reward_use_id, each.customer_plan_ids) for each in decision.actions if isinstance(each, MoveReward)]
