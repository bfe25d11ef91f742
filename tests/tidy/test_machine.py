"""What the tests need of the machine is looked for before they start."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_a_machine_without_a_browser_is_told_how_to_get_one(tmp_path: Path) -> None:
    """With nothing on the PATH, not even a package manager, a sentence says what is missing and the step fails."""
    command = [sys.executable, "-m", "tools.machine"]
    environment = {**os.environ, "PATH": str(tmp_path)}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert 1 == ran.returncode
    assert "The tests need Chromium or Chrome on the PATH" in ran.stderr
