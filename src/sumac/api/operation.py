"""How an operation is declared: `POST /v1/<noun>.<verb>`, JSON in, JSON out.

The checks of a request come in the order of api.md §1.1: caller, version, idempotency, scopes, body, handler.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from decimal import Decimal
from functools import wraps
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from sumac.api import idempotency
from sumac.api.auth import authenticate
from sumac.api.body import WireRequest
from sumac.api.compat.pairs import Pair, unchanged
from sumac.api.context import Context
from sumac.api.schemas.wire import ErrorBody, WireModel, encode
from sumac.api.services import Services
from sumac.api.versions import check_version, pairs_to_newest
from sumac.core.errors import BadRequest
from sumac.core.tenant import Tenant

IDEMPOTENCY_KEY_MAX = 512
CONFLICT = 409
ACCEPTED = "Done, as was asked without waiting for what came of it"
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": description}
    for status, description in (
        (400, "The request breaks a rule; `code` says which"),
        (401, "No valid key or session"),
        (403, "The key may not do this"),
        (404, "Nothing of that id"),
        (409, "Already taken, or already done"),
    )
}

Handler = Callable[..., Awaitable[WireModel]]
Admit = Callable[[Request], Awaitable[Context]]


class OperationRoute(APIRoute):
    """Reads the body our way, tells older contracts in the newest one, frees the key of a request that failed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler FastAPI made, with our reading of bodies around it."""
        handle = super().get_route_handler()
        operation = operation_of(self.operation_id)

        async def wrapped(request: Request) -> Response:
            headers = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
            scope = {**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}
            request.scope["state"] = scope.setdefault("state", {})
            pairs = pairs_to_newest(request.headers.get("x-api-version"), operation)
            try:
                answer = await handle(WireRequest(scope, request.receive, [pair.up for pair in pairs]))
            except BaseException as error:
                await _release(request, error)
                raise
            return _told_down(answer, pairs)

        return wrapped


def operation_of(operation_id: str | None) -> str:
    """The operation of a route, which may be one of its older addresses."""
    return (operation_id or "").partition(":")[0]


def _told_down(answer: Response, pairs: Sequence[Pair]) -> Response:
    changing = [pair.down for pair in reversed(pairs) if pair.down is not unchanged]
    if not changing:
        return answer
    value = json.loads(bytes(answer.body), parse_float=Decimal)
    for down in changing:
        value = down(value)
    return Response(encode(value), answer.status_code, media_type="application/json")


async def _release(request: Request, error: BaseException) -> None:
    claimed: str | None = getattr(request.state, "claimed_key", None)
    if claimed is not None and getattr(error, "status", None) != CONFLICT:
        tenant: Tenant = request.state.tenant
        await idempotency.release(request.app.state.services.database, tenant, claimed)


def _admit(operation: str, scope: str) -> Admit:
    async def admit(request: Request) -> Context:
        services: Services = request.app.state.services
        caller = await authenticate(request, services)
        request.state.tenant = caller.tenant
        version = check_version(request.headers.get("x-api-version"), operation)
        key = request.headers.get("idempotency-key")
        if key:
            if len(key) > IDEMPOTENCY_KEY_MAX:
                message = f"Idempotency-Key: must have at most {IDEMPOTENCY_KEY_MAX} characters"
                raise BadRequest(message, code="invalid_inputs")
            request.state.claimed_key = await idempotency.claim(services.database, caller.tenant, key)
        context = Context(services, caller.tenant, caller.scopes, caller.actor, version)
        context.require(scope)
        return context

    return admit


class OperationRouter(APIRouter):
    """Operations of one noun."""

    def __init__(self, tag: str) -> None:
        super().__init__(tags=[tag], route_class=OperationRoute)

    def operation(
        self,
        name: str,
        *,
        scope: str,
        paths: Sequence[str] = (),
        twins: Sequence[str] = (),
        status: int = 200,
        accepts: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Registers `async def handler(body: Model, context: Context) -> Model` (or without a body).

        `paths` are older addresses of the same operation, below /v1; `twins` are such with a method of their own, whose
        path and query say what else the body would: "DELETE /products/{plan_id}". With `accepts` it may also answer
        202, by a model that says so. The handler's docstring documents it.
        """

        def register(handler: Handler) -> Handler:
            endpoint = _endpoint(handler, _admit(name, scope), status)
            answer = inspect.signature(handler, eval_str=True).return_annotation
            accepted: dict[int | str, dict[str, Any]] = (
                {202: {"model": answer, "description": ACCEPTED}} if accepts else {}
            )
            summary = name.replace(".", ": ").replace("_", " ")
            for number, path in enumerate((f"/v1/{name}", *(f"/v1{path}" for path in paths))):
                self.add_api_route(
                    path,
                    endpoint,
                    methods=["POST"],
                    response_model=answer,
                    status_code=status,
                    operation_id=name if number == 0 else f"{name}:{path}",
                    summary=summary,
                    description=inspect.getdoc(handler),
                    responses=accepted | ERRORS,
                    deprecated=number > 0 or None,
                )
            for twin in twins:
                method, _, path = twin.partition(" ")
                self.add_api_route(
                    f"/v1{path}",
                    endpoint,
                    methods=[method],
                    response_model=answer,
                    status_code=status,
                    operation_id=f"{name}:{twin}",
                    include_in_schema=False,
                )
            return handler

        return register


def _endpoint(handler: Handler, admit: Admit, status: int) -> Callable[..., Awaitable[Response]]:
    signature = inspect.signature(handler, eval_str=True)

    @wraps(handler)
    async def endpoint(**arguments: Any) -> Response:  # noqa: ANN401  # the handler's own parameters
        answer = await handler(**arguments)
        return Response(answer.encoded(), answer.answered_with or status, media_type="application/json")

    parameters = [
        parameter.replace(annotation=Annotated[Context, Depends(admit)], kind=parameter.KEYWORD_ONLY)
        if parameter.annotation is Context
        else parameter.replace(kind=parameter.KEYWORD_ONLY)
        for parameter in signature.parameters.values()
    ]
    endpoint.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # read by FastAPI
    return endpoint
