"""Test rules R35, R40 and R51 by their numbers: what was sent belongs to where it was sent, and is ours."""

from dataclasses import replace

import pytest

from gradesync.core.district import Match
from gradesync_sandbox.faults import RefuseBefore
from gradesync_sandbox.schoology.model import User
from harness.district import DistrictHarness

LEFT = "left-at-former-student"
LEFT_IN_SECTION = "left-in-former-section"


def user(harness: DistrictHarness, uid: int) -> User:
    return harness.world.schoology.users[uid]


def swap_ids(harness: DistrictHarness, one: int, other: int) -> None:
    """Swap the school ids of two accounts."""
    first, second = user(harness, one), user(harness, other)
    first.school_uid, second.school_uid = second.school_uid, first.school_uid


def held(harness: DistrictHarness) -> list[dict[int, str | None]]:
    return list(harness.table().values())


async def test_R40_each_record_holds_its_own_childs_scores(harness: DistrictHarness) -> None:
    ann, ben, *_ = harness.students
    for item in harness.items:
        harness.grade(item, ann, 3)
        harness.grade(item, ben, 4)
    swap_ids(harness, ann, ben)
    await harness.sync()
    swap_ids(harness, ann, ben)
    sync = await harness.sync()
    assert (sync.status, harness.differences()) == ("complete", [])
    assert LEFT not in sync.warnings


async def test_R40_a_former_record_is_named_and_left(harness: DistrictHarness) -> None:
    ann, ben, *_ = harness.students
    await harness.sync()
    former = harness.room.students.pop(ben)
    before = [scores[former.dcid] for scores in held(harness)]
    harness.room.students[ann], gone = former, harness.room.students[ann]
    user(harness, ann).school_uid = user(harness, ben).school_uid
    user(harness, ben).school_uid = ""
    kept = [scores[gone.dcid] for scores in held(harness)]
    sync = await harness.sync()
    rows = [row for row in await harness.outcomes(sync) if LEFT in row.warnings]
    assert {row.student_id for row in rows} == {str(ann)}
    assert sorted(row.detail for row in rows) == sorted(
        f"{harness.district.sis.name} student {gone.dcid} still has {points}" for points in kept
    )
    assert [scores[gone.dcid] for scores in held(harness)] == kept
    assert [scores[former.dcid] for scores in held(harness)] != before
    assert LEFT not in (await harness.sync()).warnings


async def test_R40_a_corrected_match_sends_to_the_right_records(harness: DistrictHarness) -> None:
    right = harness.district
    pupils = list(harness.room.students.values())
    for pupil, other in zip(pupils, reversed(pupils), strict=True):
        pupil.student_number = other.dcid
    wrong = replace(right.match, student_id="student_number")
    await harness.replace_district(replace(right, match=wrong))
    assert (await harness.sync()).status == "complete"
    assert harness.differences() != []
    await harness.replace_district(right)
    assert (await harness.sync()).status == "complete"
    assert harness.differences() == []


async def test_R40_a_new_account_of_a_student_sends_nothing_again(harness: DistrictHarness) -> None:
    await harness.sync()
    ann = harness.students[0]
    new = max(harness.world.schoology.users) + 1
    section, account = harness.room.section, user(harness, ann)
    harness.world.schoology.users[new] = replace(account, uid=new)
    account.school_uid = ""
    section.enrollment_of(ann).uid = new
    harness.room.students[new] = harness.room.students.pop(ann)
    harness.forget_calls()
    assert (await harness.sync()).status == "complete"
    assert harness.world.powerschool.log.score_rows() == []


async def test_R40_a_new_account_beside_the_ended_one_sends_nothing(harness: DistrictHarness) -> None:
    await harness.sync()
    former = harness.students[0]
    schoology, section = harness.world.schoology, harness.room.section
    new = schoology.add_second_account(former).uid
    schoology.enroll_anew(section.id, new)
    schoology.drop_student(section.id, former)
    for item in harness.items:
        points = section.cell(item.id, section.enrollment_of(former).id).grade
        assert points is not None
        harness.grade(item, new, points)
    harness.room.students[new] = harness.room.students.pop(former)
    harness.forget_calls()
    for mode in ("changes", "full"):
        sync = await harness.sync(mode=mode)
        assert (sync.status, dict(sync.warnings), harness.writes) == ("complete", {}, [])


