"""The Idempotency-Key header (api.md §1.9): a repeat within 24 hours is refused; a failed request frees its key."""

from datetime import timedelta

from sumac.core.errors import Conflict
from sumac.core.ids import digest
from sumac.core.tenant import Tenant
from sumac.storage.database import Database
from sumac.storage.schema import idempotency_keys

REMEMBERED = timedelta(hours=24)


async def claim(database: Database, tenant: Tenant, key: str) -> str:
    """Takes the key; answers its digest. Raises Conflict `duplicate_idempotency_key`."""
    hashed = digest(f"request:{key}")
    async with database.work(tenant) as work:
        forgotten = (idempotency_keys.c.digest == hashed, idempotency_keys.c.created_at < work.now - REMEMBERED)
        await work.delete(idempotency_keys, *forgotten)
        if not await work.insert_unless_taken(idempotency_keys, digest=hashed, created_at=work.now):
            message = "A request with this Idempotency-Key was already received"
            raise Conflict(message, code="duplicate_idempotency_key")
    return hashed


async def release(database: Database, tenant: Tenant, hashed: str) -> None:
    """Frees the key of a request that failed."""
    async with database.work(tenant) as work:
        await work.delete(idempotency_keys, idempotency_keys.c.digest == hashed)
