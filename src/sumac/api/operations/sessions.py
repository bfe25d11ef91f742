"""sessions.*: signing in to the dashboard. They need no key; a header that other sites cannot send keeps those out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from sumac.api.auth import SESSION_COOKIE
from sumac.api.operation import ERRORS, OperationRoute
from sumac.api.schemas.sessions import CodeRequest, SessionBody, SignIn
from sumac.api.schemas.wire import Success
from sumac.api.services import Services
from sumac.core.errors import Forbidden, Unauthenticated
from sumac.organizations import service as organizations


def _own_page(request: Request) -> Services:
    """Refuses what did not come from our own pages: another site's form cannot set this header."""
    if request.headers.get("x-client-type") != "dashboard":
        message = "Send the header 'x-client-type: dashboard'"
        raise Forbidden(message, code="not_the_dashboard")
    services: Services = request.app.state.services
    return services


OwnPage = Annotated[Services, Depends(_own_page)]
router = APIRouter(tags=["sessions"], route_class=OperationRoute, responses=ERRORS)


def _answer(body: SessionBody | Success) -> Response:
    return Response(body.encoded(), media_type="application/json", headers={"cache-control": "no-store"})


@router.post("/v1/sessions.request_code", operation_id="sessions.request_code", response_model=Success)
async def request_code(body: CodeRequest, services: OwnPage) -> Response:
    """Sends a six-digit code to a member's e-mail; the answer is the same whether the address is known or not."""
    async with services.database.system() as system:
        code = await organizations.request_code(system, body.email)
    if code is not None:
        await services.mailer.send_code(body.email, code)
    return _answer(Success(success=True))


@router.post("/v1/sessions.create", operation_id="sessions.create", response_model=SessionBody)
async def create_session(body: SignIn, services: OwnPage) -> Response:
    """Signs in with a code or a one-time link, and sets the session's cookie."""
    async with services.database.system() as system:
        signed_in = (
            await organizations.use_link(system, body.link)
            if body.link is not None
            else await organizations.try_code(system, body.email or "", body.code or "")
        )
        identity = await organizations.find_identity(system, signed_in.token) if signed_in else None
    if signed_in is None or identity is None:
        message = "This code is wrong or has expired; request a new one"
        raise Unauthenticated(message, code="invalid_code")
    answer = _answer(SessionBody.of(identity))
    answer.set_cookie(
        SESSION_COOKIE,
        signed_in.token,
        max_age=int(organizations.SESSION_TIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=services.public_url.startswith("https://"),
    )
    return answer


@router.post("/v1/sessions.get", operation_id="sessions.get", response_model=SessionBody)
async def get_session(request: Request, services: OwnPage) -> Response:
    """Who is signed in. 401 `no_session` when nobody is."""
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        async with services.database.system_reading() as system:
            identity = await organizations.find_identity(system, token)
        if identity is not None:
            return _answer(SessionBody.of(identity))
    message = "You are signed out; sign in again"
    raise Unauthenticated(message, code="no_session")


@router.post("/v1/sessions.delete", operation_id="sessions.delete", response_model=Success)
async def delete_session(request: Request, services: OwnPage) -> Response:
    """Signs out."""
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        async with services.database.system() as system:
            await organizations.sign_out(system, token)
    answer = _answer(Success(success=True))
    answer.delete_cookie(SESSION_COOKIE)
    return answer
