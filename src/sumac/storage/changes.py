"""Whose rows a work changed, and who wants to know (design: a cache that is valid by version).

Every customer has a version that goes up with each work that changed something a balance is answered from; every
tenant has one for what its customers share (features, plans, settings). Memory is right while the version is.
"""

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BindParameter

from sumac.core.tenant import Tenant
from sumac.storage.prepared import Prepared
from sumac.storage.schema import TENANT, counters, customers

TENANT_VERSION = "version"
CHANNEL = "sumac_changes"
RAISE_VERSION = Prepared(
    lambda _: (
        sa.update(customers)
        .where(customers.c[TENANT] == sa.bindparam("its_tenant"), customers.c.key == sa.bindparam("its_key"))
        .values(version=customers.c.version + 1)
    ),
    {"its_tenant": TENANT, "its_key": "key"},
)
Owner = tuple[str, str | None]
Listener = Callable[["Changes"], None]


class Changes:
    """What a work changed: customers as (tenant key, customer key), and tenants as (tenant key, None).

    `gone` are tenants of which nothing is left, whose version nobody can raise.
    """

    def __init__(self) -> None:
        self.owners: set[Owner] = set()
        self.gone: set[Owner] = set()

    def note(self, tenant: Tenant, customer_keys: Sequence[str] | None) -> None:
        """Remembers that rows of these customers changed; None for what all customers of the tenant share."""
        if customer_keys is None:
            self.owners.add((tenant.key, None))
        else:
            self.owners.update((tenant.key, key) for key in customer_keys)

    def __bool__(self) -> bool:
        return bool(self.owners or self.gone)

    async def write(self, connection: AsyncConnection, *, sender: str) -> None:
        """Raises the versions, in the work's transaction, and tells the other processes at its commit."""
        by_tenant: dict[str, list[str]] = {}
        for tenant, key in sorted(self.owners, key=lambda owner: (owner[0], owner[1] or "")):
            if key is None:
                await _raise_tenant(connection, tenant)
            else:
                by_tenant.setdefault(tenant, []).append(key)
        for tenant, keys in by_tenant.items():
            await connection.execute(
                sa.update(customers)
                .where(customers.c[TENANT] == tenant, customers.c.key.in_(keys))
                .values(version=customers.c.version + 1)
            )
        if connection.dialect.name != "sqlite":
            await self.announce(connection, sender=sender)

    async def announce(self, connection: AsyncConnection, *, sender: str) -> None:
        """Tells the other processes at the commit of a PostgreSQL transaction: one text per owner, in one statement."""
        texts = [f"{sender} {tenant} {key or ''}" for tenant, key in self.owners | self.gone]
        if texts:
            told = sa.func.unnest(sa.bindparam("texts", texts, sa.ARRAY(sa.Text)))
            await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, told)))

    @classmethod
    def heard(cls, text: str) -> "Changes":
        """The changes that another process told of."""
        changes = cls()
        tenant, _, key = text.partition(" ")
        changes.owners.add((tenant, key or None))
        return changes


def customers_named(where: Sequence[sa.ColumnElement[bool]], column: sa.Column[str]) -> Sequence[str] | None:
    """The customers that the conditions name by `column ==` or `column IN`; None, for all, when they do not."""
    for each in where:
        if (
            not isinstance(each, BinaryExpression)
            or each.left is not column
            or not isinstance(each.right, BindParameter)
        ):
            continue
        if each.operator is operators.eq:
            return [str(each.right.value)]
        if each.operator is operators.in_op:
            return [str(key) for key in each.right.value or ()]
    return None


async def _raise_tenant(connection: AsyncConnection, tenant: str) -> None:
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = build(counters).values(**{TENANT: tenant}, name=TENANT_VERSION, value=1)
    raised = {"value": counters.c.value + 1}
    await connection.execute(statement.on_conflict_do_update(index_elements=[TENANT, "name"], set_=raised))
