"""Every operation of the API, in the order the reference lists them."""

from fastapi import APIRouter

from sumac.api.operations import balances, billing, customers, events, features, invoices, plans, sandbox, sessions

NOUNS = (customers, plans, features, balances, billing, events, invoices, sandbox, sessions)


def api_router() -> APIRouter:
    """The operations of every noun."""
    router = APIRouter()
    for noun in NOUNS:
        router.include_router(noun.router)
    return router
