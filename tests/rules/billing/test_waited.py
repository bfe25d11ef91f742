"""A decision that waited for its payer, carried out on the grants as they are by then (decision 0017)."""

# ruff: noqa: ANN401  # `changes` and requests are fields of values being made, of any type

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.billing.model import (
    Action,
    ChangePlan,
    Decision,
    EndPlan,
    GiveUnits,
    HoldLines,
    IssueInvoice,
    ReplaceTerms,
    StartPlan,
)
from sumac.billing.requests import CarryOver, CustomLine, PlanTiming
from sumac.billing.rules.waited import catch_up
from sumac.catalog.model import Plan
from tests.rules.decisions import FEBRUARY, HALF, amounts, attach, metered
from tests.rules.offers import ONCE, PREMIUM, PRO, at, grant, held, item, plan, prepaid, snapshot

ALL, NONE = CarryOver(enabled=True), CarryOver(enabled=False)
LATER = at("2026-01-16 12:09")
HOLDER = held(PRO)


def messages(used: int | str, **changes: Any) -> Grant:
    """Pro's 100 messages, $0.10 beyond, so many of them used."""
    return replace(metered(HOLDER, 100, 0, "0.10", **changes), balance=100 - Decimal(used))


def switch(own: Sequence[Grant], new: Plan = PREMIUM, **request: Any) -> Decision:
    """From Pro with these grants to another plan at half the cycle, at once; it begins to wait."""
    decision = attach(snapshot(HOLDER, grants=own), new, HALF, timing=PlanTiming.IMMEDIATE, **request)
    return replace(decision, counted_on=tuple(own))


def carry_out(decision: Decision, own: Sequence[Grant], holder: Any = HOLDER) -> Decision:
    """The decision as it is carried out nine minutes later, without the invoice that was quoted."""
    rest = tuple(action for action in decision.actions if not isinstance(action, IssueInvoice))
    return catch_up(replace(decision, actions=rest), snapshot(holder, grants=own), now=LATER)


def begun(decision: Decision) -> list[Decimal]:
    """What the plan that starts begins with."""
    (start,) = [action for action in decision.actions if isinstance(action, StartPlan)]
    return [each.balance for each in start.provisions]


def kept(decision: Decision) -> list[Decimal]:
    """Units that outlive their plan."""
    return [each.balance for action in decision.actions if isinstance(action, GiveUnits) for each in action.provisions]


def only(kind: type[Action], decision: Decision) -> Any:
    """The one action of a kind."""
    (found,) = [action for action in decision.actions if isinstance(action, kind)]
    return found


@pytest.mark.parametrize(
    ("carry", "before", "after", "balance", "left", "late"),
    [
        ({"carry_usages": ALL}, 30, 50, 450, [], []),
        ({"carry_usages": ALL}, 150, 170, 330, [], []),
        ({"carry_usages": ALL}, 30, 10, 490, [], []),
        ({"carry_usages": NONE}, 30, 50, 500, [], []),
        ({"carry_usages": NONE}, 90, 105, 500, [], [50]),
        ({"carry_usages": NONE}, 150, 170, 500, [], [200]),
        ({"carry_usages": NONE}, 150, 120, 500, [], [-300]),
        ({"carry_usages": NONE}, 150, 60, 500, [], [-500]),
        ({"carry_balances": ALL}, 30, 50, 500, [50], []),
        ({"carry_balances": ALL}, 30, 100, 500, [], []),
        ({"carry_balances": ALL}, 100, 80, 500, [20], []),
        ({"carry_balances": ALL}, 90, 110, 490, [], []),
        ({}, 150, 150, 500, [], []),
    ],
)
def test_what_was_used_since(
    carry: dict[str, Any], before: int, after: int, balance: int, left: list[int], late: list[int]
) -> None:
    """What goes along goes along as it is by then; what does not is billed beyond what was quoted, or given back."""
    done = carry_out(switch([messages(before)], **carry), [messages(after)])

    assert ([balance], left, late) == (begun(done), kept(done), amounts(done))


@pytest.mark.parametrize(
    "unbilled",
    [
        {"prorate": False},
        {"bill": False},
        {"custom_lines": (CustomLine(Decimal(5), "As agreed"),)},
    ],
)
def test_what_is_not_billed_is_not_billed_later(unbilled: dict[str, Any]) -> None:
    """Where the last usage is on no invoice, what was used since is on none either."""
    assert [] == amounts(carry_out(switch([messages(150)], **unbilled), [messages(170)]))


