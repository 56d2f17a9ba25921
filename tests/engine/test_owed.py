"""Scores that are owed: tried again by every sync at the cost of one call, and not promised."""

from harness.assertions import well
from harness.district import Stage


async def test_owed_scores_cost_one_call_a_sync_while_nothing_changes(stage: Stage) -> None:
    sis, room = stage.world.powerschool, stage.room
    gone = stage.students[0]
    await well(stage)
    sis.drop(room.students[gone], room.sis)
    for item in stage.items:
        stage.grade(item, gone, 1)
    assert (await stage.sync()).status == "failed"
    for _ in range(3):
        stage.forget_calls()
        sync = await stage.sync()
        told = await stage.told(sync)
        assert {reason for _, reason in told.values()} == {"student-not-in-sis-section"}
        calls = stage.world.powerschool.log.counts()
        assert sum(calls.values()) - calls["assignment.list"] <= 1
    sis.enroll(room.students[gone], room.sis)
    await well(stage)
    assert stage.held(stage.items[0], gone) == "1"


async def test_owed_for_another_reason_costs_one_call_a_sync(stage: Stage) -> None:
    await well(stage)
    stage.world.powerschool.lock_term(stage.room.term)
    stage.grade(stage.items[0], stage.students[0], 1)
    assert (await stage.sync()).status == "failed"
    stage.forget_calls()
    assert (await stage.sync()).status == "failed"
    calls = stage.world.powerschool.log.counts()
    assert sum(calls.values()) - calls["assignment.list"] <= 1
    stage.world.powerschool.lock_term(stage.room.term, locked=False)
    await well(stage)


async def test_a_preview_does_not_promise_what_is_owed_for_absence(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    room = stage.room
    stage.world.powerschool.drop(room.students[uid], room.sis)
    await stage.sync()
    preview = await stage.told(await stage.sync(dry_run=True))
    assert preview[item.id, uid] == ("failed", "student-not-in-sis-section")
