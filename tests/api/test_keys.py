"""Who is calling, and what they may do (api.md §1.2): keys, prefixes, scopes."""

import pytest
import sqlalchemy as sa

from sumac.organizations.model import RESOURCES
from sumac.storage.schema import api_keys
from tests.api.operations import SCOPES, WALK
from tests.api.shop import add_ada
from tests.support.api import Api, on_sqlite, refusal

pytestmark = on_sqlite
WRONG = "am_sk_test_" + "x" * 42


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "no_secret_key"),
        ("", "no_secret_key"),
        ("Bearer", "no_secret_key"),
        ("Bearer  ", "no_secret_key"),
        ("Basic b3duZXI6b3duZXI=", "no_secret_key"),
        ("Bearer am_test_1234", "invalid_request"),
        ("Bearer sk_live_1234", "invalid_request"),
        ("Bearer \xff", "invalid_request"),
        (f"Bearer {WRONG}", "invalid_secret_key"),
        (f"bearer {WRONG}", "invalid_secret_key"),
        ("Bearer am_sk_live_", "invalid_secret_key"),
        ("Bearer am_pk_test_1srOrx2ZWZBpBUvZwXKQmoEYga2", "invalid_publishable_key"),
        ("Bearer am_pk_live_1srOrx2ZWZBpBUvZwXKQmoEYga2", "invalid_publishable_key"),
    ],
)
async def test_without_a_valid_key_nothing_is_answered(api: Api, header: str | None, code: str) -> None:
    """401 with the code of api.md §1.2; the environment is not known, so it is not told."""
    headers = {} if header is None else {"authorization": header.encode("latin-1")}
    answer = await api.client.post("/v1/customers.list", headers=headers)  # type: ignore[arg-type]  # bytes as sent
    refused = refusal(answer)

    assert (401, code, None) == (refused.status, refused.code, refused.env)


async def test_a_wrong_key_is_not_repeated(api: Api) -> None:
    """The first fifteen characters are shown, the rest is starred (api.md §1.2)."""
    refused = await api.sending(authorization=f"Bearer {WRONG}").refused("customers.list")

    assert WRONG[:15] + "*" in refused.message
    assert WRONG[:16] not in refused.message


async def test_a_revoked_key_is_a_wrong_key(api: Api) -> None:
    """Keys are looked up by their digest; once it is gone or revoked, nobody is left to be let in."""
    async with api.services.database.system() as system:
        await system.update(api_keys, sa.true(), values={"revoked_at": system.now})
    refused = await api.refused("customers.list")

    assert (401, "invalid_secret_key") == (refused.status, refused.code)


async def test_no_key_is_stored(api: Api) -> None:
    """What is stored of a key is its digest and its first characters (security.md §5.4 17)."""
    secret = api.headers["authorization"].removeprefix("Bearer ")
    async with api.services.database.system_reading() as system:
        rows = await system.all(sa.select(api_keys))

    assert 1 == len(rows)
    assert secret not in repr(rows)
    assert secret[:14] in repr(rows)


async def test_every_operation_asks_for_its_scope(api: Api) -> None:
    """A key with every scope but the operation's own is refused with 403, whatever the body says."""
    for operation, scope in SCOPES.items():
        resource, action = scope.split(":")
        others = [f"{each}:write" for each in RESOURCES if each != resource]
        lesser = [f"{resource}:read"] if action == "write" else []
        refused = await (await api.with_key(*others, *lesser)).refused(operation, {"nonsense": True})

        assert (operation, 403, "insufficient_scopes") == (operation, refused.status, refused.code)


async def test_a_scope_is_enough(api: Api) -> None:
    """With the operation's scope alone it is let in; writing implies reading."""
    await add_ada(api)
    for operation, scope in SCOPES.items():
        for enough in {scope, scope.replace(":read", ":write"), "admin"}:
            answer = await (await api.with_key(enough)).send(operation, WALK[operation])

            assert 403 != answer.status_code, (operation, enough)


async def test_scopes_do_not_let_a_write_through(api: Api) -> None:
    """A reading key cannot write, and nothing is written (api.md §1.2)."""
    reader = await api.with_key("customers:read")
    refused = await reader.refused("customers.get_or_create", {"customer_id": "ada"})

    assert (403, "insufficient_scopes", "sandbox") == (refused.status, refused.code, refused.env)
    assert {"list": [], "next_cursor": None} == await reader.call("customers.list")
