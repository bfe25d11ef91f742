"""Every operation of the API, in the order the reference lists them."""

from collections.abc import Sequence
from functools import cache

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute

from sumac.api.operations import (
    administer,
    balances,
    batch,
    billing,
    catalog,
    customers,
    entities,
    events,
    explain,
    features,
    invoices,
    locks,
    migrations,
    multi,
    organization,
    plan_versions,
    plans,
    referrals,
    rewards,
    sandbox,
    schedules,
    sessions,
    subscriptions,
    tokens,
    what_if,
)

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
NOT_FOUND = 404
NOUNS = (
    customers,
    plans,
    plan_versions,
    what_if,
    migrations,
    features,
    catalog,
    balances,
    tokens,
    locks,
    batch,
    administer,
    explain,
    billing,
    multi,
    schedules,
    entities,
    subscriptions,
    events,
    invoices,
    rewards,
    referrals,
    organization,
    sandbox,
    sessions,
)


@cache
def api_routes() -> Sequence[BaseRoute]:
    """The operations of every noun; they find their services in the app's state, so every app may have the same."""
    router = APIRouter()
    for noun in NOUNS:
        router.include_router(noun.router)
    router.add_api_route("/v1/{path:path}", _nothing, methods=list(METHODS), include_in_schema=False)
    return tuple(router.routes)


async def _nothing() -> Response:
    """An operation that does not exist, or that was not asked for with POST."""
    raise HTTPException(NOT_FOUND)
