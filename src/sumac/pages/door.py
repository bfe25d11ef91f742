"""The door of the pages: what every answer carries, errors as pages, small forms from our own pages only.

The unguessable token in a page's address is the credential. A form from elsewhere is refused all the same, as far as
the browser says where it comes from.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from sumac.core.errors import BadRequest, Forbidden, NotFound, SumacError
from sumac.pages.render import HEADERS, render_problem

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
BODY_BYTES_MAX = 4_096
FIELDS_MAX = 16
FORM_TYPE = "application/x-www-form-urlencoded"
OWN_SITE = frozenset({"same-origin", "none"})


class PageRoute(APIRoute):
    """A route of a page: refuses what cannot be a page or a form of ours, answers errors as pages, sets the headers."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # narrower
        """The handler, guarded."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                _check(request)
                response = await handle(request)
            except SumacError as error:
                response = render_problem(error.status, error.message)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return guarded


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a small form; of two fields of one name the last. Raises BadRequest for anything else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        message = "This is not a form of this page; go back and try again"
        raise BadRequest(message)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            message = "The form is too large; go back and try again"
            raise BadRequest(message, code="form_too_large")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError as error:
        message = "The form cannot be read; go back and try again"
        raise BadRequest(message) from error


def _check(request: Request) -> None:
    if not all(TOKEN.fullmatch(part) for part in request.path_params.values()):
        message = "Check that the link is complete, or ask for a new one."
        raise NotFound(message)
    if request.method == "POST":
        _check_sender(request)


def _check_sender(request: Request) -> None:
    """Refuses a form that comes from another site by what the browser says.

    The pages send no referrer, so a browser sends the origin `null` with their own forms too.
    """
    fetch_site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin", "null")
    if fetch_site is None:
        own = origin == "null" or origin.partition("://")[2].lower() == request.headers.get("host", "").lower()
    else:
        own = fetch_site in OWN_SITE
    if not own:
        message = "For your safety, forms are taken from our own pages only. Open your link again and repeat it there."
        raise Forbidden(message)
