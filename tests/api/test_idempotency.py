"""The Idempotency-Key header (api.md §1.9)."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from sumac.core.clock import ManualClock
from sumac.storage.schema import idempotency_keys
from tests.api.shop import ADA, FEATURES, add_ada
from tests.support.api import Api, on_sqlite

KEY = {"idempotency-key": "3f1c-1"}
TRACK = {"customer_id": "ada", "feature_id": "messages"}


async def keys(api: Api) -> list[str]:
    """What is stored of the keys."""
    async with api.services.database.system_reading() as system:
        return [row.digest for row in await system.all(sa.select(idempotency_keys))]


async def test_a_repeat_is_refused_and_changes_nothing(api: Api) -> None:
    """409 with the code; the first answer is not replayed, and it was carried out once (api.md §1.9)."""
    await add_ada(api)
    first = await api.call("balances.track", TRACK, **KEY)
    again = await api.refused("balances.track", TRACK, **KEY)
    other = await api.refused("customers.get", {"customer_id": "ada"}, **KEY)

    assert 1 == first["value"]
    assert (409, "duplicate_idempotency_key", "sandbox") == (again.status, again.code, again.env)
    assert 409 == other.status
    assert 1 == len((await api.call("events.list"))["list"])


async def test_a_failed_request_frees_its_key(api: Api) -> None:
    """After a refusal the same key may be used for the request that is right (api.md §1.9)."""
    await api.call("features.create", FEATURES[0])
    for body in ({"customer_id": "ada"}, {**TRACK, "value": "x"}, TRACK):
        refused = await api.refused("balances.track", body, **KEY)

        assert refused.status in {400, 404}
        assert [] == await keys(api)

    await api.call("customers.get_or_create", ADA, **KEY)

    assert 1 == len(await keys(api))


async def test_a_refused_scope_frees_the_key(api: Api) -> None:
    """The key is claimed before scopes are looked at, and given back when they do not suffice (api.md §1.1)."""
    reader = await api.with_key("customers:read")

    assert 403 == (await reader.refused("customers.get_or_create", ADA, **KEY)).status
    assert "ada" == (await api.call("customers.get_or_create", ADA, **KEY))["id"]


async def test_a_conflict_keeps_the_key(api: Api) -> None:
    """409 frees nothing: neither the repeat of a key nor another conflict (api.md §1.9)."""
    await api.call("features.create", FEATURES[0])
    refused = await api.refused("features.create", FEATURES[0], **KEY)
    again = await api.refused("features.create", FEATURES[1], **KEY)

    assert (409, "duplicate_feature_id") == (refused.status, refused.code)
    assert (409, "duplicate_idempotency_key") == (again.status, again.code)


async def test_a_key_is_forgotten_after_a_day(api: Api, clock: ManualClock) -> None:
    """24 hours, and not before (api.md §1.9)."""
    await api.call("customers.list", **KEY)
    clock.advance(timedelta(hours=24))

    assert 409 == (await api.refused("customers.list", **KEY)).status

    clock.advance(timedelta(milliseconds=1))

    assert [] == (await api.call("customers.list", **KEY))["list"]


async def test_parallel_requests_with_one_key(api: Api) -> None:
    """Ten at once: one is carried out (api.md §1.9)."""
    await add_ada(api)
    answers = await asyncio.gather(*(api.send("balances.track", TRACK, **KEY) for _ in range(10)))

    assert [200] + [409] * 9 == sorted(answer.status_code for answer in answers)
    assert 1 == len((await api.call("events.list"))["list"])


@on_sqlite
async def test_the_key_itself_is_not_stored(api: Api) -> None:
    """Only a digest of it; an empty header is none, and a very long one is refused (api.md §1.9)."""
    await api.call("customers.list", **KEY)
    await api.call("customers.list", **{"idempotency-key": ""})
    await api.call("customers.list", **{"idempotency-key": ""})
    refused = await api.refused("customers.list", **{"idempotency-key": "x" * 513})

    assert 1 == len(await keys(api))
    assert KEY["idempotency-key"] not in (await keys(api))[0]
    assert (400, "invalid_inputs") == (refused.status, refused.code)
