"""From a request to its caller: a secret key, or a dashboard's session (api.md §1.2)."""

from starlette.requests import Request

from sumac.api.services import Services
from sumac.core.errors import BadRequest, Unauthenticated
from sumac.core.tenant import Env, Tenant
from sumac.organizations import service as organizations
from sumac.organizations.model import KEY_PREFIXES, SHOWN_KEY_LENGTH
from sumac.organizations.rules.scopes import ROLE_SCOPES
from sumac.storage.work import SystemWork

SESSION_COOKIE = "sumac_session"
PUBLISHABLE_PREFIXES = ("am_pk_test_", "am_pk_live_")
SHOWN_LENGTH = 15


class Caller:
    """The tenant, the scopes and the name in the books of whoever sent a request."""

    def __init__(self, tenant: Tenant, scopes: tuple[str, ...], actor: str) -> None:
        self.tenant = tenant
        self.scopes = scopes
        self.actor = actor


async def authenticate(request: Request, services: Services) -> Caller:
    """The caller. Raises Unauthenticated with the codes of api.md §1.2."""
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        async with services.database.system_reading() as system:
            return await by_key(token.strip(), system)
    if request.headers.get("x-client-type") == "dashboard":
        return await _by_session(request, services)
    message = "No secret key: send the header 'Authorization: Bearer am_sk_…'"
    raise Unauthenticated(message, code="no_secret_key")


async def by_key(secret: str, system: SystemWork) -> Caller:
    """Whoever has the secret key. Raises Unauthenticated."""
    if secret.startswith(PUBLISHABLE_PREFIXES):
        message = "This publishable key is not valid; use a secret key"
        raise Unauthenticated(message, code="invalid_publishable_key")
    if not secret.startswith(tuple(KEY_PREFIXES.values())):
        message = "The token is not a secret key; those begin with am_sk_test_ or am_sk_live_"
        raise Unauthenticated(message, code="invalid_request")
    key = await organizations.find_key(system, secret)
    if key is None:
        shown = secret[:SHOWN_LENGTH] + "*" * max(0, min(len(secret), 64) - SHOWN_LENGTH)
        message = f"Invalid secret key: {shown}"
        raise Unauthenticated(message, code="invalid_secret_key")
    return Caller(Tenant(key.organization_id, key.env), key.scopes, f"key:{key.prefix[:SHOWN_KEY_LENGTH]}")


async def _by_session(request: Request, services: Services) -> Caller:
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        async with services.database.system_reading() as system:
            identity = await organizations.find_identity(system, token)
        if identity is not None:
            env = _env(request.headers.get("app_env"))
            scopes = tuple(sorted(ROLE_SCOPES[identity.member.role]))
            return Caller(Tenant(identity.organization.id, env), scopes, f"member:{identity.member.id}")
    message = "You are signed out; sign in again"
    raise Unauthenticated(message, code="no_session")


def _env(header: str | None) -> Env:
    if header is None:
        return Env.SANDBOX
    try:
        return Env(header)
    except ValueError:
        message = "app_env: must be one of: sandbox, live"
        raise BadRequest(message, code="invalid_inputs") from None
