"""Move a district between two cells at work, as processes behind the proxy, while their clients go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import text

from gradesync.cli import operator
from gradesync.db.session import Database
from harness.cell_load import CellLoad, invent_district
from harness.cells import Cells
from harness.haproxy import installed
from harness.servers import Urls
from harness.two_cells import TwoCells, run_two_cells

SYNCS = text("SELECT id::text, status FROM sync WHERE district_id = :district")
# Sections of each district, and its cell; the first one moves.
DISTRICTS = ((2, "west"), (1, "west"), (1, "east"))


@asynccontextmanager
async def open_loads(two: TwoCells) -> AsyncIterator[list[CellLoad]]:
    """Serve the districts, each with its clients, at which nobody works yet."""
    async with AsyncExitStack() as stack:
        loads = []
        for number, (sections, cell) in enumerate(DISTRICTS):
            processes = two.of(cell)
            here = await stack.enter_async_context(processes.serve(invent_district(number, sections)))
            reader = partial(operator.create_client, district_id=here.district_id, scopes=["syncs:read"])
            loads.append(CellLoad(here, await operator.run_with(processes.settings, reader)))
        await two.route()
        yield loads


async def list_syncs(cell: Urls, load: CellLoad) -> dict[str, str]:
    """Return the status of each sync that a cell has of the district."""
    async with cell.owner() as owner:
        rows = await owner.execute(SYNCS, {"district": load.here.district_id})
        return {row.id: row.status for row in rows}


async def move_at_work(two: TwoCells, loads: list[CellLoad]) -> list[str]:
    """Move the first district while all clients work, and return the steps of the move."""
    async with asyncio.TaskGroup() as group:
        for load in loads:
            group.create_task(load.run())
        await asyncio.gather(*(load.wait_for_rounds(2) for load in loads))
        loads[0].moving = True
        steps = await two.move(loads[0].here.district_id)
        await two.route()
        loads[0].moving = False
        await asyncio.gather(*(load.wait_for_rounds(2) for load in loads))
        for load in loads:
            load.stopping.set()
    return steps


@installed
async def test_move_under_load_disturbs_nobody(cells: Cells, database: Database, tmp_path: Path) -> None:
    async with run_two_cells(cells, tmp_path) as two, open_loads(two) as loads:
        steps = await move_at_work(two, loads)
        assert steps[-3:] == ["copied", "switched", "resumed"]
        moved, *others = loads
        assert [load.wrong for load in loads] == [[], [], []]
        assert all(set(load.answers) == {"200", "202"} for load in others)
        assert set(moved.answers) > {"200", "202"}  # it was asked while it moved
        assert [await load.sync_again() for load in loads] == [[], [], []]
        for load, (west, east) in zip(loads, ((0, 1), (1, 0), (0, 1)), strict=True):
            complete = dict.fromkeys(load.accepted, "complete")
            assert await list_syncs(cells.west, load) == (complete if west else {})
            assert await list_syncs(cells.east, load) == (complete if east else {})
        settled = await two.west.count_settled() + await two.east.count_settled()
        assert settled == sum(len(load.accepted) for load in loads)
