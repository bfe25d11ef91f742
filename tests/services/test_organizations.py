"""Organizations, keys and signing in (api.md §1.2, dashboard.md §2.7)."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sumac.core.clock import ManualClock
from sumac.core.errors import Conflict, NotFound, TooManyRequests, Unauthenticated
from sumac.core.tenant import Env
from sumac.organizations import service as organizations
from sumac.organizations.model import Role
from sumac.storage.database import Database
from sumac.storage.schema import api_keys, metadata, sessions, sign_ins

EMAIL = "owner@acme.test"


async def founded(database: Database, slug: str = "acme", email: str = EMAIL) -> str:
    async with database.system() as system:
        organization, _ = await organizations.create_organization(system, slug=slug, name="Acme", owner_email=email)
    return organization.id


async def code_for(database: Database, email: str = EMAIL) -> str:
    async with database.system() as system:
        code = await organizations.request_code(system, email)
    assert code is not None
    return code


async def tried(database: Database, code: str, email: str = EMAIL) -> organizations.SignedIn | None:
    async with database.system() as system:
        return await organizations.try_code(system, email, code)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def link_for(database: Database, organization_id: str) -> str:
    async with database.system() as system:
        owner = await organizations.find_owner(system, organization_id)
        assert owner is not None
        return await organizations.create_link_token(system, owner.id)


async def stored_text(database: Database) -> str:
    async with database.system_reading() as system:
        rows = [await system.all(sa.select(table)) for table in (api_keys, sign_ins, sessions)]
    return repr([[tuple(row) for row in each] for each in rows])


async def test_a_new_organization_has_an_owner(database: Database) -> None:
    """The first organization of an empty database is found again by slug and by id, with its owner."""
    async with database.system_reading() as system:
        assert None is await organizations.find_first_organization(system)
    organization_id = await founded(database, email="Owner@Acme.test")

    async with database.system_reading() as system:
        first = await organizations.find_first_organization(system)
        by_slug = await organizations.get_organization(system, "acme")
        by_id = await organizations.get_organization_by_id(system, organization_id)
        owner = await organizations.find_owner(system, organization_id)
    assert first == by_slug == by_id
    assert owner is not None
    assert (EMAIL, Role.OWNER) == (owner.email, owner.role)


async def test_a_slug_is_taken_once(database: Database) -> None:
    """A second organization of the same slug is refused; an unknown slug is not found."""
    await founded(database)

    with pytest.raises(Conflict):
        await founded(database)
    async with database.system_reading() as system:
        with pytest.raises(NotFound, match="unknown"):
            await organizations.get_organization(system, "unknown")


@pytest.mark.parametrize("env", Env)
async def test_a_key_is_kept_as_a_digest(database: Database, env: Env) -> None:
    """The secret is answered once, says its environment in its prefix, and is nowhere in the database."""
    organization_id = await founded(database)
    async with database.system() as system:
        secret = await organizations.create_key(system, organization_id, env, name="CI", scopes=["customers:read"])

    async with database.system_reading() as system:
        key = await organizations.find_key(system, secret)
        unknown = await organizations.find_key(system, secret[:-1] + ("a" if secret[-1] != "a" else "b"))
    assert key is not None
    assert (organization_id, env, "CI", ("customers:read",)) == (key.organization_id, key.env, key.name, key.scopes)
    assert None is unknown
    assert secret.startswith({Env.SANDBOX: "am_sk_test_", Env.LIVE: "am_sk_live_"}[env])
    assert secret not in await stored_text(database)
    assert secret.startswith(key.prefix)


async def test_a_revoked_key_is_unknown(database: Database) -> None:
    """A key with a revocation instant opens nothing."""
    organization_id = await founded(database)
    async with database.system() as system:
        secret = await organizations.create_key(system, organization_id, Env.SANDBOX, name="CI")
        await system.update(api_keys, api_keys.c.organization_id == organization_id, values={"revoked_at": system.now})

    async with database.system_reading() as system:
        assert None is await organizations.find_key(system, secret)


async def test_a_code_signs_in_once(database: Database) -> None:
    """The right code starts a session, whatever the letter case of the e-mail; the same code again does not."""
    organization_id = await founded(database)
    code = await code_for(database, EMAIL.upper())

    signed_in = await tried(database, code)

    assert signed_in is not None
    async with database.system_reading() as system:
        identity = await organizations.find_identity(system, signed_in.token)
    assert identity is not None
    assert (EMAIL, organization_id) == (identity.member.email, identity.organization.id)
    assert None is await tried(database, code)
    stored = await stored_text(database)
    assert code not in stored
    assert signed_in.token not in stored


async def test_nobody_gets_a_code_for_an_unknown_email(database: Database) -> None:
    """An e-mail no member has gets no code, and no code is right for it."""
    await founded(database)

    async with database.system() as system:
        assert None is await organizations.request_code(system, "stranger@acme.test")
    assert None is await tried(database, "000000", "stranger@acme.test")


async def test_a_code_is_good_for_ten_minutes(database: Database, clock: ManualClock) -> None:
    """At ten minutes the code is too old; a millisecond before it is not."""
    await founded(database)
    code = await code_for(database)
    clock.advance(timedelta(minutes=10))
    assert None is await tried(database, code)

    code = await code_for(database)
    clock.advance(timedelta(minutes=10) - timedelta(milliseconds=1))
    assert None is not await tried(database, code)


async def test_a_new_code_replaces_the_old_one(database: Database) -> None:
    """Only the newest code signs in."""
    await founded(database)
    old = await code_for(database)
    new = await code_for(database)

    if old != new:
        assert None is await tried(database, old)
    assert None is not await tried(database, new)


async def test_five_wrong_codes_are_enough(database: Database) -> None:
    """After five wrong tries even the right code is refused, until a new one is requested."""
    await founded(database)
    code = await code_for(database)
    for _ in range(5):
        assert None is await tried(database, other_than(code))

    with pytest.raises(TooManyRequests):
        await tried(database, code)
    assert None is not await tried(database, await code_for(database))


async def test_a_link_signs_in_once(database: Database) -> None:
    """A one-time link starts one session; opened again it is refused with advice."""
    token = await link_for(database, await founded(database))

    async with database.system() as system:
        signed_in = await organizations.use_link(system, token)

    assert EMAIL == signed_in.member.email
    with pytest.raises(Unauthenticated, match="already used"):
        async with database.system() as system:
            await organizations.use_link(system, token)
    assert token not in await stored_text(database)


async def test_a_link_is_good_for_fifteen_minutes(database: Database, clock: ManualClock) -> None:
    """At fifteen minutes the link is too old."""
    token = await link_for(database, await founded(database))
    clock.advance(timedelta(minutes=15))

    with pytest.raises(Unauthenticated):
        async with database.system() as system:
            await organizations.use_link(system, token)


async def test_a_session_ends(database: Database, clock: ManualClock) -> None:
    """A session is nobody's after signing out, and after thirty days."""
    await founded(database)
    first = await tried(database, await code_for(database))
    second = await tried(database, await code_for(database))
    assert first is not None
    assert second is not None

    async with database.system() as system:
        await organizations.sign_out(system, first.token)
        assert None is await organizations.find_identity(system, first.token)
        assert None is not await organizations.find_identity(system, second.token)
    clock.advance(timedelta(days=30))
    async with database.system_reading() as system:
        assert None is await organizations.find_identity(system, second.token)


