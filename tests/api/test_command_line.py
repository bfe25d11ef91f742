"""The command line: help, keys, what goes wrong in one sentence, the first start (issue: command line)."""

import os
import re
import socket
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from sumac.cli import main
from tests.support.live import Home, home
from tests.support.server import LiveServer, live_server, run_sumac, where

__all__ = ["home"]

SECONDS = 60
COMMANDS = (
    (),
    ("serve",),
    ("demo",),
    ("worker",),
    ("migrate",),
    ("organizations",),
    ("organizations", "create"),
    ("keys",),
    ("keys", "create"),
    ("sign-in",),
    ("plan",),
    ("plan", "pull"),
    ("plan", "push"),
    ("openapi",),
)
DASHBOARD = {"x-client-type": "dashboard"}


def sumac(*arguments: str) -> Result:
    """Runs a command to its end, in this process."""
    return CliRunner().invoke(main, arguments, prog_name="sumac", catch_exceptions=False)


def told(arguments: Sequence[str]) -> str:
    """The one sentence of a command that cannot be carried out."""
    run = sumac(*arguments)

    assert 1 == run.exit_code
    assert "" == run.stdout
    assert 1 == len(run.stderr.strip().splitlines()), run.stderr

    return run.stderr.strip()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that was started on an empty folder."""
    with live_server(tmp_path_factory.mktemp("command") / "data") as started:
        yield started


def post(server: LiveServer, operation: str, body: object, **headers: str) -> httpx.Response:
    return httpx.post(f"{server.url}/v1/{operation}", json=body, headers=headers, timeout=SECONDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    """--help says what it does and ends well."""
    run = sumac(*command, "--help")

    assert 0 == run.exit_code, run.stderr
    assert run.stdout.startswith("Usage: sumac" if not command else f"Usage: sumac {' '.join(command)}")
    assert re.search(r"^  [A-Z][a-z].*", run.stdout, re.MULTILINE)


def test_a_key_and_nothing_else(home: Home) -> None:
    """On an empty place, and while a server runs; the key works at once, in its own environment."""
    place = where(home.data_dir, home.database_url)
    before = run_sumac(["keys", "create", "--environment", "live", *place])

    assert re.fullmatch(r"am_sk_live_[A-Za-z0-9]{42}\n", before.stdout)
    assert "" == before.stderr

    with live_server(home.data_dir, database_url=home.database_url) as server:
        beside = run_sumac(["keys", "create", "--environment", "sandbox", "--organization", "default", *place])

        assert re.fullmatch(r"am_sk_test_[A-Za-z0-9]{42}\n", beside.stdout)
        for run, env in ((before, "live"), (beside, "sandbox")):
            answer = post(
                server, "customers.get_or_create", {"customer_id": "a"}, authorization=f"Bearer {run.stdout.strip()}"
            )

            assert (200, env) == (answer.status_code, answer.json()["env"])


def test_an_unknown_organization(tmp_path: Path) -> None:
    """One sentence with its name."""
    arguments = [
        "keys",
        "create",
        "--environment",
        "sandbox",
        "--organization",
        "ghost",
        *where(tmp_path / "data", None),
    ]

    assert "Error: Organization ghost not found" == told(arguments)


def test_an_organization_in_another_currency(home: Home) -> None:
    """It is made beside whatever is there, and its plans are in its own currency."""
    place = where(home.data_dir, home.database_url)
    made = run_sumac(["organizations", "create", "--slug", "kyoto", "--name", "Kyoto", "--currency", "jpy", *place])

    assert ("kyoto\n", "") == (made.stdout, made.stderr)

    key = run_sumac(["keys", "create", "--environment", "live", "--organization", "kyoto", *place])
    with live_server(home.data_dir, database_url=home.database_url) as server:
        plan = {"plan_id": "pro", "name": "Pro", "price": {"amount": 3000, "interval": "month"}}
        answer = post(server, "plans.create", plan, authorization=f"Bearer {key.stdout.strip()}")

        assert "¥3,000" == answer.json()["price"]["display"]["primary_text"]


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        pytest.param("--currency", "EUR", "three lower-case letters", id="upper-case-currency"),
        pytest.param("--currency", "euro", "three lower-case letters", id="four-letter-currency"),
        pytest.param("--slug", "My Company", "lower-case letters", id="slug-with-a-space"),
    ],
)
def test_an_organization_that_cannot_be(tmp_path: Path, option: str, value: str, sentence: str) -> None:
    """The option is named, with what it must look like."""
    arguments = {"--slug": "acme", "--name": "Acme", option: value}
    words = [word for pair in arguments.items() for word in pair]
    run = sumac("organizations", "create", *words, *where(tmp_path / "data", None))

    assert 2 == run.exit_code
    assert f"Invalid value for '{option}'" in run.stderr
    assert sentence in run.stderr


def test_an_organization_that_is_there(tmp_path: Path) -> None:
    """One sentence with its slug."""
    arguments = ["organizations", "create", "--slug", "acme", "--name", "Acme", *where(tmp_path / "data", None)]

    assert 0 == sumac(*arguments).exit_code
    assert "Error: Organization acme already exists" == told(arguments)


def test_a_busy_port(tmp_path: Path) -> None:
    """One sentence that says what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        sentence = told(["serve", "--port", port, *where(tmp_path / "data", None)])

    assert sentence.startswith(f"Error: Cannot listen on 127.0.0.1:{port}: ")
    assert "--port" in sentence


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    """An address of another kind, or of nobody, is one sentence."""
    for address in ("mysql://root@127.0.0.1/sumac", "postgresql://sumac:hunter2@127.0.0.1:1/sumac"):
        sentence = told(["migrate", *where(tmp_path / "data", address)])

        assert sentence.startswith("Error: ")
        assert "hunter2" not in sentence


