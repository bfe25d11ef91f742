"""A decision that waited for its payer, carried out on the grants as they are by then (decision 0017)."""

# ruff: noqa: ANN401  # `changes` and requests are fields of values being made, of any type

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.billing.model import (
    Action,
    CancelPlan,
    ChangePlan,
    Decision,
    EndPlan,
    GiveUnits,
    Holding,
    HoldLines,
    IssueInvoice,
    KeepPlan,
    PlanStatus,
    ReplaceTerms,
    StartPlan,
)
from sumac.billing.requests import CarryOver, CustomLine, PlanTiming, UpdateRequest
from sumac.billing.rules.update import decide_update
from sumac.billing.rules.waited import catch_up
from sumac.catalog.model import Customization, Plan, Proration
from sumac.catalog.rules.custom import customized
from sumac.core.time import Period
from tests.rules.decisions import FEBRUARY, HALF, amounts, attach, metered
from tests.rules.offers import (
    ONCE,
    PREMIUM,
    PRO,
    TRIAL,
    YEARLY,
    at,
    grant,
    held,
    item,
    plan,
    prepaid,
    snapshot,
    usage_based,
)

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


@pytest.mark.parametrize("own", [[], [messages(30)]], ids=["without-units", "with-units"])
@pytest.mark.parametrize("kind", [KeepPlan, CancelPlan, ChangePlan])
def test_a_plan_that_runs_on(kind: type[KeepPlan | CancelPlan | ChangePlan], own: list[Grant]) -> None:
    """It is past due where it is by now, and active where that was paid for; what is decided of it is done."""
    quoted = replace(HOLDER.held, quantities={"messages": Decimal(5)})
    decision = Decision((kind(quoted),), counted_on=tuple(own))
    behind = Holding(replace(HOLDER.held, status=PlanStatus.PAST_DUE, net_terms_days=14), PRO)

    assert (
        replace(quoted, status=PlanStatus.PAST_DUE, net_terms_days=14)
        == only(kind, carry_out(decision, own, behind)).held
    )
    was_behind = Decision((kind(replace(behind.held, quantities=quoted.quantities)),), counted_on=tuple(own))
    assert quoted == only(kind, carry_out(was_behind, own)).held


def test_other_terms_of_a_plan_that_is_past_due() -> None:
    """They are those of a plan that is past due; a plan that ends or starts is not."""
    decision = switch([messages(30)])
    start, end = only(StartPlan, decision), only(EndPlan, decision)
    terms = ReplaceTerms(HOLDER.held, False, start.provisions, start.carried)
    behind = replace(HOLDER, held=replace(HOLDER.held, status=PlanStatus.PAST_DUE))
    done = carry_out(replace(decision, actions=(terms, end, start)), [messages(30)], behind)

    assert [PlanStatus.PAST_DUE, PlanStatus.EXPIRED, PlanStatus.ACTIVE] == [
        only(kind, done).held.status for kind in (ReplaceTerms, EndPlan, StartPlan)
    ]


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