def test_rows_of_people_carry_no_tenant() -> None:
    """Who may sign in belongs to an organization as a whole, so these tables have no tenant column."""
    outside = {"organizations", "members", "api_keys", "sign_ins", "sessions"}

    assert outside == {name for name, table in metadata.tables.items() if "tenant" not in table.c}


async def test_a_slug_changes_unless_it_is_taken(database: Database) -> None:
    """The organization is found by its new slug only; another one's slug is refused."""
    organization_id = await founded(database)
    await founded(database, "other", "owner@other.test")
    async with database.system() as system:
        changed = await organizations.change_slug(system, organization_id, "renamed")
        with pytest.raises(Conflict):
            await organizations.change_slug(system, organization_id, "other")

    async with database.system_reading() as system:
        assert changed == await organizations.get_organization(system, "renamed")
        assert None is await organizations.find_organization(system, "acme")


async def test_deleting_an_organization_spares_the_others(database: Database) -> None:
    """Its members, keys and sessions go with it; another organization's stay."""
    organization_id = await founded(database)
    other_id = await founded(database, "other", "owner@other.test")
    link = await link_for(database, organization_id)
    async with database.system() as system:
        signed_in = await organizations.use_link(system, link)
        key = await organizations.create_key(system, organization_id, Env.LIVE, name="Gone")
        other_key = await organizations.create_key(system, other_id, Env.LIVE, name="Kept")
        await organizations.delete_organization(system, organization_id)

    async with database.system_reading() as system:
        assert None is await organizations.find_organization(system, "acme")
        assert None is await organizations.find_owner(system, organization_id)
        assert None is await organizations.find_identity(system, signed_in.token)
        assert None is await organizations.find_key(system, key)
        assert None is not await organizations.find_key(system, other_key)
        assert None is not await organizations.find_owner(system, other_id)
        with pytest.raises(NotFound):
            await organizations.delete_organization(system, organization_id)


async def test_keys_are_revoked_by_name(database: Database) -> None:
    """Every key of the name stops working, once; keys of other names and organizations go on."""
    organization_id = await founded(database)
    other_id = await founded(database, "other", "owner@other.test")
    async with database.system() as system:
        old = [await organizations.create_key(system, organization_id, Env.SANDBOX, name="Demo") for _ in range(2)]
        kept = await organizations.create_key(system, organization_id, Env.SANDBOX, name="App")
        other = await organizations.create_key(system, other_id, Env.SANDBOX, name="Demo")
        assert 2 == await organizations.revoke_keys(system, organization_id, name="Demo")
        assert 0 == await organizations.revoke_keys(system, organization_id, name="Demo")

    async with database.system_reading() as system:
        assert [None, None] == [await organizations.find_key(system, secret) for secret in old]
        assert None is not await organizations.find_key(system, kept)
        assert None is not await organizations.find_key(system, other)
