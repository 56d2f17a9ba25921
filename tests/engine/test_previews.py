"""Do what the preview announced, and retry only what failed (R52)."""

import pytest

from gradesync_sandbox import world
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.random_changes import change_at_random


async def compare(harness: DistrictHarness) -> None:
    """Expect a sync to do exactly what the preview just before it announced."""
    preview = await harness.outcomes_by_cell(await harness.sync(dry_run=True))
    assert await harness.outcomes_by_cell(await harness.sync()) == preview


async def test_R52_preview_predicts_absent_students(harness: DistrictHarness) -> None:
    dropped = harness.students[0]
    harness.world.powerschool.drop(harness.room.students[dropped], harness.room.sis)
    await compare(harness)


@pytest.mark.parametrize("seed", range(4))
async def test_R52_sync_does_what_the_preview_announced(environment: Environment, seed: int) -> None:
    async with environment.open_district(world.build(seed, 1, 12, 9)) as harness:
        await compare(harness)
        change_at_random(harness, seed)
        await compare(harness)


async def test_R52_retry_touches_only_what_failed(harness: DistrictHarness) -> None:
    dropped, item = harness.students[0], harness.items[0]
    student = harness.room.students[dropped]
    harness.world.powerschool.drop(student, harness.room.sis)
    failed = await harness.sync()
    harness.world.powerschool.enroll(student, harness.room.sis)
    before = harness.part(item).name
    harness.edit(item, title="Renamed since")
    retried = await harness.sync(retry_of=failed.id)
    assert retried.status == "complete"
    assert before in harness.table()
    assert harness.table()[before][student.dcid] is not None
