"""`sumac migrate`: brings the database's tables up to this version."""

from pathlib import Path

import click

from sumac.cli.options import database_options, runs
from sumac.cli.prepared import opened
from sumac.config import Settings


@click.command()
@database_options()
@runs
async def migrate(*, data_dir: Path, database_url: str | None) -> None:
    """Bring the database's tables up to this version. `serve` does this by itself."""
    async with opened(Settings(data_dir=data_dir, database_url=database_url)):
        click.echo("The database is up to date.")
