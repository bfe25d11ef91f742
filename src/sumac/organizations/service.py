"""Organizations, keys and signing in (design.md §6, dashboard.md §2.7). Functions take the system work they run in."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta

import sqlalchemy as sa

from sumac.core.errors import Conflict, NotFound, TooManyRequests, Unauthenticated
from sumac.core.ids import digest, new_code, new_id, new_secret, new_token, same_secret
from sumac.core.tenant import Env
from sumac.organizations import store
from sumac.organizations.model import (
    DEFAULT_CURRENCY,
    KEY_PREFIXES,
    SHOWN_KEY_LENGTH,
    ApiKey,
    Identity,
    Member,
    Organization,
    Role,
    SignInPurpose,
)
from sumac.storage.schema import api_keys, members, organizations, sign_ins
from sumac.storage.work import SystemWork, Work

CODE_TIME = timedelta(minutes=10)
LINK_TIME = timedelta(minutes=15)
SESSION_TIME = timedelta(days=30)
CODE_TRIES_MAX = 5
CODES_AN_HOUR_MAX = 5


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: its token, which only the browser keeps, and whose it is."""

    token: str
    member: Member


async def find_first_organization(system: SystemWork) -> Organization | None:
    """The oldest organization, or None in an empty database."""
    return await store.find_organization(system)


async def find_organization(system: SystemWork, slug: str) -> Organization | None:
    """The organization of a slug, or None."""
    return await store.find_organization(system, organizations.c.slug == slug)


async def get_organization(system: SystemWork, slug: str) -> Organization:
    """The organization of a slug. Raises NotFound `org_not_found`."""
    organization = await find_organization(system, slug)
    if organization is None:
        message = f"Organization {slug} not found"
        raise NotFound(message, code="org_not_found")
    return organization


async def get_organization_by_id(system: SystemWork, organization_id: str) -> Organization:
    """The organization. Raises NotFound `org_not_found`."""
    organization = await store.find_organization(system, organizations.c.id == organization_id)
    if organization is None:
        message = "Organization not found"
        raise NotFound(message, code="org_not_found")
    return organization


async def default_currency(work: Work) -> str:
    """The currency of the tenant's prices: its organization's, the same in both environments."""
    return await store.find_default_currency(work) or DEFAULT_CURRENCY


async def create_organization(
    system: SystemWork, *, slug: str, name: str, owner_email: str, currency: str = DEFAULT_CURRENCY
) -> tuple[Organization, Member]:
    """Adds an organization with its owner. `currency` is the one its prices are in for good.

    Raises Conflict when the slug is taken.
    """
    await _check_free(system, slug)
    organization = Organization(new_id("org", now=system.now), slug, name, system.now, default_currency=currency)
    owner = Member(new_id("mem", now=system.now), organization.id, owner_email.lower(), None, Role.OWNER)
    await store.add_organization(system, organization)
    await store.add_member(system, owner)
    return organization, owner


async def change_slug(system: SystemWork, organization_id: str, slug: str) -> Organization:
    """Gives the organization another slug. Raises NotFound `org_not_found`, Conflict when the slug is taken."""
    organization = await get_organization_by_id(system, organization_id)
    await _check_free(system, slug)
    await store.change_organization(system, organization_id, slug=slug)
    return replace(organization, slug=slug)


async def delete_organization(system: SystemWork, organization_id: str) -> None:
    """Deletes the organization and everything in both of its environments. Raises NotFound `org_not_found`."""
    await get_organization_by_id(system, organization_id)
    await store.remove_organization(system, organization_id)


async def find_owner(system: SystemWork, organization_id: str) -> Member | None:
    """The organization's oldest owner, or None."""
    found = await store.find_members(
        system,
        members.c.organization_id == organization_id,
        members.c.role == Role.OWNER,
    )
    return found[0] if found else None


async def create_key(
    system: SystemWork,
    organization_id: str,
    env: Env,
    *,
    name: str,
    scopes: Collection[str] = (),
) -> str:
    """Adds a secret key and answers it: the only time it can be seen."""
    secret = new_secret(KEY_PREFIXES[env])
    key = ApiKey(
        new_id("key", now=system.now),
        organization_id,
        env,
        name,
        secret[:SHOWN_KEY_LENGTH],
        tuple(scopes),
    )
    await store.add_key(system, key, digest(secret))
    return secret


