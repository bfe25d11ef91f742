"""Every check of `make check`, one after the other; says how long each took and fails if any did."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable
CHECKS: tuple[tuple[str, list[str]], ...] = (
    ("lint", [f"{BIN}/ruff", "check", "--quiet"]),
    ("format", [f"{BIN}/ruff", "format", "--check", "--quiet"]),
    ("types", [f"{BIN}/mypy", "--no-error-summary"]),
    ("contracts", [f"{BIN}/lint-imports", "--no-logo", ".importlinter"]),
    ("spelling", [f"{BIN}/codespell"]),
    ("tidy", [PYTHON, "-m", "tools.tidy"]),
    ("dashboard", [PYTHON, "-m", "tools.npm", "run", "--silent", "check"]),
)


def main() -> None:
    """Runs all; what a check printed is shown when it failed."""
    failed = []
    for name, command in CHECKS:
        started = time.perf_counter()
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        print(f"{'ok    ' if ran.returncode == 0 else 'FAILED'} {name:<10} {seconds:5.1f} s", flush=True)
        if ran.returncode != 0:
            failed.append(name)
            print(ran.stdout, ran.stderr, sep="", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
