"""Lose the source for good between a move's switch and its end: the target's copy goes on by hand."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from gradesync.db import audit
from gradesync.db.districts import COPY
from gradesync.db.session import Database
from harness.assertions import assert_synced_well
from harness.cells import Cells
from harness.commands import run_gradesync
from harness.district import DistrictHarness
from harness.runtimes import settings_on

OPERATIONS = Path(__file__).parents[2] / "docs/operations.md"
CLAIM = "UPDATE pause SET paused_by = 'operator' WHERE district_id = 'riverside' AND paused_by = '{}'"


async def test_copy_goes_on_without_its_source(
    harness: DistrictHarness, cells: Cells, east_database: Database
) -> None:
    await harness.sync()
    name, lost = harness.district.id, settings_on(cells.east).environment()
    await cells.break_off(name, "switched")
    refused = await run_gradesync("district", "resume", name, environment=lost)
    assert (refused.code, "is being moved" in refused.err) == (1, True)
    async with cells.east.owner() as owner:
        await owner.execute(text(CLAIM.format(COPY).replace("riverside", name)))
    resumed = await run_gradesync("district", "resume", name, environment=lost)
    assert resumed.code == 0
    harness.context = replace(harness.context, database=east_database)
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes == []
    async with east_database.district(name) as db:
        assert await audit.verify(db) is None


def test_operations_have_the_way_out_of_a_lost_source() -> None:
    assert CLAIM.format(COPY) in " ".join(OPERATIONS.read_text().split())
