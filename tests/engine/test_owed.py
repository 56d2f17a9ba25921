"""Send owed scores again with every sync, at the cost of a call or two."""

from harness.assertions import assert_synced_well
from harness.district import DistrictHarness


async def test_owed_scores_cost_a_roster_a_sync(harness: DistrictHarness) -> None:
    sis, room = harness.world.powerschool, harness.room
    gone = harness.students[0]
    await assert_synced_well(harness)
    sis.drop(room.students[gone], room.sis)
    for item in harness.items:
        harness.grade(item, gone, 1)
    assert (await harness.sync()).status == "failed"
    for _ in range(3):
        harness.forget_calls()
        sync = await harness.sync()
        outcomes = await harness.outcomes_by_cell(sync)
        assert {reason for _, reason in outcomes.values()} == {"student-not-in-sis-section"}
        calls = harness.world.powerschool.log.counts()
        assert sum(calls.values()) - calls["assignment.list"] <= 2  # its page, and the empty one after it
    sis.enroll(room.students[gone], room.sis)
    await assert_synced_well(harness)
    assert harness.sis_text(harness.items[0], gone) == "1"


async def test_scores_owed_for_a_locked_term_cost_one_call(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    harness.world.powerschool.lock_term(harness.room.term)
    harness.grade(harness.items[0], harness.students[0], 1)
    assert (await harness.sync()).status == "failed"
    harness.forget_calls()
    assert (await harness.sync()).status == "failed"
    calls = harness.world.powerschool.log.counts()
    assert sum(calls.values()) - calls["assignment.list"] <= 1
    harness.world.powerschool.lock_term(harness.room.term, locked=False)
    await assert_synced_well(harness)


async def test_preview_fails_scores_owed_for_absence(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    room = harness.room
    harness.world.powerschool.drop(room.students[uid], room.sis)
    await harness.sync()
    preview = await harness.outcomes_by_cell(await harness.sync(dry_run=True))
    assert preview[item.id, uid] == ("failed", "student-not-in-sis-section")
