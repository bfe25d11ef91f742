"""Every error a caller can be told about, as one tree (api.md §1.6).

SumacError
├── BadRequest                 400  the request breaks a rule (code says which)
├── Unauthenticated            401  no key, or a key that is not valid
├── PaymentRequired            402  an invoice could not be paid
├── Forbidden                  403  known caller, not allowed
├── NotFound                   404  nothing of that id in this tenant
├── Conflict                   409  the id or the state is already taken
├── Gone                       410  a link that has expired
├── Locked                     423  another billing operation is running
├── TooManyRequests            429  slow down
└── Unavailable                503  try again later

The message is a sentence the caller can act on; it never carries a secret or another tenant's ids.
"""

from typing import ClassVar


class SumacError(Exception):
    """Base of the tree: an HTTP status, a stable code and a sentence."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code


class BadRequest(SumacError):
    """400: a rule was violated."""

    status = 400
    default_code = "invalid_request"


class Unauthenticated(SumacError):
    """401: no valid key or session."""

    status = 401
    default_code = "invalid_secret_key"


class PaymentRequired(SumacError):
    """402: an invoice could not be paid."""

    status = 402
    default_code = "invoice_payment_failed"


class Forbidden(SumacError):
    """403: the caller is known, the operation is not allowed."""

    status = 403
    default_code = "insufficient_scopes"


class NotFound(SumacError):
    """404: nothing of that id in this tenant."""

    status = 404
    default_code = "not_found"


class Conflict(SumacError):
    """409: an id or a state is already taken."""

    status = 409
    default_code = "conflict"


class Gone(SumacError):
    """410: a link that has expired."""

    status = 410
    default_code = "checkout_expired"


class Locked(SumacError):
    """423: another billing operation for the same customer is running."""

    status = 423
    default_code = "lock_already_exists"


class TooManyRequests(SumacError):
    """429: too many tries."""

    status = 429
    default_code = "rate_limit_exceeded"


class Unavailable(SumacError):
    """503: try again later."""

    status = 503
    default_code = "service_unavailable"
