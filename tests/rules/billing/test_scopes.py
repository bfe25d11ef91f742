"""Plans of entities beside those of the customer (billing.md §10.2, §10.4 A19 to A21, §11, §12.5)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from sumac.billing.model import (
    CancelPlan,
    ChangePlan,
    Decision,
    EndPlan,
    GiveUnits,
    Holding,
    PlanStatus,
    RenewPlan,
    SchedulePlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.requests import (
    AttachRequest,
    CancelAction,
    CancelRequest,
    CarryOver,
    MultiAttachRequest,
    MultiCancelRequest,
    PlanWish,
    UpdateRequest,
)
from sumac.billing.rules.attach import decide_attach
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.multi import decide_end_unpaid, decide_multi_attach, decide_multi_cancel
from sumac.billing.rules.turn import decide_turn
from sumac.billing.rules.update import decide_update
from sumac.catalog.model import Plan
from sumac.core.errors import BadRequest, Conflict, NotFound, SumacError
from sumac.core.money import round_sum
from sumac.customers.model import Entity
from tests.rules.offers import (
    ADD_ON,
    FREE,
    JANUARY,
    PREMIUM,
    PRO,
    PRO_ANNUAL,
    PRO_TRIAL,
    at,
    grant,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
)

FEBRUARY = at("2026-02-01")
ENTITIES = tuple(Entity(key, "cus_1", "seats", JANUARY, id=key) for key in ("one", "two"))
TRIAL_END = at("2026-01-15")


def own(entity_key: str | None, offer: Plan, **changes: Any) -> Holding:  # noqa: ANN401  # fields of the plan
    return held(offer, id=f"{entity_key}-{offer.id}", entity_key=entity_key, **changes)


def customer(*holdings: Holding, **changes: Any) -> Snapshot:  # noqa: ANN401  # fields of the snapshot
    return snapshot(*holdings, entities=ENTITIES, **changes)


def attach(state: Snapshot, offer: Plan, entity_key: str | None, now: datetime, **asked: Any) -> Decision:  # noqa: ANN401  # asked
    request = AttachRequest("acme", offer.id, **asked)
    return decide_attach(state.scoped(entity_key), offer, request, now=now)


def attach_all(
    state: Snapshot,
    *wishes: tuple[Plan, str | None],
    now: datetime = JANUARY,
    named: Mapping[str | None, str] = MappingProxyType({}),
) -> Decision:
    """Attaches plans together, each to an entity or the customer; `named` are subscription ids by whose they are."""
    offers = [offer for offer, _ in wishes]
    plans = tuple(PlanWish(offer.id, entity_id=key, subscription_id=named.get(key)) for offer, key in wishes)
    several = replace(state, plan_ids=tuple(f"new-{number}" for number in range(len(plans))))
    return decide_multi_attach(several, offers, MultiAttachRequest("acme", plans), now=now)


def total(decision: Decision) -> str:
    lines = decision.invoice.lines if decision.invoice else ()
    return f"{Decimal(round_sum([line.exact_minor for line in lines])) / 100:f}"


@pytest.mark.parametrize(
    ("before", "offer", "now", "asked", "expected", "anchor"),
    [
        pytest.param(PRO, PRO, at("2026-01-15"), {}, "10.97", JANUARY, id="A19-the-rest-of-the-cycle"),
        pytest.param(
            PRO, PRO, at("2026-01-15"), {"new_subscription": True}, "20", at("2026-01-15"), id="A20-a-cycle-of-its-own"
        ),
        pytest.param(PRO, PRO, at("2026-01-15"), {"prorate": False}, "0", JANUARY, id="nothing-before-the-renewal"),
        pytest.param(PRO_ANNUAL, PRO, at("2026-01-22"), {}, "6.45", JANUARY, id="A21-a-month-beside-a-year"),
        pytest.param(FREE, PRO, at("2026-01-15"), {}, "20", at("2026-01-15"), id="nothing-to-be-billed-with"),
    ],
)
def test_a_plan_beside_a_sibling(
    before: Plan, offer: Plan, now: datetime, asked: dict[str, bool], expected: str, anchor: datetime
) -> None:
    """What one entity has leaves the other free to have it too, in the same cycle; it replaces nothing."""
    decision = attach(customer(own("one", before)), offer, "two", now, **asked)

    (started,) = [each for each in decision.actions if isinstance(each, StartPlan)]
    assert ("two", anchor) == (started.held.entity_key, started.held.anchor_at)
    assert expected == total(decision)
    assert not [each for each in decision.actions if isinstance(each, EndPlan | CancelPlan)]


@pytest.mark.parametrize("scope", ["one", None])
def test_only_the_plan_of_the_same_scope_is_replaced(scope: str | None) -> None:
    """Going up ends that one; going down lets it run out, and what waits is the same entity's."""
    state = customer(own(None, PRO), own("one", PRO), own("two", PRO))
    up = attach(state, PREMIUM, scope, at("2026-01-16 12:00"))
    assert [f"{scope}-pro"] == [each.held.id for each in up.actions if isinstance(each, EndPlan)]
    assert "15" == total(up)
    with pytest.raises(Conflict):
        attach(state, PRO, scope, JANUARY)

    down = attach(customer(own(None, PREMIUM), own("one", PREMIUM), own("two", PREMIUM)), PRO, scope, JANUARY)
    assert [f"{scope}-premium"] == [each.held.id for each in down.actions if isinstance(each, CancelPlan)]
    assert [scope] == [each.held.entity_key for each in down.actions if isinstance(each, SchedulePlan)]


