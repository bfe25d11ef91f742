"""What counting usage writes, as rows of prepared statements: by itself in a work, or with others in a journal."""

from collections.abc import Sequence
from datetime import datetime

from sumac.balances import limits_store, notices
from sumac.balances.model import Grant, UsageDecision
from sumac.core.tenant import Tenant
from sumac.events import service as events
from sumac.events.model import UsageEvent
from sumac.storage.changes import RAISE_VERSION
from sumac.storage.journal import Write
from sumac.storage.prepared import Row, updating
from sumac.storage.schema import TENANT, customers, grants
from sumac.storage.work import Work

BALANCE = updating(grants, ("balance", "replaceables"), key=(TENANT, "customer_key", "id"))
TOPUP = updating(customers, ("topup_at",), key=(TENANT, "key"))
Posted = tuple[Tenant, str, UsageDecision]


async def post(work: Work, customer_key: str, decision: UsageDecision) -> None:
    """Writes what was decided about one customer."""
    work.changes.note(work.tenant, [customer_key])
    for prepared, rows in _writes([(work.tenant, customer_key, decision)], work.now):
        await work.write(prepared, rows)


def shared_writes(posted: Sequence[Posted], now: datetime) -> list[Write]:
    """What was decided about many customers, in their order, and their new versions."""
    owners = dict.fromkeys((tenant.key, key) for tenant, key, _ in posted)
    return [*_writes(posted, now), (RAISE_VERSION, [{TENANT: tenant, "key": key} for tenant, key in owners])]


def _writes(posted: Sequence[Posted], now: datetime) -> list[Write]:
    """A grant that changed several times is written once, as it is in the end."""
    balances: dict[tuple[str, str], Row] = {}
    windows: dict[tuple[str, str, str, str, str], Row] = {}
    counted: dict[Tenant, list[UsageEvent]] = {}
    topups: dict[tuple[str, str], Row] = {}
    told: list[Row] = []
    for tenant, customer_key, decision in posted:
        balances.update({(tenant.key, grant.id): _balance(tenant, grant) for grant in decision.grants})
        for window in decision.windows:
            key = (tenant.key, window.customer_key, window.feature_id, window.entity_key, window.condition)
            windows[key] = {TENANT: tenant.key, **limits_store.row(window)}
        counted.setdefault(tenant, []).extend(decision.events)
        told += [notices.row(tenant, customer_key, notice, now) for notice in decision.notices]
        if decision.topups:
            asked_at = max(event.counted_at for event in decision.events)
            topups[tenant.key, customer_key] = {TENANT: tenant.key, "key": customer_key, "topup_at": asked_at}
    kept = [(BALANCE, list(balances.values())), (limits_store.COUNTED, list(windows.values()))]
    followed = [(notices.TOLD, told), (TOPUP, list(topups.values()))]
    writes = [*kept, *events.writes(counted, now), *followed]
    return [(prepared, rows) for prepared, rows in writes if rows]


def _balance(tenant: Tenant, grant: Grant) -> Row:
    return {
        TENANT: tenant.key,
        "customer_key": grant.customer_key,
        "id": grant.id,
        "balance": grant.balance,
        "replaceables": grant.replaceables,
    }
