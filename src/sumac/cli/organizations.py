"""`sumac organizations`: companies that bill through this place."""

import re
from pathlib import Path

import click

from sumac.cli.options import database_options, runs
from sumac.cli.prepared import opened
from sumac.config import DEFAULT_OWNER, Settings
from sumac.organizations import service as organizations_service
from sumac.organizations.model import DEFAULT_CURRENCY

CODE = re.compile(r"[a-z]{3}")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@click.group()
def organizations() -> None:
    """Companies that bill through this place."""


def _read_slug(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not SLUG.fullmatch(value):
        message = "must be lower-case letters, numbers and single dashes, such as my-company"
        raise click.BadParameter(message)
    return value


def _read_currency(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not CODE.fullmatch(value):
        message = "must be a currency's code of three lower-case letters, such as eur"
        raise click.BadParameter(message)
    return value


@organizations.command()
@click.option("--slug", metavar="SLUG", required=True, callback=_read_slug, help="What commands call it.")
@click.option("--name", required=True, help="What people call it.")
@click.option(
    "--currency",
    metavar="CODE",
    default=DEFAULT_CURRENCY,
    show_default=True,
    callback=_read_currency,
    help="What its prices are in, for good; prices may be offered in others beside it.",
)
@click.option(
    "--owner-email", envvar="SUMAC_OWNER_EMAIL", default=DEFAULT_OWNER, show_default=True, help="Who owns it."
)
@database_options()
@runs
async def create(
    *, slug: str, name: str, currency: str, owner_email: str, data_dir: Path, database_url: str | None
) -> None:
    """Make an organization with a sandbox and a live environment, and print its slug, nothing else.

    Works also while the server runs.
    """
    settings = Settings(data_dir=data_dir, database_url=database_url)
    async with opened(settings) as parts, parts.services.database.system() as system:
        made, _ = await organizations_service.create_organization(
            system, slug=slug, name=name, owner_email=owner_email, currency=currency
        )
    click.echo(made.slug)