@pytest.mark.parametrize("mode", ["changes", "full"])
async def test_R40_another_record_gets_all_scores(harness: DistrictHarness, mode: str) -> None:
    await harness.sync()
    sis, room, ann = harness.world.powerschool, harness.room, harness.students[0]
    former = room.students[ann]
    room.students[ann] = sis.add_student(sis.schools[min(sis.schools)])
    sis.enroll(room.students[ann], room.sis)
    account = user(harness, ann)
    account.school_uid = account.school_uid.replace(str(former.dcid), str(room.students[ann].dcid))
    sync = await harness.sync(mode=mode)
    assert (sync.status, harness.differences()) == ("complete", [])
    rows = [row for row in await harness.outcomes(sync) if LEFT in row.warnings]
    assert {(row.assignment_id, row.student_id) for row in rows} == {
        (str(item.id), str(ann)) for item in harness.items
    }
    assert all(f"PowerSchool student {former.dcid} still has" in row.detail for row in rows)


async def test_R40_ids_that_moved_around_a_circle_follow(harness: DistrictHarness) -> None:
    ann, ben, cam, *_ = harness.students
    for points, uid in enumerate((ann, ben, cam)):
        harness.grade(harness.items[0], uid, points)
    await harness.sync()
    for one, other in ((ann, ben), (ben, cam)):
        swap_ids(harness, one, other)
        room = harness.room.students
        room[one], room[other] = room[other], room[one]
    sync = await harness.sync()
    assert (sync.status, harness.differences()) == ("complete", [])


async def test_R40_a_corrected_section_pattern_names_what_is_left(harness: DistrictHarness) -> None:
    sis, room, right = harness.world.powerschool, harness.room, harness.district
    other = sis.split_section(room.sis, room.students.values())
    room.section.school_code = f"{room.section.school_code}-{other.dcid}"
    await harness.replace_district(replace(right, match=replace(right.match, section=r"^(\d+)-")))
    await harness.sync()
    await harness.replace_district(replace(right, match=replace(right.match, section=r"-(\d+)$")))
    room.sis = other
    sync = await harness.sync(mode="full")
    assert (sync.status, harness.differences()) == ("complete", [])
    assert sync.warnings[LEFT_IN_SECTION] == len(harness.items)


async def test_R40_a_former_section_is_named_once(harness: DistrictHarness) -> None:
    await harness.sync()
    sis, room, item = harness.world.powerschool, harness.room, harness.items[0]
    school = next(one for one in sis.schools.values() if one.school_number == room.sis.schoolid)
    room.sis = sis.add_section(school, sis.term_of(room.sis), room.sis_teacher)
    for student in room.students.values():
        sis.enroll(student, room.sis)
    room.section.school_code = str(room.sis.dcid)
    sync = await harness.sync()
    rows = [row for row in await harness.outcomes(sync) if LEFT_IN_SECTION in row.warnings]
    assert {row.assignment_id for row in rows} == {str(one.id) for one in harness.items}
    assert rows[0].detail.startswith(f"{harness.district.sis.name} assignment ")
    assert harness.sis_text(item, harness.students[0]) is not None
    assert LEFT_IN_SECTION not in (await harness.sync(mode="full")).warnings


async def test_R51_a_lost_first_write_is_no_edit(harness: DistrictHarness) -> None:
    harness.fault("powerschool", "score.write", RefuseBefore(), times=None)
    assert (await harness.sync()).status == "failed"
    harness.faults.clear()
    await harness.pass_time()
    sync = await harness.sync()
    assert (sync.status, harness.differences()) == ("complete", [])
    assert "edited-in-sis" not in sync.warnings


async def test_R35_a_number_of_two_records_names_neither(harness: DistrictHarness) -> None:
    sis = harness.world.powerschool
    for uid, student in harness.room.students.items():
        user(harness, uid).school_uid = f"1_{student.student_number}"
    ann, *_ = harness.students
    twin = sis.add_student(sis.schools[min(sis.schools)])
    twin.student_number = harness.room.students[ann].student_number
    await harness.replace_district(replace(harness.district, match=Match(student_id="student_number")))
    outcomes = await harness.outcomes_by_cell(await harness.sync())
    assert {outcomes[item.id, ann] for item in harness.items} == {("failed", "student-unmatched")}
    for item in harness.items:
        assert harness.sis_text(item, ann) in {None, ""}
