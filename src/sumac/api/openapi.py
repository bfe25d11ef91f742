"""The OpenAPI document: made from the operations, so it cannot say anything else than they do."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

TITLE = "Sumac API"
VERSION = "2.3.0"
DESCRIPTION = """\
Customers, plans, usage and invoices.

Every operation is `POST /v1/<noun>.<verb>` with JSON in and out. Send your secret key as
`Authorization: Bearer am_sk_…`; a key belongs to one environment, sandbox or live, and sees nothing of the other.
`x-api-version` may be `2.3.0` or any later 2.x; the catalogue also answers `2.1.0` and `2.2.0`. Amounts are in major
units (30 is thirty dollars), instants in milliseconds since 1970. An error has the body `{"message", "code", "env"}`.

A request with an `Idempotency-Key` is carried out once: a repeat within 24 hours is refused with 409, unless the first
one failed.
"""
TAGS = {
    "customers": "Who buys, and what they hold.",
    "plans": "What is sold.",
    "features": "What can be limited.",
    "catalog": "All of it at once.",
    "balances": "May this customer do this, and please count that.",
    "billing": "Giving plans to customers, changing and ending them.",
    "subscriptions": "What customers hold.",
    "events": "Usage as it was told.",
    "invoices": "What was charged.",
    "sandbox": "Being the customer and the bank, with sandbox keys only.",
    "sessions": "Signing in to the dashboard.",
}
SECRET_KEY = {"type": "http", "scheme": "bearer", "description": "A secret key: am_sk_test_… or am_sk_live_…"}


def add_openapi(app: FastAPI) -> None:
    """Makes `app.openapi()` answer the document, made once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the documented way to customise it


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": about} for name, about in TAGS.items()],
    )
    made["components"]["securitySchemes"] = {"secretKey": SECRET_KEY}
    for path in made["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            if "sessions" not in operation["tags"]:
                operation["security"] = [{"secretKey": []}]
    for unused in ("HTTPValidationError", "ValidationError"):
        made["components"]["schemas"].pop(unused, None)
    return made
