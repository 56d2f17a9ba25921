"""Syncs that stop midway: what was done is said, and what was not is failed and goes with the next one."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Status
from gradesync_sandbox.schoology.model import Mark
from harness.assertions import untrue
from harness.district import Stage
from harness.environment import Theatre

NO_ACCESS = Status(403, '{"message":"No access to field assignment.createdbyplugin"}')


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Two assignments, three students, all of it synced, one assignment a batch."""
    built = world.build(7, 1, 3, 2, ideal=True)
    built.powerschool.switches.spanning = False
    async with theatre.stage(built) as stage:
        assert (await stage.sync()).status == "complete"
        yield stage


async def test_scores_that_went_before_a_stop_are_written_and_the_others_were_not_attempted(
    stage: Stage,
) -> None:
    one, other = stage.items
    uid, incomplete, _ = stage.students
    for item in stage.items:
        stage.grade(item, uid, 1)
    stage.mark(one, incomplete, Mark.INCOMPLETE)
    stage.fault("powerschool", "score.write", NO_ACCESS, nth=2)
    sync = await stage.sync()
    assert (sync.error_code, sync.applied) == ("sis-permission-missing", "some")
    assert await untrue(stage, sync) == []
    assert await stage.told(sync) == {
        (one.id, uid): ("written", None),
        (one.id, incomplete): ("skipped", "incomplete-not-sent"),
        (other.id, uid): ("failed", "not-attempted"),
    }
    assert (await stage.told(await stage.sync()))[other.id, uid] == ("written", None)
    assert stage.differences() == []


async def test_what_a_stopped_sync_only_found_is_found_again(stage: Stage) -> None:
    item, (same, incomplete, _) = stage.items[0], stage.students
    stage.grade(item, same, 5)
    stage.type_in_sis(item, same, 5)
    stage.mark(item, incomplete, Mark.INCOMPLETE)
    new = stage.add("New")
    stage.fault("powerschool", "assignment.create", NO_ACCESS)
    sync = await stage.sync(mode="full")
    assert (sync.error_code, sync.applied) == ("sis-permission-missing", "none")
    assert await untrue(stage, sync) == []
    assert await stage.told(sync) == {
        (new.id, None): ("failed", "not-attempted"),
        (item.id, same): ("failed", "not-attempted"),
        (item.id, incomplete): ("skipped", "incomplete-not-sent"),
    }
    assert await stage.told(await stage.sync(mode="full")) == {
        (new.id, None): ("created", None),
        (item.id, same): ("adopted", None),
        (item.id, incomplete): ("skipped", "incomplete-not-sent"),
    }
