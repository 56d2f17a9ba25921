"""Do what the preview announced, and retry only what failed (R52)."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, settings

from gradesync.db.syncs import Sync
from harness.assertions import assert_synced_well
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.previews import check_worlds, compare
from harness.sis_kinds import POWERSCHOOL, ROSTER_KINDS, Kind


async def test_R52_preview_predicts_absent_students(harness: DistrictHarness) -> None:
    dropped = harness.students[0]
    harness.world.powerschool.drop(harness.room.students[dropped], harness.room.sis)
    await compare(harness)


async def test_R52_preview_predicts_students_who_are_back(harness: DistrictHarness) -> None:
    dropped = harness.room.students[harness.students[0]]
    harness.world.powerschool.drop(dropped, harness.room.sis)
    await compare(harness)
    await compare(harness)  # owed by now
    harness.world.powerschool.enroll(dropped, harness.room.sis)
    await compare(harness)
    assert harness.differences() == []


async def test_R52_preview_predicts_what_a_lock_refuses(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    locked, uid = harness.part(harness.items[0]), harness.students[0]
    harness.world.powerschool.gradebook.lock_assignment(locked)
    for item in harness.items:
        harness.grade(item, uid, 1)
    await compare(harness)
    one, other = (harness.sis_text(item, uid) for item in harness.items)
    assert (one != "1", other) == (True, "1")
    harness.world.powerschool.gradebook.lock_assignment(locked, locked=False)
    await assert_synced_well(harness)


async def test_R52_preview_predicts_creates_that_a_lock_refused(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    sis, term = harness.world.powerschool, harness.room.term
    late = harness.add("Late work")
    harness.grade(late, harness.students[0], 4)
    sis.lock_term(term)
    await harness.sync()
    refused = await harness.outcomes_by_cell(await compare(harness))
    assert refused[late.id, None] == ("failed", "term-locked")
    sis.lock_term(term, locked=False)
    made = await harness.outcomes_by_cell(await compare(harness))
    assert made[late.id, None] == ("created", None)


async def test_R52_preview_predicts_names_in_other_letters(harness: DistrictHarness) -> None:
    """Name two assignments alike but for letter case, which only the SIS takes for one name."""
    first, second = harness.items
    harness.edit(first, title="Lab report", due=second.due)
    harness.edit(second, title="LAB REPORT")
    await harness.sync()
    refused = await harness.outcomes_by_cell(await compare(harness))
    assert refused[second.id, None] == ("failed", "duplicate-name")
    harness.edit(first, title="Another report")
    made = await harness.outcomes_by_cell(await compare(harness))
    assert (made[first.id, None], made[second.id, None]) == (("updated", None), ("created", None))
    await assert_synced_well(harness)


@pytest.fixture
async def loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.mark.parametrize("kinds", [[POWERSCHOOL], ROSTER_KINDS], ids=["powerschool", "oneroster"])
def test_R52_sync_does_what_the_preview_announced(
    environment: Environment, loop: asyncio.AbstractEventLoop, kinds: Sequence[Kind], run_all: bool
) -> None:
    worlds = settings(max_examples=40 if run_all else 4, suppress_health_check=list(HealthCheck))
    check_worlds(environment, loop, kinds, worlds)


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


async def test_R52_retry_leaves_new_total_points_alone(harness: DistrictHarness) -> None:
    item, (dropped, other, *_) = harness.items[0], harness.students
    student = harness.room.students[dropped]
    harness.world.powerschool.drop(student, harness.room.sis)
    failed = await harness.sync()
    harness.world.powerschool.enroll(student, harness.room.sis)
    part, before = harness.part(item), harness.sis_text(item, other)
    total = part.scoreentrypoints
    harness.edit(item, max_points=item.max_points * 2)
    harness.grade(item, other, 1)
    retried = await harness.sync(retry_of=failed.id)
    assert (retried.status, part.scoreentrypoints, harness.sis_text(item, other)) == (
        "complete",
        total,
        before,
    )
    await assert_synced_well(harness)


async def fail_for_absence(harness: DistrictHarness) -> Sync:
    """Fail the scores of a student who is back in the SIS section afterwards."""
    student = harness.room.students[harness.students[0]]
    harness.world.powerschool.drop(student, harness.room.sis)
    failed = await harness.sync()
    harness.world.powerschool.enroll(student, harness.room.sis)
    return failed


async def test_R20_R52_retry_makes_a_deleted_column_whole(harness: DistrictHarness) -> None:
    """Delete a column before a student's scores are sent again: no half of it is called complete."""
    failed, item = await fail_for_absence(harness), harness.items[0]
    harness.delete_in_sis(item)
    retried = await compare(harness, retry_of=failed.id)
    assert (await harness.outcomes_by_cell(retried))[item.id, None] == ("recreated", None)
    assert (retried.status, harness.differences()) == ("complete", [])


async def test_R45_R52_retry_goes_on_after_a_reimport(harness: DistrictHarness) -> None:
    failed = await fail_for_absence(harness)
    harness.world.schoology.reimport_assignments(harness.room.section.id, None, with_grades=True)
    retried = await compare(harness, retry_of=failed.id)
    assert (retried.status, retried.result, retried.scores["written"]) == ("complete", "all-sent", 2)
    assert harness.differences() == []
