"""A request's body, read as api.md §1.1 says: nothing or nonsense is `{}`. Numbers are read exactly."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope

from sumac.api.compat.pairs import Told

BODY_BYTES_MAX = 1_048_576
NESTING_MAX = 50
FLAGS = {"true": True, "false": False}
TOO_LARGE = 413


class WireRequest(Request):
    """A request whose `body` and `json` FastAPI reads; what is refused here it reports as an invalid input.

    What the path and, without POST, the query name is put into the body; then each of `told` tells it anew, in turn.
    """

    def __init__(self, scope: Scope, receive: Receive, told: Sequence[Told]) -> None:
        super().__init__(scope, receive)
        self._told = told

    async def body(self) -> bytes:
        """The bytes; `{}` for none. Raises HTTPException 413 for more than BODY_BYTES_MAX of them."""
        if not hasattr(self, "_body"):
            received = bytearray()
            async for chunk in self.stream():
                received += chunk
                if len(received) > BODY_BYTES_MAX:
                    raise HTTPException(TOO_LARGE, f"The body is larger than {BODY_BYTES_MAX} bytes")
            self._body = bytes(received) if received.strip() else b"{}"
        return self._body

    async def json(self) -> Any:  # noqa: ANN401  # any JSON value
        """The value, told in the newest contract. Raises JSONDecodeError for JSON that cannot be stored."""
        value = await self._written()
        if not isinstance(value, dict):
            return value
        query = (
            {} if self.method == "POST" else {name: FLAGS.get(text, text) for name, text in self.query_params.items()}
        )
        value = {**query, **value, **self.path_params}
        for tell in self._told:
            value = tell(value)
        return value

    async def _written(self) -> Any:  # noqa: ANN401  # any JSON value
        """The value as it was sent. Raises JSONDecodeError for its numbers, its texts, its nesting."""
        raw = await self.body()
        try:
            value = json.loads(raw.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
        except _RefusedError:
            raise
        except RecursionError:
            _refuse_nesting()
        except ValueError:
            return {}
        if raw.count(b"[") + raw.count(b"{") > NESTING_MAX:
            _check_nesting(value)
        if b"\\u" in raw:
            _check_texts(value)
        return value


class _RefusedError(json.JSONDecodeError):
    """Well-formed enough to say what is wrong with it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "", 0)


def _refuse_constant(constant: str) -> NoReturn:
    message = f"{constant} is not a number of JSON"
    raise _RefusedError(message)


def _refuse_nesting() -> NoReturn:
    message = f"must not be nested deeper than {NESTING_MAX} levels"
    raise _RefusedError(message)


def _inside(value: object) -> Iterable[object]:
    match value:
        case dict():
            return (*value.keys(), *value.values())
        case list():
            return value
        case _:
            return ()


def _check_nesting(value: object) -> None:
    level = [value]
    for _ in range(NESTING_MAX + 1):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    _refuse_nesting()


def _check_texts(value: object) -> None:
    """No database keeps a null character, and half a surrogate pair is no text at all."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str) and ("\x00" in each or any("\ud800" <= letter <= "\udfff" for letter in each)):
            message = "a text must not contain a null character or half a surrogate pair"
            raise _RefusedError(message)
        waiting.extend(_inside(each))
