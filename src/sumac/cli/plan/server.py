"""A Sumac server, asked over HTTP with a secret key."""

import json
from dataclasses import dataclass
from decimal import Decimal
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import click

from sumac.api.schemas.wire import encode

SECONDS_MAX = 60
CONTRACT = "2.3.0"


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is, and the key; the key's environment is the one that is meant."""

    url: str
    secret_key: str

    @property
    def name(self) -> str:
        """The environment and the address, for people."""
        environment = "live" if self.secret_key.startswith("am_sk_live_") else "sandbox"
        return f"{environment} at {self.url}"

    def call(self, operation: str, body: object) -> Any:  # noqa: ANN401  # any JSON value
        """The answer. Raises click.ClickException with the server's own sentence, or with why there is none."""
        if urlsplit(self.url).scheme not in {"http", "https"}:
            message = f"{self.url} is not the address of a server; it begins with http:// or https://"
            raise click.ClickException(message)
        request = Request(  # noqa: S310  # the scheme was looked at
            f"{self.url.rstrip('/')}/v1/{operation}",
            encode(body),
            {
                "authorization": f"Bearer {self.secret_key}",
                "content-type": "application/json",
                "x-api-version": CONTRACT,
            },
        )
        try:
            with urlopen(request, timeout=SECONDS_MAX) as answer:  # noqa: S310  # the scheme was looked at
                return json.load(answer, parse_float=Decimal)
        except HTTPError as error:
            raise click.ClickException(_sentence(error)) from error
        except (URLError, HTTPException, TimeoutError, ValueError) as error:
            reason = getattr(error, "reason", error)
            message = f"Cannot reach a Sumac server at {self.url}: {reason}"
            raise click.ClickException(message) from error


def _sentence(error: HTTPError) -> str:
    try:
        return str(json.load(error)["message"])
    except (ValueError, KeyError, TypeError):
        return f"The server answered {error.code} {error.reason}"
