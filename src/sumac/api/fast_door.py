"""The short way for checks and tracks of the plain kind; everything else goes through the general door.

A request that comes this way is from a caller whose key is remembered and asks in a form that is read at a glance. It
is answered with the same bytes as behind the general door, which stays the only place that says what is wrong with a
request: whatever is not plain, not known or not permitted is handed over to it, and nothing was counted before.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sumac.api.errors import UNEXPECTED, error_value
from sumac.api.headers import ALWAYS
from sumac.api.known_keys import KnownCaller, KnownKeys
from sumac.api.schemas.plain import NotPlainError, read_check, read_track
from sumac.api.schemas.shown_balances import show_check, show_track
from sumac.api.schemas.wire import encode
from sumac.api.services import Services
from sumac.api.versions import check_version
from sumac.balances.batch import OutdatedError
from sumac.balances.usage import SeatsBilledError
from sumac.core.errors import BadRequest, SumacError
from sumac.organizations.rules.scopes import is_permitted

log = structlog.get_logger("sumac.api")

BODY_BYTES_MAX = 16_384
ANSWERS_MAX = 100
VERSIONS_MAX = 100
OK = 200
FAILED = 500
HEADERS = [
    (b"content-type", b"application/json"),
    *((name.encode(), value.encode()) for name, value in ALWAYS.items()),
]

Answer = tuple[int, bytes]
Way = Callable[[KnownCaller, bytes], Awaitable[Answer]]


class _HandOver(Exception):
    """The general door answers."""


class FastDoor:
    """Answers plain checks and tracks, and passes everything else on."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._usage = services.usage
        self._keys = KnownKeys(services)
        self._versions: set[bytes] = set()
        self._ways: dict[str, Way] = {
            **dict.fromkeys(("/v1/balances.check", "/v1/check", "/v1/entitled"), self._check),
            **dict.fromkeys(("/v1/balances.track", "/v1/track", "/v1/events"), self._track),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on with what was read of it."""
        way = self._ways.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if way is None:
            await self._app(scope, receive, send)
            return
        received: list[Message] = []
        try:
            key = self._key_in(scope)
            status, answered = await self._answer(way, key, await _read(receive, received))
        except _HandOver:
            await self._app(scope, _again(received, receive), send)
            return
        headers = [*HEADERS, (b"content-length", b"%d" % len(answered))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answered})

    async def _answer(self, way: Way, key: bytes, body: bytes) -> Answer:
        try:
            known = await self._keys.find(key)
            try:
                return await self._serve(way, known, body)
            except OutdatedError:
                return await self._serve(way, await self._keys.learn(key), body)
        except (NotPlainError, SumacError, SeatsBilledError, OutdatedError):
            raise _HandOver from None

    async def _serve(self, way: Way, known: KnownCaller | None, body: bytes) -> Answer:
        if known is None:
            raise _HandOver
        try:
            return await way(known, body)
        except BadRequest as error:
            return error.status, encode(error_value(error.message, error.code, known.caller.tenant))
        except (_HandOver, NotPlainError, SumacError, SeatsBilledError, OutdatedError):
            raise
        except Exception as error:  # whatever it is, it may be half done: nobody shall do it again
            log.exception("request_failed", route="fast", exc_info=error)
            return FAILED, encode(error_value(*UNEXPECTED, known.caller.tenant))

    def _key_in(self, scope: Scope) -> bytes:
        key = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                key = value
            elif name == b"x-api-version":
                self._check_version(value)
            elif name == b"idempotency-key":
                raise _HandOver
        return key

    def _check_version(self, header: bytes) -> None:
        if header in self._versions:
            return
        try:
            check_version(header.decode("latin-1"), "balances.check")
        except BadRequest:
            raise _HandOver from None
        if len(self._versions) < VERSIONS_MAX:
            self._versions.add(header)

    async def _check(self, known: KnownCaller, body: bytes) -> Answer:
        request = read_check(body)
        caller = known.caller
        if not is_permitted(caller.scopes, "balances:read"):
            raise _HandOver
        view = await self._usage.view(caller.tenant, request.customer_id)
        if view.tenant_version != known.tenant_version:
            raise OutdatedError
        answered = view.answers.get(body)
        if answered is None:
            answer, lasts = self._usage.judge(caller.tenant, view, request)
            answered = encode(show_check(answer))
            if lasts and len(view.answers) < ANSWERS_MAX:
                view.answers[body] = answered
        return OK, answered

    async def _track(self, known: KnownCaller, body: bytes) -> Answer:
        request = read_track(body)
        caller = known.caller
        if not is_permitted(caller.scopes, "balances:write"):
            raise _HandOver
        answer = await self._usage.track(caller.tenant, request, known_at=known.tenant_version)
        return OK, encode(show_track(answer))


async def _read(receive: Receive, received: list[Message]) -> bytes:
    """The body; every message is also noted in `received`."""
    body = b""
    more = True
    while more:
        message = await receive()
        received.append(message)
        if message["type"] != "http.request":
            raise _HandOver
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > BODY_BYTES_MAX:
            raise _HandOver
    return body


def _again(received: Sequence[Message], receive: Receive) -> Receive:
    """What was received already, then the rest."""
    waiting = list(reversed(received))

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
