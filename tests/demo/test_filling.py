"""Making the demo: once, whole, and again from the start when it was cut short."""

from pathlib import Path

import pytest

from sumac.app import Parts, build
from sumac.cli.demo.cast import CAST
from sumac.cli.demo.play import Progress
from sumac.config import Settings
from sumac.core.tenant import Env, Tenant
from sumac.organizations import service as organizations
from sumac.storage.migrate import migrate
from sumac.storage.schema import tenant_tables
from tests.demo.books import fill, read

SOME = CAST[::5]
HALF = 40


class CutShortError(Exception):
    """The process ended here."""


async def cut_short(parts: Parts) -> None:
    """Begins to make a demo and ends amid it, as a killed process leaves it."""
    said: list[Progress] = []

    def say(progress: Progress) -> None:
        said.append(progress)
        if len(said) == HALF:
            raise CutShortError

    with pytest.raises(CutShortError):
        await fill(parts, SOME, say)


async def test_what_was_cut_short_is_made_anew(parts: Parts, tmp_path: Path) -> None:
    """After a start that was cut short the next one makes the same demo as a start that was not."""
    undisturbed = build(Settings(data_dir=tmp_path / "undisturbed"), parts.services.database.clock)
    await migrate(undisturbed.services.database)
    expected = await read(undisturbed, await fill(undisturbed, SOME))
    await undisturbed.close()

    await cut_short(parts)
    made = await read(parts, await fill(parts, SOME))
    async with parts.services.database.system_reading() as system:
        oldest = await organizations.find_first_organization(system)

    assert expected.told() == made.told()
    assert made.organization == oldest


async def test_it_is_made_once(parts: Parts) -> None:
    """A start that finds a demo leaves it as it is."""
    first = await read(parts, await fill(parts, SOME))
    again = await read(parts, await fill(parts, SOME))

    assert first == again


async def test_nothing_is_left_of_a_deleted_organization(parts: Parts) -> None:
    """Deleting an organization leaves no row of it in any table."""
    database = parts.services.database
    await cut_short(parts)
    async with database.system() as system:
        unfinished = await organizations.find_first_organization(system)
        assert unfinished is not None
        await organizations.delete_organization(system, unfinished.id)
    async with database.reading(Tenant(unfinished.id, Env.SANDBOX)) as work:
        left = {table.name: len(await work.all(work.select(table))) for table in tenant_tables()}
    async with database.system_reading() as system:
        organization = await organizations.find_first_organization(system)
        owner = await organizations.find_owner(system, unfinished.id)

    assert {0} == set(left.values()), left
    assert (None, None) == (organization, owner)
