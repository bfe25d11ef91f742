"""A pool of messages, and what plans of entities contribute to it (billing.md §17.3)."""

# ruff: noqa: ANN401  # `changes` are fields of the grant

from typing import Any

from sumac.balances.model import Grant, PoolMode
from tests.rules.offers import grant


def pool(included: int | str = 200, used: int | str = 0, **changes: Any) -> Grant:
    """The pool, which comes back at times of its own, with what was used of it."""
    fields = {"id": "pool", "pool_mode": PoolMode.LAZY, **changes}
    return grant(fields.pop("feature_id", "messages"), included, used, **fields)


def contribution(included: int | str = 100, used: int | str = 0, **changes: Any) -> Grant:
    """What the plan of the entity one contributes to the pool: in there by now unless `pool_id` is None."""
    plain = {"id": "of-one", "customer_plan_id": "held-one", "plan_id": "desk", "entity_key": "one"}
    joined = {"pool_id": "pool", "pool_mode": PoolMode.LAZY, "balance": 0, "resets_at": None}
    waiting = {"pool_id": None, "pool_mode": PoolMode.LAZY}
    state = waiting if changes.get("pool_id", "") is None else joined
    fields = {**plain, **state, **changes}
    return grant(fields.pop("feature_id", "messages"), included, used, **fields)
