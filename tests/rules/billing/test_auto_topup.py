"""What an automatic top-up buys, and when it may not (billing.md §6.6)."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.controls import PurchaseLimit
from sumac.billing.model import Payment, PlanStatus, Snapshot
from sumac.billing.rules.topup import (
    attempted,
    compute_refusal,
    decide_topup,
    failed,
    find_offer,
    in_window,
    succeeded,
)
from sumac.billing.topup_model import Refusal, TopUp, TopupFailure, TopupState
from sumac.catalog.model import ItemPrice, Tier, TierBehavior
from sumac.invoices.model import InvoiceKind
from tests.rules.limited import topup
from tests.rules.offers import JANUARY, MONTHLY, ONCE, at, held, item, plan, prepaid, snapshot

ONE_OFF = prepaid("10", cadence=ONCE, units=100)
EARLY = (Tier(Decimal(200), Decimal(10)), Tier(None, Decimal(5)))
TIERED = replace(ONE_OFF, amount=None, tiers=EARLY, tier_behavior=TierBehavior.GRADUATED)
VOLUME = replace(TIERED, tier_behavior=TierBehavior.VOLUME)
NOON = at("2026-01-10 12:00")
TWICE_A_DAY = PurchaseLimit("day", 1, 2)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def selling(plan_id: str, price: ItemPrice = ONE_OFF, **changes: Any) -> Snapshot:  # noqa: ANN401  # fields of the holding
    """A customer who holds a plan that sells messages."""
    return snapshot(held(plan(plan_id, None, item("messages", reset=None, price=price)), **changes))


@pytest.mark.parametrize(
    ("price", "quantity", "units", "cents"),
    [
        pytest.param(ONE_OFF, 1000, 1000, 10000, id="whole-packs"),
        pytest.param(ONE_OFF, 1100, 1100, 11000, id="eleven-packs"),
        pytest.param(replace(ONE_OFF, billing_units=Decimal(1000)), 100, 1000, 1000, id="a-part-of-a-pack"),
        pytest.param(replace(ONE_OFF, billing_units=Decimal(1000)), 1100, 2000, 2000, id="a-pack-and-a-part"),
        pytest.param(ONE_OFF, 600, 600, 6000, id="six-packs"),
        pytest.param(TIERED, 300, 300, 2500, id="tiers-begin-anew"),
    ],
)
def test_what_is_bought(price: ItemPrice, quantity: int, units: int, cents: int) -> None:
    """Whole packs that cover the quantity, priced as if nothing had been bought before."""
    before = selling("pack", price, quantities={"messages": Decimal(5000)})
    offer = find_offer(before, "messages", None)

    assert offer is not None
    decision = decide_topup(before, offer, topup(0, quantity), card="card_1")
    assert decision.invoice is not None
    assert (InvoiceKind.TOP_UP, None) == (decision.invoice.kind, decision.invoice.net_terms_days)
    assert [(units, cents)] == [(line.quantity, line.exact_minor) for line in decision.invoice.lines]
    assert Payment.CHARGE is decision.payment
    assert TopUp("held-pack", Decimal(units), topup(0, quantity), "card_1") == decision.actions[-1]


def test_an_invoice_is_sent() -> None:
    """In invoice mode nothing is charged and nothing waits: the invoice has net terms."""
    before = selling("pack")
    offer = find_offer(before, "messages", None)

    assert offer is not None
    decision = decide_topup(before, offer, topup(0, 100, invoice_mode=True), card=None)
    assert decision.invoice is not None
    assert (Payment.NONE, 30) == (decision.payment, decision.invoice.net_terms_days)


@pytest.mark.parametrize(
    ("holdings", "of_plan", "found"),
    [
        pytest.param(["old", "new"], None, "held-new", id="the-plan-attached-last"),
        pytest.param(["old", "new"], "held-old", "held-old", id="the-plan-that-the-top-up-comes-with"),
        pytest.param(["old", "ended"], None, "held-old", id="no-plan-that-is-not-there-yet"),
        pytest.param(["old", "entity"], None, "held-old", id="no-plan-of-an-entity"),
        pytest.param(["volume"], None, None, id="no-price-by-the-total"),
        pytest.param(["monthly"], None, None, id="no-units-of-every-month"),
        pytest.param(["words"], None, None, id="another-feature"),
        pytest.param(["old"], "held-gone", None, id="a-plan-that-is-gone"),
        pytest.param([], None, None, id="no-plan"),
    ],
)
def test_whose_price_is_paid(holdings: list[str], of_plan: str | None, found: str | None) -> None:
    """That of the plan that says so, else that of the one attached last, which sells the feature once."""
    sold = item("messages", reset=None, price=ONE_OFF)
    known = {
        "old": held(plan("old", None, sold)),
        "new": held(plan("new", None, sold), at("2026-01-05")),
        "ended": held(plan("ended", None, sold), at("2026-02-05"), status=PlanStatus.SCHEDULED),
        "entity": held(plan("entity", None, sold), at("2026-01-06"), entity_key="one"),
        "volume": held(plan("volume", None, item("messages", reset=None, price=VOLUME))),
        "monthly": held(plan("monthly", None, item("messages", price=prepaid("10", cadence=MONTHLY)))),
        "words": held(plan("words", None, item("words", reset=None, price=ONE_OFF))),
    }
    offer = find_offer(snapshot(*(known[each] for each in holdings)), "messages", of_plan)

    assert found == (None if offer is None else offer[0].held.id)


def state(**changes: object) -> TopupState:
    """What became of the top-ups so far."""
    return replace(TopupState("cus_1", "messages"), **changes)  # type: ignore[arg-type]  # each row names its fields


@pytest.mark.parametrize(
    ("before", "limit", "refusal"),
    [
        pytest.param(state(), None, None, id="the-first-time"),
        pytest.param(
            state(attempted_at=(NOON - 29 * SECOND,)),
            None,
            Refusal(None, NOON - 29 * SECOND, NOON + SECOND),
            id="29-seconds-after-another",
        ),
        pytest.param(state(attempted_at=(NOON - 30 * SECOND,)), None, None, id="30-seconds-after-another"),
        pytest.param(
            state(attempted_at=(NOON - 9 * MINUTE, NOON - MINUTE)),
            None,
            Refusal(TopupFailure.ATTEMPT_LIMIT_REACHED, NOON - MINUTE, NOON + MINUTE),
            id="two-in-ten-minutes",
        ),
        pytest.param(state(attempted_at=(NOON - 10 * MINUTE, NOON - MINUTE)), None, None, id="one-in-ten-minutes"),
        pytest.param(
            state(failed_at=NOON - 59 * MINUTE, failures=1, failed_card="card_1"),
            None,
            Refusal(TopupFailure.FAILED_ATTEMPT_LIMIT_REACHED, NOON - 59 * MINUTE),
            id="failed-within-the-hour",
        ),
        pytest.param(
            state(failed_at=NOON - HOUR, failures=2, failed_card="card_1"), None, None, id="failed-an-hour-ago"
        ),
        pytest.param(
            state(failed_at=NOON - 100 * HOUR, failures=3, failed_card="card_1"),
            None,
            Refusal(TopupFailure.SUSPENDED_AFTER_FAILURES, NOON - 100 * HOUR),
            id="failed-three-times",
        ),
        pytest.param(
            state(failed_at=NOON - MINUTE, failures=3, failed_card="card_0"), None, None, id="another-card-failed"
        ),
        pytest.param(
            state(window_ends_at=NOON + HOUR, purchases=1), TWICE_A_DAY, None, id="one-of-two-purchases-was-made"
        ),
        pytest.param(
            state(window_ends_at=NOON + HOUR, purchases=2),
            TWICE_A_DAY,
            Refusal(TopupFailure.PURCHASE_LIMIT_REACHED, NOON + HOUR, NOON + HOUR),
            id="both-purchases-were-made",
        ),
        pytest.param(state(window_ends_at=NOON, purchases=2), TWICE_A_DAY, None, id="in-the-window-before"),
    ],
)
def test_when_nothing_is_bought(before: TopupState, limit: PurchaseLimit | None, refusal: Refusal | None) -> None:
    """After a burst, a failure, too many attempts or purchases; each says when it may be tried again, if time helps."""
    wanted = topup(20, 100, purchase_limit=limit)

    assert refusal == compute_refusal(before, wanted, card="card_1", now=NOON)


@pytest.mark.parametrize(
    ("before", "limit", "window"),
    [
        pytest.param(state(), TWICE_A_DAY, (NOON + 24 * HOUR, 0), id="begins-with-the-first-purchase"),
        pytest.param(
            state(window_ends_at=NOON + HOUR, purchases=1), TWICE_A_DAY, (NOON + HOUR, 1), id="goes-on-to-its-end"
        ),
        pytest.param(
            state(window_ends_at=NOON - HOUR, purchases=2), TWICE_A_DAY, (NOON + 24 * HOUR, 0), id="begins-anew"
        ),
        pytest.param(
            state(window_ends_at=NOON + 600 * HOUR, purchases=2),
            TWICE_A_DAY,
            (NOON + 24 * HOUR, 2),
            id="is-never-longer-than-the-limit-says",
        ),
        pytest.param(state(), PurchaseLimit("hour", 6, 1), (NOON + 6 * HOUR, 0), id="of-six-hours"),
        pytest.param(state(), PurchaseLimit("week", 1, 1), (NOON + 168 * HOUR, 0), id="of-a-week"),
        pytest.param(state(), PurchaseLimit("month", 1, 1), (at("2026-02-10 12:00"), 0), id="of-a-month"),
    ],
)
def test_windows(before: TopupState, limit: PurchaseLimit, window: tuple[datetime, int]) -> None:
    """Purchases are counted from the first one until so much time has passed."""
    running = in_window(before, limit, now=NOON)

    assert window == (running.window_ends_at, running.purchases)


def test_failures_in_a_row() -> None:
    """Those of one card add up until a purchase succeeds; those of another card begin anew."""
    first = failed(state(), card="card_1", now=JANUARY)
    second = failed(first, card="card_1", now=NOON)
    another = failed(second, card="card_2", now=NOON)

    assert (1, JANUARY, "card_1") == (first.failures, first.failed_at, first.failed_card)
    assert (2, NOON) == (second.failures, second.failed_at)
    assert (1, "card_2") == (another.failures, another.failed_card)
    assert state() == succeeded(second, topup(20, 100), now=NOON)


def test_attempts_and_purchases_are_counted() -> None:
    """The two latest attempts are remembered; a purchase counts in the window that runs."""
    tried = attempted(attempted(attempted(state(), now=JANUARY), now=NOON), now=NOON + HOUR)
    bought = succeeded(
        succeeded(state(), topup(20, 100, purchase_limit=TWICE_A_DAY), now=JANUARY), topup(1, 1), now=NOON
    )
    again = succeeded(bought, topup(20, 100, purchase_limit=TWICE_A_DAY), now=JANUARY + HOUR)

    assert (NOON, NOON + HOUR) == tried.attempted_at
    assert (JANUARY + 24 * HOUR, 1) == (bought.window_ends_at, bought.purchases)
    assert (JANUARY + 24 * HOUR, 2) == (again.window_ends_at, again.purchases)
