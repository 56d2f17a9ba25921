"""What may or may not have happened in the SIS: looked at, adopted, sent again where nobody can look."""

import asyncio

import pytest

from gradesync.sync.claim import claim_of
from gradesync.sync.run import perform
from gradesync_sandbox import world
from gradesync_sandbox.faults import Body, Hold, LoseAfter
from harness.assertions import well
from harness.district import Stage
from harness.environment import Theatre
from harness.faults import scores_are_unreadable, spoil_ledger


async def dies_at(stage: Stage, kind: str, *, done: bool) -> None:
    """A sync whose worker dies while it waits for the answer to a call, before or after it took effect.

    Nobody gives the sync back: its lease lapses.
    """
    stage.fault("powerschool", kind, Hold("before" if done else "after"))
    await stage.request()
    claimed = await claim_of(stage.engine, stage.district.id)
    assert claimed is not None
    working = asyncio.create_task(perform(stage.engine, claimed))
    await stage.faults.until_held()
    await stage.lose_lease()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    if done:
        stage.faults.release()


async def test_a_create_that_nobody_recorded_is_adopted(stage: Stage) -> None:
    await dies_at(stage, "assignment.create", done=True)
    assert stage.created == 1
    await stage.time_passes()
    await stage.carry()
    assert stage.differences() == []
    assert stage.created == 2


async def test_scores_that_nobody_recorded_are_read_back_and_adopted(stage: Stage) -> None:
    await dies_at(stage, "score.write", done=True)
    await stage.time_passes()
    await stage.carry()
    assert stage.differences() == []
    assert stage.world.powerschool.log.effects() == {"written": 6}


async def test_scores_that_nobody_recorded_are_sent_again_where_they_cannot_be_read(stage: Stage) -> None:
    scores_are_unreadable(stage)
    await dies_at(stage, "score.write", done=True)
    await stage.time_passes()
    await stage.carry()
    assert stage.differences() == []


async def test_a_lost_create_that_comes_late_is_found_by_its_clash_and_adopted(stage: Stage) -> None:
    stage.fault("powerschool", "assignment.create", LoseAfter())
    await well(stage)
    assert stage.created == 2


async def test_a_create_that_comes_too_late_is_reported_and_never_deleted(stage: Stage) -> None:
    stage.world.powerschool.switches.inferred.discard("duplicate")
    stage.fault("powerschool", "assignment.create", Hold("after"))
    sync = await stage.sync()
    assert sync.status == "complete"
    stage.faults.release()
    await stage.landed(3)
    after = await stage.sync()
    assert [list(codes) for codes in (await stage.warnings(after)).values()] == [["duplicate-in-sis"]]
    assert len(stage.table()) == 3
    assert "assignment.delete" not in stage.writes


async def test_a_score_that_a_dead_worker_overwrote_late_is_put_right(stage: Stage) -> None:
    await well(stage)
    item, uid = stage.items[0], stage.students[0]
    stage.grade(item, uid, 1)
    await dies_at(stage, "score.write", done=False)
    stage.grade(item, uid, 2)
    await stage.time_passes()
    await stage.carry()
    assert stage.held(item, uid) == "2"
    before = len(stage.world.powerschool.log.score_rows())
    stage.faults.clear()
    await stage.landed_rows(before + 1)
    assert stage.held(item, uid) == "1"
    await well(stage)
    assert stage.held(item, uid) == "2"


async def test_a_lost_update_is_looked_at_before_it_is_repeated(stage: Stage) -> None:
    await well(stage)
    stage.edit(stage.items[0], title="Another name")
    stage.fault("powerschool", "assignment.update", LoseAfter())
    stage.forget_calls()
    await well(stage)
    assert stage.writes.count("assignment.update") <= 2


@pytest.mark.parametrize("mode", ["changes", "full"])
async def test_one_wrong_empty_list_recreates_nothing(theatre: Theatre, mode: str) -> None:
    async with theatre.stage(world.build(7, 1, 3, 8, ideal=True)) as stage:
        await well(stage)
        stage.forget_calls()
        stage.fault(
            "powerschool",
            "assignment.list",
            Body("[]", headers={"content-type": "application/json"}),
            times=None,
        )
        sync = await stage.sync(mode=mode)
        assert (sync.status, stage.writes) == ("complete", [])


@pytest.mark.parametrize("status", [200, 403, 404, 500])
async def test_an_answer_that_proves_nothing_about_a_missing_assignment_stops(
    stage: Stage, status: int
) -> None:
    await well(stage)
    stage.forget_calls()
    for assignment in stage.world.powerschool.gradebook.of_section(stage.room.sis):
        stage.world.powerschool.gradebook.hide_from_lists(assignment)
    page = Body("<html>maintenance</html>", status=status, done=False)
    stage.fault("powerschool", "assignment.get", page, times=None)
    sync = await stage.sync()
    assert sync.status == "failed"
    assert sync.error_code in {"sis-unreadable", "upstream-unavailable", "sis-permission-missing"}
    assert stage.writes == []


async def test_a_ledger_that_cannot_be_read_ends_the_sync_at_once(stage: Stage) -> None:
    await stage.sync()
    await spoil_ledger(stage)
    sync = await stage.sync()
    assert (sync.status, sync.error_code) == ("failed", "internal-error")
