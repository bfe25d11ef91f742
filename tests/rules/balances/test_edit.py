"""Balances set by hand (billing.md §5.6, §8.1): what is asked for is what is shown afterwards."""

# ruff: noqa: ANN401  # `changes` and `which` are fields of the value being made, of any type

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.requests import EditRequest, Which
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.edit import decide_edit, seats_of_edit
from sumac.balances.rules.sum import compute_balance
from sumac.catalog.model import Proration
from sumac.core.errors import BadRequest, NotFound
from sumac.core.time import Cadence, Interval
from tests.rules.limited import NOON, PAID, balances, limited, used
from tests.rules.offers import at, grant, usage_based

MARCH, APRIL = at("2026-03-10"), at("2026-04-10")
ONCE = Interval.ONE_OFF
MONTHLY_100 = grant("messages", 100, 20)
LASTING_200 = grant("messages", 200, id="lasting", reset=None)
SLOTS = [
    grant("messages", 100, spent, id=f"slot-{key}", entity_key=key, shared_id="slots")
    for key, spent in (("e1", 60), ("e2", 0), ("e3", 0))
]
SEATS_5 = grant("seats", 5, 8, reset=None)
ROLLED = grant("messages", 50, id="rolled", reset=None, rollover_of="messages-grant")


def edited(grants: Sequence[Grant], which: Mapping[str, Any] | None = None, **changes: Any) -> BalanceSnapshot:
    """The customer once the balance was edited; entities e1 to e3 are theirs."""
    feature_id = grants[0].feature_id
    before = limited(grants, entities={"e1": (), "e2": (), "e3": ()})
    return edited_again(before, {"feature_id": feature_id, **(which or {})}, **changes)


def edited_again(before: BalanceSnapshot, which: Mapping[str, Any], **changes: Any) -> BalanceSnapshot:
    """The customer once the balance was edited."""
    units: dict[str, Any] = {
        name: Decimal(value) if isinstance(value, int | str) else value for name, value in changes.items()
    }
    request = EditRequest(Which("acme", **which), **units)
    changed = {each.id: each for each in decide_edit(before, request, now=NOON)}
    return replace(before, grants=tuple(changed.get(each.id, each) for each in before.grants))


def shown(snapshot: BalanceSnapshot, feature_id: str = "messages", entity: str | None = None) -> tuple[int, int, int]:
    """Granted, remaining and usage as shown to the customer, or to an entity."""
    balance = compute_balance(feature_id, visible(snapshot.grants, entity))
    assert balance is not None
    return int(balance.granted), int(balance.remaining), int(balance.usage)


@pytest.mark.parametrize(
    ("grants", "changes", "expected"),
    [
        # remaining: granted stays, usage follows, even below zero
        ([MONTHLY_100], {"remaining": 80}, (100, 80, 20)),
        ([MONTHLY_100], {"remaining": 120}, (100, 120, -20)),
        ([MONTHLY_100], {"remaining": 0}, (100, 0, 100)),
        ([grant("messages", size, 10, id=f"{size}") for size in (100, 50, 200)], {"remaining": 300}, (350, 300, 50)),
        ([grant("messages", size, 10, id=f"{size}") for size in (100, 50, 200)], {"remaining": 400}, (350, 400, -50)),
        (SLOTS, {"remaining": 150}, (300, 150, 150)),
        (SLOTS, {"remaining": 280}, (300, 280, 20)),
        ([SEATS_5], {"remaining": 2}, (5, 2, 3)),
        ([SEATS_5], {"remaining": -5}, (5, 0, 10)),
        ([SEATS_5], {"remaining": 0}, (5, 0, 5)),
        ([MONTHLY_100], {"remaining": -30}, (100, 0, 130)),
        ([MONTHLY_100], {"remaining": "0.1"}, (100, 0, 99)),
        # add_to_balance: by so much, up or down
        ([MONTHLY_100], {"add_to_balance": 100}, (100, 180, -80)),
        ([MONTHLY_100], {"add_to_balance": -30}, (100, 50, 50)),
        ([MONTHLY_100], {"add_to_balance": -90}, (100, 0, 110)),
        ([MONTHLY_100], {"add_to_balance": 0}, (100, 80, 20)),
        # usage: granted less usage is left
        ([MONTHLY_100], {"usage": 70}, (100, 30, 70)),
        ([MONTHLY_100], {"usage": -5}, (100, 105, -5)),
        ([grant("messages", 3, prepaid=2)], {"usage": 7}, (5, 0, 7)),
        (SLOTS, {"usage": 150}, (300, 150, 150)),
        # included_grant: what is left stays, unless it is sent together
        ([MONTHLY_100], {"included_grant": 150}, (150, 80, 70)),
        ([MONTHLY_100], {"remaining": 50, "included_grant": 100}, (100, 50, 50)),
        ([MONTHLY_100], {"remaining": 80, "included_grant": 150}, (150, 80, 70)),
        ([MONTHLY_100], {"remaining": 100, "included_grant": 100}, (100, 100, 0)),
        ([grant("messages", 3, prepaid=2)], {"included_grant": 10}, (12, 5, 7)),
        # what rolled over is part of what is shown
        ([MONTHLY_100, ROLLED], {"remaining": 100}, (150, 100, 50)),
        ([MONTHLY_100, ROLLED], {"remaining": 140}, (150, 140, 10)),
        ([MONTHLY_100, ROLLED], {"usage": 60}, (150, 90, 60)),
    ],
)  # fmt: skip
def test_what_is_asked_for_is_shown(
    grants: Sequence[Grant], changes: Mapping[str, Any], expected: tuple[int, int, int]
) -> None:
    """The number is what the customer sees afterwards, and asking again changes nothing, but for what is added."""
    once = edited(grants, **changes)

    assert expected == shown(once, grants[0].feature_id)
    if "add_to_balance" not in changes:
        twice = edited_again(once, {"feature_id": grants[0].feature_id}, **changes)
        assert once == twice


