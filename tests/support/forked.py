"""`sumac serve` in processes that are forked from one which has imported everything: quick to start, real to kill."""

import os
import re
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from sumac.cli import main

FORKING = get_context("forkserver")
FORKING.set_forkserver_preload(["sumac.cli"])
STARTING_SECONDS = 60
POLLING_SECONDS = 0.01


def start(arguments: Sequence[str], log: Path) -> ForkServerProcess:
    """A process that runs the command and prints into the log."""
    log.touch()
    process = FORKING.Process(target=_run, args=(list(arguments), str(log)), daemon=True)
    process.start()
    return process


def serve(where: Sequence[str], log: Path) -> tuple[ForkServerProcess, str]:
    """A server on a free port, once it is ready, and its address."""
    log.unlink(missing_ok=True)
    process = start(["serve", "--port", "0", *where], log)
    deadline = time.monotonic() + STARTING_SECONDS
    while (found := re.search(r"ready at (\S+)\n", log.read_text())) is None:
        running = process.is_alive() and time.monotonic() < deadline
        assert running, f"the server never was ready; it printed: {log.read_text()}"
        time.sleep(POLLING_SECONDS)
    return process, found.group(1)


def _run(arguments: Sequence[str], log: str) -> None:
    with Path(log).open("wb", buffering=0) as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    main(arguments)