def test_migrating_twice_changes_nothing(home: Home) -> None:
    """The first run makes every table, the second finds them."""
    for _ in range(2):
        run = sumac("migrate", *where(home.data_dir, home.database_url))

        assert 0 == run.exit_code, run.stderr


def test_the_first_start(server: LiveServer) -> None:
    """It says where it is and how to sign in; the link works once; the folder is the owner's alone."""
    token = server.sign_in_link.partition("#link=")[2]
    first = post(server, "sessions.create", {"link": token}, **DASHBOARD)
    second = post(server, "sessions.create", {"link": token}, **DASHBOARD)

    assert server.sign_in_link.startswith(f"{server.url}/sign-in#link=")
    assert (200, "default", "owner") == (
        first.status_code, first.json()["organization"]["slug"], first.json()["member"]["role"]
    )  # fmt: skip
    assert 401 == second.status_code
    if os.name == "posix":
        assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700


def test_a_code_in_the_log_signs_in(server: LiveServer) -> None:
    """Without a mail server the code is printed, the address is not."""
    post(server, "sessions.request_code", {"email": "owner@localhost"}, **DASHBOARD).raise_for_status()
    found = re.search(r"code=(\d{6})", server.read_until("sign_in_code"))

    assert found is not None

    answer = post(server, "sessions.create", {"email": "owner@localhost", "code": found.group(1)}, **DASHBOARD)

    assert 200 == answer.status_code
    assert "owner@localhost" not in server.printed


def test_a_new_link_while_the_server_runs(server: LiveServer) -> None:
    """`sumac sign-in` prints an address and nothing else, which works once."""
    run = run_sumac(["sign-in", "--port", server.url.rpartition(":")[2], *where(server.data_dir, None)])
    token = run.stdout.strip().partition("#link=")[2]

    assert f"{server.url}/sign-in#link={token}\n" == run.stdout
    assert 200 == post(server, "sessions.create", {"link": token}, **DASHBOARD).status_code
    assert 401 == post(server, "sessions.create", {"link": token}, **DASHBOARD).status_code


def test_what_a_server_always_serves(server: LiveServer) -> None:
    """The document of its operations, and whether it is well."""
    document = httpx.get(f"{server.url}/openapi.json", timeout=SECONDS).json()

    assert {"status": "ok"} == httpx.get(f"{server.url}/health", timeout=SECONDS).json()
    assert "/v1/balances.track" in document["paths"]
    assert 200 == httpx.get(f"{server.url}/docs", timeout=SECONDS).status_code
