"""A real `sumac serve` in a process of its own, to be used over HTTP and killed."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTING_SECONDS = 60
STOPPING_SECONDS = 20
SUMAC = Path(sys.executable).with_name("sumac")


@dataclass
class LiveServer:
    """A running server: where it is, where its data are, and how it was started."""

    process: subprocess.Popen[str]
    url: str
    printed: str
    data_dir: Path
    database_url: str | None

    def create_key(self, environment: str = "sandbox") -> str:
        """A secret key, made with the command line beside the running server."""
        command = ["keys", "create", "--environment", environment, *where(self.data_dir, self.database_url)]
        return run_sumac(command).stdout.strip()

    @property
    def sign_in_link(self) -> str:
        """The one-time link that was printed at the first start."""
        found = re.search(r"http\S+/sign-in#link=\S+", self.printed)
        assert found is not None, self.printed
        return found.group()

    def kill(self) -> None:
        """SIGKILL: nothing is finished."""
        self.process.kill()
        self.process.wait(STOPPING_SECONDS)

    def stop(self) -> int:
        """SIGTERM; answers the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOPPING_SECONDS)


def where(data_dir: Path, database_url: str | None) -> list[str]:
    """The options that say where the data are."""
    return ["--data-dir", str(data_dir), *(["--database-url", database_url] if database_url else [])]


def run_sumac(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; it must succeed."""
    return subprocess.run([SUMAC, *arguments], check=True, capture_output=True, text=True, timeout=STARTING_SECONDS)


@contextmanager
def live_server(
    data_dir: Path,
    *,
    database_url: str | None = None,
    command: str = "serve",
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[LiveServer]:
    """Starts the server on a free port and waits until it is ready; kills it at the end if it still runs."""
    process = subprocess.Popen(
        [SUMAC, command, "--port", "0", *where(data_dir, database_url), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        printed = _read_until_ready(process)
        found = re.search(r"ready at (\S+)", printed)
        assert found is not None, printed
        yield LiveServer(process, found.group(1), printed, data_dir, database_url)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(STOPPING_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def _read_until_ready(process: subprocess.Popen[str]) -> str:
    """What the server printed up to the line with the API key hint, which is the last one."""
    assert process.stdout is not None
    stream = process.stdout.fileno()
    printed, deadline = b"", time.monotonic() + STARTING_SECONDS
    while b"API key" not in printed:
        readable, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(stream, 65_536) if readable else b""
        assert chunk, f"the server did not start; it printed: {printed.decode()}"
        printed += chunk
    return printed.decode()
