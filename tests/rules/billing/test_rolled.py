"""What rolled over, at a reset and when a plan takes the place of another one (billing.md §9.3 to §9.5, §10.9)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from sumac.balances.model import Grant, RolledUnits
from sumac.billing.model import (
    Decision,
    ExpireUnits,
    Holding,
    ReplaceTerms,
    ResetGrants,
    StartPlan,
)
from sumac.billing.requests import AttachRequest, CancelAction, CancelRequest, CarryOver
from sumac.billing.rules.attach import decide_attach
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.carry import carried_of, kept_of
from sumac.billing.rules.rolled import carry_rolled
from sumac.billing.rules.waited import catch_up
from sumac.billing.units import Carried, Provision
from sumac.catalog.model import Customization, Rollover
from sumac.core.time import Cadence, Interval
from tests.rules.decisions import FEBRUARY, MARCH, attach, turn
from tests.rules.offers import (
    FEATURES,
    FREE,
    JANUARY,
    PRO,
    at,
    canceling,
    grant,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
    usage_based,
)
from tests.rules.updates import update

MONTH, FOREVER = Rollover("month", 1), Rollover("forever", 0)
TOP_80 = Rollover("month", 2, max=Decimal(80))
ROLLING_FREE = replace(FREE, items=(item("messages", 50, rollover=TOP_80),))
HALF_MONTH = at("2026-01-16")


def rolled(source: str, units: int, expires_at: datetime | None = MARCH, **changes: object) -> Grant:
    """What rolled over from a grant before."""
    plain = grant("messages", units, id=f"rolled-{units}", reset=None, expires_at=expires_at, rollover_of=source)
    return replace(plain, **changes)  # type: ignore[arg-type]  # each test changes what it names


def reset_of(decision: Decision) -> ResetGrants:
    (action,) = [each for each in decision.actions if isinstance(each, ResetGrants)]
    return action


def provision(included: int = 100, **changes: object) -> Provision:
    """Units of messages that a plan gives every month, of which what is left rolls over."""
    plain = Provision(
        feature_id="messages",
        included=Decimal(included),
        prepaid=Decimal(0),
        balance=Decimal(included),
        unlimited=False,
        overage_allowed=False,
        max_purchase=None,
        reset=Cadence(Interval.MONTH),
        resets_at=FEBRUARY,
        price=None,
        rollover=FOREVER,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # each test changes what it names


def along(
    provisions: Sequence[Provision], *grants: Grant, of: str = "messages-grant", now: datetime = HALF_MONTH
) -> list[list[int]]:
    """How many units go along to each provision."""
    carried = carry_rolled(provisions, grants, Carried(rolled_of=(of,)), now=now)
    return [[int(each.units) for each in provision.rolled] for provision in carried]


def test_one_reset_writes_everything() -> None:
    """The grant is full again, what was left rolls over, older parcels are trimmed, and what is over ends."""
    messages = grant("messages", 100, 20, rollover=TOP_80, adjustment=Decimal(7), edited_at=JANUARY)
    old = [rolled(messages.id, 30, at("2026-02-10")), rolled(messages.id, 0), rolled(messages.id, 9, FEBRUARY)]
    decision = turn(held(FREE), grants=[messages, *old, grant("words", 5, 1, reset=None)])

    action = reset_of(decision)
    (full,) = action.grants
    assert (100, 0, None, MARCH) == (full.balance, full.adjustment, full.edited_at, full.resets_at)
    assert {messages.id: RolledUnits(Decimal(80), at("2026-04-01"))} == action.rolled
    assert ((), ["rolled-0", "rolled-30"]) == (action.trimmed, sorted(each.id for each in action.emptied))
    assert [["rolled-9"]] == [[g.id for g in each.grants] for each in decision.actions if isinstance(each, ExpireUnits)]


def test_slots_roll_over_apart() -> None:
    """Every grant has its own cap: those that one item gives to entities too (§9.5)."""
    slots = [
        grant("messages", 100, used, id=key, entity_key=key, rollover=TOP_80) for key, used in (("a", 0), ("b", 90))
    ]
    decision = turn(held(FREE), grants=[*slots, rolled("b", 75)])

    action = reset_of(decision)
    assert {"a": Decimal(80), "b": Decimal(10)} == {key: each.units for key, each in action.rolled.items()}
    assert [("rolled-75", Decimal(70))] == [(each.id, each.balance) for each in action.trimmed]


def test_the_cap_is_of_the_quantity_that_begins() -> None:
    """A decrease that waited for the renewal lowers the share that may roll over at it."""
    rolling = item("messages", 0, price=prepaid("1"), rollover=Rollover("forever", 0, max_percentage=Decimal(50)))
    packs = held(plan("packs", None, rolling))
    packs = held(packs.plan, quantities={"messages": Decimal(40)}, upcoming_quantities={"messages": Decimal(20)})
    messages = grant(
        "messages", 0, 5, prepaid=40, customer_plan_id=packs.held.id, price=rolling.price, rollover=rolling.rollover
    )
    action = reset_of(turn(packs, grants=[messages]))

    assert [Decimal(20)] == [each.balance for each in action.grants]
    assert [Decimal(10)] == [each.units for each in action.rolled.values()]


@pytest.mark.parametrize(
    ("provisions", "expected"),
    [
        pytest.param([], [], id="nothing-given"),
        pytest.param([provision(feature_id="words")], [[]], id="another-feature"),
        pytest.param([provision()], [[60, 30]], id="all"),
        pytest.param([provision(rollover=TOP_80)], [[50, 30]], id="trimmed-to-the-new-cap"),
        pytest.param([provision(rollover=None)], [[]], id="dropped"),
        pytest.param([provision(price=usage_based("1")), provision()], [[], [60, 30]], id="same-billing"),
        pytest.param([provision(reset=None), provision()], [[], [60, 30]], id="same-interval"),
        pytest.param([provision(0), provision(1)], [[], [60, 30]], id="gives-units"),
        pytest.param([provision(), provision()], [[60, 30], []], id="the-first-of-equals"),
        pytest.param(
            [provision(price=prepaid("1")), provision(0, reset=None)], [[], [60, 30]], id="billing-before-all-else"
        ),
        pytest.param([provision(0), provision(5, reset=None)], [[60, 30], []], id="interval-before-units"),
        pytest.param([provision(rollover=None), provision(reset=None)], [[], []], id="the-best-has-no-rollovers"),
    ],
)
def test_the_provision_that_is_most_alike(provisions: list[Provision], expected: list[list[int]]) -> None:
    """The same billing counts more than the same interval, and that more than giving units at all (§9.5)."""
    messages = grant("messages", 100, 10, rollover=FOREVER)
    parcels = [rolled(messages.id, 60, MARCH), rolled(messages.id, 30, None)]

    assert expected == along(provisions, messages, *parcels, grant("messages", 7, id="other", rollover=MONTH))


def test_billing_is_compared_by_its_method() -> None:
    """Units paid for after use follow units paid for after use, at whatever price."""
    messages = grant("messages", 100, rollover=FOREVER, price=usage_based("0.10"))

    provisions = [provision(price=prepaid("0.10")), provision(), provision(price=usage_based("5"))]
    assert [[], [], [40]] == along(provisions, messages, rolled(messages.id, 40))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(HALF_MONTH, [40], id="not-due"),
        pytest.param(FEBRUARY, [90, 40], id="due"),
        pytest.param(MARCH, [], id="expired"),
    ],
)
def test_units_left_at_a_due_reset_go_along(now: datetime, expected: list[int]) -> None:
    """Where the plan ends when its units would be full again, what is left is among it; nothing expired ever is."""
    messages = grant("messages", 100, 10, rollover=MONTH)

    assert [expected] == along([provision()], messages, rolled(messages.id, 40), rolled(messages.id, 0), now=now)


def test_usage_and_balances_are_carried_without_it() -> None:
    """What rolled over is neither usage of the plan nor a balance to be kept."""
    messages = grant("messages", 100, 30, rollover=MONTH)
    parcel = rolled(messages.id, 40, balance=Decimal(10))
    everything = CarryOver(enabled=True)

    assert Carried((messages.id,), (), (messages.id,)) == carried_of([messages, parcel], FEATURES, usages=everything)
    assert {messages.id: FEBRUARY} == kept_of([messages, parcel], FEATURES, balances=everything, until=None)


def rolling_pro(units: int) -> tuple[Holding, list[Grant]]:
    """Pro, of whose messages some rolled over."""
    pro = held(PRO)
    messages = grant("messages", 100, rollover=FOREVER, price=PRO.items[0].price, overage_allowed=True)
    owned = [replace(each, customer_plan_id=pro.held.id) for each in (messages, rolled(messages.id, units))]
    return pro, owned


def starts(decision: Decision) -> list[list[int]]:
    """What goes along to each plan that starts."""
    return [
        [int(each.units) for each in provision.rolled]
        for action in decision.actions
        if isinstance(action, StartPlan | ReplaceTerms)
        for provision in action.provisions
    ]


BIGGER = plan("bigger", 50, item("messages", 500, rollover=TOP_80))


def test_an_upgrade_takes_it_along() -> None:
    """Trimmed to what may roll over from the new plan."""
    pro, grants = rolling_pro(90)

    assert [[80]] == starts(attach(snapshot(pro, grants=grants), BIGGER, HALF_MONTH))


def test_a_scheduled_switch_takes_it_along() -> None:
    """At the boundary, with what was left of the cycle that ends."""
    pro, grants = rolling_pro(30)
    smaller = plan("smaller", 10, item("messages", 50, rollover=FOREVER))
    decision = turn(canceling(pro, FEBRUARY), scheduled(smaller, FEBRUARY), grants=grants)

    assert [[100, 30]] == starts(decision)


def test_the_plan_that_fills_the_place_takes_it_along() -> None:
    """An auto-enabled plan after a cancellation is a switch like any other."""
    pro, grants = rolling_pro(90)
    state = snapshot(pro, grants=grants, auto_enabled=(ROLLING_FREE,))
    decision = decide_cancel(state, CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, "pro"), now=HALF_MONTH)

    assert [[80]] == starts(decision)


def test_new_terms_take_it_along() -> None:
    """The grants are replaced; what rolled over from them goes on beside the new ones."""
    pro, grants = rolling_pro(90)
    terms = Customization(items=(item("messages", 200, price=PRO.items[0].price, rollover=TOP_80),))

    assert [[80]] == starts(update(snapshot(pro, grants=grants), now=HALF_MONTH, customize=terms))


def test_what_is_left_when_the_payer_comes() -> None:
    """A decision that waited takes along what is there then."""
    pro, grants = rolling_pro(60)
    state = snapshot(pro, grants=grants)
    waited = replace(
        decide_attach(state, BIGGER, AttachRequest("acme", "bigger"), now=HALF_MONTH), counted_on=tuple(grants)
    )
    used = [grants[0], replace(grants[1], balance=Decimal(25))]

    assert [[25]] == starts(catch_up(waited, snapshot(pro, grants=used), now=HALF_MONTH))
