"""Every failure as the one error body: a sentence, a code, the environment (api.md §1.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sumac.api.schemas.wire import encode, kind_of
from sumac.core.errors import SumacError
from sumac.core.tenant import Tenant

log = structlog.get_logger("sumac.api")

EXPECTED = {
    "string_type": "a string",
    "bool_type": "a boolean",
    "int_type": "a number",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "an array",
    "tuple_type": "an array",
}
HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
PROBLEMS_SHOWN_MAX = 20
UNEXPECTED = ("Something went wrong on our side; the request had no effect", "internal_error")


def error_response(request: Request, status: int, message: str, code: str) -> Response:
    """The error body as an answer."""
    tenant: Tenant | None = getattr(request.state, "tenant", None)
    return Response(encode(error_value(message, code, tenant)), status, media_type="application/json")


def error_value(message: str, code: str, tenant: Tenant | None) -> dict[str, str]:
    """The error body, with the environment once the caller is known."""
    return {"message": message, "code": code} | ({} if tenant is None else {"env": tenant.env.value})


def validation_message(problems: Sequence[Mapping[str, Any]]) -> str:
    """The problem as "<path>: <problem>", or several of them after "[Validation Errors]"."""
    texts = list(dict.fromkeys(_problem(problem) for problem in problems[:PROBLEMS_SHOWN_MAX]))
    return texts[0] if len(texts) == 1 else "[Validation Errors] " + "; ".join(texts)


def add_error_handlers(app: FastAPI) -> None:
    """Registers one handler per kind of failure."""

    @app.exception_handler(SumacError)
    async def _known(request: Request, error: SumacError) -> Response:
        return error_response(request, error.status, error.message, error.code)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return error_response(request, 400, validation_message(error.errors()), "invalid_inputs")

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        message = str(error.detail)
        if error.status_code == 404:  # noqa: PLR2004  # Not Found
            message = f"There is no {request.method} {request.url.path[:200]}"
        return error_response(request, error.status_code, message, HTTP_CODES.get(error.status_code, "invalid_request"))

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, error: Exception) -> Response:
        log.error("request_failed", route=getattr(request.scope.get("route"), "path", None), exc_info=error)
        return error_response(request, 500, *UNEXPECTED)


def _problem(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "json_invalid":
        return f"body: {problem['ctx']['error']}"
    path = ".".join(str(part) for part in problem["loc"] if part != "body" and not str(part).startswith("function-"))
    return f"{path or 'body'}: {_phrase(problem)}"


def _phrase(problem: Mapping[str, Any]) -> str:
    kind = str(problem["type"])
    if kind == "missing":
        return "is required"
    if kind in EXPECTED:
        return f"must be {EXPECTED[kind]} (received {kind_of(problem.get('input'))})"
    if kind in {"literal_error", "enum"}:
        choices = str(problem.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ")
        return f"must be one of: {choices}"
    if kind == "value_error":
        return str(problem["msg"]).removeprefix("Value error, ")
    message = str(problem["msg"])
    return message[:1].lower() + message[1:]