@pytest.mark.parametrize(
    ("before", "wishes", "now", "expected", "ended"),
    [
        pytest.param([], [(PRO, None), (PRO, "one"), (PRO, "two")], JANUARY, "60", [], id="the-same-for-all"),
        pytest.param(
            [own("one", PRO), own(None, PREMIUM)],
            [(PREMIUM, "one"), (PRO, "two"), (ADD_ON, None)],
            at("2026-01-16 12:00"),
            "35",
            ["one-pro"],
            id="an-upgrade-a-new-plan-and-an-add-on",
        ),
        pytest.param(
            [own("one", PREMIUM), own("two", PREMIUM)],
            [(PRO, "one"), (PRO, "two")],
            at("2026-01-16 12:00"),
            "-30",
            ["one-premium", "two-premium"],
            id="all-at-once-downgrades-too",
        ),
    ],
)
def test_several_for_several(
    before: list[Holding], wishes: list[tuple[Plan, str | None]], now: datetime, expected: str, ended: list[str]
) -> None:
    """One invoice for plans of the customer and of entities; each takes the place of what the same one has (§13.1)."""
    decision = attach_all(customer(*before), *wishes, now=now)

    starts = [each.held for each in decision.actions if isinstance(each, StartPlan)]
    assert [(offer.id, key) for offer, key in wishes] == [(each.plan_id, each.entity_key) for each in starts]
    assert ended == [each.held.id for each in decision.actions if isinstance(each, EndPlan)]
    assert (expected, 1) == (total(decision), len({each.anchor_at for each in starts}))


@pytest.mark.parametrize(
    ("wishes", "named", "error"),
    [
        pytest.param([(PREMIUM, None), (PRO, "one")], {}, Conflict, id="what-one-of-them-has"),
        pytest.param([(PRO, "two"), (PREMIUM, "two")], {}, BadRequest, id="two-in-one-place"),
        pytest.param([(PRO, "two"), (PRO, "three")], {}, NotFound, id="an-entity-that-is-not-there"),
        pytest.param([(PRO, None), (PRO, "two")], {None: "a", "two": "a"}, Conflict, id="one-id-for-two"),
        pytest.param([(PRO, "two")], {"two": "taken"}, Conflict, id="an-id-of-a-sibling"),
    ],
)
def test_what_does_not_go_together(
    wishes: list[tuple[Plan, str | None]], named: dict[str | None, str], error: type[SumacError]
) -> None:
    """What the scope of a plan has, and ids of subscriptions anywhere, stand in the way of it."""
    with pytest.raises(error):
        attach_all(customer(own("one", PRO, subscription_id="taken")), *wishes, named=named)


