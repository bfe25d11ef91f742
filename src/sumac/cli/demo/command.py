"""`sumac demo`: as `sumac serve`, on an organization with three months of believable history."""

import sys
from pathlib import Path
from typing import Unpack

import click

from sumac.app import Parts
from sumac.cli.demo.filling import ensure_filled
from sumac.cli.demo.play import Progress
from sumac.cli.options import ServingChoices, runs, serving_options
from sumac.cli.prepared import opened
from sumac.cli.serve import listen, serve_until_stopped
from sumac.config import ConfigError, Settings, read_smtp
from sumac.core.tenant import Env
from sumac.logs import configure_logs
from sumac.organizations import service as organizations
from sumac.organizations.model import Organization

DATA_DIR = Path("data-demo")
KEY_NAME = "Demo"
WIDTH = 80
SHOWN_CUSTOMER = "northgate-logistics"


@click.command()
@serving_options(DATA_DIR)
@runs
async def demo(*, jobs: bool, **choices: Unpack[ServingChoices]) -> None:
    """As serve, on an organization with customers, plans, usage and invoices.

    The first start makes them, in the sandbox of an organization called "demo"; later ones find them as they were left.
    Every start prints a link to sign in and a fresh secret key, and ends the key of the start before.
    """
    configure_logs(as_json=False)
    bound, settings = listen(Settings(**choices, smtp=read_smtp()))
    async with opened(settings) as parts:
        told = _Told()
        organization = await ensure_filled(parts.services, owner_email=settings.owner_email, say=told.hear)
        told.finish()
        link, secret = await _welcome(parts, organization)
        ready = _ready_text(settings.address, link, secret)
        await serve_until_stopped(parts, bound, jobs=jobs, ready=ready)


class _Told:
    """One line that says how far the demo has come: rewritten in place on a terminal, else one line for each month."""

    def __init__(self) -> None:
        self._in_place = sys.stdout.isatty()
        self._shown = ""
        self._last: Progress | None = None

    def hear(self, progress: Progress) -> None:
        """Shows the progress when a new day, or without a terminal a new month, has come."""
        self._last = progress
        when = f"{progress.at:%d %B %Y}" if self._in_place else f"{progress.at:%B %Y}"
        if when != self._shown:
            self._shown = when
            self._show(when, progress)

    def finish(self) -> None:
        """Ends the line, if there is one."""
        if self._last is not None:
            self._show("done", self._last)
            if self._in_place:
                click.echo()

    def _show(self, when: str, progress: Progress) -> None:
        counts = f"customers {progress.customers}, events {progress.events:,}, invoices {progress.invoices}"
        text = f"Making the demo, once: {when}: {counts}"
        click.echo(f"\r{text:<{WIDTH}}" if self._in_place else text, nl=not self._in_place)


async def _welcome(parts: Parts, organization: Organization) -> tuple[str, str]:
    """A one-time token that signs the owner in, and a secret key that takes the place of the last start's."""
    async with parts.services.database.system() as system:
        owner = await organizations.find_owner(system, organization.id)
        if owner is None:
            message = f"Organization {organization.slug} has no owner"
            raise ConfigError(message)
        token = await organizations.create_link_token(system, owner.id)
        await organizations.revoke_keys(system, organization.id, name=KEY_NAME)
        secret = await organizations.create_key(system, organization.id, Env.SANDBOX, name=KEY_NAME)
    return token, secret


def _ready_text(address: str, token: str, secret: str) -> str:
    body = f'{{"customer_id": "{SHOWN_CUSTOMER}"}}'
    return "\n".join(
        (
            f"Sumac is ready at {address}",
            f"  Dashboard (signs you in once, within 15 minutes):  {address}/sign-in#link={token}",
            f"  API:  {address}/v1   described at {address}/docs",
            "  Try it:",
            f"    curl -s {address}/v1/customers.get -H 'Authorization: Bearer {secret}' -d '{body}'",
            f"  Sandbox API key:  {secret}",
        ),
    )