async def find_key(system: SystemWork, secret: str) -> ApiKey | None:
    """The key of a secret, or None when it is unknown or revoked."""
    return await store.find_key(system, digest(secret))


async def revoke_keys(system: SystemWork, organization_id: str, *, name: str) -> int:
    """Ends the organization's keys of that name; answers how many."""
    return await store.revoke_keys(system, organization_id, api_keys.c.name == name)


async def request_code(system: SystemWork, email: str) -> str | None:
    """A fresh sign-in code for a member's e-mail; None, which the caller must not show, when there is none to send.

    That is when nobody has the address, or when five codes were asked for within the hour: with five tries each, nobody
    guesses one of a million.
    """
    found = await store.find_members(system, sa.func.lower(members.c.email) == email.lower())
    if not found:
        return None
    hour = system.now - timedelta(hours=1)
    if await store.count_sign_ins(system, found[0].id, SignInPurpose.CODE, since=hour) >= CODES_AN_HOUR_MAX:
        return None
    code = new_code()
    await store.replace_sign_in(
        system,
        found[0].id,
        SignInPurpose.CODE,
        sign_in_id=new_id("sig", now=system.now),
        digest=digest(code),
        expires_at=system.now + CODE_TIME,
    )
    return code


async def create_link_token(system: SystemWork, member_id: str) -> str:
    """A one-time token that signs the member in, good for fifteen minutes."""
    token = new_token()
    await store.replace_sign_in(
        system,
        member_id,
        SignInPurpose.LINK,
        sign_in_id=new_id("sig", now=system.now),
        digest=digest(token),
        expires_at=system.now + LINK_TIME,
    )
    return token


async def try_code(system: SystemWork, email: str, code: str) -> SignedIn | None:
    """Signs in with a code; None when it is wrong or too old. Raises TooManyRequests after five wrong ones.

    The caller commits also when the answer is None, so that the try is counted.
    """
    found = await store.find_members(system, sa.func.lower(members.c.email) == email.lower())
    if not found:
        return None
    where = (sign_ins.c.member_id == found[0].id, sign_ins.c.purpose == SignInPurpose.CODE)
    sign_in = await store.find_sign_in(system, *where)
    if sign_in is None:
        return None
    if sign_in.tries >= CODE_TRIES_MAX:
        message = "Too many wrong codes; request a new one"
        raise TooManyRequests(message)
    if not same_secret(sign_in.digest, digest(code)):
        await store.change_sign_in(system, sign_in.id, tries=sign_in.tries + 1)
        return None
    await store.change_sign_in(system, sign_in.id, used_at=system.now)
    return await _start_session(system, found[0])


async def use_link(system: SystemWork, token: str) -> SignedIn:
    """Signs in with a one-time link. Raises Unauthenticated `invalid_link` when it was used or is too old."""
    where = (sign_ins.c.digest == digest(token), sign_ins.c.purpose == SignInPurpose.LINK)
    sign_in = await store.find_sign_in(system, *where)
    if sign_in is None:
        message = "This sign-in link was already used or has expired; sign in with a code, or make a new link"
        raise Unauthenticated(message, code="invalid_link")
    await store.change_sign_in(system, sign_in.id, used_at=system.now)
    return await _start_session(system, (await store.find_members(system, members.c.id == sign_in.member_id))[0])


async def find_identity(system: SystemWork, token: str) -> Identity | None:
    """Who a session token belongs to, or None."""
    return await store.find_identity(system, digest(token))


async def sign_out(system: SystemWork, token: str) -> None:
    """Ends the session."""
    await store.remove_session(system, digest(token))


async def _check_free(system: SystemWork, slug: str) -> None:
    if await find_organization(system, slug) is not None:
        message = f"Organization {slug} already exists"
        raise Conflict(message)


async def _start_session(system: SystemWork, member: Member) -> SignedIn:
    token = new_token()
    await store.add_session(
        system,
        session_id=new_id("ses", now=system.now),
        digest=digest(token),
        member_id=member.id,
        expires_at=system.now + SESSION_TIME,
    )
    return SignedIn(token, member)
