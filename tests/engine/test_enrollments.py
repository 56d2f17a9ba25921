"""Join what a student has under several enrollments, and take back nothing that nobody took back."""

from collections.abc import AsyncIterator

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.schoology.model import ACTIVE, ARCHIVED
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide two assignments and four students, points in every cell, all of it synced."""
    async with environment.open_district(world.build(7, 1, 4, 2, ideal=True)) as harness:
        assert (await harness.sync()).status == "complete"
        harness.forget_calls()
        yield harness


def enroll_again(harness: DistrictHarness, uid: int) -> int:
    """Enroll a student once more, and return the enrollment that was there before."""
    former = harness.room.section.enrollment_of(uid).id
    harness.world.schoology.enroll_anew(harness.room.section.id, uid)
    return former


async def test_R38_a_student_who_comes_back_keeps_the_scores(harness: DistrictHarness) -> None:
    item, uid, before = harness.items[0], harness.students[0], harness.table()
    former = enroll_again(harness, uid)
    harness.world.schoology.end_enrollment(harness.room.section.id, former)
    sync = await harness.sync()
    assert (sync.status, sync.scores["cleared"], harness.table()) == ("complete", 0, before)
    assert await find_false_claims(harness, sync) == []
    assert await harness.warnings(sync) == {(each.id, uid): ["never-scored-here"] for each in harness.items}
    harness.grade(item, uid, 3)
    again = await harness.sync()
    assert harness.sis_text(item, uid) == "3"
    assert (await harness.warnings(again))[item.id, uid] == ["several-enrollments"]
    assert harness.sis_text(harness.items[1], uid) is not None


async def test_R38_a_student_who_was_gone_for_a_sync_keeps_the_scores(harness: DistrictHarness) -> None:
    item, uid, before = harness.items[0], harness.students[0], harness.table()
    schoology, section = harness.world.schoology, harness.room.section.id
    schoology.drop_student(section, uid)
    await harness.sync()
    schoology.enroll_anew(section, uid)
    sync = await harness.sync()
    assert (sync.status, sync.scores["cleared"], harness.table()) == ("complete", 0, before)
    assert await harness.warnings(sync) == {(each.id, uid): ["never-scored-here"] for each in harness.items}
    harness.grade(item, uid, 3)
    await harness.sync()
    assert harness.sis_text(item, uid) == "3"
    assert (await harness.sync(mode="full")).scores["cleared"] == 0


async def test_R38_a_blank_in_the_new_enrollment_clears(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    former = enroll_again(harness, uid)
    harness.world.schoology.end_enrollment(harness.room.section.id, former)
    harness.world.schoology.advance_clock(5)
    harness.clear(item, uid)
    sync = await harness.sync()
    assert (await harness.outcomes_by_cell(sync))[item.id, uid] == ("cleared", None)
    assert harness.sis_text(item, uid) is None


@pytest.mark.parametrize("keeps", [True, False], ids=["rows stay", "rows go"])
@pytest.mark.parametrize("mode", ["full", "changes"])
async def test_R38_an_older_blank_clears_nothing(harness: DistrictHarness, mode: str, keeps: bool) -> None:
    schoology, section = harness.world.schoology, harness.room.section
    item, uid = harness.add("Comment first"), harness.students[0]
    first = section.enrollment_of(uid)
    schoology.comment(section.id, item.id, uid, "see me")
    schoology.advance_clock(5)
    second = schoology.enroll_anew(section.id, uid)
    first.status = ARCHIVED
    schoology.grade_enrollment(section.id, item.id, second.id, 8)
    await harness.sync()
    assert harness.sis_text(item, uid) == "8"
    schoology.switches.dropped_keep_grades = keeps
    first.status, second.status = ACTIVE, ARCHIVED
    preview = await harness.outcomes_by_cell(await harness.sync(mode=mode, dry_run=True))
    sync = await harness.sync(mode=mode)
    assert await harness.outcomes_by_cell(sync) == preview
    assert (sync.scores["cleared"], harness.sis_text(item, uid)) == (0, "8")
    assert (await harness.warnings(sync))[item.id, uid] == ["never-scored-here"]
    schoology.advance_clock(5)
    harness.clear(item, uid)
    assert (await harness.sync()).scores["cleared"] == 1
    assert harness.sis_text(item, uid) is None


async def test_R38_a_blank_that_is_owed_clears_though_it_is_old(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    enroll_again(harness, uid)
    harness.world.schoology.advance_clock(5)
    harness.clear(item, uid)
    harness.world.powerschool.lock_term(harness.room.term)
    assert (await harness.sync()).scores["failed"] == 1
    harness.world.powerschool.lock_term(harness.room.term, locked=False)
    harness.world.schoology.advance_clock(5)
    harness.grade(harness.items[1], harness.students[1], 1)
    await harness.sync(assignments=[str(harness.items[1].id)])
    assert (await harness.sync(mode="full")).scores["cleared"] == 1
    assert harness.sis_text(item, uid) is None


@pytest.mark.parametrize("mode", ["full", "changes"])
async def test_R38_renumbered_enrollments_clear_nothing(harness: DistrictHarness, mode: str) -> None:
    before = harness.table()
    harness.world.schoology.renumber_enrollments(harness.room.section.id)
    sync = await harness.sync(mode=mode)
    assert (sync.status, sync.scores["read"], harness.table()) == ("complete", 8, before)
    assert sync.warnings == {"never-scored-here": 8}
    assert harness.writes == []


async def test_R38_renumbered_enrollments_change_nothing(harness: DistrictHarness) -> None:
    harness.world.schoology.renumber_enrollments(harness.room.section.id, keep_cells=True)
    sync = await harness.sync()
    assert (sync.status, dict(sync.warnings), sync.scores["unchanged"]) == ("complete", {}, 8)


async def test_R39_the_score_of_the_older_enrollment_is_sent(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    former = enroll_again(harness, uid)
    harness.world.schoology.grade_enrollment(harness.room.section.id, item.id, former, 3)
    sync = await harness.sync()
    assert (await harness.outcomes_by_cell(sync))[item.id, uid] == ("written", None)
    assert (sync.status, harness.sis_text(item, uid)) == ("complete", "3")


async def test_R53_two_accounts_of_one_school_id_name_each_other(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    schoology, section = harness.world.schoology, harness.room.section.id
    twin = schoology.add_second_account(uid).uid
    schoology.enroll_anew(section, twin)
    for each, points in ((uid, 3), (twin, 4)):
        harness.grade(item, each, points)
    before = harness.sis_text(item, uid)
    sync = await harness.sync()
    failed = {int(row.student_id): row for row in await harness.outcomes(sync) if row.student_id}
    assert {row.reason for row in failed.values()} == {"school-id-shared"}
    assert {key: row.detail for key, row in failed.items()} == {uid: str(twin), twin: str(uid)}
    assert (sync.status, harness.sis_text(item, uid)) == ("failed", before)


async def test_R53_an_ended_second_account_shares_no_school_id(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    schoology, section = harness.world.schoology, harness.room.section.id
    twin = schoology.add_second_account(uid).uid
    schoology.end_enrollment(section, schoology.enroll_anew(section, twin).id)
    harness.grade(item, uid, 3)
    sync = await harness.sync()
    assert (await harness.outcomes_by_cell(sync))[item.id, uid] == ("written", None)
