"""`sumac worker`: the jobs alone, for more than one machine."""

import asyncio
import signal
from pathlib import Path

import click

from sumac.cli.options import database_options, runs
from sumac.cli.prepared import opened
from sumac.config import Settings, read_smtp
from sumac.logs import configure_logs


@click.command()
@database_options()
@click.option("--public-url", envvar="SUMAC_PUBLIC_URL", help="The address people reach the server at.")
@runs
async def worker(*, data_dir: Path, database_url: str | None, public_url: str | None) -> None:
    """Run the jobs alone: renewals, retries, cleaning up. Any number may run over one PostgreSQL."""
    configure_logs(as_json=False)
    settings = Settings(data_dir=data_dir, database_url=database_url, public_url=public_url, smtp=read_smtp())
    async with opened(settings) as parts:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, parts.worker.stop)
        click.echo("Sumac's jobs are running")
        await parts.worker.run()
