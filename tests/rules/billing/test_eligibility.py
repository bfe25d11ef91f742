"""What attaching a plan would mean (api.md §2.0 `customer_eligibility`)."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sumac.billing.model import (
    Holding,
)
from sumac.billing.rules.eligibility import Eligibility, compute_eligibility
from sumac.catalog.model import Plan
from tests.rules.offers import (
    ADD_ON,
    FREE,
    GROWTH,
    JANUARY,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_TRIAL,
    at,
    canceling,
    held,
    scheduled,
    snapshot,
)

FEBRUARY = at("2026-02-01")
TRYING = held(PRO_TRIAL, anchor_at=at("2026-01-15"), trial_ends_at=at("2026-01-15"))


@pytest.mark.parametrize(
    ("holdings", "offer", "status", "action"),
    [
        pytest.param([], PRO, None, "activate", id="nothing-held"),
        pytest.param([held(FREE)], PRO, None, "upgrade", id="bigger"),
        pytest.param([held(PREMIUM)], PRO, None, "downgrade", id="smaller"),
        pytest.param([held(PRO)], FREE, None, "downgrade", id="to-free"),
        pytest.param([held(PRO)], PRO, "active", "none", id="the-plan-held"),
        pytest.param([canceling(held(PRO), FEBRUARY)], PRO, "active", "activate", id="the-canceling-plan"),
        pytest.param([held(PREMIUM), scheduled(PRO, FEBRUARY)], PRO, "scheduled", "downgrade", id="scheduled"),
        pytest.param([held(PRO)], ONE_OFF, None, "purchase", id="one-off"),
        pytest.param([held(ONE_OFF)], ONE_OFF, "active", "purchase", id="one-off-again"),
        pytest.param([held(PRO)], ADD_ON, None, "activate", id="add-on"),
        pytest.param([held(PRO), held(ADD_ON)], ADD_ON, "active", "activate", id="add-on-again"),
        pytest.param([held(PRO)], replace(GROWTH, group="support"), None, "activate", id="another-group"),
    ],
)
def test_standing(holdings: Sequence[Holding], offer: Plan, status: str | None, action: str) -> None:
    """Whether it is held, and what attaching it would do."""
    standing = compute_eligibility(snapshot(*holdings), offer, now=JANUARY)

    assert (status, action) == (standing.status, standing.attach_action)


def test_canceling_and_trialing() -> None:
    """States of the running plan; a trial is over at its end."""
    leaving = compute_eligibility(snapshot(canceling(held(PRO), FEBRUARY)), PRO, now=JANUARY)
    trying = compute_eligibility(snapshot(TRYING), PRO_TRIAL, now=JANUARY)
    tried = compute_eligibility(snapshot(TRYING), PRO_TRIAL, now=at("2026-01-15"))

    assert Eligibility(False, "active", True, False, "activate") == leaving
    assert (False, True, "none") == (trying.canceling, trying.trialing, trying.attach_action)
    assert not tried.trialing


def test_a_trial_is_there_once() -> None:
    """The plan has one, and the customer has not used it."""
    used = snapshot(trials_used=frozenset({"pro-trial"}))

    assert compute_eligibility(snapshot(), PRO_TRIAL, now=JANUARY).trial_available
    assert not compute_eligibility(used, PRO_TRIAL, now=JANUARY).trial_available
    assert not compute_eligibility(snapshot(), PRO, now=JANUARY).trial_available
