"""Kill `gradesync district move` at each step, as a failing machine does: one owner, and it goes on."""

import asyncio
import os
import signal
from dataclasses import replace

import pytest

from gradesync.db import migrate
from gradesync.db.cell_routes import list_owners
from gradesync.db.moving import MoveRefused, Step
from harness.cells import Cells, read_rows
from harness.commands import GRADESYNC, CommandResult, run_gradesync
from harness.every_table import fill
from harness.runtimes import settings_on
from harness.servers import Urls

STEPS: list[Step] = ["paused", "settled", "copied", "switched", "resumed"]
AT_SOURCE = {"paused", "settled", "copied"}


async def kill_at(cells: Cells, step: Step) -> None:
    """Run the command and kill it at once when it has printed a step."""
    process = await asyncio.create_subprocess_exec(
        *(GRADESYNC, "district", "move", "riverside", "--to", cells.east.migrate_database_url),
        env={**os.environ, **settings_on(cells.west).environment(), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(120):
        while step not in (await process.stdout.readline()).decode():
            assert process.returncode is None
        process.send_signal(signal.SIGKILL)
        assert await process.wait() in {-signal.SIGKILL, 0}  # after its last step it may have ended


async def run_again(cells: Cells, *options: str) -> CommandResult:
    """Run the command, once PostgreSQL has noticed the end of the one that was killed."""
    command = ("district", "move", "riverside", "--to", cells.east.migrate_database_url, *options)
    async with asyncio.timeout(120):
        while True:
            result = await run_gradesync(*command, environment=settings_on(cells.west).environment())
            if "Another move" not in result.err:
                return result


@pytest.mark.sample(2)
@pytest.mark.parametrize("step", STEPS)
async def test_move_killed_has_one_owner_and_goes_on(cells: Cells, step: Step) -> None:
    async with cells.west.owner() as owner:
        await fill(owner, "riverside")
    before = await read_rows(cells.west, "riverside")
    await kill_at(cells, step)
    # It was killed after this step; the next one may have been committed.
    where = await cells.find_owner("riverside")
    assert where == "east" or step in AT_SOURCE
    assert before <= await read_rows(cells.west if where == "west" else cells.east, "riverside")
    again = await run_again(cells)
    assert again.code == 0
    assert await cells.find_owner("riverside") == "east"
    assert before <= await read_rows(cells.east, "riverside")
    assert await read_rows(cells.west, "riverside") == set()


@pytest.mark.sample(1)
@pytest.mark.parametrize("step", ["paused", "settled", "copied"])
async def test_move_killed_is_aborted_or_over(cells: Cells, step: Step) -> None:
    async with cells.west.owner() as owner:
        await fill(owner, "riverside")
    before = await read_rows(cells.west, "riverside")
    await kill_at(cells, step)
    aborted = await run_again(cells, "--abort")
    where = await cells.find_owner("riverside")
    if where == "west":
        assert aborted.code == 0
        assert before <= await read_rows(cells.west, "riverside")
        assert await read_rows(cells.east, "riverside") == set()
    else:  # the switch had been committed
        assert (aborted.code, "has moved already" in aborted.err) == (1, True)
        assert before <= await read_rows(cells.east, "riverside")


async def test_copy_of_another_move_is_not_resumed(cells: Cells, fresh: Urls) -> None:
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
    async with cells.west.owner() as owner:
        await fill(owner, "riverside")
    north = replace(cells, east=fresh)
    await cells.break_off("riverside", "copied")
    await north.break_off("riverside", "switched")
    with pytest.raises(MoveRefused, match="from another database"):
        await cells.move("riverside")
    assert await north.move("riverside") == 0
    assert await north.find_owner("riverside") == "east"
    urls = {"east": cells.east.migrate_database_url, "north": fresh.migrate_database_url}
    assert (await list_owners(urls))["riverside"] == "north"
    async with replace(cells, west=fresh).open_move("riverside") as left:
        await left.abort()
    assert await read_rows(cells.east, "riverside") == set()
    assert await read_rows(fresh, "riverside") != set()