def test_an_id_of_a_subscription_is_one_of_all() -> None:
    """No entity can call its plan what the plan of a sibling is called already (§10.1)."""
    with pytest.raises(Conflict):
        attach(customer(own("one", PRO, subscription_id="taken")), PRO, "two", JANUARY, subscription_id="taken")


def test_a_shared_trial_ends_for_all() -> None:
    """Two try Pro; one goes to Premium without a trial: 50 and 20 are due, and the other is on trial no more (§11)."""
    trying: dict[str, Any] = {"anchor_at": TRIAL_END, "trial_ends_at": TRIAL_END, "period_end": TRIAL_END}
    state = customer(own("one", PRO_TRIAL, **trying), own("two", PRO_TRIAL, **trying))

    assert "70" == total(attach(state, PREMIUM, "one", at("2026-01-05")))


def test_trials_are_had_by_each() -> None:
    """What the customer or a sibling has tried is new to an entity; what it tried itself is not."""
    for tried, expected in (("one", True), ("two", False)):
        state = customer(entity_trials=frozenset({(tried, PRO_TRIAL.id)}), trials_used=frozenset({PRO_TRIAL.id}))
        decision = attach(state, PRO_TRIAL, "two", JANUARY)
        (started,) = [each for each in decision.actions if isinstance(each, StartPlan)]
        assert expected == (started.held.trial_ends_at is not None)


def test_balances_go_along_entity_by_entity() -> None:
    """Of 100 messages each the one that goes up has 70 left; they are its own, and the sibling's stay (§10.9)."""
    holdings = own("one", PRO), own("two", PRO)
    grants = [
        grant("messages", 100, used, id=f"of-{key}", customer_plan_id=f"{key}-pro", entity_key=key)
        for key, used in (("one", 30), ("two", 60))
    ]
    decision = attach(
        customer(*holdings, grants=grants), PREMIUM, "one", JANUARY, carry_balances=CarryOver(enabled=True)
    )

    units = [each for action in decision.actions if isinstance(action, GiveUnits) for each in action.provisions]
    assert [("one", Decimal(70))] == [(each.entity_key, each.balance) for each in units]
    (begun,) = [action for action in decision.actions if isinstance(action, StartPlan)]
    assert [("one", Decimal(500))] == [(each.entity_key, each.balance) for each in begun.provisions]


def test_quantities_of_one_entity() -> None:
    """Two more for one are charged and given to it; its sibling with the same plan goes on as it was (§12.2)."""
    rate = prepaid("10")
    team = plan("team", 20, item("words", 0, reset=None, price=rate))
    holdings = [own(key, team, quantities={"words": Decimal(5)}) for key in ("one", "two")]
    grants = [
        grant(
            "words", prepaid=5, reset=None, id=f"of-{key}", customer_plan_id=f"{key}-team", entity_key=key, price=rate
        )
        for key in ("one", "two")
    ]
    request = UpdateRequest("acme", "team", quantities={"words": Decimal(7)})
    decision = decide_update(customer(*holdings, grants=grants).scoped("one"), team, request, now=JANUARY)

    (changed,) = [action for action in decision.actions if isinstance(action, ChangePlan)]
    assert ("one-team", {"words": Decimal(7)}) == (changed.held.id, changed.held.quantities)
    assert [("of-one", Decimal(7))] == [(each.id, each.balance) for each in changed.grants]
    assert ("20", {"one-team"}) == (
        total(decision),
        {line.customer_plan_id for line in decision.invoice.lines} if decision.invoice else set(),
    )


def test_a_cancellation_stays_in_its_scope() -> None:
    """Nobody else's plan is found, and no free plan takes the place of an entity's (§12.5)."""
    state = customer(own("one", PRO), auto_enabled=(FREE,))
    now = CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY)
    for scope in (None, "two"):
        with pytest.raises(NotFound):
            decide_cancel(state.scoped(scope), now, now=JANUARY)
    decision = decide_cancel(state.scoped("one"), now, now=JANUARY)
    assert not [each for each in decision.actions if isinstance(each, StartPlan)]

    of_customer = customer(own("one", PRO), own(None, PRO), auto_enabled=(FREE,))
    decision = decide_cancel(of_customer.scoped(None), now, now=JANUARY)
    assert ["free"] == [each.held.plan_id for each in decision.actions if isinstance(each, StartPlan)]


