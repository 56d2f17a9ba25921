"""Test the rules about syncs by their numbers, each through whole syncs between both systems."""

import pytest

from gradesync_sandbox import world
from harness.assertions import find_false_claims, sync_checked
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.oracle import derive_demands


async def test_all_rules_hold_at_once_in_a_troubled_district(environment: Environment) -> None:
    async with environment.open_district(world.build(7, 3, 24, 36)) as harness:
        for room in harness.world.classrooms:
            sync = await harness.sync(room)
            assert await find_false_claims(harness, sync) == []
            assert harness.differences(room) == []
            outcomes = await harness.outcomes_by_cell(sync)
            wanted = derive_demands(harness.world, room)
            for item, reason in wanted.left_out.items():
                assert outcomes[item, None][1] == reason
            created = {
                item for (item, uid), (result, _) in outcomes.items() if (uid, result) == (None, "created")
            }
            assert created == wanted.columns.keys()


async def test_R16_only_sections_of_the_sis_sync(environment: Environment) -> None:
    async with environment.open_district(world.build(7, 1, 4, 3)) as harness:
        manual = harness.world.manual
        assert manual is not None
        harness.room.section = manual
        sync = await harness.sync()
        assert (sync.status, sync.error_code) == ("failed", "section-not-from-sis")
        assert harness.writes == []


async def test_R17_an_assignment_switched_off_stays_in_the_sis(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    await sync_checked(harness)
    before = harness.sis_text(item, uid)
    await harness.opt_out(item)
    harness.grade(item, uid, "1.5")
    outcomes = await sync_checked(harness)
    assert outcomes[item.id, None] == ("skipped", "opted-out")
    assert harness.sis_text(item, uid) == before
    await harness.opt_out(item, opted_out=False)
    await sync_checked(harness)
    assert harness.sis_text(item, uid) == "1.5"


async def test_R18_later_syncs_write_only_changes(harness: DistrictHarness) -> None:
    await sync_checked(harness)
    harness.forget_calls()
    sync = await harness.sync()
    assert (sync.status, harness.writes) == ("complete", [])
    item, uid = harness.items[1], harness.students[2]
    harness.grade(item, uid, "0.1")
    await sync_checked(harness)
    assert [(row.value, row.effect) for row in harness.world.powerschool.log.score_rows()] == [
        ("0.1", "written")
    ]


async def test_R19_deleting_deletes_nothing_and_restoring_goes_on(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    await sync_checked(harness)
    before = harness.table()
    harness.world.schoology.delete_assignment(harness.room.section.id, item.id)
    await sync_checked(harness)
    assert harness.table() == before
    harness.grade(item, uid, 4)
    harness.world.schoology.restore_assignment(harness.room.section.id, item.id)
    harness.forget_calls()
    await sync_checked(harness)
    assert harness.created == 0
    assert harness.differences() == []


async def test_R20_deleted_in_the_sis_is_created_again_with_all_scores(harness: DistrictHarness) -> None:
    item = harness.items[0]
    await sync_checked(harness)
    harness.delete_in_sis(item)
    outcomes = await sync_checked(harness)
    assert outcomes[item.id, None] == ("recreated", None)
    assert [outcomes[item.id, uid] for uid in harness.students] == [("written", None)] * 4
    assert harness.differences() == []


async def test_R20_missing_from_the_list_alone_proves_nothing(harness: DistrictHarness) -> None:
    await sync_checked(harness)
    gradebook = harness.world.powerschool.gradebook
    for assignment in gradebook.of_section(harness.room.sis):
        gradebook.hide_from_lists(assignment)
    harness.grade(harness.items[0], harness.students[0], 6)
    harness.forget_calls()
    await sync_checked(harness)
    assert harness.writes == ["score.write"]
    assert harness.differences() == []


@pytest.mark.parametrize("status", [404, 500])
async def test_R20_both_signs_of_a_deletion_are_understood(harness: DistrictHarness, status: int) -> None:
    harness.world.powerschool.switches.gone_status = 404 if status == 404 else 500
    await sync_checked(harness)
    harness.delete_in_sis(harness.items[2])
    assert (await sync_checked(harness))[harness.items[2].id, None] == ("recreated", None)


async def test_R21_nothing_flows_to_schoology(harness: DistrictHarness) -> None:
    await sync_checked(harness)
    harness.type_in_sis(harness.items[0], harness.students[0], 2)
    await sync_checked(harness, mode="full")
    asked = {(call.method, call.kind) for call in harness.world.schoology.log.calls}
    assert {kind for method, kind in asked if method != "GET"} <= {"multiget"}


async def test_R21_a_full_sync_restores_edits_and_warns(
    harness: DistrictHarness,
) -> None:
    item, uid = harness.items[0], harness.students[0]
    await sync_checked(harness)
    before = harness.sis_text(item, uid)
    harness.type_in_sis(item, uid, 2)
    await sync_checked(harness)
    assert harness.sis_text(item, uid) == "2"
    sync = await harness.sync(mode="full")
    assert harness.sis_text(item, uid) == before
    assert (await harness.warnings(sync))[item.id, uid] == ["edited-in-sis"]


async def test_R22_only_a_course_admin_of_the_section_syncs(harness: DistrictHarness) -> None:
    stranger = await harness.run_to_end(await harness.request(asker=str(harness.world.admin.uid)))
    assert (stranger.status, stranger.error_code) == ("failed", "not-course-admin")
    student = await harness.run_to_end(await harness.request(asker=str(harness.students[0])))
    assert (student.status, student.error_code) == ("failed", "not-course-admin")
    assert harness.writes == []


async def test_R30_a_locked_term_has_its_reason(harness: DistrictHarness) -> None:
    await sync_checked(harness)
    harness.world.powerschool.lock_term(harness.room.term)
    item, uid = harness.items[0], harness.students[0]
    harness.grade(item, uid, 5)
    new = harness.add("In a locked term")
    outcomes = await sync_checked(harness)
    assert outcomes[new.id, None] == ("failed", "term-locked")
    assert outcomes[item.id, uid] == ("failed", "term-locked")
    harness.world.powerschool.lock_term(harness.room.term, locked=False)
    await sync_checked(harness)
    assert harness.differences() == []


async def test_R30_a_teacher_without_the_section_has_a_reason(
    harness: DistrictHarness,
) -> None:
    await sync_checked(harness)
    harness.world.powerschool.unassign_teacher(harness.room.sis_teacher, harness.room.sis)
    harness.grade(harness.items[0], harness.students[0], 5)
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "teacher-not-in-sis-section")


async def test_R30_a_refused_field_is_named(harness: DistrictHarness) -> None:
    harness.world.powerschool.plugin.granted["assignmentscore", "*"] = "ViewOnly"
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "sis-permission-missing")
    assert "ASSIGNMENTSCORE" in sync.error_detail
    assert await find_false_claims(harness, sync) == []
