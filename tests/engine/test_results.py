"""Test what whole syncs come to: one honest answer, also where the status is complete."""

from gradesync.core.catalog import NO_ATTENTION, Attention
from gradesync_sandbox.faults import Status
from harness.assertions import find_false_claims
from harness.district import DistrictHarness


async def test_sync_that_sent_everything_is_all_sent(harness: DistrictHarness) -> None:
    for _ in range(2):
        sync = await harness.sync()
        assert (sync.status, sync.result, sync.attention) == ("complete", "all-sent", NO_ATTENTION)


async def test_sync_that_waits_has_no_result_yet(harness: DistrictHarness) -> None:
    sync = await harness.request()
    assert (sync.status, sync.result, sync.attention) == ("processing", None, None)


async def test_complete_sync_that_left_out_a_long_name_needs_attention(harness: DistrictHarness) -> None:
    harness.edit(harness.items[0], title="x" * 63)
    sync = await harness.sync()
    assert (sync.status, sync.result, sync.attention) == ("complete", "needs-attention", Attention(1, 0))
    (row,) = [row for row in await harness.outcomes(sync) if row.reason == "title-too-long"]
    assert (row.facts["length"], row.facts["name_max"]) == ("63", "50")
    assert await find_false_claims(harness, sync) == []


async def test_assignment_that_a_teacher_opted_out_is_no_problem(harness: DistrictHarness) -> None:
    await harness.opt_out(harness.items[0])
    sync = await harness.sync()
    assert (sync.result, sync.assignments["skipped"], sync.attention) == ("all-sent", 1, NO_ATTENTION)


async def test_one_absent_student_does_not_make_a_sync_failed(harness: DistrictHarness) -> None:
    student = harness.room.students[harness.students[0]]
    harness.world.powerschool.drop(student, harness.room.sis)
    sync = await harness.sync()
    assert (sync.status, sync.result) == ("failed", "needs-attention")
    assert sync.attention == Attention(0, sync.scores["failed"])


async def test_sync_that_could_not_send_anything_is_failed(harness: DistrictHarness) -> None:
    harness.world.powerschool.lock_term(harness.room.term)
    sync = await harness.sync()
    assert (sync.status, sync.result, sync.applied) == ("failed", "failed", "none")


async def test_sync_that_was_refused_is_failed(harness: DistrictHarness) -> None:
    harness.fault("schoology", "*", Status(403, "{}"), times=None)
    sync = await harness.sync()
    assert sync.error_code is not None
    assert (sync.result, sync.attention) == ("failed", NO_ATTENTION)


async def test_preview_comes_to_what_its_sync_comes_to(harness: DistrictHarness) -> None:
    harness.edit(harness.items[0], title="x" * 63)
    preview, sync = await harness.sync(dry_run=True), await harness.sync()
    assert (preview.result, preview.attention) == (sync.result, sync.attention)


async def test_guarded_sync_and_its_preview_are_for_review(harness: DistrictHarness) -> None:
    await harness.change_policy(guard_scores=1)
    await harness.sync()
    for item in harness.items:
        for uid in harness.students:
            harness.clear(item, uid)
    preview, sync = await harness.sync(dry_run=True), await harness.sync()
    assert (preview.status, preview.result) == ("complete", "stopped-for-review")
    assert (sync.status, sync.result) == ("failed", "stopped-for-review")


async def test_overdue_sync_that_sent_nothing_is_failed(harness: DistrictHarness) -> None:
    sync = await harness.request()
    await harness.pass_deadline()
    assert (await harness.get(sync)).result == "failed"


async def test_later_sync_knows_what_an_earlier_one_left_out(harness: DistrictHarness) -> None:
    item, student = harness.items[0], harness.students[0]
    harness.mark(item, student, 7)  # nobody knows what it means (R5)
    harness.world.schoology.users[harness.students[1]].school_uid = ""
    first = await harness.sync()
    later, preview = await harness.sync(), await harness.sync(dry_run=True)
    assert later.mode == "changes"
    assert {sync.result for sync in (first, later, preview)} == {"needs-attention"}
    assert later.attention == preview.attention == first.attention != NO_ATTENTION
    assert await find_false_claims(harness, later) == []
    harness.grade(item, student, 3)
    mended = await harness.sync()
    assert mended.attention is not None
    assert mended.attention.scores == first.attention.scores - 1  # type: ignore[union-attr]
    assert [row.reason for row in await harness.outcomes(mended) if row.reason] == [
        "student-not-from-sis" for _ in harness.items
    ]


async def test_blank_that_is_left_out_clears_nothing_later(harness: DistrictHarness) -> None:
    item, student = harness.items[0], harness.students[0]
    harness.clear(item, student)
    user = harness.world.schoology.users[student]
    number, user.school_uid = user.school_uid, ""
    await harness.sync()
    user.school_uid = number
    assert (await harness.sync()).scores["cleared"] == 0
