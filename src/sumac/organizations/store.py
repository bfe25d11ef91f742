"""Rows of organizations, members, keys, sign-ins and sessions; none of them belongs to a tenant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sumac.core.tenant import Env, Tenant
from sumac.organizations.model import ApiKey, Identity, Member, Organization, Role, SignInPurpose
from sumac.storage.schema import TENANT, api_keys, members, organizations, sessions, sign_ins, tenant_tables
from sumac.storage.work import SystemWork, Work


async def find_organization(system: SystemWork, *where: sa.ColumnElement[bool]) -> Organization | None:
    """The oldest organization that matches, or None."""
    row = await system.find(sa.select(organizations).where(*where).order_by(organizations.c.created_at))
    if row is None:
        return None
    return Organization(row.id, row.slug, row.name, row.created_at, default_currency=row.default_currency)


async def find_default_currency(work: Work) -> str | None:
    """The default currency of the tenant's organization, or None without one."""
    column = organizations.c.default_currency
    found: str | None = await work.scalar(sa.select(column).where(organizations.c.id == work.tenant.organization_id))
    return found


async def add_organization(system: SystemWork, organization: Organization) -> None:
    """Adds an organization."""
    await system.insert(
        organizations,
        id=organization.id,
        slug=organization.slug,
        name=organization.name,
        default_currency=organization.default_currency,
        created_at=organization.created_at,
    )


async def change_organization(system: SystemWork, organization_id: str, **values: Any) -> None:  # noqa: ANN401  # column types
    """Writes single columns of the organization."""
    await system.update(organizations, organizations.c.id == organization_id, values=values)


async def remove_organization(system: SystemWork, organization_id: str) -> None:
    """Deletes the organization with every row of its tenants, members and keys."""
    tenants = [Tenant(organization_id, env).key for env in Env]
    for table in reversed(tenant_tables()):
        await system.delete(table, table.c[TENANT].in_(tenants))
    own = sa.select(members.c.id).where(members.c.organization_id == organization_id)
    await system.delete(sessions, sessions.c.member_id.in_(own))
    await system.delete(sign_ins, sign_ins.c.member_id.in_(own))
    await system.delete(members, members.c.organization_id == organization_id)
    await system.delete(api_keys, api_keys.c.organization_id == organization_id)
    await system.delete(organizations, organizations.c.id == organization_id)
    system.changes.gone.update((tenant, None) for tenant in tenants)


async def add_member(system: SystemWork, member: Member) -> None:
    """Adds a member."""
    await system.insert(
        members,
        id=member.id,
        organization_id=member.organization_id,
        email=member.email,
        name=member.name,
        role=member.role,
        created_at=system.now,
    )


async def find_members(system: SystemWork, *where: sa.ColumnElement[bool]) -> Sequence[Member]:
    """Members that match, oldest first."""
    return [_member(row) for row in await system.all(sa.select(members).where(*where).order_by(members.c.created_at))]


async def add_key(system: SystemWork, key: ApiKey, digest: str) -> None:
    """Adds a key by its digest."""
    await system.insert(
        api_keys,
        id=key.id,
        organization_id=key.organization_id,
        env=key.env,
        name=key.name,
        prefix=key.prefix,
        digest=digest,
        scopes=list(key.scopes),
        created_at=system.now,
        revoked_at=None,
    )


async def find_key(system: SystemWork, digest: str) -> ApiKey | None:
    """The key of a digest that is not revoked, or None."""
    row = await system.find(sa.select(api_keys).where(api_keys.c.digest == digest, api_keys.c.revoked_at.is_(None)))
    if row is None:
        return None
    return ApiKey(row.id, row.organization_id, Env(row.env), row.name, row.prefix, tuple(row.scopes))


async def revoke_keys(system: SystemWork, organization_id: str, *where: sa.ColumnElement[bool]) -> int:
    """Ends the organization's keys that match, whoever remembers them; answers how many."""
    for env in Env:
        system.changes.note(Tenant(organization_id, env), None)
    own = api_keys.c.organization_id == organization_id
    return await system.update(
        api_keys, own, api_keys.c.revoked_at.is_(None), *where, values={"revoked_at": system.now}
    )


async def replace_sign_in(
    system: SystemWork,
    member_id: str,
    purpose: SignInPurpose,
    *,
    sign_in_id: str,
    digest: str,
    expires_at: datetime,
) -> None:
    """Adds a code or link; with a new code the member's older ones stop working."""
    if purpose is SignInPurpose.CODE:
        older = (sign_ins.c.member_id == member_id, sign_ins.c.purpose == purpose, sign_ins.c.used_at.is_(None))
        await system.update(sign_ins, *older, values={"used_at": system.now})
    await system.insert(
        sign_ins,
        id=sign_in_id,
        member_id=member_id,
        purpose=purpose,
        digest=digest,
        tries=0,
        created_at=system.now,
        expires_at=expires_at,
        used_at=None,
    )


async def count_sign_ins(system: SystemWork, member_id: str, purpose: SignInPurpose, *, since: datetime) -> int:
    """How many codes or links the member asked for since then."""
    statement = sa.select(sa.func.count()).select_from(sign_ins)
    where = (sign_ins.c.member_id == member_id, sign_ins.c.purpose == purpose, sign_ins.c.created_at >= since)
    return int(await system.scalar(statement.where(*where)))


async def find_sign_in(system: SystemWork, *where: sa.ColumnElement[bool]) -> sa.Row[Any] | None:
    """An unused sign-in that has not expired, locked; or None."""
    usable = (sign_ins.c.used_at.is_(None), sign_ins.c.expires_at > system.now)
    return await system.find(sa.select(sign_ins).where(*where, *usable).with_for_update())


async def change_sign_in(system: SystemWork, sign_in_id: str, **values: Any) -> None:  # noqa: ANN401  # column types
    """Counts a try, or marks it used."""
    await system.update(sign_ins, sign_ins.c.id == sign_in_id, values=values)


async def add_session(
    system: SystemWork,
    *,
    session_id: str,
    digest: str,
    member_id: str,
    expires_at: datetime,
) -> None:
    """Adds a browser session."""
    await system.insert(
        sessions,
        id=session_id,
        digest=digest,
        member_id=member_id,
        created_at=system.now,
        expires_at=expires_at,
    )


async def remove_session(system: SystemWork, digest: str) -> None:
    """Deletes a session."""
    await system.delete(sessions, sessions.c.digest == digest)


async def find_identity(system: SystemWork, digest: str) -> Identity | None:
    """The member and organization of a running session, or None."""
    statement = (
        sa.select(members, organizations.c.slug, organizations.c.default_currency)
        .add_columns(organizations.c.name.label("organization_name"))
        .add_columns(organizations.c.created_at.label("organization_created_at"))
        .join(sessions, sessions.c.member_id == members.c.id)
        .join(organizations, organizations.c.id == members.c.organization_id)
        .where(sessions.c.digest == digest, sessions.c.expires_at > system.now)
    )
    row = await system.find(statement)
    if row is None:
        return None
    organization = Organization(
        row.organization_id,
        row.slug,
        row.organization_name,
        row.organization_created_at,
        default_currency=row.default_currency,
    )
    return Identity(_member(row), organization)


def _member(row: sa.Row[Any]) -> Member:
    return Member(row.id, row.organization_id, row.email, row.name, Role(row.role))
