"""The dashboard and the API reference: the built files, and the application's page for every address of its own."""

from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

BUILT = Path(__file__).parent / "dashboard"
SERVER_PREFIXES = ("v1/", "checkout/", "invoice/", "portal/", "assets/", "pages/")
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
PAGE_HEADERS = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "cache-control": "no-cache",
}
NOT_BUILT = """<!doctype html><title>Sumac</title>
<p>The dashboard has not been built. In a checkout, run <code>make setup</code>; the API works without it.</p>"""
READ = ["GET", "HEAD"]
NOT_FOUND = 404
UNAVAILABLE = 503


class _HashedFiles(StaticFiles):
    """Files whose names change with their content, so a browser may keep them for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with leave to keep it."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def add_front(app: FastAPI) -> None:
    """Adds the dashboard at / and everything below that nobody else serves, and the API reference at /docs."""
    app.mount("/assets", _HashedFiles(directory=BUILT / "assets", check_dir=False), name="assets")
    app.add_api_route("/docs", _reference, methods=READ, include_in_schema=False)
    app.add_api_route("/{path:path}", _application, methods=READ, include_in_schema=False)


async def _reference() -> Response:
    return _page("docs.html")


async def _application(request: Request) -> Response:
    path = request.path_params["path"]
    if path.startswith(SERVER_PREFIXES):
        raise HTTPException(NOT_FOUND)
    asked = BUILT / path
    if path and "/" not in path and asked.suffix and asked.is_file():
        return FileResponse(asked, headers=PAGE_HEADERS)
    return _page("index.html")


def _page(name: str) -> Response:
    page = BUILT / name
    if not page.is_file():
        return HTMLResponse(NOT_BUILT, UNAVAILABLE)
    return FileResponse(page, headers=PAGE_HEADERS)
