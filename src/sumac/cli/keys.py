"""`sumac keys`: secret keys for programs."""

from pathlib import Path

import click

from sumac.cli.options import database_options, runs
from sumac.cli.prepared import prepared
from sumac.config import Settings
from sumac.core.tenant import Env
from sumac.organizations import service as organizations


@click.group()
def keys() -> None:
    """Secret keys for programs."""


@keys.command()
@click.option(
    "--environment", type=click.Choice([env.value for env in Env]), required=True, help="Whose data it reaches."
)
@click.option("--organization", "slug", metavar="SLUG", help="Which organization; the first one when left out.")
@click.option("--name", default="Command line", show_default=True, help="What the key is for.")
@database_options()
@runs
async def create(*, environment: str, slug: str | None, name: str, data_dir: Path, database_url: str | None) -> None:
    """Make a secret key and print it, nothing else. It cannot be shown again.

    Works also while the server runs.
    """
    async with prepared(Settings(data_dir=data_dir, database_url=database_url)) as made:
        organization = made.organization
        async with made.parts.services.database.system() as system:
            if slug is not None:
                organization = await organizations.get_organization(system, slug)
            secret = await organizations.create_key(system, organization.id, Env(environment), name=name)
    click.echo(secret)