class TestSeats:
    """Held units that change while a plan waits that bills them as they are taken (billing.md §5.8)."""

    SEAT = usage_based("50")
    KEPT = Proration("prorate_immediately", "none")
    TEAM = plan("team", 30, item("seats", 1, price=SEAT, proration=KEPT))
    YEAR = plan("team", 30, item("seats", 1, price=usage_based("500", cadence=YEARLY), proration=KEPT))
    LATER_TRIAL = replace(TEAM, free_trial=TRIAL)

    @staticmethod
    def own(held_: int, **changes: Any) -> Grant:
        """Three seats of Pro's, so many of them taken."""
        return grant("seats", 3, held_, **{"customer_plan_id": "held-pro", "reset": None, **changes})

    @pytest.mark.parametrize(
        ("before", "after", "cents", "words"),
        [
            (2, 2, [], []),
            (1, 3, [5000], ["2 seats"]),
            (0, 1, [], []),
            (0, 3, [5000], ["2 seats"]),
            (3, 2, [-2500], ["Unused time: 1 seats"]),
            (3, 0, [-5000], ["Unused time: 2 seats"]),
        ],
    )
    def test_what_was_not_quoted(self, before: int, after: int, cents: list[int], words: list[str]) -> None:
        """Half a month of each seat more than were billed is charged, and of each that is not held is given back."""
        decision = switch([self.own(before)], self.TEAM)
        done = catch_up(decision, snapshot(HOLDER, grants=[self.own(after)]), now=HALF)
        late = [each for each in done.actions if isinstance(each, IssueInvoice)][:-1]

        assert cents == [line.exact_minor for each in late for line in each.draft.lines]
        assert words == [line.description for each in late for line in each.draft.lines]
        assert [Period(HALF, FEBRUARY)] * len(cents) == [line.period for each in late for line in each.draft.lines]
        assert ["final"] * len(cents) == [each.draft.kind for each in late]

    @pytest.mark.parametrize(
        ("new", "request_"),
        [
            pytest.param(TEAM, {"bill": False}, id="nothing-is-billed"),
            pytest.param(TEAM, {"prorate": False}, id="from-the-renewal-on"),
            pytest.param(TEAM, {"custom_lines": (CustomLine(Decimal(5), "As agreed"),)}, id="stated-lines"),
            pytest.param(LATER_TRIAL, {}, id="on-trial"),
            pytest.param(plan("team", 30, item("seats", 1, price=SEAT)), {}, id="seats-paid-for-after-use"),
        ],
    )
    def test_what_was_not_billed(self, new: Plan, request_: dict[str, Any]) -> None:
        """Where the quote has no seats on it, none are billed before the renewal."""
        decision = switch([self.own(1)], new, **request_)

        assert [] == amounts(carry_out(decision, [self.own(3)]))

    @pytest.mark.parametrize(
        ("new", "now", "cents"), [(TEAM, FEBRUARY, []), (TEAM, at("2026-01-31"), [161]), (YEAR, FEBRUARY, [45753])]
    )
    def test_the_rest_of_the_period_that_was_billed(self, new: Plan, now: datetime, cents: list[int]) -> None:
        """An invoice paid after it is for no more of it; the next one is billed as it begins."""
        decision = switch([self.own(1)], new)
        done = catch_up(decision, snapshot(HOLDER, grants=[self.own(2)]), now=now)
        late = [each for each in done.actions if isinstance(each, IssueInvoice)][:-1]

        assert cents == [round(line.exact_minor) for each in late for line in each.draft.lines]

    def test_with_the_last_usage(self) -> None:
        """What was used too much and the seats are on one invoice."""
        own, then = [messages(150), self.own(1)], [messages(170), self.own(2)]
        done = catch_up(switch(own, self.TEAM), snapshot(HOLDER, grants=then), now=HALF)
        final = only(IssueInvoice, replace(done, actions=done.actions[:1])).draft

        assert [("pro", 200, "held-pro"), ("team", 2500, "new-plan")] == [
            (line.plan_id, line.exact_minor, line.customer_plan_id) for line in final.lines
        ]

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [({}, [5000]), ({"prorate": False}, []), ({"bill": False}, []), ({"prorate": False, "anchor": "now"}, [10000])],
    )
    def test_on_other_terms_of_the_plan(self, changes: dict[str, Any], expected: list[int]) -> None:
        """The plan goes on with seats that are billed as they are taken: those taken meanwhile by an invoice of it."""
        custom = Customization(items=self.TEAM.items)
        state = snapshot(HOLDER, grants=[self.own(1)])
        decision = decide_update(state, customized(PRO, custom), UpdateRequest("acme", customize=custom, **changes),
                                 now=HALF)  # fmt: skip
        done = carry_out(replace(decision, counted_on=(self.own(1),)), [self.own(3)])
        issued = [each.draft for each in done.actions if isinstance(each, IssueInvoice)]

        assert expected == [round(line.exact_minor / 100) * 100 for each in issued for line in each.lines]
        assert ["change"] * len(expected) == [each.kind for each in issued]

    def test_a_plan_beside_it(self) -> None:
        """A plan that takes no other's place goes on with nothing, and is billed for nothing more."""
        done = carry_out(switch([self.own(1)], replace(self.TEAM, add_on=True)), [self.own(3)])

        assert [] == amounts(done)


@pytest.mark.parametrize(
    ("before", "after", "balance", "late"),
    [
        ((0, 0), (2, 0), -1, [2500]),
        ((0, 0), (0, 2), -1, [2500]),
        ((1, 0), (2, 1), -2, [5000]),
        ((0, 0), (0, 0), 1, []),
    ],
)
def test_plans_that_are_removed(before: tuple[int, int], after: tuple[int, int], balance: int, late: list[int]) -> None:
    """What is held of each by then goes along, though there may have been none at the quote, and is billed once."""
    extra = held(plan("extra", 5, item("seats", 3), add_on=True))
    club = plan("club", 30, item("seats", 1, price=TestSeats.SEAT, proration=TestSeats.KEPT), group="club")
    quoted, live = (
        tuple(
            grant("seats", 3, used, id=f"seats-{number}", customer_plan_id=each.held.id, reset=None)
            for number, (each, used) in enumerate(zip((HOLDER, extra), all_used, strict=True))
        )
        for all_used in (before, after)
    )
    state = snapshot(HOLDER, extra, grants=quoted)
    decision = attach(state, club, HALF, remove_plan_ids=("pro", "extra"))
    rest = tuple(action for action in decision.actions if not isinstance(action, IssueInvoice))
    done = catch_up(replace(decision, actions=rest, counted_on=quoted), replace(state, grants=live), now=HALF)

    assert ([balance], late) == (begun(done), amounts(done))
    assert len(late) == len([each for each in done.actions if isinstance(each, IssueInvoice)])


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
