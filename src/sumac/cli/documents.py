"""`sumac openapi`: the API's description as a file."""

import json

import click

from sumac.app import build, create_app
from sumac.config import Settings


@click.command()
def openapi() -> None:
    """Print the API's OpenAPI document."""
    app = create_app(build(Settings()).services)
    click.echo(json.dumps(app.openapi(), indent=1, sort_keys=True))
