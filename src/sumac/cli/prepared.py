"""A database that is ready to be used: migrated, and with an organization in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sumac.app import Parts, build
from sumac.config import ConfigError, Settings
from sumac.organizations import service as organizations
from sumac.organizations.model import Organization
from sumac.storage.database import UnreachableError
from sumac.storage.migrate import migrate

OWNER_ONLY = 0o700
DATABASES = ("postgresql", "postgres", "sqlite")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The parts, the oldest organization, and a one-time token that signs its owner in if it was just made."""

    parts: Parts
    organization: Organization
    link_token: str | None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """The parts over a migrated database; the data folder is made when missing, readable by its owner only.

    Raises ConfigError when there is no such database.
    """
    if settings.database_url is not None and not settings.database_url.startswith(DATABASES):
        message = "--database-url must look like postgresql://user:password@host/name"
        raise ConfigError(message)
    if settings.database_url is None and not settings.data_dir.exists():
        settings.data_dir.mkdir(parents=True)
        settings.data_dir.chmod(OWNER_ONLY)
    parts = build(settings)
    try:
        await parts.services.database.check_reachable()
        await migrate(parts.services.database)
        yield parts
    except UnreachableError as error:
        message = f"The database cannot be opened: {error}"
        raise ConfigError(message) from error
    finally:
        await parts.close()


@asynccontextmanager
async def prepared(settings: Settings, *, slug: str = "default", name: str = "Default") -> AsyncIterator[Prepared]:
    """The parts with at least one organization; an empty database gets one of this slug and name."""
    async with opened(settings) as parts:
        async with parts.services.database.system() as system:
            organization = await organizations.find_first_organization(system)
            token = None
            if organization is None:
                organization, owner = await organizations.create_organization(
                    system,
                    slug=slug,
                    name=name,
                    owner_email=settings.owner_email,
                )
                token = await organizations.create_link_token(system, owner.id)
        yield Prepared(parts, organization, token)
