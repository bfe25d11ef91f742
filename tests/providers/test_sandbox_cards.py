"""The cards a customer has at the sandbox bank: which is charged, which is kept, which is forgotten."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sumac.billing.provider import CardExpiry, Outcome
from sumac.core.clock import ManualClock
from sumac.core.errors import BadRequest, NotFound
from sumac.core.tenant import Tenant
from sumac.providers.sandbox.bank import SandboxBank
from tests.providers.conftest import ADA, document, page
from tests.support.services import GOOD_CARD


async def listed(bank: SandboxBank, tenant: Tenant, payer: str) -> list[tuple[str, bool]]:
    return [(method.last4, method.is_default) for method in await bank.payment_methods(tenant, payer)]


async def test_the_newest_card_is_charged(bank: SandboxBank, tenant: Tenant, payer: str, clock: ManualClock) -> None:
    """A card added later becomes the default; the older one stays listed."""
    await bank.add_card(tenant, payer, "4000000000000341")
    clock.advance(timedelta(seconds=1))
    await bank.add_card(tenant, payer, GOOD_CARD)

    assert [("4242", True), ("0341", False)] == [
        (method.last4, method.is_default) for method in await bank.payment_methods(tenant, payer)
    ]
    assert Outcome.PAID is (await bank.collect(tenant, document(payer), key="k")).outcome


async def test_a_card_entered_again_is_the_same_card(
    bank: SandboxBank, tenant: Tenant, payer: str, clock: ManualClock
) -> None:
    """It becomes the default one under the id it had, and what was decided for its next charge is forgotten."""
    first = await bank.add_card(tenant, payer, GOOD_CARD)
    await bank.set_next_charge(tenant, payer, "decline")
    clock.advance(timedelta(seconds=1))
    await bank.add_card(tenant, payer, "4000000000000341")
    again = await bank.add_card(tenant, payer, GOOD_CARD)

    assert first == again
    assert [("4242", True), ("0341", False)] == await listed(bank, tenant, payer)
    assert Outcome.PAID is (await bank.collect(tenant, document(payer), key="k")).outcome


async def test_when_a_card_expires_is_kept(bank: SandboxBank, tenant: Tenant, payer: str, clock: ManualClock) -> None:
    """Entered on a hosted page it is kept, entered again it is the newer one; a month that is over is refused."""
    kept: list[CardExpiry | None] = []
    for number, expiry in (("chk_1", None), ("chk_2", CardExpiry(2026, 1)), ("chk_3", CardExpiry(2030, 12))):
        request = page(payer, clock, mode="setup")
        opened = await bank.open_checkout(tenant, request, key=f"{number}:open")
        await bank.complete_checkout(tenant, opened.id, GOOD_CARD, expiry=expiry)
        (card,) = await bank.payment_methods(tenant, payer)
        kept.append(card.expiry)

    assert [None, CardExpiry(2026, 1), CardExpiry(2030, 12)] == kept

    opened = await bank.open_checkout(tenant, page(payer, clock), key="chk_4:open")
    with pytest.raises(BadRequest, match="expired"):
        await bank.complete_checkout(tenant, opened.id, "4000000000003220", expiry=CardExpiry(2025, 12))
    assert kept[2:] == [method.expiry for method in await bank.payment_methods(tenant, payer)]


async def test_another_card_is_made_the_default(
    bank: SandboxBank, tenant: Tenant, payer: str, clock: ManualClock
) -> None:
    """It is the one that is charged; a call repeated changes nothing, and a card of somebody else is refused."""
    good = await bank.add_card(tenant, payer, GOOD_CARD)
    clock.advance(timedelta(seconds=1))
    await bank.add_card(tenant, payer, "4000000000000341")
    stranger = await bank.ensure_customer(tenant, None, replace(ADA, customer_key="cus_2"), key="k")
    for _ in range(2):
        await bank.set_default_payment_method(tenant, payer, good.id, key="default")

    assert [("4242", True), ("0341", False)] == await listed(bank, tenant, payer)
    assert Outcome.PAID is (await bank.collect(tenant, document(payer), key="k")).outcome
    with pytest.raises(NotFound, match="not stored"):
        await bank.set_default_payment_method(tenant, stranger, good.id, key="default")
    assert [("4242", True), ("0341", False)] == await listed(bank, tenant, payer)


async def test_a_card_is_removed(bank: SandboxBank, tenant: Tenant, payer: str, clock: ManualClock) -> None:
    """Of those left the newest is the default; removing again, or a card of somebody else, does nothing."""
    for number in ("4000000000000341", "4000000000003220", GOOD_CARD):
        await bank.add_card(tenant, payer, number)
        clock.advance(timedelta(seconds=1))
    declines = (await bank.payment_methods(tenant, payer))[-1]
    stranger = await bank.ensure_customer(tenant, None, replace(ADA, customer_key="cus_2"), key="k")
    await bank.set_default_payment_method(tenant, payer, declines.id, key="default")
    await bank.remove_payment_method(tenant, stranger, declines.id, key="remove")

    assert [("0341", True), ("4242", False), ("3220", False)] == await listed(bank, tenant, payer)

    for _ in range(2):
        await bank.remove_payment_method(tenant, payer, declines.id, key="remove")

    assert [("4242", True), ("3220", False)] == await listed(bank, tenant, payer)

    for method in await bank.payment_methods(tenant, payer):
        await bank.remove_payment_method(tenant, payer, method.id, key="remove")

    assert [] == await listed(bank, tenant, payer)
    assert Outcome.NO_PAYMENT_METHOD is (await bank.collect(tenant, document(payer), key="k")).outcome
