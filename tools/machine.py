"""Sees that this machine has what the tests need beyond Python: a Chromium and PostgreSQL's server programs.

As root on Debian or Ubuntu what is missing is installed; elsewhere a sentence says how to get it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> Path | None:
    """The Chromium that browser tests start."""
    found = (shutil.which(name) for name in BROWSERS)
    return next((Path(path) for path in found if path), None)


def find_postgres() -> Path | None:
    """The folder of `initdb` and `postgres`, which distributions keep off the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if pg_config := shutil.which("pg_config"):
        asked = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        folders.insert(0, Path(asked.stdout.strip()))
    if initdb := shutil.which("initdb"):
        folders.insert(0, Path(initdb).parent)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


@dataclass(frozen=True, slots=True)
class Need:
    """Something the tests need: how to find it, and Debian's package of it."""

    name: str
    find: Callable[[], Path | None]
    package: str
    advice: str


NEEDS = (
    Need("Chromium", find_browser, "chromium", "install Chromium or Chrome so that `chromium` is on the PATH"),
    Need(
        "PostgreSQL",
        find_postgres,
        "postgresql",
        "install PostgreSQL's server so that `pg_config --bindir` or the PATH leads to `initdb`",
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
        print(f"The tests need {need.name}: {need.advice} (Debian: apt-get install {need.package}).", file=sys.stderr)
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
