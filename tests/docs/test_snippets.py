"""Every snippet of README and the guides runs."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.server import LiveServer, live_server, run_sumac

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MESSAGES = {
    "feature_id": "messages",
    "included": 1000,
    "reset": {"interval": "month"},
    "price": {"amount": 0.01, "interval": "month", "billing_method": "usage_based"},
}


def snippets(language: str) -> Iterator[tuple[str, str]]:
    """Where each snippet of the language stands, and its text."""
    for page in PAGES:
        for found, text in FENCE.findall(page.read_text()):
            if found == language:
                yield page.name, text


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """A server with the features and plans the snippets speak of."""
    with live_server(tmp_path / "data") as started:
        headers = {"authorization": f"Bearer {started.create_key()}"}
        with httpx.Client(base_url=started.url, headers=headers) as client:
            for operation, body in (
                (
                    "features.create",
                    {"feature_id": "messages", "name": "Messages", "type": "metered", "consumable": True},
                ),
                (
                    "plans.create",
                    {
                        "plan_id": "free",
                        "name": "Free",
                        "auto_enable": True,
                        "items": [
                            {"feature_id": "messages", "included": 50, "reset": {"interval": "month"}},
                        ],
                    },
                ),
                (
                    "plans.create",
                    {
                        "plan_id": "pro",
                        "name": "Pro",
                        "price": {"amount": 20, "interval": "month"},
                        "items": [MESSAGES],
                    },
                ),
            ):
                client.post(f"/v1/{operation}", json=body).raise_for_status()
        yield started


@pytest.mark.parametrize(("page", "text"), list(snippets("python")))
def test_python_runs(page: str, text: str, server: LiveServer) -> None:
    """A program of the documents does what it says, with the key and the address put in."""
    del page
    text = text.replace("am_sk_test_...", server.create_key()).replace("http://127.0.0.1:8000", server.url)
    ran = subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True)

    assert "The customer pays at" in ran.stdout
    assert "Messages left: 49" in ran.stdout


def _commands() -> Iterator[str]:
    for _, text in snippets("sh"):
        for line in text.splitlines():
            command = line.partition("#")[0].strip()
            if command:
                yield command


@pytest.mark.parametrize("command", [command for command in _commands() if command.startswith("make ")])
def test_make_targets_exist(command: str) -> None:
    """A target the documents name is one of the Makefile's."""
    target = command.split()[1]

    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_sumac_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands the documents name work in the order they stand in, on a fresh folder."""
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(command)[1:] for command in _commands() if command.startswith("sumac ")]
    serving = [words for words in commands if words[0] == "serve"]
    others = [words for words in commands if words[0] != "serve"]

    assert [["serve", "--data-dir", "./data"]] == serving
    with live_server(Path("./data")) as started:
        monkeypatch.setenv("SUMAC_URL", started.url)
        monkeypatch.setenv("SUMAC_SECRET_KEY", started.create_key())
        printed = [run_sumac(words).stdout for words in others]

    assert printed
    assert printed[0].startswith("am_sk_test_")


def test_catalogues_are_pushed(tmp_path: Path, server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the guides can be pushed as it stands there, and then there is nothing to change."""
    monkeypatch.setenv("SUMAC_URL", server.url)
    monkeypatch.setenv("SUMAC_SECRET_KEY", server.create_key())
    files = list(snippets("yaml"))

    assert files
    for number, (_, text) in enumerate(files):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        pushed = run_sumac(["plan", "push", "--yes", "--file", str(file)]).stdout

        assert "plan pro: " in pushed
        assert "Nothing to change" in run_sumac(["plan", "push", "--file", str(file)]).stdout
