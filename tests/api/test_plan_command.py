"""`sumac plan pull` and `push` over a running server (guide: pricing in git)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from sumac.cli import main
from tests.api.shop import FEATURES, FREE, PACK, PRO, SUPPORT
from tests.support.live import ENGINES, empty_home
from tests.support.server import live_server

SECONDS = 60


@dataclass(frozen=True, slots=True)
class Place:
    """What the environment says of a server and of each of its environments."""

    sandbox: Mapping[str, str]
    live: Mapping[str, str]


@pytest.fixture(scope="module", params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running server on each engine in turn; its sandbox has a shop, where Ada holds Pro."""
    with (
        empty_home(request, tmp_path_factory.mktemp("plan") / "data") as home,
        live_server(home.data_dir, database_url=home.database_url) as started,
    ):
        key = started.create_key()
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"{started.url}/v1", headers=headers, timeout=SECONDS) as client:
            for operation, body in (
                ("catalog.update", {"features": FEATURES, "plans": [FREE, PRO, PACK, SUPPORT]}),
                ("customers.get_or_create", {"customer_id": "ada", "auto_enable_plan_id": "free"}),
                ("sandbox.add_card", {"customer_id": "ada"}),
                ("billing.attach", {"customer_id": "ada", "plan_id": "pro"}),
            ):
                client.post(f"/{operation}", json=body).raise_for_status()
        url = {"SUMAC_URL": started.url}
        yield Place({**url, "SUMAC_SECRET_KEY": key}, {**url, "SUMAC_SECRET_KEY": started.create_key("live")})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a folder of its own."""
    monkeypatch.chdir(tmp_path)


def plan(*words: str, environment: Mapping[str, str], typed: str = "") -> Result:
    """Runs `sumac plan` to its end, in this process."""
    return CliRunner().invoke(main, ["plan", *words], prog_name="sumac", env=environment, input=typed)


def test_there_and_back(tmp_path: Path, place: Place) -> None:
    """A pulled file changes nothing; pushed to an empty place it makes the same, whose file is the same to the byte."""
    pulled = plan("pull", environment=place.sandbox)

    assert (0, "") == (pulled.exit_code, pulled.stderr)
    assert "sumac.yaml: 4 features and 4 plans of the sandbox at " in pulled.stdout

    again = plan("push", "--yes", environment=place.sandbox)

    assert (0, "Nothing to change: the server has what the file says\n") == (again.exit_code, again.stdout)

    made = plan("push", "--yes", environment=place.live)

    assert 0 == made.exit_code, made.stderr
    assert "+ plan pro: new\n" in made.stdout
    assert "Done in the live at " in made.stdout

    plan("pull", "--file", "live.yaml", environment=place.live)

    assert (tmp_path / "sumac.yaml").read_bytes() == (tmp_path / "live.yaml").read_bytes()


def test_it_says_what_it_changes_and_asks(tmp_path: Path, place: Place) -> None:
    """A dry run and a no change nothing; a yes makes the next version, and Ada stays on hers."""
    plan("pull", environment=place.sandbox)
    file = tmp_path / "sumac.yaml"
    before = file.read_text()
    file.write_text(before.replace("amount: 30\n", "amount: 35\n").replace("name: Support\n", "name: Help\n"))
    told = (
        "~ plan pro: version 2, 1 customer stays on version 1\n"
        "    price.amount: 30 → 35\n"
        "~ plan support: changed in place\n"
        '    name: "Support" → "Help"\n'
    )
    for words, typed, code in ((("push", "--dry-run"), "", 0), (("push",), "n\n", 1), (("push",), "", 1)):
        run = plan(*words, environment=place.sandbox, typed=typed)

        assert code == run.exit_code, run.stderr
        assert run.stdout.startswith(told)

    run = plan("push", environment=place.sandbox, typed="y\n")

    assert 0 == run.exit_code, run.stderr
    assert run.stdout.startswith(told)
    assert "Change this in the sandbox at " in run.stdout

    file.write_text("features: {}\nplans: {}\n")
    run = plan("push", "--dry-run", environment=place.sandbox)

    assert "- plan credit_pack: removed\n" in run.stdout
    assert "- plan pro: archived, because customers hold it or have held it\n" in run.stdout
    assert "- feature messages: archived, because a plan or a credit system uses it\n" in run.stdout


def test_what_is_wrong_is_told(tmp_path: Path, place: Place) -> None:
    """In one sentence each, with the line where there is one; nothing is changed and nothing is traced."""
    file = tmp_path / "sumac.yaml"
    bad_plan = "features: {}\nplans:\n  x:\n    name: X\n    items:\n      - feature_id: nobody\n"
    key = {"SUMAC_SECRET_KEY": "am_sk_test_wrong"}
    for text, environment, said in (
        (None, {}, "Error: sumac.yaml is not there; `sumac plan pull` writes it\n"),
        ("features: {\n", {}, "Error: sumac.yaml:2: "),
        (
            "features: {}\nplans:\n  x:\n    label: X\n",
            {},
            "Error: sumac.yaml:3: plans.x.name: is required\nsumac.yaml:4: ",
        ),
        (bad_plan, {}, "Error: plan x: Feature nobody not found\n"),
        ("features: {}\nplans: {}\n", key, "Error: "),
        ("features: {}\nplans: {}\n", {"SUMAC_URL": "http://127.0.0.1:1"}, "Error: Cannot reach a Sumac server at "),
        (
            "features: {}\nplans: {}\n",
            {"SUMAC_URL": "file:///etc"},
            "Error: file:///etc is not the address of a server",
        ),
    ):
        if text is not None:
            file.write_text(text)
        run = plan("push", "--yes", environment={**place.sandbox, **environment})

        assert 1 == run.exit_code
        assert run.stderr.startswith(said), run.stderr
        assert isinstance(run.exception, SystemExit)

    file.write_bytes(b"\xff\xfe")
    run = plan("push", environment=place.sandbox)

    assert (1, "Error: sumac.yaml is not UTF-8\n") == (run.exit_code, run.stderr)
