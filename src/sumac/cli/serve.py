"""`sumac serve`: API, dashboard, hosted pages and jobs in one process."""

import asyncio
import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Unpack

import click
import uvicorn

from sumac.app import Parts, create_server
from sumac.cli.options import ServingChoices, runs, serving_options
from sumac.cli.prepared import Prepared, prepared
from sumac.config import ConfigError, Settings, read_smtp
from sumac.logs import configure_logs

STOPPING_SECONDS = 10
BACKLOG = 2048
GARBAGE_AFTER = 20_000


class _Server(uvicorn.Server):
    """Says when it is ready, and ends well on SIGTERM and SIGINT: open requests are answered, then `serve` returns."""

    def __init__(self, config: uvicorn.Config, *, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen, and says so."""
        await super().startup(sockets=sockets)
        if self.started:
            click.echo(self._ready)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes the signals for as long as it serves."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def listen(settings: Settings) -> tuple[socket.socket, Settings]:
    """A bound socket, and the settings with the port that was taken. Raises ConfigError when it is not to be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port))
    except OSError as error:
        bound.close()
        message = f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another --port"
        raise ConfigError(message) from error
    return bound, replace(settings, port=bound.getsockname()[1])


def spare_garbage_collection() -> None:
    """What is loaded by now stays: it is not looked through for garbage again and again, as answers come and go."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, *gc.get_threshold()[1:])


async def serve_until_stopped(parts: Parts, bound: socket.socket, *, jobs: bool, ready: str) -> None:
    """Serves on the socket, says when it is ready, and stops cleanly on a signal."""
    config = uvicorn.Config(
        create_server(parts.services),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=True,
        backlog=BACKLOG,
        timeout_graceful_shutdown=STOPPING_SECONDS,
    )
    server = _Server(config, ready=ready)
    spare_garbage_collection()
    async with asyncio.TaskGroup() as group:
        if jobs:
            group.create_task(parts.worker.run())
        await server.serve(sockets=[bound])
        parts.worker.stop()


def sign_in_text(made: Prepared, address: str) -> str:
    """How to sign in: a one-time link for a database that was just made, else how to get one."""
    if made.link_token is not None:
        return f"  Sign in (once, within 15 minutes):  {address}/sign-in#link={made.link_token}"
    return f"  Sign in:  {address} with an e-mail code, or run 'sumac sign-in' for a link"


@click.command()
@serving_options()
@runs
async def serve(*, jobs: bool, **choices: Unpack[ServingChoices]) -> None:
    """Serve the API, the dashboard and the hosted pages, and run the jobs.

    An empty database gets an organization called "default", and a link to sign in is printed.
    """
    configure_logs(as_json=False)
    bound, settings = listen(Settings(**choices, smtp=read_smtp()))
    async with prepared(settings) as made:
        address = settings.address
        lines = [
            f"Sumac is ready at {address}",
            sign_in_text(made, address),
            "  API key:  sumac keys create --environment sandbox",
        ]
        await serve_until_stopped(made.parts, bound, jobs=jobs, ready="\n".join(lines))
