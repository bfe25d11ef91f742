"""The command line: `sumac serve`, `sumac demo` and what an operator needs beside them."""

import click

from sumac.cli.demo.command import demo
from sumac.cli.documents import openapi
from sumac.cli.keys import keys
from sumac.cli.migrate import migrate
from sumac.cli.organizations import organizations
from sumac.cli.plan.command import plan
from sumac.cli.serve import serve
from sumac.cli.sign_in import sign_in
from sumac.cli.worker import worker


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sumac")
def main() -> None:
    """Customers, plans, usage and invoices for software companies, in one process."""


for command in (serve, demo, worker, migrate, organizations, keys, sign_in, plan, openapi):
    main.add_command(command)
