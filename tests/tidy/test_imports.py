"""The contracts of .importlinter hold, and each of these edits breaks the one that forbids it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
RANKS = "lower ranks only"
ANATOMY = "Inside a feature"
BILLING = "Inside billing"
PURE = "do no input or output"
GIVEN = "are given their ids and instants"
DRIVERS = "Database drivers stay in storage"
LIBRARIES = "stays in providers"
ACYCLIC = "No cycles"
PRIVATE = "imported only from inside the feature"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What lint-imports said: whether all is kept, and the whole text on one line."""

    kept: bool
    text: str


Lint = Callable[[], Verdict]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package with the contracts beside it."""
    shutil.copytree(
        ROOT / "src" / "sumac", tmp_path / "sumac", ignore=shutil.ignore_patterns("__pycache__", "dashboard")
    )
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path / "sumac"


@pytest.fixture
def lint(package: Path) -> Lint:
    """Runs lint-imports over the copy."""

    def run() -> Verdict:
        command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache", ".importlinter"]
        environment = {**os.environ, "PYTHONPATH": str(package.parent), "COLUMNS": "400"}
        ran = subprocess.run(command, cwd=package.parent, env=environment, capture_output=True, text=True, check=False)
        return Verdict(ran.returncode == 0, " ".join((ran.stdout + ran.stderr).split()))

    return run


def edit(package: Path, path: str, line: str) -> None:
    """Adds a line to a module, which is made when it is not there."""
    module = package / path
    before = module.read_text() if module.exists() else ""
    module.write_text(f"{before}\n{line}\n")


def test_the_package_keeps_every_contract(lint: Lint) -> None:
    """Nothing is broken as it stands."""
    verdict = lint()

    assert verdict.kept, verdict.text


@pytest.mark.parametrize(
    ("path", "line", "contract"),
    [
        ("balances/service.py", "from sumac.billing import model", RANKS),
        ("customers/service.py", "from sumac.events import model", RANKS),
        ("core/money.py", "from sumac.storage import work", RANKS),
        ("billing/service.py", "from sumac.providers.sandbox import bank", RANKS),
        ("api/router.py", "from sumac.providers.sandbox import bank", RANKS),
        ("api/router.py", "from sumac.config import Settings", RANKS),
        ("api/router.py", "from sumac.pages import site", RANKS),
        ("utils.py", "ANSWER = 42", RANKS),
        ("catalog/model.py", "from sumac.catalog import store", ANATOMY),
        ("catalog/helpers.py", "ANSWER = 42", ANATOMY),
        ("billing/provider.py", "from sumac.billing import store", BILLING),
        ("billing/rules/lines.py", "import structlog", PURE),
        ("catalog/rules/tiers.py", "from sumac.storage import schema", PURE),
        ("events/model.py", "import random", PURE),
        ("billing/rules/turn.py", "from sumac.core.ids import new_id", GIVEN),
        ("invoices/store.py", "import asyncpg", DRIVERS),
        ("billing/collect.py", "import stripe", LIBRARIES),
        ("billing/collect.py", "import httpx", LIBRARIES),
        ("catalog/rules/tokens.py", "import genai_prices", LIBRARIES),
        ("catalog/rules/shape.py", "from sumac.catalog.rules import plans", ACYCLIC),
        ("billing/service.py", "from sumac.customers import store as people", PRIVATE),
        ("api/operations/plans.py", "from sumac.catalog import store", PRIVATE),
    ],
)
def test_a_forbidden_import_is_caught(package: Path, lint: Lint, path: str, line: str, contract: str) -> None:
    """The edit breaks the contract that speaks of it."""
    edit(package, path, line)

    verdict = lint()

    assert not verdict.kept
    assert contract in verdict.text, verdict.text
    assert f"{contract} KEPT" not in verdict.text
