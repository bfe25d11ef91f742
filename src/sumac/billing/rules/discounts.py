"""What a customer's rewards take off an invoice, and what becomes of them with a decision (billing.md §14.4, §18.1)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sumac.billing.model import (
    Action,
    CancelPlan,
    Decision,
    DropScheduled,
    EndPlan,
    HeldLine,
    IssueInvoice,
    SchedulePlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.reward_model import GiveReward, MoveReward
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free
from sumac.invoices.model import DiscountSource, InvoiceDraft, InvoiceKind, LineDraft
from sumac.invoices.rules.discounts import Discount, compute_discounts
from sumac.invoices.rules.document import compute_document_discounts
from sumac.rewards.model import AppliedReward, RewardUse
from sumac.rewards.rules.standing import left_minor, stands


def with_discounts(
    decision: Decision, snapshot: Snapshot, *, about: Sequence[str] = (), plans: Sequence[Plan] = (), now: datetime
) -> Decision:
    """The decision with what the customer's rewards, and those that are asked for, take off its invoice.

    `about` are the customer plans that the rewards asked for are for; `plans` the ones the request names. A reward goes
    on with what takes the place of its plan. Done again it comes to the same.
    """
    plain = [each for each in decision.actions if not isinstance(each, GiveReward | MoveReward)]
    given = [GiveReward(use) for use in _given(snapshot, about)]
    moved = list(_moves(plain, snapshot, plans))
    rewards = _changed(snapshot.rewards, given, moved)
    fresh = {each.use.id for each in given}
    lowered = [
        IssueInvoice(lower_draft(each.draft, rewards, at=now, fresh=fresh)) if isinstance(each, IssueInvoice) else each
        for each in plain
    ]
    return replace(decision, actions=(*lowered, *given, *moved))


def lower_draft(
    draft: InvoiceDraft, rewards: Sequence[AppliedReward], *, at: datetime, fresh: Collection[str] = ()
) -> InvoiceDraft:
    """The invoice of that instant with what the rewards take off its charges.

    The customer's own counts for the plans that have none; the `fresh` ones, asked for with it, count beside either.
    """
    standing = [each for each in rewards if stands(each, at=at) and each.terms.currency in {None, draft.currency}]
    if not standing:
        return draft
    lines = compute_discounts(draft.lines, list(_discounts(standing, fresh)))
    keys = {key for line in lines for key, _ in line.taken}
    ordered = sorted(standing, key=lambda each: not each.terms.is_percentage)
    return replace(draft, lines=lines, discounts=tuple(_source(each) for each in ordered if each.use.id in keys))


def lower_lines(
    lines: Sequence[LineDraft], rewards: Sequence[AppliedReward], *, currency: str, at: datetime
) -> tuple[LineDraft, ...]:
    """The lines as they would be on an invoice of that instant."""
    return lower_draft(InvoiceDraft(InvoiceKind.RENEWAL, currency, tuple(lines), ()), rewards, at=at).lines


def lower_held(
    held: Sequence[HeldLine], rewards: Sequence[AppliedReward], *, currency: str, at: datetime
) -> tuple[HeldLine, ...]:
    """The lines that wait for an invoice, each with what would be left of it on one of that instant."""
    lowered = lower_lines([each.line for each in held], rewards, currency=currency, at=at)
    return tuple(
        replace(each, net=replace(each.line, exact_minor=line.exact_net_minor)) if line.taken else each
        for each, line in zip(held, lowered, strict=True)
    )


def rewards_after(decision: Decision, snapshot: Snapshot, *, now: datetime) -> tuple[AppliedReward, ...]:
    """The customer's rewards once the decision is carried out, with what its invoice has taken of them."""
    given = [each for each in decision.actions if isinstance(each, GiveReward)]
    moved = [each for each in decision.actions if isinstance(each, MoveReward)]
    rewards = _changed(snapshot.rewards, given, moved)
    draft = decision.invoice
    if draft is None:
        return rewards
    taken = {each.source.reward_use_id: each.amount.minor for each in compute_document_discounts(draft)}
    return tuple(_used(each, taken[each.use.id], now) if each.use.id in taken else each for each in rewards)


def _given(snapshot: Snapshot, about: Sequence[str]) -> Iterator[RewardUse]:
    """The rewards that are asked for, but for those that the plans have already."""
    for use in snapshot.new_rewards:
        own = [each.use for each in snapshot.rewards if each.use.reward_key == use.reward_key]
        if not any(set(each.customer_plan_ids or ()) & set(about) for each in own):
            yield replace(use, customer_plan_ids=tuple(about))


def _moves(actions: Iterable[Action], snapshot: Snapshot, plans: Sequence[Plan]) -> Iterator[MoveReward]:
    """The rewards of plans that leave, with the plans that come in their place; a free plan takes none along."""
    actions = list(actions)
    leaving = {
        each.held.id: each.held.entity_key for each in actions if isinstance(each, EndPlan | CancelPlan | DropScheduled)
    }
    known = (*plans, *snapshot.auto_enabled, *(each.plan for each in snapshot.everywhere))
    free = {(plan.id, plan.version) for plan in known if is_free(plan)}
    coming = [each.held for each in actions if isinstance(each, StartPlan | SchedulePlan)]
    for each in snapshot.rewards:
        scope = each.use.customer_plan_ids or ()
        owners = {leaving[plan_id] for plan_id in scope if plan_id in leaving}
        followers = [
            held.id
            for held in coming
            if held.recurring and held.entity_key in owners and (held.plan_id, held.version) not in free
        ]
        moved = tuple(dict.fromkeys((*scope, *followers)))
        if moved != scope:
            yield MoveReward(each.use.id, moved)


def _changed(
    rewards: Sequence[AppliedReward], given: Sequence[GiveReward], moved: Sequence[MoveReward]
) -> tuple[AppliedReward, ...]:
    scopes = {each.reward_use_id: each.customer_plan_ids for each in moved}
    before = [
        replace(each, use=replace(each.use, customer_plan_ids=scopes.get(each.use.id, each.use.customer_plan_ids)))
        for each in rewards
    ]
    return (*before, *(AppliedReward(each.use, each.use.discount) for each in given if each.use.discount is not None))


def _discounts(standing: Sequence[AppliedReward], fresh: Collection[str]) -> Iterator[Discount]:
    of_plans = [each.use for each in standing if each.use.customer_plan_ids is not None]
    for each in standing:
        scope, plan_ids = each.use.customer_plan_ids, each.terms.plan_ids
        sparing = [
            use for use in of_plans if use.id not in fresh or use.reward_key == each.use.reward_key
        ] if scope is None else []  # fmt: skip
        yield Discount(
            percent=each.terms.value if each.terms.is_percentage else None,
            amount_minor=None if each.terms.is_percentage else left_minor(each),
            key=each.use.id,
            plan_ids=None if plan_ids is None else frozenset(plan_ids),
            customer_plan_ids=None if scope is None else frozenset(scope),
            spared=frozenset(plan_id for use in sparing for plan_id in use.customer_plan_ids or ()),
        )


def _source(reward: AppliedReward) -> DiscountSource:
    percent = reward.terms.value if reward.terms.is_percentage else None
    return DiscountSource(reward.use.id, reward.use.reward_id, reward.use.name, percent)


def _used(reward: AppliedReward, minor: int, now: datetime) -> AppliedReward:
    return replace(
        reward,
        taken_minor=reward.taken_minor + minor,
        invoices=reward.invoices + 1,
        first_at=reward.first_at or now,
    )
