"""Which of the customer's plans a change is about, and whose they are (billing.md §12.1, §13.1)."""

from collections.abc import Sequence

from sumac.billing.model import Holding, Snapshot
from sumac.billing.requests import CancelRequest, MultiAttachRequest, UpdateRequest
from sumac.catalog.rules.shape import is_free
from sumac.core.errors import BadRequest, NotFound


def find_target(holdings: Sequence[Holding], request: CancelRequest | UpdateRequest) -> Holding:
    """The plan meant: by subscription id, by plan id, or the only recurring one.

    Raises NotFound `customer_product_not_found`, BadRequest when several could be meant.
    """
    candidates = [each for each in holdings if is_meant(each, request)]
    running = [each for each in candidates if each.held.is_usable] or candidates
    if request.plan_id is None and request.subscription_id is None:
        mains = [each for each in running if each.held.recurring and not each.plan.add_on and not is_free(each.plan)]
        running = mains or running
        if len(running) > 1:
            message = "The customer has several plans; say which with plan_id"
            raise BadRequest(message)
    if not running:
        wanted = request.plan_id or request.subscription_id or "any"
        message = f"Customer {request.customer_id} does not have plan {wanted}"
        raise NotFound(message, code="customer_product_not_found")
    return max(running, key=lambda each: (each.held.created_at, each.held.id))


def find_scope(snapshot: Snapshot, entity_id: str | None) -> str | None:
    """The key of the entity, None for the customer. Raises NotFound `entity_not_found`."""
    if entity_id is None:
        return None
    for entity in snapshot.entities:
        if entity.public_id == entity_id:
            return entity.key
    message = f"Entity {entity_id} not found"
    raise NotFound(message, code="entity_not_found")


def scopes_of(snapshot: Snapshot, request: MultiAttachRequest) -> list[Snapshot]:
    """What was read, as each of the plans sees it. Raises NotFound `entity_not_found`."""
    return [snapshot.scoped(find_scope(snapshot, wish.entity_id)) for wish in request.plans]


def is_meant(holding: Holding, request: CancelRequest | UpdateRequest) -> bool:
    """Whether the request names the plan; one that names none may mean any."""
    if request.subscription_id is not None:
        return request.subscription_id in {holding.held.subscription_id, holding.held.id}
    return request.plan_id is None or holding.plan.id == request.plan_id