@pytest.mark.parametrize(
    ("grants", "which", "changes", "expected"),
    [
        # without an entity: spread over the slots in the order of their entities
        (SLOTS, {}, {"remaining": 150}, [0, 50, 100]),
        (SLOTS, {}, {"usage": 150}, [0, 50, 100]),
        (SLOTS, {"entity_id": "e2"}, {"remaining": 30}, [40, 30, 100]),
        (SLOTS, {"balance_id": "slots", "entity_id": "e3"}, {"add_to_balance": 5}, [40, 100, 105]),
        # surplus fills each up to what it grants, and the rest goes onto the first
        ([replace(each, balance=Decimal(left)) for each, left in zip(SLOTS, (0, 50, 100), strict=True)], {},
         {"remaining": 280}, [100, 80, 100]),
        (SLOTS, {}, {"remaining": 310}, [110, 100, 100]),
        # filters
        ([MONTHLY_100, LASTING_200], {"interval": Interval.MONTH}, {"remaining": 50}, [50, 200]),
        ([MONTHLY_100, LASTING_200], {"interval": ONCE}, {"remaining": 50}, [80, 50]),
        ([MONTHLY_100, LASTING_200], {"balance_id": "lasting"}, {"usage": 10}, [80, 190]),
        ([MONTHLY_100, replace(LASTING_200, balance_id="gift")], {"balance_id": "gift"}, {"usage": 10}, [80, 190]),
        ([MONTHLY_100, LASTING_200], {}, {"remaining": 250}, [50, 200]),
        # an entity sees its own and the customer's; its own pay first
        ([grant("messages", 100, id="own", entity_key="e1"), grant("messages", 50)], {"entity_id": "e1"},
         {"usage": 80}, [20, 50]),
        # a balance that is named is shown without what rolled over
        ([MONTHLY_100, ROLLED], {"balance_id": "messages-grant"}, {"remaining": 10}, [10, 50]),
        ([MONTHLY_100, ROLLED], {}, {"remaining": 100}, [80, 20]),
        # overage that is set off against what is left elsewhere
        ([grant("messages", 100, 130, id="a"), grant("messages", 200, id="b")], {}, {"remaining": 170}, [0, 170]),
        ([grant("messages", 100, 130, id="a"), grant("messages", 200, id="b")], {}, {"remaining": -10}, [-10, 0]),
        # below zero: on one that may, else on the first
        ([MONTHLY_100, grant("messages", 10, id="paid", **PAID)], {}, {"remaining": -5}, [0, -5]),
        ([MONTHLY_100, grant("messages", id="paid", max_purchase=Decimal(3), **PAID)], {}, {"usage": 105}, [0, -5]),
        ([LASTING_200, MONTHLY_100], {}, {"remaining": -5}, [0, -5]),
        # unlimited: only the counter
        ([grant("messages", id="endless", unlimited=True), MONTHLY_100], {}, {"usage": 30}, [-10, 80]),
    ],
)  # fmt: skip
def test_which_grants_change(
    grants: Sequence[Grant], which: Mapping[str, Any], changes: Mapping[str, Any], expected: Sequence[int]
) -> None:
    """Lowering takes in the order in which grants pay; raising fills each and leaves the rest on the first."""
    assert expected == balances(edited(grants, which, **changes))


