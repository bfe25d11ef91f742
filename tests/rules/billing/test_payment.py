"""Where the payer of an attach is sent (billing.md §10.5, api.md §2.5)."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sumac.billing.model import (
    Holding,
    Payment,
)
from sumac.billing.requests import (
    RedirectMode,
)
from sumac.catalog.model import Plan
from sumac.core.errors import BadRequest
from tests.rules.decisions import HALF, attach
from tests.rules.offers import (
    ADD_ON,
    FREE,
    ONE_OFF,
    PREMIUM,
    PRO,
    held,
    item,
    plan,
    snapshot,
    usage_based,
)

ALWAYS, IF_REQUIRED, NEVER = RedirectMode.ALWAYS, RedirectMode.IF_REQUIRED, RedirectMode.NEVER
METERED = plan("metered", None, item("messages", 0, price=usage_based("0.10")))


def redirected(offer: Plan, *holdings: Holding, card: bool, mode: RedirectMode) -> Payment:
    """What has to happen with the payer."""
    return attach(snapshot(*holdings, card=card), offer, HALF, redirect_mode=mode).payment


@pytest.mark.parametrize(
    ("offer", "holdings", "card", "mode", "payment"),
    [
        pytest.param(FREE, [], False, IF_REQUIRED, Payment.NONE, id="free"),
        pytest.param(FREE, [], False, ALWAYS, Payment.CONFIRM, id="free-always"),
        pytest.param(FREE, [], False, NEVER, Payment.NONE, id="free-never"),
        pytest.param(PRO, [], True, IF_REQUIRED, Payment.CHARGE, id="paid-with-card"),
        pytest.param(PRO, [], True, NEVER, Payment.CHARGE, id="paid-with-card-never"),
        pytest.param(PRO, [], True, ALWAYS, Payment.CHECKOUT, id="paid-with-card-always"),
        pytest.param(PRO, [], False, IF_REQUIRED, Payment.CHECKOUT, id="paid-without-card"),
        pytest.param(ONE_OFF, [], True, IF_REQUIRED, Payment.CHARGE, id="one-off-with-card"),
        pytest.param(ONE_OFF, [], False, IF_REQUIRED, Payment.CHECKOUT, id="one-off-without-card"),
        pytest.param(ONE_OFF, [held(PRO)], False, IF_REQUIRED, Payment.CHECKOUT, id="one-off-beside-a-plan"),
        pytest.param(ONE_OFF, [], True, ALWAYS, Payment.CHECKOUT, id="one-off-always"),
        pytest.param(METERED, [], True, IF_REQUIRED, Payment.NONE, id="after-use-with-card"),
        pytest.param(METERED, [], False, IF_REQUIRED, Payment.SETUP, id="after-use-without-card"),
        pytest.param(METERED, [], True, ALWAYS, Payment.SETUP, id="after-use-always"),
        pytest.param(PREMIUM, [held(PRO)], False, IF_REQUIRED, Payment.CHARGE, id="upgrade-without-card"),
        pytest.param(PREMIUM, [held(PRO)], True, ALWAYS, Payment.CONFIRM, id="upgrade-always"),
        pytest.param(ADD_ON, [held(PRO)], False, IF_REQUIRED, Payment.CHARGE, id="add-on-without-card"),
        pytest.param(replace(METERED, add_on=True), [held(PRO)], False, NEVER, Payment.NONE, id="nothing-due-yet"),
        pytest.param(PRO, [held(FREE)], False, IF_REQUIRED, Payment.CHECKOUT, id="from-free-without-card"),
    ],
)
def test_where_the_payer_is_sent(
    offer: Plan, holdings: Sequence[Holding], mode: RedirectMode, payment: Payment, *, card: bool
) -> None:
    """Hosted pages are for first subscriptions and purchases without a card; a running one is charged directly."""
    assert payment is redirected(offer, *holdings, card=card, mode=mode)


@pytest.mark.parametrize(
    ("offer", "holdings"),
    [(PRO, []), (ONE_OFF, []), (METERED, []), (PREMIUM, [held(PRO)]), (ADD_ON, [held(PRO)])],
)
def test_never_without_a_card(offer: Plan, holdings: Sequence[Holding]) -> None:
    """Nobody can be asked to pay: the request is refused."""
    with pytest.raises(BadRequest, match="Customer acme has no payment method") as caught:
        redirected(offer, *holdings, card=False, mode=NEVER)

    assert "customer_has_no_payment_method" == caught.value.code
