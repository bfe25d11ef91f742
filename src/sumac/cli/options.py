"""Options that several commands share."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypedDict, TypeVar

import click

from sumac.config import DEFAULT_DATA_DIR, DEFAULT_HOST, DEFAULT_OWNER, DEFAULT_PORT, ConfigError
from sumac.core.errors import SumacError

P = ParamSpec("P")
Result = TypeVar("Result")
Command = TypeVar("Command", bound=Callable[..., Any])


class ServingChoices(TypedDict):
    """What `serving_options` hands to a command, beside `jobs`: the fields of Settings of the same names."""

    host: str
    port: int
    public_url: str | None
    data_dir: Path
    database_url: str | None
    owner_email: str


def database_options(data_dir: Path = DEFAULT_DATA_DIR) -> Callable[[Command], Command]:
    """Where the data are: a folder with a SQLite file, or PostgreSQL."""

    def add(command: Command) -> Command:
        command = click.option(
            "--database-url",
            envvar="DATABASE_URL",
            help="postgresql://user:password@host/name, instead of the SQLite file.  [env: DATABASE_URL]",
        )(command)
        return click.option(
            "--data-dir",
            type=click.Path(file_okay=False, path_type=Path),
            default=data_dir,
            show_default=True,
            envvar="SUMAC_DATA_DIR",
            help="The folder of the SQLite file; made when missing.  [env: SUMAC_DATA_DIR]",
        )(command)

    return add


def server_options(command: Command) -> Command:
    """Where to listen, and the address people see."""
    command = click.option(
        "--public-url",
        envvar="SUMAC_PUBLIC_URL",
        help="The address people reach the server at, when it is behind a proxy.  [env: SUMAC_PUBLIC_URL]",
    )(command)
    command = click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=DEFAULT_PORT,
        show_default=True,
        envvar="SUMAC_PORT",
        help="The port to listen on; 0 takes a free one.",
    )(command)
    return click.option(
        "--host",
        default=DEFAULT_HOST,
        show_default=True,
        envvar="SUMAC_HOST",
        help="The address to listen on.",
    )(command)


def serving_options(data_dir: Path = DEFAULT_DATA_DIR) -> Callable[[Command], Command]:
    """Everything a command that serves may be told: where to listen, where the data are, whose they are, the jobs."""

    def add(command: Command) -> Command:
        command = click.option(
            "--owner-email",
            envvar="SUMAC_OWNER_EMAIL",
            default=DEFAULT_OWNER,
            show_default=True,
            help="Who owns the organization that is made in an empty database.",
        )(command)
        command = click.option(
            "--jobs/--no-jobs", default=True, help="Whether this process also renews, retries and cleans up."
        )(command)
        return server_options(database_options(data_dir)(command))

    return add


def runs(command: Callable[P, Coroutine[Any, Any, Result]]) -> Callable[P, Result]:
    """Runs a coroutine command to its end; what the user can mend is told in one sentence."""

    @wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> Result:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                return runner.run(command(*arguments, **options))
        except (SumacError, ConfigError) as error:
            raise click.ClickException(str(error)) from error

    return run


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415  # not installed on Windows

    return uvloop.new_event_loop
