"""Move a district that is at work: cut off anywhere it has one owner, and its next sync writes nothing."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event

from gradesync.db.session import Database
from gradesync.errors import RequestRefused
from harness.assertions import assert_synced_well
from harness.cells import BrokenOffError, Cells, read_rows
from harness.district import DistrictHarness
from harness.every_table import fill


@contextmanager
def cut_off(at: int) -> Iterator[list[str]]:
    """Raise at the statement of a number, and collect those before."""
    sent: list[str] = []

    def send(_: object, __: object, statement: str, *___: object) -> None:
        if len(sent) == at:
            raise BrokenOffError
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", send)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", send)


@pytest.mark.sample(2)
@pytest.mark.parametrize("share", range(2, 100, 7))
async def test_move_cut_off_anywhere_has_one_owner(cells: Cells, share: int) -> None:
    async with cells.west.owner() as owner:
        for district in ("riverside", "hilltop"):
            await fill(owner, district)
    before = await read_rows(cells.west, "riverside")
    with cut_off(-1) as whole:
        await cells.move("hilltop")
    with cut_off(len(whole) * share // 100), pytest.raises(BrokenOffError):
        await cells.move("riverside")
    where = await cells.find_owner("riverside")
    assert before <= await read_rows(cells.west if where == "west" else cells.east, "riverside")
    await cells.move("riverside")
    assert await cells.find_owner("riverside") == "east"
    assert before <= await read_rows(cells.east, "riverside")
    assert await read_rows(cells.west, "riverside") == set()


async def test_sync_after_a_move_under_load_writes_nothing(
    harness: DistrictHarness, cells: Cells, east_database: Database
) -> None:
    await harness.sync()
    harness.forget_calls()
    refused = asyncio.Event()

    async def work() -> None:
        """Sync again and again, until the pause of the move refuses a request."""
        while True:
            try:
                await harness.request(mode="full")
            except RequestRefused as error:
                if error.code != "syncs-paused":
                    raise
                refused.set()
                return
            await harness.run_queued()

    async with asyncio.TaskGroup() as both:
        both.create_task(work())
        both.create_task(cells.move(harness.district.id))
    assert refused.is_set()
    harness.context = replace(harness.context, database=east_database)
    await harness.run_queued()  # what the pause kept
    await assert_synced_well(harness)
    assert harness.writes == []
