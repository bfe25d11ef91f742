"""What an operator may set: command-line options, and `SUMAC_…` environment variables for the rest."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
DEFAULT_DATA_DIR = Path("data")
DEFAULT_SENDER = "Sumac <sumac@localhost>"
DEFAULT_OWNER = "owner@localhost"
SMTP_PORT = 587
SMTPS_PORT = 465


class ConfigError(Exception):
    """A setting cannot be understood; the message says which and how to mend it."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """Where e-mail is handed over; `tls` from the first byte, else STARTTLS where the server offers it."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    sender: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the process needs to know; `database_url` None means the SQLite file in `data_dir`."""

    data_dir: Path = DEFAULT_DATA_DIR
    database_url: str | None = None
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    public_url: str | None = None
    smtp: Smtp | None = None
    owner_email: str = DEFAULT_OWNER

    @property
    def address(self) -> str:
        """The address people and programs reach us at, without a slash at its end."""
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104  # compared, not bound to
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def read_smtp(environment: Mapping[str, str] = os.environ) -> Smtp | None:
    """The mail server of `SUMAC_SMTP_URL` (smtp:// or smtps://user:password@host:port); None when it is not set.

    Raises ConfigError for an address of another form. The sender is `SUMAC_MAIL_FROM`.
    """
    address = environment.get("SUMAC_SMTP_URL")
    if not address:
        return None
    parts = urlsplit(address)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        message = "SUMAC_SMTP_URL must look like smtp://user:password@mail.example.com:587"
        raise ConfigError(message)
    tls = parts.scheme == "smtps"
    return Smtp(
        host=parts.hostname,
        port=parts.port or (SMTPS_PORT if tls else SMTP_PORT),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
        sender=environment.get("SUMAC_MAIL_FROM", DEFAULT_SENDER),
    )