def test_the_final_invoice() -> None:
    """It is for the plan that ended, on the plan's own terms of payment, and comes before the plans change."""
    holder = replace(HOLDER, held=replace(HOLDER.held, net_terms_days=14))
    done = carry_out(switch([messages(150)]), [messages(170)], holder)
    issued = done.actions[0]
    assert isinstance(issued, IssueInvoice)
    (line,) = issued.draft.lines

    assert ("final", ("pro",), "held-pro", 14) == (
        issued.draft.kind,
        issued.draft.plan_ids,
        issued.draft.customer_plan_id,
        issued.draft.net_terms_days,
    )
    assert ("Messages: 20 more used beyond 100", 20, LATER) == (
        line.description,
        line.quantity,
        line.period and line.period.end,
    )


def test_a_reset_that_came_meanwhile() -> None:
    """What was quoted was used before the reset; all that is used beyond the grant since is billed."""
    done = carry_out(switch([messages(150)]), [messages(104, resets_at=at("2026-03-01"))])

    assert [40] == amounts(done)


def test_what_was_never_recorded_stays_as_it_was_decided() -> None:
    """A decision that was written down without the grants it was made on is carried out as it is."""
    decision = replace(switch([messages(30)], carry_usages=ALL), counted_on=())

    assert decision == catch_up(decision, snapshot(HOLDER, grants=[messages(50)]), now=LATER)


def test_a_plan_that_takes_no_place() -> None:
    """Its units are full, and lines that wait for an invoice wait on."""
    extra = plan("extra", 5, item("words", 50), add_on=True)
    decision = switch([messages(30)], extra)
    waits = HoldLines(())
    done = carry_out(replace(decision, actions=(*decision.actions, waits)), [messages(50)])

    assert ([50], waits) == (begun(done), only(HoldLines, done))


def test_a_start_that_says_nothing_of_usage() -> None:
    """Provisions and terms without a word on whose usage they count stay as they are."""
    decision = switch([messages(30)], carry_usages=ALL)
    start = replace(only(StartPlan, decision), carried=None)
    terms = ReplaceTerms(start.held, add_on=False, provisions=start.provisions)
    done = carry_out(replace(decision, actions=(start, terms)), [messages(50)])

    assert (start, terms) == done.actions


def test_other_terms() -> None:
    """The grants of other terms count all usage by then, and what is left of bought units stays."""
    packs = item("words", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100))
    words = grant("words", prepaid=100, used=40, customer_plan_id="held-pro", reset=None, price=packs.price)
    decision = switch([messages(30), replace(words, balance=Decimal(100))], carry_usages=ALL)
    start, end = only(StartPlan, decision), only(EndPlan, decision)
    terms = ReplaceTerms(start.held, False, start.provisions, start.carried, end.kept)
    done = carry_out(replace(decision, actions=(terms, GiveUnits(()))), [messages(50), words])

    assert [450] == [each.balance for each in only(ReplaceTerms, done).provisions]
    assert [60] == kept(done)


@pytest.mark.parametrize(
    ("now_resets_at", "then_resets_at", "expected"),
    [
        (FEBRUARY, FEBRUARY, FEBRUARY),
        (at("2026-03-01"), FEBRUARY, at("2026-03-01")),
        (FEBRUARY, at("2026-02-16"), at("2026-02-16")),
    ],
)
def test_a_grant_that_gives_something_else(now_resets_at: Any, then_resets_at: Any, expected: Any) -> None:
    """It gives what was decided on top of what is left by then, and resets when decided, or when it does by now."""
    quoted, live = grant("messages", 100, 30), grant("messages", 100, 45, resets_at=now_resets_at)
    changed = replace(quoted, prepaid=Decimal(20), balance=quoted.balance + 20, resets_at=then_resets_at)
    gone = grant("words", 5, id="gone")
    decision = Decision((ChangePlan(HOLDER.held, (changed, gone)),), counted_on=(quoted, gone))
    (after,) = only(ChangePlan, carry_out(decision, [live])).grants

    assert (20, 75, expected) == (after.prepaid, after.balance, after.resets_at)


def test_a_feature_that_is_gone() -> None:
    """Nothing goes along of a feature that the catalog does not know any more, and nothing of it is left."""
    own = [messages(30, id="old"), grant("gone", 20, customer_plan_id="held-pro")]
    decision = switch(own, carry_balances=ALL)

    assert {"old"} == set(only(EndPlan, decision).kept)
    assert [50] == kept(carry_out(decision, [messages(50, id="old"), own[1]]))