def test_an_edit_sets_the_ceiling_of_what_is_given_back() -> None:
    """After 10 left of 10 granted, giving back fills up to 10 and no further (billing.md §5.5)."""
    once = edited([MONTHLY_100], remaining=10, included_grant=10)

    assert [Decimal(10)] == balances(used(once, -50))
    assert [Decimal(10)] == balances(used(used(once, 4), -50))


def test_an_edit_is_marked_and_a_date_is_not() -> None:
    """What is left or granted is marked as edited; dates are for good, and so are grants that did not change."""
    assert [NOON, None] == [each.edited_at for each in edited([MONTHLY_100, LASTING_200], remaining=250).grants]
    assert [NOON] == [each.edited_at for each in edited([MONTHLY_100], included_grant=7).grants]
    assert [None] == [each.edited_at for each in edited([MONTHLY_100], expires_at=APRIL).grants]


def test_a_reset_date_is_taken_verbatim() -> None:
    """The earliest of the balances that are meant resets then, and counts its periods from there; slots together."""
    yearly = grant("messages", 10, id="yearly", reset=Cadence(Interval.YEAR), resets_at=at("2027-01-01"))
    both = edited([yearly, MONTHLY_100], resets_at=MARCH).grants
    slots = edited(SLOTS, resets_at=MARCH).grants

    assert [(at("2027-01-01"), yearly.anchor_at), (MARCH, MARCH)] == [(each.resets_at, each.anchor_at) for each in both]
    assert {(MARCH, MARCH)} == {(each.resets_at, each.anchor_at) for each in slots}


def test_an_expiry_is_set_on_the_one_that_ends_first() -> None:
    """The balance that expires soonest, any that never does last; free ones and those that were bought once."""
    ending = replace(LASTING_200, expires_at=APRIL, prepaid=Decimal(5))

    assert [None, MARCH] == [each.expires_at for each in edited([MONTHLY_100, ending], expires_at=MARCH).grants]
    assert [MARCH] == [each.expires_at for each in edited([MONTHLY_100], expires_at=MARCH).grants]


@pytest.mark.parametrize(
    ("grants", "which", "changes", "problem"),
    [
        ([MONTHLY_100], {}, {}, "give something to change"),
        ([MONTHLY_100], {}, {"remaining": 1, "usage": 1}, "at most one of"),
        ([MONTHLY_100], {}, {"remaining": 1, "add_to_balance": 1}, "at most one of"),
        ([MONTHLY_100], {}, {"usage": 1, "add_to_balance": 1}, "at most one of"),
        ([MONTHLY_100], {"feature_id": None}, {"remaining": 1}, "feature_id"),
        ([MONTHLY_100], {}, {"included_grant": -1}, "included_grant: must not be negative"),
        ([MONTHLY_100], {}, {"remaining": "NaN"}, "remaining: must be a number between"),
        ([MONTHLY_100], {}, {"usage": "1e14"}, "usage: must be a number between"),
        ([MONTHLY_100], {}, {"add_to_balance": "-1e14"}, "add_to_balance: must be a number between"),
        ([MONTHLY_100], {}, {"included_grant": "1e14"}, "included_grant: must be a number between"),
        ([MONTHLY_100], {}, {"add_to_balance": "1e13"}, "must stay between"),
        ([MONTHLY_100], {}, {"resets_at": NOON}, "next_reset_at: must be in the future"),
        ([MONTHLY_100], {}, {"expires_at": NOON}, "expires_at: must be in the future"),
        ([LASTING_200], {}, {"resets_at": MARCH}, "never resets"),
        ([grant("messages", 1, **PAID)], {}, {"resets_at": MARCH}, "next_reset_at: a balance with a recurring price"),
        ([grant("messages", 1, **PAID)], {}, {"expires_at": MARCH}, "expires_at: a balance with a recurring price"),
        ([replace(MONTHLY_100, expires_at=MARCH)], {}, {"resets_at": APRIL}, "before the balance expires"),
        ([MONTHLY_100], {}, {"resets_at": APRIL, "expires_at": MARCH}, "before the balance expires"),
        ([grant("messages", 0, unlimited=True)], {}, {"remaining": 1}, "only its usage"),
        ([grant("messages", 0, unlimited=True)], {}, {"add_to_balance": 1}, "only its usage"),
        ([grant("messages", 0, unlimited=True)], {}, {"usage": 1, "included_grant": 1}, "only its usage"),
        ([grant("sso", 0)], {}, {"remaining": 1}, "boolean"),
        ([grant("sso", 0)], {}, {"included_grant": 1}, "boolean"),
        (SLOTS, {}, {"included_grant": 50}, "say whose is meant"),
    ],
)
def test_what_is_refused(
    grants: Sequence[Grant], which: Mapping[str, Any], changes: Mapping[str, Any], problem: str
) -> None:
    """Each is refused with a sentence that says why, and nothing changes."""
    with pytest.raises(BadRequest, match=problem):
        edited(grants, which, **changes)


