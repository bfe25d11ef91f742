"""The last payment given back when a plan is cancelled (billing.md §12.5)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.billing.model import EndPlan, HeldLine, RefundPayment, Snapshot
from sumac.billing.requests import CancelAction, CancelRequest, MultiCancelRequest, RefundKind
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.multi import decide_multi_cancel
from sumac.core.errors import BadRequest
from sumac.core.money import Money
from sumac.core.time import Period
from sumac.invoices.model import Invoice, InvoiceKind, InvoiceStatus, Line, LineDraft
from tests.rules.decisions import FEBRUARY, HALF, kinds
from tests.rules.offers import ADD_ON, FREE, JANUARY, ONE_OFF, PRO, at, held, scheduled, snapshot

FULL, PRORATED = RefundKind.FULL, RefundKind.PRORATED
NOW = CancelAction.CANCEL_IMMEDIATELY


def line(plan_id: str, cents: int, *, lasting: bool = True) -> Line:
    """A line of January, or of no period."""
    return Line(
        display_name=plan_id,
        description=plan_id,
        amount=Money(cents, "usd"),
        exact_minor=Decimal(cents),
        quantity=Decimal(1),
        plan_id=plan_id,
        feature_id=None,
        period=Period(JANUARY, FEBRUARY) if lasting else None,
        customer_plan_id=f"held-{plan_id}",
    )


def paid(*lines: Line, id_: str = "inv_1", refunded: int = 0, credit: int = 0, by_card: bool = True) -> Invoice:
    """An invoice of these lines that was paid, so much of it from credit."""
    total = sum(each.amount.minor for each in lines)
    return Invoice(
        id=id_,
        customer_key="cus_1",
        number=1,
        token="token",
        kind=InvoiceKind.START,
        status=InvoiceStatus.PAID,
        total=Money(total, "usd"),
        credit_applied=Money(credit, "usd"),
        paid=Money(total - credit, "usd"),
        refunded=Money(refunded, "usd"),
        plan_ids=("pro",),
        customer_plan_id="held-pro",
        period_start=JANUARY,
        provider_invoice="in_1",
        provider_payment="ch_1" if by_card else None,
        attempts_made=1,
        next_attempt_at=None,
        created_at=JANUARY,
        paid_at=JANUARY,
        lines=lines,
    )


def customer(**last_paid: Invoice) -> Snapshot:
    """Holds Pro and an add-on, Free and a purchase besides; the invoices are the last ones of these plans."""
    plans = (held(PRO), held(ADD_ON), held(ONE_OFF), held(replace(FREE, group="other")))
    return snapshot(
        *plans,
        plan_ids=("first", "second", "third"),
        last_paid={f"held-{plan_id.replace('_', '-')}": invoice for plan_id, invoice in last_paid.items()},
    )


@pytest.mark.parametrize(
    ("kind", "invoice", "given_back"),
    [
        pytest.param(FULL, paid(line("pro", 2000)), 2000, id="all-of-it"),
        pytest.param(PRORATED, paid(line("pro", 2000)), 1000, id="half-of-it"),
        pytest.param(FULL, paid(line("pro", 2000), refunded=500), 1500, id="what-is-left"),
        pytest.param(PRORATED, paid(line("pro", 2000), refunded=1400), 600, id="less-than-half-left"),
        pytest.param(FULL, paid(line("pro", 2000), credit=700), 1300, id="not-what-credit-paid"),
        pytest.param(PRORATED, paid(line("pro", 2000), line("pro", 500, lasting=False)), 1000, id="no-usage"),
        pytest.param(PRORATED, paid(line("pro", 2000), line("add-on", 2000)), 1000, id="no-other-plan"),
        pytest.param(FULL, paid(line("pro", 2000), line("add-on", 2000)), 4000, id="the-whole-payment"),
    ],
)
def test_what_the_card_gets_back(kind: RefundKind, invoice: Invoice, given_back: int) -> None:
    """In the middle of January, of the $20 that Pro costs; there is no invoice beside it."""
    request = CancelRequest("acme", NOW, "pro", refund=kind)
    decision = decide_cancel(customer(pro=invoice), request, now=HALF)

    assert [EndPlan, RefundPayment] == kinds(decision)
    assert RefundPayment("inv_1", given_back) == decision.actions[-1]


def waits(cents: str, since: str, until: str, *, lasting: bool = True) -> HeldLine:
    """A line that waits for the plan's next invoice."""
    period = Period(at(since), at(until)) if lasting else None
    return HeldLine("line", LineDraft("Pro", "Pro", Decimal(cents), Decimal(1), "pro", None, period, "held-pro"))


EXACT = "1290.32258064516129032258064516129032258064516"
ONCE = (waits(f"-{EXACT}", "2026-01-12", "2026-02-01"), waits(EXACT, "2026-01-22", "2026-02-11"))
TWICE = (*ONCE, waits("-620", "2026-02-01", "2026-02-11"), waits("620", "2026-03-01", "2026-03-11"))
OF_YEARS = (waits("-1240", "2026-01-12", "2027-01-01"), waits("1240", "2026-01-22", "2027-01-11"))


