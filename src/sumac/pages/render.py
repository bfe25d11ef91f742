"""Templates to answers: autoescaped, and under a policy that lets a page load nothing but our own stylesheet."""

from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from sumac.pages import words
from sumac.pages.seller import Seller

STYLESHEET = files("sumac.pages").joinpath("static/pages.css").read_bytes()
STYLESHEET_PATH = f"/pages/{sha256(STYLESHEET).hexdigest()[:16]}.css"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "
FORMS_STAY = "'self'"
FORMS_LEAD_OUT = "'self' https: http:"
PROBLEMS = {
    403: "This was not sent from our page",
    404: "We cannot find this page",
    409: "This is already done",
    410: "This page has expired",
    423: "Please try again in a moment",
}

_templates = Environment(
    loader=PackageLoader("sumac.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(
    money=words.money,
    day=words.day,
    days=words.days,
    number=words.number,
    initial=words.initial,
    grouped=words.grouped,
    credit_reason=words.credit_reason,
)
_templates.globals["stylesheet"] = STYLESHEET_PATH


def render(
    template: str, seller: Seller | None, *, status: int = 200, leads_out: bool = False, **values: object
) -> HTMLResponse:
    """A page of the seller. With `leads_out` its form may end on another site, because the answer redirects there."""
    html = _templates.get_template(template).render(seller=seller, **values)
    policy = POLICY + (FORMS_LEAD_OUT if leads_out else FORMS_STAY)
    return HTMLResponse(html, status_code=status, headers={"Content-Security-Policy": policy})


def render_problem(status: int, text: str, *, title: str | None = None, seller: Seller | None = None) -> HTMLResponse:
    """A page that says why there is nothing else to see, and what to do."""
    heading = title or PROBLEMS.get(status, "This did not work")
    return render("problem.html", seller, status=status, heading=heading, text=text)


def stylesheet() -> Response:
    """The one stylesheet; its address names its content, so a browser may keep it."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(STYLESHEET, media_type="text/css", headers=headers)
