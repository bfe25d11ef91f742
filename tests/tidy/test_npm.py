"""The dashboard is built by a Node that is new enough, whatever the machine has."""

import subprocess
from pathlib import Path

import pytest

from tools.npm import find_npm, is_new_enough


@pytest.mark.parametrize(
    ("answer", "enough"),
    [("v20.19.0", True), ("v22.1.0", True), ("v20.18.9", False), ("v18.20.4", False), ("", False)],
)
def test_versions_are_compared_by_number(answer: str, enough: bool) -> None:  # noqa: FBT001  # a table
    """20.19 is the oldest that will do."""
    assert enough is is_new_enough(answer)


def test_a_machine_without_node_uses_the_locked_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With nothing on the PATH npm still runs."""
    monkeypatch.setenv("PATH", str(tmp_path))

    folder, command = find_npm()
    asked = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)

    assert (folder / "node").exists()
    assert asked.stdout.split(".")[0].isdigit()
