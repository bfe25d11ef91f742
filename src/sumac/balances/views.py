"""What is kept in memory of customers' balances, and when it is still right (design §5).

A view is right while nobody changed the customer's or the tenant's version. Works of this process tell which they
changed; that other processes wrote is seen by the journal (SQLite) or heard from the database (PostgreSQL).
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from sumac.balances.model import BalanceSnapshot
from sumac.balances.view import load_snapshot
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.storage.changes import Changes, Owner
from sumac.storage.journal import Versions
from sumac.storage.work import Work

VIEWS_MAX = 50_000


@dataclass(slots=True)
class View:
    """A customer's snapshot at a version of theirs and of the tenant; `answers` are some that follow from it.

    `mark` is the watch's, `epoch` that of the journal's views, at which it was last known to be right.
    """

    owner: Owner
    snapshot: BalanceSnapshot
    version: int
    tenant_version: int
    mark: int | None = None
    epoch: int = -1
    answers: dict[Hashable, bytes] = field(default_factory=dict)

    def is_at(self, versions: Versions) -> bool:
        """Whether these are its versions."""
        tenant, _ = self.owner
        return (versions.get(self.owner), versions.get((tenant, None))) == (self.version, self.tenant_version)

    def take(self, snapshot: BalanceSnapshot) -> None:
        """Goes on with the snapshot of the next version, which was just committed."""
        self.snapshot = snapshot
        self.version += 1
        self.answers.clear()


async def read_view(work: Work, customer_id: str) -> View:
    """A view as of the work. Raises NotFound."""
    customer = await customers.get(work, customer_id)
    snapshot = await load_snapshot(work, customer)
    return View((work.tenant.key, customer.key), snapshot, customer.version, await work.tenant_version())


class Views:
    """The views, the longest unused of which is dropped when there are too many.

    `epoch` grows whenever somebody else may have written: views of an earlier one have to be compared with the versions
    before they are used.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._views: OrderedDict[Owner, View] = OrderedDict()
        self._named: dict[tuple[str, str], Owner] = {}
        self._forgotten = 0

    @property
    def moment(self) -> int:
        """Grows whenever something is forgotten: what was read since an earlier one may be outdated already."""
        return self._forgotten

    def find(self, tenant: Tenant, customer_id: str) -> View | None:
        """The view of the customer whom a caller names so; not necessarily of this epoch."""
        owner = self._named.get((tenant.key, customer_id))
        if owner is None:
            return None
        view = self._views.get(owner)
        if view is None or customer_id not in {view.snapshot.customer.public_id, view.snapshot.customer.key}:
            return None
        self._views.move_to_end(owner)
        return view

    def keep(self, view: View, customer_id: str, *, moment: int) -> None:
        """Keeps a view that was read since the moment, unless something has been forgotten meanwhile."""
        if moment != self._forgotten:
            return
        self._views[view.owner] = view
        self._named[view.owner[0], customer_id] = view.owner
        if len(self._views) > VIEWS_MAX:
            self._views.popitem(last=False)
        if len(self._named) > 2 * VIEWS_MAX:
            self._named.clear()

    def forget(self, changes: Changes) -> None:
        """Drops what somebody changed."""
        for tenant, key in changes.owners | changes.gone:
            self._forgotten += 1
            if key is None:
                for owner in [owner for owner in self._views if owner[0] == tenant]:
                    del self._views[owner]
            else:
                self._views.pop((tenant, key), None)

    def forget_all(self) -> None:
        """Drops everything."""
        self._forgotten += 1
        self._views.clear()
