"""A real `sumac serve` in a process of its own, to be used over HTTP and killed."""

import os
import re
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
POLLING_SECONDS = 0.05
LAST_LINE = "API key"
SUMAC = Path(sys.executable).with_name("sumac")


@dataclass
class LiveServer:
    """A running server: where it is, where its data are, and how it was started."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    data_dir: Path
    database_url: str | None

    @property
    def printed(self) -> str:
        """Everything the server has printed."""
        return self.log.read_text()

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

    def new_sign_in_path(self) -> str:
        """The path and fragment of a fresh one-time link."""
        link = run_sumac(["sign-in", *where(self.data_dir, self.database_url)]).stdout.strip()
        return link[link.index("/sign-in") :]

    def read_until(self, text: str) -> str:
        """Everything the server has printed, once the text stands in it."""
        return _read_until(self.process, self.log, text)

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
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    log = data_dir.parent / f"{data_dir.name}-{command}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [SUMAC, command, "--port", "0", *where(data_dir, database_url), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    try:
        printed = _read_until(process, log, LAST_LINE)
        found = re.search(r"ready at (\S+)", printed)
        assert found is not None, printed
        yield LiveServer(process, found.group(1), log, data_dir, database_url)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(STOPPING_SECONDS)


def _read_until(process: subprocess.Popen[bytes], log: Path, text: str) -> str:
    """Everything the process has printed, once a whole line with the text stands in it."""
    deadline = time.monotonic() + STARTING_SECONDS
    while text not in (printed := log.read_text()) or not printed.endswith("\n"):
        running = process.poll() is None and time.monotonic() < deadline
        assert running, f"the server never printed {text!r}; it printed: {printed}"
        time.sleep(POLLING_SECONDS)
    return printed
