"""Slots that items give to entities, and what goes with an entity (billing.md §1.7, §9.4, §17.1)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.billing.model import DropScheduled, EndPlan, ExpireUnits, HeldLine, Holding, PlanStatus, ReleaseLines
from sumac.billing.rules.carry import carried_of, count_carried
from sumac.billing.rules.lines import overage_lines
from sumac.billing.rules.provision import fresh_provisions, provisions_of
from sumac.billing.rules.slots import decide_departure, missing_slots, shared_id_of
from sumac.billing.units import Usage
from sumac.catalog.model import Plan
from sumac.customers.model import Entity
from sumac.invoices.model import LineDraft
from tests.rules.offers import (
    FEATURES,
    FREE,
    JANUARY,
    PREMIUM,
    PRO,
    at,
    grant,
    held,
    item,
    plan,
    scheduled,
    snapshot,
    usage_based,
)

NOW = at("2026-01-16")
ENTITIES = tuple(Entity(key, "cus_1", "seats", JANUARY, id=key) for key in ("one", "two"))
OTHER = Entity("other", "cus_1", "desks", JANUARY, id="other")
EACH = plan("team", 20, item("messages", 100, entity_feature_id="seats"), item("words", 7), item("seats", 4))


def slot(holding: Holding, entity_key: str, used: int = 0, place: int = 0, **changes: Any) -> Grant:  # noqa: ANN401  # fields of the grant
    shared = shared_id_of(holding.held, place)
    changes = {"id": f"{entity_key}-{place}", "customer_plan_id": holding.held.id, "shared_id": shared, **changes}
    return grant("messages", 100, used, entity_key=entity_key, **changes)


def test_a_slot_for_each_entity() -> None:
    """One for every entity that is counted in the feature; other items once, and the entities' seats are taken."""
    state = snapshot(entities=(*ENTITIES, OTHER))
    given = provisions_of(held(EACH), state, now=NOW)

    assert [
        ("messages", "one", 0, Decimal(100)),
        ("messages", "two", 0, Decimal(100)),
        ("words", None, None, Decimal(7)),
        ("seats", None, None, Decimal(2)),
    ] == [(each.feature_id, each.entity_key, each.place, each.balance) for each in given]


def test_the_plan_of_an_entity_gives_to_it_alone() -> None:
    """Its items are the entity's, one that gives to each entity gives to this one; seats are the customer's matter."""
    given = provisions_of(held(EACH, entity_key="two"), snapshot(entities=ENTITIES), now=NOW)

    assert [("messages", "two", 0), ("words", "two", None), ("seats", "two", None)] == [
        (each.feature_id, each.entity_key, each.place) for each in given
    ]
    assert Decimal(4) == given[-1].balance


def test_seats_are_counted_once() -> None:
    """What is counted on seats that are held already is not counted on further ones (§10.9: five of six are left)."""
    state = snapshot(entities=ENTITIES, grants=[grant("seats", 4, 2, reset=None)])

    assert Decimal(4) == provisions_of(held(EACH), state, now=NOW)[-1].balance


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        pytest.param(EACH, {"one": 70, "two": 50}, id="slot-by-slot"),
        pytest.param(plan("flat", 20, item("messages", 100)), {None: 20}, id="on-the-customer-s-where-there-are-none"),
    ],
)
def test_usage_of_slots_goes_along(offer: Plan, expected: dict[str | None, int]) -> None:
    """Each entity's usage is counted on its own slot; without slots on what the customer has."""
    holding = held(EACH)
    left = [slot(holding, "one", 30), slot(holding, "two", 50)]
    features = {**FEATURES, "messages": replace(FEATURES["messages"], consumable=False)}
    usage = count_carried(left, carried_of(left, features))
    given = provisions_of(held(offer), snapshot(entities=ENTITIES, grants=left), now=NOW, usage=usage)

    assert expected == {each.entity_key: each.balance for each in given if each.feature_id == "messages"}


def test_usage_of_the_customer_on_slots() -> None:
    """Where only slots are left, usage of the customer goes over them."""
    usage: Usage = {("messages", None): Decimal(150)}
    given = provisions_of(held(EACH), snapshot(entities=ENTITIES), now=NOW, usage=usage)

    assert [0, 50] == [each.balance for each in given if each.feature_id == "messages"]