def test_plans_of_several_scopes_end_together() -> None:
    """One invoice; a free plan follows the customer's plan, and none an entity's, whichever stands first (§12.5)."""
    state = customer(own("one", PRO), own(None, PRO), own("two", PRO), auto_enabled=(FREE,))
    now = [
        CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, subscription_id=f"{key}-pro") for key in ("one", "None")
    ]
    decision = decide_multi_cancel(state, MultiCancelRequest("acme", tuple(now)), now=JANUARY)

    assert ["one-pro", "None-pro"] == [each.held.id for each in decision.actions if isinstance(each, EndPlan)]
    begun = [each.held for each in decision.actions if isinstance(each, StartPlan)]
    assert [("free", None)] == [(each.plan_id, each.entity_key) for each in begun]
    assert "-40" == total(decision)
    alone = MultiCancelRequest("acme", (now[0],))
    assert "-20" == total(decide_multi_cancel(state.scoped("one"), alone, now=JANUARY))


@pytest.mark.parametrize(
    ("unpaid", "started"),
    [
        pytest.param({"one-pro"}, [], id="an-entity-s-plan-is-followed-by-none"),
        pytest.param({"None-pro"}, ["free"], id="a-sibling-s-plan-is-nothing-to-the-customer"),
        pytest.param({"one-pro", "None-pro", "two-pro"}, ["free"], id="all-of-them"),
    ],
)
def test_plans_that_nobody_pays_end_in_their_scope(unpaid: set[str], started: list[str]) -> None:
    """The free plan starts where the customer's own main plan is over, whoever else has one."""
    state = customer(own("one", PRO), own(None, PRO), own("two", PRO), auto_enabled=(FREE,))
    decision = decide_end_unpaid(state, unpaid, now=at("2026-01-15"))

    assert unpaid == {each.held.id for each in decision.actions if isinstance(each, EndPlan)}
    begun = [each.held for each in decision.actions if isinstance(each, StartPlan)]
    assert started == [each.plan_id for each in begun]
    assert {None} >= {each.entity_key for each in begun}
    assert decision.invoice is None


def test_everything_turns_together() -> None:
    """Plans of all scopes renew on one invoice; a plan that starts goes on from its own entity's, not a sibling's."""
    state = customer(
        own(None, PRO),
        own("one", PREMIUM, canceled_at=JANUARY, ends_at=FEBRUARY),
        scheduled(PRO, FEBRUARY, id="one-later", entity_key="one"),
        own("two", PREMIUM),
    )
    decision = decide_turn(state, at=FEBRUARY)

    assert ["None-pro", "two-premium"] == [each.held.id for each in decision.actions if isinstance(each, RenewPlan)]
    assert ["one-premium"] == [each.held.id for each in decision.actions if isinstance(each, EndPlan)]
    assert [("one-later", "one")] == [
        (each.held.id, each.held.entity_key) for each in decision.actions if isinstance(each, StartPlan)
    ]
    assert "90" == total(decision)


def test_a_plan_that_runs_out_leaves_the_place_of_others_alone() -> None:
    """A trial that nobody pays ends: the customer's free plan starts for the customer, not for an entity (§11)."""
    over: dict[str, Any] = {"anchor_at": TRIAL_END, "trial_ends_at": TRIAL_END, "period_end": TRIAL_END}
    for scope, started in ((None, ["free"]), ("one", [])):
        state = customer(own(scope, PRO_TRIAL, **over), own("two", PREMIUM), auto_enabled=(FREE,), card=False)
        decision = decide_turn(state, at=TRIAL_END)
        assert [f"{scope}-pro-trial"] == [each.held.id for each in decision.actions if isinstance(each, EndPlan)]
        assert started == [each.held.plan_id for each in decision.actions if isinstance(each, StartPlan)]


def test_without_entities_there_is_one_scope() -> None:
    """A customer without entities is read as it is."""
    state = snapshot(held(PRO), paused=(held(PREMIUM, status=PlanStatus.PAUSED, ends_at=JANUARY),))

    assert state is state.scoped(None)
    assert state.holdings == state.everywhere
