"""Cases that meet seldom: what waits when a plan goes, plans that were never paid, prices bought once beside others."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.billing.model import DropScheduled, EndPlan, HeldLine, IssueInvoice, Payment, ReleaseLines, StartPlan
from sumac.billing.requests import (
    AttachRequest,
    CancelAction,
    CancelRequest,
    InvoiceMode,
    Phase,
    PlanWish,
    ScheduleRequest,
)
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.lines import elapsed_lines, extension_lines
from sumac.billing.rules.multi import decide_end_unpaid
from sumac.billing.rules.phases import begin_now
from sumac.core.time import Cadence, Interval, Period
from sumac.invoices.model import LineDraft
from tests.rules.decisions import FEBRUARY, HALF, MARCH, attach, cents, kinds
from tests.rules.offers import (
    FEATURES,
    FREE,
    JANUARY,
    ONCE,
    PREMIUM,
    PRO,
    PRO_TRIAL,
    at,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
)

WAITING = HeldLine(
    "waiting",
    LineDraft("Seats", "2 seats", Decimal(700), Decimal(2), "pro", "seats", Period(HALF, FEBRUARY), "held-pro"),
)
MIXED = plan("mixed", 20, item("messages", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100)))


def test_what_waited_goes_with_the_plan() -> None:
    """At an upgrade and at an end, what waited for the next invoice is on this one, and waits no longer."""
    state = snapshot(held(PRO), held_lines=(WAITING,))
    switched = attach(state, PREMIUM, HALF)
    ended = decide_cancel(state, CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, "pro"), now=HALF)

    assert [IssueInvoice, ReleaseLines, EndPlan, StartPlan] == kinds(switched)
    assert [IssueInvoice, ReleaseLines, EndPlan] == kinds(ended)
    assert (2500 - 1000 + 700, -1000 + 700) == (cents(switched), cents(ended))


def test_what_waited_is_forgiven_with_an_unpaid_plan() -> None:
    """A plan that nobody paid ends without an invoice, and the free one is back."""
    state = snapshot(held(PRO), held_lines=(WAITING,), auto_enabled=(FREE,))
    decision = decide_end_unpaid(state, {"held-pro"}, now=HALF)

    assert [ReleaseLines, EndPlan, StartPlan] == kinds(decision)


def test_what_was_to_follow_a_plan_that_never_starts() -> None:
    """A plan sold from one day until another is dropped with the one that was to follow it."""
    until_march = scheduled(PRO, FEBRUARY, ends_at=MARCH)
    state = snapshot(until_march, scheduled(FREE, MARCH))
    decision = decide_cancel(state, CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, "pro"), now=HALF)

    assert [DropScheduled, DropScheduled] == kinds(decision)


def test_prices_bought_once_know_no_periods() -> None:
    """Neither the past nor a new anchor bills them again; where all of the new period is paid, nothing is due."""
    chosen = {"messages": Decimal(100)}
    past = held(MIXED, at("2025-11-20"), quantities=chosen)
    before = held(MIXED, quantities=chosen)
    after = replace(before, held=replace(before.held, anchor_at=HALF))

    assert [2000, 2000] == [line.exact_minor for line in elapsed_lines(past, FEATURES, currency="usd", now=JANUARY)]
    assert [None] == [line.feature_id for line in extension_lines(before, after, FEATURES, currency="usd", at=HALF)]
    free = replace(before, plan=replace(MIXED, price=None, items=(item("seats", 0, price=prepaid("0")),)))
    nothing = replace(free, held=replace(free.held, quantities={"seats": Decimal(2)}))
    assert [] == list(extension_lines(nothing, nothing, FEATURES, currency="usd", at=HALF))


def test_nothing_is_sent_for_a_trial() -> None:
    """A trial costs nothing yet: with invoices that are sent it begins at once."""
    decision = attach(snapshot(), PRO_TRIAL, invoice_mode=InvoiceMode())

    assert ([StartPlan], Payment.NONE) == (kinds(decision), decision.payment)


@pytest.mark.parametrize(("minutes", "expected"), [(-15, None), (15, None), (16, JANUARY + timedelta(minutes=16))])
def test_a_first_phase_about_now_begins_when_it_is_carried_out(minutes: int, expected: object) -> None:
    """A page may be completed later: a quarter of an hour more or less is now, and more is not."""
    later = Phase((PlanWish("premium"),), Cadence(Interval.MONTH, 1))
    first = Phase((PlanWish("pro"),), JANUARY + timedelta(minutes=minutes))
    begun = begin_now(ScheduleRequest("acme", (first, later)), JANUARY)

    assert isinstance(begun, ScheduleRequest)
    assert (expected, later) == (begun.phases[0].starts_at, begun.phases[1])


def test_other_requests_have_no_first_phase() -> None:
    """They are what they are."""
    request = AttachRequest("acme", "pro")

    assert request is begin_now(request, JANUARY)
