"""The rules about syncs by their numbers, each through whole syncs between both systems."""

import pytest

from gradesync_sandbox import world
from harness.assertions import synced, untrue
from harness.district import Stage
from harness.environment import Theatre
from harness.oracle import demands


async def test_all_rules_at_once_in_a_troubled_district(theatre: Theatre) -> None:
    async with theatre.stage(world.build(7, 3, 24, 36)) as stage:
        for room in stage.world.classrooms:
            sync = await stage.sync(room)
            assert await untrue(stage, sync) == []
            assert stage.differences(room) == []
            told = await stage.told(sync)
            wanted = demands(stage.world, room)
            for item, reason in wanted.left_out.items():
                assert told[item, None][1] == reason
            created = {
                item for (item, uid), (result, _) in told.items() if (uid, result) == (None, "created")
            }
            assert created == wanted.columns.keys()


async def test_R16_only_sections_of_the_sis_sync(theatre: Theatre) -> None:
    async with theatre.stage(world.build(7, 1, 4, 3)) as stage:
        manual = stage.world.manual
        assert manual is not None
        stage.room.section = manual
        sync = await stage.sync()
        assert (sync.status, sync.error_code) == ("failed", "section-not-from-sis")
        assert stage.writes == []


async def test_R17_an_assignment_switched_off_stays_as_it_is_in_the_sis(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    await synced(stage)
    before = stage.held(item, uid)
    await stage.opt_out(item)
    stage.grade(item, uid, "1.5")
    told = await synced(stage)
    assert told[item.id, None] == ("skipped", "opted-out")
    assert stage.held(item, uid) == before
    await stage.opt_out(item, opted_out=False)
    await synced(stage)
    assert stage.held(item, uid) == "1.5"


async def test_R18_a_second_sync_writes_nothing_and_a_third_only_changes(stage: Stage) -> None:
    await synced(stage)
    stage.forget_calls()
    sync = await stage.sync()
    assert (sync.status, stage.writes) == ("complete", [])
    item, uid = stage.items[1], stage.students[2]
    stage.grade(item, uid, "0.1")
    await synced(stage)
    assert [(row.value, row.effect) for row in stage.world.powerschool.log.score_rows()] == [
        ("0.1", "written")
    ]


async def test_R19_deleting_deletes_nothing_and_restoring_goes_on(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    await synced(stage)
    before = stage.table()
    stage.world.schoology.delete_assignment(stage.room.section.id, item.id)
    await synced(stage)
    assert stage.table() == before
    stage.grade(item, uid, 4)
    stage.world.schoology.restore_assignment(stage.room.section.id, item.id)
    stage.forget_calls()
    await synced(stage)
    assert stage.created == 0
    assert stage.differences() == []


async def test_R20_deleted_in_the_sis_is_created_again_with_all_scores(stage: Stage) -> None:
    item = stage.items[0]
    await synced(stage)
    stage.delete_in_sis(item)
    told = await synced(stage)
    assert told[item.id, None] == ("recreated", None)
    assert [told[item.id, uid] for uid in stage.students] == [("written", None)] * 4
    assert stage.differences() == []


async def test_R20_missing_from_the_list_alone_proves_nothing(stage: Stage) -> None:
    await synced(stage)
    gradebook = stage.world.powerschool.gradebook
    for assignment in gradebook.of_section(stage.room.sis):
        gradebook.hide_from_lists(assignment)
    stage.grade(stage.items[0], stage.students[0], 6)
    stage.forget_calls()
    await synced(stage)
    assert stage.writes == ["score.write"]
    assert stage.differences() == []


@pytest.mark.parametrize("status", [404, 500])
async def test_R20_both_ways_of_saying_deleted_are_understood(stage: Stage, status: int) -> None:
    stage.world.powerschool.switches.gone_status = 404 if status == 404 else 500
    await synced(stage)
    stage.delete_in_sis(stage.items[2])
    assert (await synced(stage))[stage.items[2].id, None] == ("recreated", None)


async def test_R21_nothing_flows_to_schoology(stage: Stage) -> None:
    await synced(stage)
    stage.type_in_sis(stage.items[0], stage.students[0], 2)
    await synced(stage, mode="full")
    asked = {(call.method, call.kind) for call in stage.world.schoology.log.calls}
    assert {kind for method, kind in asked if method != "GET"} <= {"multiget"}


async def test_R21_a_full_sync_puts_right_what_was_edited_in_the_sis_and_says_so(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    await synced(stage)
    before = stage.held(item, uid)
    stage.type_in_sis(item, uid, 2)
    await synced(stage)
    assert stage.held(item, uid) == "2"
    sync = await stage.sync(mode="full")
    assert stage.held(item, uid) == before
    assert (await stage.warnings(sync))[item.id, uid] == ["edited-in-sis"]


async def test_R22_only_a_course_admin_of_the_section_syncs(stage: Stage) -> None:
    stranger = await stage.settled(await stage.request(asker=str(stage.world.admin.uid)))
    assert (stranger.status, stranger.error_code) == ("failed", "not-course-admin")
    student = await stage.settled(await stage.request(asker=str(stage.students[0])))
    assert (student.status, student.error_code) == ("failed", "not-course-admin")
    assert stage.writes == []


async def test_R30_a_locked_term_is_said_in_those_words(stage: Stage) -> None:
    await synced(stage)
    stage.world.powerschool.lock_term(stage.room.term)
    item, uid = stage.items[0], stage.students[0]
    stage.grade(item, uid, 5)
    new = stage.add("In a locked term")
    told = await synced(stage)
    assert told[new.id, None] == ("failed", "term-locked")
    assert told[item.id, uid] == ("failed", "term-locked")
    stage.world.powerschool.lock_term(stage.room.term, locked=False)
    await synced(stage)
    assert stage.differences() == []


async def test_R30_a_teacher_who_does_not_teach_there_is_said_in_those_words(stage: Stage) -> None:
    await synced(stage)
    stage.world.powerschool.unassign_teacher(stage.room.sis_teacher, stage.room.sis)
    stage.grade(stage.items[0], stage.students[0], 5)
    sync = await stage.sync()
    assert (sync.status, sync.error_code) == ("failed", "teacher-not-in-sis-section")


async def test_R30_a_refused_field_is_named(stage: Stage) -> None:
    stage.world.powerschool.plugin.granted["assignmentscore", "*"] = "ViewOnly"
    sync = await stage.sync()
    assert (sync.status, sync.error_code) == ("failed", "sis-permission-missing")
    assert "ASSIGNMENTSCORE" in sync.error_detail
    assert await untrue(stage, sync) == []
