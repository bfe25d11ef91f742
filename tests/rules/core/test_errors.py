"""The tree of errors (api.md §1.6)."""

import pytest

from sumac.core import errors
from sumac.core.errors import SumacError


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (errors.SumacError, 500, "internal_error"),
        (errors.BadRequest, 400, "invalid_request"),
        (errors.Unauthenticated, 401, "invalid_secret_key"),
        (errors.PaymentRequired, 402, "invoice_payment_failed"),
        (errors.Forbidden, 403, "insufficient_scopes"),
        (errors.NotFound, 404, "not_found"),
        (errors.Conflict, 409, "conflict"),
        (errors.Gone, 410, "checkout_expired"),
        (errors.Locked, 423, "lock_already_exists"),
        (errors.TooManyRequests, 429, "rate_limit_exceeded"),
        (errors.Unavailable, 503, "service_unavailable"),
    ],
)
def test_status_and_code(kind: type[SumacError], status: int, code: str) -> None:
    """Each kind has its status and a code of its own; a raise may say a closer code."""
    assert (status, code, "Say why") == (kind.status, kind("Say why").code, kind("Say why").message)
    assert "closer" == kind("Say why", code="closer").code
    assert "Say why" == str(kind("Say why"))


def test_the_drawing_shows_the_tree() -> None:
    """Every error stands in the module's drawing with its status."""
    drawing = errors.__doc__ or ""
    drawn = {line.split()[1]: line.split()[2] for line in drawing.splitlines() if line.startswith(("├", "└"))}

    assert drawn == {kind.__name__: str(kind.status) for kind in SumacError.__subclasses__()}
