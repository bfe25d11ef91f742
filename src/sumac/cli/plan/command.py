"""`sumac plan`: features and plans as a file that is kept in git."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from sumac.cli.plan.checked import find_problems
from sumac.cli.plan.document import to_document, to_request
from sumac.cli.plan.server import Server
from sumac.cli.plan.words import NOTHING, describe
from sumac.cli.plan.yaml_text import UnreadableError, read_yaml, write_yaml
from sumac.config import DEFAULT_HOST, DEFAULT_PORT

DEFAULT_FILE = Path("sumac.yaml")
HEAD = "# What is sold. Change it here, then: sumac plan push\n"
Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def plan() -> None:
    """Features and plans as a file, so that pricing lives in git."""


def _server_options(command: Command) -> Command:
    command = click.option(
        "--file",
        "path",
        type=click.Path(dir_okay=False, path_type=Path),
        default=DEFAULT_FILE,
        show_default=True,
        help="The file, in YAML.",
    )(command)
    command = click.option(
        "--secret-key",
        envvar="SUMAC_SECRET_KEY",
        required=True,
        help="A secret key; it says which organization and which environment.  [env: SUMAC_SECRET_KEY]",
    )(command)
    return click.option(
        "--url",
        envvar="SUMAC_URL",
        default=f"http://{DEFAULT_HOST}:{DEFAULT_PORT}",
        show_default=True,
        help="The server's address.  [env: SUMAC_URL]",
    )(command)


@plan.command()
@_server_options
def pull(*, url: str, secret_key: str, path: Path) -> None:
    """Write the server's features and plans to the file, in place of what stands there.

    The same catalogue gives the same bytes, so that a difference in git is a difference in what is sold.
    """
    server = Server(url, secret_key)
    features = server.call("features.list", {})["list"]
    plans = server.call("plans.list", {"include_archived": True})["list"]
    path.write_text(HEAD + write_yaml(to_document(features, plans)), encoding="utf-8")
    click.echo(f"{path}: {len(features)} features and {len(plans)} plans of the {server.name}")


@plan.command()
@_server_options
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--yes", is_flag=True, help="Do not ask before changing.")
def push(*, url: str, secret_key: str, path: Path, dry_run: bool, yes: bool) -> None:
    """Make the server's features and plans what the file says: all of it, or nothing if any of it is refused.

    First it says what changes and asks. A changed price, item or trial makes a new version of a plan that customers
    hold; they stay on theirs. What the file does not name is removed, or archived where it is in use.
    """
    wanted = to_request(_read(path))
    server = Server(url, secret_key)
    preview = server.call("catalog.preview_update", wanted)
    features = server.call("features.list", {})["list"]
    plans = server.call("plans.list", {"include_archived": True})["list"]
    changes = describe(preview, features, plans)
    for line in changes or [NOTHING]:
        click.echo(line)
    if not changes or dry_run:
        return
    if not yes:
        click.confirm(f"Change this in the {server.name}?", abort=True)
    server.call("catalog.update", wanted)
    click.echo(f"Done in the {server.name}")


def _read(path: Path) -> dict[str, Any]:
    """The file's features and plans. Raises click.ClickException with the line of each problem."""
    try:
        read = read_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"{path} is not there; `sumac plan pull` writes it"
        raise click.ClickException(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8"
        raise click.ClickException(message) from error
    except UnreadableError as error:
        message = f"{path}:{error.line}: {error}"
        raise click.ClickException(message) from error
    problems = find_problems(read)
    if problems:
        message = "\n".join(f"{path}:{line}: {problem}" for line, problem in problems)
        raise click.ClickException(message)
    document: dict[str, Any] = read.value
    return document
