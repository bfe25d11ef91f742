"""The published command line (atmn 1.1.25) pushes and pulls a catalogue with every kind of item and reward."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.live import ATMN, COMMAND_LINE_MISSING, find_node
from tests.support.server import LiveServer, run_sumac, where

CONFIG = "autumn.config.ts"
SECONDS = 120
IN_SYNC = "Already in sync - no changes to push."


class Shell:
    """An organization of the test's own on the server, and a folder for each configuration."""

    def __init__(self, node: Path, root: Path, server: LiveServer) -> None:
        self._node, self._root, self._url = node, root, server.url
        place, own = where(server.data_dir, server.database_url), ["--organization", root.name.replace("_", "-")]
        run_sumac(["organizations", "create", "--slug", own[1], "--name", "Lumen", *place])
        self.keys = {
            env: run_sumac(["keys", "create", "--environment", env, *own, *place]).stdout.strip()
            for env in ("sandbox", "live")
        }
        (root / "node_modules").symlink_to(ATMN / "node_modules")

    def folder(self, name: str, config: str | None = None) -> Path:
        """The folder, with this configuration if there is to be one."""
        folder = self._root / name
        folder.mkdir(exist_ok=True)
        if config is not None:
            (folder / CONFIG).write_text(config)
        return folder

    def run(self, folder: Path, *words: str, code: int = 0) -> str:
        """What the command printed; it must end with this code."""
        ran = subprocess.run(
            [str(self._node), str(ATMN / "node_modules" / "atmn" / "dist" / "cli.js"), "--headless", *words],
            cwd=folder,
            env={
                **os.environ,
                "HOME": str(self._root),
                "XDG_CONFIG_HOME": str(self._root),
                "NO_COLOR": "1",
                "ATMN_BACKEND_URL": self._url,
                "ATMN_DISABLE_AUTH_RECOVERY": "1",
                "AUTUMN_SECRET_KEY": self.keys["sandbox"],
                "AUTUMN_PROD_SECRET_KEY": self.keys["live"],
            },
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

        assert code == ran.returncode, ran.stdout + ran.stderr

        return ran.stdout + ran.stderr

    def call(self, env: str, operation: str, body: object = None) -> Any:  # noqa: ANN401  # any JSON value
        """The answer of an operation in an environment."""
        headers = {"authorization": f"Bearer {self.keys[env]}"}
        answer = httpx.post(f"{self._url}/v1/{operation}", json=body or {}, headers=headers, timeout=SECONDS)

        assert 200 == answer.status_code, answer.text

        return answer.json()

    def catalog(self, env: str) -> Mapping[str, Any]:
        """Everything the environment offers, without what tells the environments apart."""
        apart = {"env", "created_at"}
        plans = self.call(env, "plans.list", {"include_archived": True})["list"]
        rewards = self.call(env, "rewards.list")
        return {
            "features": self.call(env, "features.list")["list"],
            "plans": [{name: each[name] for name in each.keys() - apart} for each in plans],
            **{
                kind: [{name: each[name] for name in each.keys() - apart} for each in rewards[kind]] for kind in rewards
            },
        }


@pytest.fixture
def shell(tmp_path: Path, server: LiveServer) -> Shell:
    """The command line, beside a server."""
    if not (ATMN / "node_modules" / "atmn").is_dir():
        pytest.fail(COMMAND_LINE_MISSING)
    return Shell(find_node(), tmp_path, server)


def test_pushed_and_pushed_again(shell: Shell) -> None:
    """An empty place gets all of it; the second time there is nothing to do, though everything is compared.

    A plan that somebody holds is then versioned, as the command line is told; what the configuration loses is removed,
    or archived where somebody holds it.
    """
    ours = shell.folder("ours", (ATMN / CONFIG).read_text())
    pushed = shell.run(ours, "push", "--yes")

    assert "Features created: ai_credits, messages, seats, sso, storage, workspaces, credits" in pushed
    assert "Plans created: free, legacy, pack, pro, setup, team" in pushed
    assert "Rewards created: sale, welcome" in pushed
    assert IN_SYNC in shell.run(ours, "push")
    assert "Environment: Sandbox" in shell.run(ours, "env")

    shell.call("sandbox", "customers.get_or_create", {"customer_id": "ada"})
    shell.call("sandbox", "sandbox.add_card", {"customer_id": "ada"})
    shell.call("sandbox", "billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    dear = shell.folder("dear", (ATMN / CONFIG).read_text().replace("amount: 29.5", "amount: 35"))

    assert 'plan "pro" needs an update intent' in shell.run(dear, "push", "--yes", code=1)

    told = shell.run(dear, "push", "--yes", "--plan-intents", '{"pro":"create_version"}')

    assert "Plans updated: pro" in told
    assert 2 == shell.call("sandbox", "plans.get", {"plan_id": "pro"})["version"]
    assert 29.5 == shell.call("sandbox", "plans.get", {"plan_id": "pro", "version": 1})["price"]["amount"]

    nothing = shell.folder("nothing", "export default { features: [], plans: [] };\n")
    gone = shell.run(nothing, "push", "--yes")

    assert "Plans archived: free, pro" in gone
    assert "Plans deleted: legacy, pack, setup, team" in gone
    assert {"free", "pro"} == {each["id"] for each in shell.catalog("sandbox")["plans"] if each["archived"]}

    back = shell.run(dear, "push", "--yes")

    assert "Un-archiving plan: pro" in back
    assert "Un-archiving feature: messages" in back
    assert IN_SYNC in shell.run(dear, "push")


def test_there_and_back(shell: Shell) -> None:
    """Pulled into another folder and pushed from there to another place: the same catalogue, and the same file."""
    shell.run(shell.folder("ours", (ATMN / CONFIG).read_text()), "push", "--yes")
    theirs = shell.folder("theirs")

    assert "Pulled 7 features, 6 plans, 2 rewards, 0 referral programs" in shell.run(theirs, "pull")
    assert IN_SYNC in shell.run(theirs, "push")

    shell.run(theirs, "--prod", "push", "--yes")

    assert shell.catalog("sandbox") == shell.catalog("live")
    assert 6 == len(shell.catalog("live")["plans"])

    again = shell.folder("again")
    shell.run(again, "--prod", "pull")

    assert (theirs / CONFIG).read_text() == (again / CONFIG).read_text()

    once = {"plan_id": "once", "name": "Once", "items": [{"feature_id": "credits", "included": 100}]}
    shell.call("sandbox", "plans.create", once)
    shell.run(theirs, "pull", "--force")

    assert IN_SYNC in shell.run(theirs, "push")


def test_what_is_refused_is_told(shell: Shell) -> None:
    """The server's own sentence, and which plan it is about; nothing is changed."""
    before = shell.catalog("sandbox")
    config = (ATMN / CONFIG).read_text().replace("to: 100, amount: 0", "to: 2000, amount: 0")
    told = shell.run(shell.folder("wrong", config), "push", "--yes", code=1)

    assert "Error: plan pro: " in told
    assert before == shell.catalog("sandbox")
