"""`sumac sign-in`: a one-time link for the owner."""

from pathlib import Path

import click

from sumac.cli.options import database_options, runs, server_options
from sumac.cli.prepared import prepared
from sumac.config import ConfigError, Settings
from sumac.organizations import service as organizations


@click.command("sign-in")
@server_options
@database_options()
@click.option("--organization", "slug", metavar="SLUG", help="Which organization; the first one when left out.")
@runs
async def sign_in(
    *,
    host: str,
    port: int,
    public_url: str | None,
    data_dir: Path,
    database_url: str | None,
    slug: str | None,
) -> None:
    """Print a link that signs the organization's owner in: once, within 15 minutes."""
    settings = Settings(data_dir=data_dir, database_url=database_url, host=host, port=port, public_url=public_url)
    async with prepared(settings) as made:
        organization = made.organization
        async with made.parts.services.database.system() as system:
            if slug is not None:
                organization = await organizations.get_organization(system, slug)
            owner = await organizations.find_owner(system, organization.id)
            if owner is None:
                message = f"Organization {organization.slug} has no owner"
                raise ConfigError(message)
            token = await organizations.create_link_token(system, owner.id)
    click.echo(f"{settings.address}/sign-in#link={token}")