@pytest.mark.parametrize(
    ("which", "code"),
    [
        ({"balance_id": "other"}, "balance_not_found"),
        ({"interval": Interval.DAY}, "balance_not_found"),
        ({"feature_id": "words"}, "balance_not_found"),
        ({"feature_id": "unknown"}, "feature_not_found"),
        ({"entity_id": "e9"}, "entity_not_found"),
    ],
)
def test_what_is_not_there(which: Mapping[str, Any], code: str) -> None:
    """A balance, feature or entity that the customer does not have is not found."""
    with pytest.raises(NotFound) as caught:
        edited([MONTHLY_100], which, remaining=1)

    assert code == caught.value.code


def test_a_slot_has_a_grant_of_its_own() -> None:
    """One entity is granted 50 instead of 100; the others keep theirs."""
    granted = [each.granted for each in edited(SLOTS, {"entity_id": "e2"}, included_grant=50).grants]

    assert [100, 50, 100] == granted


AT_ONCE = Proration("bill_immediately", "none")
PRORATED = grant("seats", 3, 5, reset=None, overage_allowed=True, price=usage_based("10"), proration=AT_ONCE)


@pytest.mark.parametrize(
    ("changes", "value"),
    [({"usage": 6}, 1), ({"usage": 4}, -1), ({"usage": 5}, 0), ({"remaining": 1}, -3), ({"add_to_balance": -2}, 2)],
)
def test_prorated_seats_are_usage(changes: Mapping[str, int], value: int) -> None:
    """Seats that are billed when they are taken are taken or given up, with the reason kept (billing.md §5.8)."""
    edits = {name: Decimal(given) for name, given in changes.items()}
    request = EditRequest(Which("acme", "seats"), reason="audit", **edits)  # type: ignore[arg-type]  # numbers only
    usage = seats_of_edit(limited([PRORATED]), request, now=NOON)

    assert usage is not None
    assert (Decimal(value), "seats", {"reason": "audit"}) == (usage.value, usage.feature_id, usage.properties)


@pytest.mark.parametrize(
    "changes", [{"included_grant": Decimal(4)}, {"resets_at": MARCH}, {"expires_at": MARCH}]
)  # fmt: skip
def test_prorated_seats_change_by_themselves(changes: Mapping[str, Any]) -> None:
    """What is paid for at once is not mixed with anything else; what they grant alone is an edit like any other."""
    request = EditRequest(Which("acme", "seats"), usage=Decimal(6), **changes)
    with pytest.raises(BadRequest, match="by itself"):
        seats_of_edit(limited([PRORATED]), request, now=NOON)

    assert seats_of_edit(limited([PRORATED]), replace(request, usage=None), now=NOON) is None


def test_an_edit_of_other_units_is_no_usage() -> None:
    """Only prorated seats are paid for when they are taken."""
    assert seats_of_edit(limited([SEATS_5]), EditRequest(Which("acme", "seats"), usage=Decimal(6)), now=NOON) is None


def test_what_is_used_up_for_good_is_left_alone() -> None:
    """It is not shown, so it does not count for what is set; it is meant by its name, or where it is all there is."""
    gone = grant("messages", 50, 50, id="gone", reset=None)

    assert [60, 0] == balances(edited([MONTHLY_100, gone], usage=40))
    assert [80, 10] == balances(edited([MONTHLY_100, gone], {"balance_id": "gone"}, remaining=10))
    assert [10] == balances(edited([gone], add_to_balance=10))
