"""The sandbox bank with one customer who pays."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sumac.billing.provider import CheckoutRequest, CustomerInfo, DocumentLine, InvoiceDocument
from sumac.core.clock import ManualClock
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.providers.sandbox.bank import SandboxBank
from sumac.storage.database import Database
from tests.support.services import PUBLIC_URL

TWENTY = Money(2000, "usd")
ADA = CustomerInfo("cus_1", "Ada", "ada@example.test")


@pytest.fixture
def bank(database: Database) -> SandboxBank:
    """The bank."""
    return SandboxBank(database, public_url=f"{PUBLIC_URL}/")


@pytest.fixture
async def payer(bank: SandboxBank, tenant: Tenant) -> str:
    """Its id of the customer Ada."""
    return await bank.ensure_customer(tenant, None, ADA, key="cus_1:customer")


def document(payer: str, amount: Money = TWENTY) -> InvoiceDocument:
    """An invoice to collect from the payer, of $20 unless told otherwise."""
    return InvoiceDocument("inv_1", payer, amount, (DocumentLine("Pro", amount),))


def page(payer: str, clock: ManualClock, **changes: object) -> CheckoutRequest:
    """A page that asks the payer for $20, with changes."""
    asked = CheckoutRequest(
        provider_customer=payer,
        mode="pay",
        heading="Subscribe to Pro",
        terms=None,
        total=TWENTY,
        lines=(DocumentLine("Pro", TWENTY),),
        success_url="https://shop.test/done",
        expires_at=clock.now() + timedelta(hours=1),
    )
    return replace(asked, **changes)  # type: ignore[arg-type]  # each test changes what it names
