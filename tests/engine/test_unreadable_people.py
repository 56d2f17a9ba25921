"""Call nobody not enrolled whose enrollment could not be read, and lose none of their scores (R27a, R36)."""

from collections.abc import AsyncIterator

import pytest

from gradesync.db.syncs import Sync
from gradesync_sandbox import world
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment

HOUR = 3600.0
GARBLED = [{"status": None}, {"status": ""}, {"status": "active"}, {"admin": "yes"}, {"school_uid": []}]
NOBODYS = [{"uid": None}, {"uid": "abc"}, {"id": None}]


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide two assignments and four students, points in every cell, all synced an hour ago."""
    async with environment.open_district(world.build(7, 1, 4, 2, ideal=True)) as harness:
        assert (await harness.sync()).status == "complete"
        harness.world.schoology.advance_clock(HOUR)
        yield harness


def garble(harness: DistrictHarness, uids: list[int], fields: dict[str, object]) -> None:
    """Let Schoology list the enrollments of some students with other fields."""
    section = harness.room.section
    garbled = {section.enrollment_of(uid).id: fields for uid in uids}
    harness.world.schoology.switches.garbled_enrollments = garbled


async def assert_recovers(harness: DistrictHarness) -> None:
    """Expect the next sync, of enrollments that are readable again, to bring everything."""
    harness.world.schoology.switches.garbled_enrollments = {}
    sync = await harness.sync()
    assert (sync.status, sync.result, harness.differences()) == ("complete", "all-sent", [])


async def sync_as_previewed(
    harness: DistrictHarness, fields: dict[str, object], mode: str
) -> tuple[Sync, dict[tuple[int, int | None], tuple[str, str | None]]]:
    """Sync after two students got a score and the first one's enrollment became unreadable, as previewed."""
    item, uid, other = harness.items[0], harness.students[0], harness.students[1]
    for each in (uid, other):
        harness.grade(item, each, 3)
    garble(harness, [uid], fields)
    preview = await harness.outcomes_by_cell(await harness.sync(mode=mode, dry_run=True))
    sync = await harness.sync(mode=mode)
    assert await harness.outcomes_by_cell(sync) == preview
    return sync, preview


@pytest.mark.parametrize("fields", GARBLED, ids=str)
@pytest.mark.parametrize("mode", ["full", "changes"])
async def test_R27a_an_unreadable_enrollment_is_not_ended(
    harness: DistrictHarness, fields: dict[str, object], mode: str
) -> None:
    item, uid, other = harness.items[0], harness.students[0], harness.students[1]
    sync, preview = await sync_as_previewed(harness, fields, mode)
    assert preview[item.id, uid] == ("failed", "row-unreadable")
    assert (sync.result, sync.scores["failed"], sync.scores["cleared"]) == ("needs-attention", 1, 0)
    assert harness.sis_text(item, other) == "3"
    assert await find_false_claims(harness, sync) == []
    harness.world.schoology.advance_clock(HOUR)
    later = await harness.sync()
    assert (later.scores["failed"], later.result) == (1, "needs-attention")
    await assert_recovers(harness)


@pytest.mark.parametrize("fields", NOBODYS, ids=str)
@pytest.mark.parametrize("mode", ["full", "changes"])
async def test_R49_an_enrollment_of_nobody_makes_the_roster_partial(
    harness: DistrictHarness, fields: dict[str, object], mode: str
) -> None:
    item, other = harness.items[0], harness.students[1]
    sync, preview = await sync_as_previewed(harness, fields, mode)
    reasons = {reason for result, reason in preview.values() if result in {"failed", "skipped"}}
    assert (reasons, sync.result) == ({"partial-read"}, "needs-attention")
    assert harness.sis_text(item, other) == "3"
    await assert_recovers(harness)


@pytest.mark.parametrize("fields", [*GARBLED, *NOBODYS], ids=str)
@pytest.mark.parametrize("mode", ["full", "changes"])
async def test_R27a_a_class_that_cannot_be_read_is_not_all_sent(
    harness: DistrictHarness, fields: dict[str, object], mode: str
) -> None:
    harness.grade(harness.items[0], harness.students[0], 3)
    before = harness.table()
    garble(harness, harness.students, fields)
    sync = await harness.sync(mode=mode)
    assert (sync.result, sync.scores["skipped"], sync.scores["cleared"]) == ("needs-attention", 0, 0)
    assert harness.table() == before
    await assert_recovers(harness)


async def test_unreadable_enrollment_fails_nothing_that_is_not_due(harness: DistrictHarness) -> None:
    garble(harness, harness.students[:1], {"status": None})
    harness.forget_calls()
    for mode in ("full", "changes", "full"):
        sync = await harness.sync(mode=mode)
        assert (sync.result, sync.scores["failed"]) == ("all-sent", 0)
    assert harness.writes == []
    await assert_recovers(harness)


async def test_unreadable_enrollment_beside_an_ended_one_counts(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    former = harness.room.section.enrollment_of(uid).id
    schoology, section = harness.world.schoology, harness.room.section.id
    new = schoology.enroll_anew(section, uid).id
    schoology.end_enrollment(section, former)
    schoology.grade_enrollment(section, item.id, new, 3)
    schoology.switches.garbled_enrollments = {new: {"status": None}}
    sync = await harness.sync()
    assert (await harness.outcomes_by_cell(sync))[item.id, uid] == ("failed", "row-unreadable")
    schoology.switches.garbled_enrollments = {}
    await harness.sync()
    assert harness.sis_text(item, uid) == "3"


async def test_an_ended_enrollment_of_nobody_is_not_missed(harness: DistrictHarness) -> None:
    uid = harness.students[0]
    harness.world.schoology.drop_student(harness.room.section.id, uid)
    enrollment = next(e for e in harness.room.section.enrollments.values() if e.uid == uid)
    harness.world.schoology.switches.garbled_enrollments = {enrollment.id: {"uid": None}}
    sync = await harness.sync(mode="full")
    assert (sync.status, sync.warnings.get("partial-read", 0)) == ("complete", 0)


async def test_teacher_with_unreadable_enrollment_is_no_stranger(harness: DistrictHarness) -> None:
    admin = harness.room.section.enrollment_of(harness.room.teacher.uid)
    harness.world.schoology.switches.garbled_enrollments = {admin.id: {"status": None}}
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "partial-read")


async def test_R49_a_partial_roster_forgets_no_owed_score(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[-1]
    harness.world.powerschool.lock_term(harness.room.term)
    harness.grade(item, uid, 3)
    assert (await harness.sync()).scores["failed"] == 1
    harness.world.powerschool.lock_term(harness.room.term, locked=False)
    harness.world.schoology.advance_clock(HOUR)
    harness.grade(harness.items[1], harness.students[0], 4)
    harness.world.schoology.advance_clock(HOUR)
    garble(harness, [uid], {"id": None})
    await harness.sync()
    assert str(uid) in (await harness.ledger())[str(item.id)].owed
    await assert_recovers(harness)
