"""Every check of `make check`, two at a time; says how long each took and fails if any did."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable
AT_A_TIME = 2
CHECKS: tuple[tuple[str, list[str]], ...] = (
    ("dashboard", [PYTHON, "-m", "tools.npm", "run", "--silent", "check"]),
    ("types", [f"{BIN}/mypy", "--no-error-summary"]),
    ("lint", [f"{BIN}/ruff", "check", "--quiet"]),
    ("format", [f"{BIN}/ruff", "format", "--check", "--quiet"]),
    ("contracts", [f"{BIN}/lint-imports", "--no-logo", ".importlinter"]),
    ("spelling", [f"{BIN}/codespell"]),
    ("tidy", [PYTHON, "-m", "tools.tidy"]),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """How a check ended; `said` is all it printed."""

    name: str
    passed: bool
    seconds: float
    said: str


def run(name: str, command: list[str]) -> Checked:
    """Runs one check to its end."""
    started = time.perf_counter()
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return Checked(name, ran.returncode == 0, time.perf_counter() - started, ran.stdout + ran.stderr)


def main() -> None:
    """Runs all; what a check printed is shown when it failed."""
    failed = False
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for done in as_completed([pool.submit(run, name, command) for name, command in CHECKS]):
            checked = done.result()
            print(f"{'ok    ' if checked.passed else 'FAILED'} {checked.name:<10} {checked.seconds:5.1f} s", flush=True)
            if not checked.passed:
                failed = True
                print(checked.said, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