def test_which_slots_are_missing() -> None:
    """Those that are not there, of plans that run; of some plans or entities when they are named."""
    running, waiting = held(EACH), scheduled(EACH, at("2026-02-01"), id="later")
    state = snapshot(running, waiting, entities=ENTITIES, grants=[slot(running, "one")])

    def found(**named: Any) -> list[str | None]:  # noqa: ANN401  # what is named
        return [each.entity_key for _, each in missing_slots(state, now=NOW, **named)]

    assert ["two"] == found()
    assert ["two"] == found(entity_keys=["two"], customer_plan_ids=[running.held.id])
    assert [] == found(entity_keys=["one"])
    assert [] == found(customer_plan_ids=["another"])
    assert 1 == len([each for each in fresh_provisions(running, state, now=NOW) if each.entity_key == "two"])


@pytest.mark.parametrize(
    ("used", "shared", "totals"),
    [
        pytest.param((155, 123), True, ["800"], id="slots-are-added-up"),
        pytest.param((155, 123), False, ["600", "300"], id="plans-are-rounded-each"),
        pytest.param((155, 80), True, ["600"], id="what-another-has-left-does-not-help"),
        pytest.param((100, 100), True, [], id="nothing-beyond"),
    ],
)
def test_overage_of_entities(used: tuple[int, int], shared: bool, totals: list[str]) -> None:  # noqa: FBT001  # a case
    """$1 for every ten beyond 100 each: 55 and 23 are 78, 80 billed; of two plans 60 and 30 (§9.4)."""
    holding = held(plan("team", None, item("messages", 100, price=usage_based("1", units=10))))
    priced: dict[str, Any] = {"overage_allowed": True, "price": usage_based("1", units=10)}
    grants = [
        slot(holding, key, units, shared_id="shared" if shared else None, **priced)
        for key, units in zip(("one", "two"), used, strict=True)
    ]
    lines = overage_lines(holding, grants, FEATURES, currency="usd", at=at("2026-02-01"), closing=False)

    assert totals == [f"{line.exact_minor:f}" for line in lines]


def test_what_goes_with_an_entity() -> None:
    """Its plans end at once, what waits of them is dropped, its units are gone; nothing of others, and no invoice."""
    own = held(PRO, id="own", entity_key="one")
    canceled = held(FREE, id="free", entity_key="one", canceled_at=JANUARY, ends_at=at("2026-02-01"))
    later = scheduled(PREMIUM, at("2026-02-01"), id="later", entity_key="one")
    resting = held(PREMIUM, id="resting", entity_key="one", status=PlanStatus.PAUSED, ends_at=JANUARY)
    team, sibling = held(EACH), held(PRO, id="sibling", entity_key="two")
    lines = [HeldLine(f"line-{key}", line_of(key)) for key in ("own", "sibling")]
    state = snapshot(
        own,
        canceled,
        later,
        team,
        sibling,
        paused=(resting,),
        held_lines=tuple(lines),
        grants=[
            slot(team, "one"),
            slot(team, "two"),
            grant("words", 5, id="loose", entity_key="one"),
            grant("messages", 5, id="of-own", entity_key="one", customer_plan_id="own"),
        ],
    )
    decision = decide_departure(state, "one", now=NOW)

    ended = [each.held for each in decision.actions if isinstance(each, EndPlan)]
    assert [("own", NOW, NOW), ("free", JANUARY, NOW), ("resting", NOW, NOW)] == [
        (each.id, each.canceled_at, each.ends_at) for each in ended
    ]
    assert {PlanStatus.EXPIRED} == {each.status for each in ended}
    assert ["later"] == [each.held.id for each in decision.actions if isinstance(each, DropScheduled)]
    assert [("line-own",)] == [each.held_line_ids for each in decision.actions if isinstance(each, ReleaseLines)]
    assert [["one-0", "loose"]] == [
        [grant.id for grant in each.grants] for each in decision.actions if isinstance(each, ExpireUnits)
    ]
    assert decision.invoice is None
    assert () == decide_departure(state, "three", now=NOW).actions


def line_of(customer_plan_id: str) -> LineDraft:
    """A line of that plan."""
    return LineDraft("Pro", "Pro", Decimal(100), Decimal(1), "pro", None, None, customer_plan_id=customer_plan_id)