@pytest.mark.parametrize(
    ("waiting", "now", "given_back"),
    [
        pytest.param((), "2026-01-31", 65, id="never-paused"),
        pytest.param(ONCE, "2026-01-31", 710, id="paused-once"),
        pytest.param(ONCE, "2026-02-10", 65, id="after-the-time-on-the-invoice"),
        pytest.param(TWICE, "2026-03-06", 310, id="paused-twice"),
        pytest.param(OF_YEARS, "2026-01-31", 65, id="a-pause-of-what-another-invoice-was-for"),
        pytest.param(
            tuple(replace(each, line=replace(each.line, feature_id="seats")) for each in ONCE),
            "2026-01-31", 65, id="of-another-price",
        ),
        pytest.param(
            tuple(replace(each, line=replace(each.line, customer_plan_id="held-add-on")) for each in ONCE),
            "2026-01-31", 65, id="of-another-plan",
        ),
        pytest.param(
            (waits("-1000", "2026-01-12", "2026-02-01"), waits("2000", "2026-01-12", "2026-02-01")),
            "2026-01-31", 65, id="more-units-that-are-not-paid-yet",
        ),
        pytest.param(
            (waits("-1000", "2026-01-12", "2026-02-01"), waits("1000", "2026-01-12", "2026-02-01")),
            "2026-01-31", 65, id="back-and-forth",
        ),
        pytest.param(
            (waits("-1000", "2026-01-12", "2026-02-01"), waits("1000", "2026-01-12", "2026-02-01", lasting=False)),
            "2026-01-31", 65, id="of-no-period",
        ),
    ],
)  # fmt: skip
def test_paid_time_that_was_moved(waiting: tuple[HeldLine, ...], now: str, given_back: int) -> None:
    """Of $20 for January, the part for the time that is left, where a pause has moved it (§11); nothing else counts."""
    state = replace(customer(pro=paid(line("pro", 2000))), held_lines=waiting)
    decision = decide_cancel(state, CancelRequest("acme", NOW, "pro", refund=PRORATED), now=at(now))

    assert RefundPayment("inv_1", given_back) == decision.actions[-1]


@pytest.mark.parametrize(
    ("kind", "last_paid"),
    [
        pytest.param(FULL, {}, id="never-paid"),
        pytest.param(FULL, {"pro": paid(line("pro", 2000), by_card=False)}, id="not-by-card"),
        pytest.param(FULL, {"pro": paid(line("pro", 2000), refunded=2000)}, id="given-back-already"),
        pytest.param(PRORATED, {"pro": paid(line("pro", 2000, lasting=False))}, id="nothing-unused"),
    ],
)
def test_nothing_to_give_back(kind: RefundKind, last_paid: dict[str, Invoice]) -> None:
    """It is refused, and says so."""
    with pytest.raises(BadRequest) as raised:
        decide_cancel(customer(**last_paid), CancelRequest("acme", NOW, "pro", refund=kind), now=HALF)

    assert "nothing_to_refund" == raised.value.code


def test_a_free_plan_was_never_paid() -> None:
    """It is refused where it is the only plan."""
    with pytest.raises(BadRequest):
        decide_cancel(customer(), CancelRequest("acme", NOW, "free", refund=FULL), now=HALF)


def several(state: Snapshot, kind: RefundKind, *plan_ids: str) -> list[RefundPayment]:
    """What cancelling these plans together gives back."""
    changes = tuple(CancelRequest("acme", NOW, plan_id, refund=kind) for plan_id in plan_ids)
    decision = decide_multi_cancel(state, MultiCancelRequest("acme", changes), now=HALF)

    assert None is decision.invoice

    return [action for action in decision.actions if isinstance(action, RefundPayment)]


@pytest.mark.parametrize(("kind", "given_back"), [(FULL, 4000), (PRORATED, 2000)])
def test_one_invoice_for_two_plans(kind: RefundKind, given_back: int) -> None:
    """What paid for both goes back once: all of it, or the unused shares of both together."""
    both = paid(line("pro", 2000), line("add-on", 2000))

    assert [RefundPayment("inv_1", given_back)] == several(customer(pro=both, add_on=both), kind, "pro", "add-on")


def test_an_invoice_for_each() -> None:
    """Two payments are given back by two refunds; what was free was never paid for."""
    own = paid(line("add-on", 2000), id_="inv_2")
    state = customer(pro=paid(line("pro", 2000)), add_on=own)

    assert [RefundPayment("inv_1", 1000), RefundPayment("inv_2", 1000)] == several(
        state, PRORATED, "free", "pro", "add-on"
    )


def test_one_of_several_was_not_paid() -> None:
    """None of them is cancelled then."""
    with pytest.raises(BadRequest):
        several(customer(pro=paid(line("pro", 2000))), FULL, "pro", "add-on")


def test_a_plan_that_has_not_begun() -> None:
    """Nothing was paid for it yet: it is dropped, as without a refund."""
    state = snapshot(scheduled(PRO, FEBRUARY), plan_ids=("first",))

    assert [] == several(state, FULL, "pro")
