"""Brings the schema to the newest revision, through the database's own engine and in one transaction."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from sumac.storage.database import Database

LOCATION = "sumac.storage:migrations"


async def migrate(database: Database) -> None:
    """Creates or upgrades the tables, or finds them up to date. Processes that start together take turns."""
    await database.change_schema(_upgrade)


async def current_revision(database: Database) -> str | None:
    """The revision the tables are at; None before the first."""
    return await database.read_schema(_revision)


def newest_revision() -> str | None:
    """The revision this version of the software works with."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", LOCATION)
    return config


def _upgrade(connection: sa.Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
