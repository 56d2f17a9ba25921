"""What a person must approve first, what a preview shows, and what a retry takes."""

from collections.abc import AsyncIterator

import pytest

from gradesync.errors import RequestRefused
from gradesync_sandbox import world
from gradesync_sandbox.schoology.model import Mark
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Six assignments, ten students: sixty scores, all of them synced."""
    async with environment.open_district(world.build(7, 1, 10, 6, ideal=True)) as harness:
        assert (await harness.sync()).status == "complete"
        harness.forget_calls()
        yield harness


def clear(harness: DistrictHarness, scores: int) -> None:
    cells = [(item, uid) for item in harness.items for uid in harness.students]
    for item, uid in cells[:scores]:
        harness.clear(item, uid)


async def test_clearing_much_of_a_gradebook_stops_before_writing_and_goes_on_when_approved(
    harness: DistrictHarness,
) -> None:
    clear(harness, 19)
    before = harness.table()
    sync = await harness.sync()
    assert (sync.status, sync.error_code, sync.applied) == ("failed", "mass-change", "none")
    assert sync.guard is not None
    assert (sync.guard.sent, sync.guard.cleared, sync.guard.zeroed) == (60, 19, 0)
    assert await find_false_claims(harness, sync) == []
    assert (harness.writes, harness.table()) == ([], before)
    approved = await harness.sync(approve=sync.fingerprint)
    assert (approved.status, approved.error_code) == ("complete", None)
    assert harness.differences() == []


async def test_another_plan_than_the_approved_one_writes_nothing_and_tells_its_own_fingerprint(
    harness: DistrictHarness,
) -> None:
    clear(harness, 19)
    first = await harness.sync()
    clear(harness, 20)
    second = await harness.sync(approve=first.fingerprint)
    assert (second.status, second.error_code) == ("failed", "plan-changed")
    assert second.fingerprint not in {None, first.fingerprint}
    assert harness.writes == []
    assert (await harness.sync(approve=second.fingerprint)).status == "complete"
    assert harness.differences() == []


async def test_zeros_out_of_missing_count_like_clears(harness: DistrictHarness) -> None:
    cells = [(item, uid) for item in harness.items for uid in harness.students]
    for item, uid in cells[:10]:
        harness.mark(item, uid, Mark.MISSING)
    for item, uid in cells[10:20]:
        harness.mark(item, uid, Mark.EXCUSED)
    sync = await harness.sync()
    assert sync.error_code == "mass-change"
    assert sync.guard is not None
    assert sync.guard.cleared + sync.guard.zeroed == 20


async def test_up_to_the_share_nobody_is_asked(harness: DistrictHarness) -> None:
    clear(harness, 18)
    assert (await harness.sync()).status == "complete"
    assert harness.differences() == []


async def test_changing_every_score_is_no_accident(harness: DistrictHarness) -> None:
    for item in harness.items:
        for uid in harness.students:
            harness.grade(item, uid, 3)
    assert (await harness.sync()).status == "complete"


async def test_recreating_much_of_a_gradebook_must_be_approved(harness: DistrictHarness) -> None:
    for item in harness.items[:2]:
        harness.delete_in_sis(item)
    sync = await harness.sync()
    assert sync.error_code == "mass-change"
    assert sync.guard is not None
    assert (sync.guard.known, sync.guard.recreated) == (6, 2)
    assert harness.writes == []
    assert (await harness.sync(approve=sync.fingerprint)).status == "complete"
    assert harness.differences() == []


async def test_a_preview_shows_the_plan_and_its_fingerprint_approves_it(harness: DistrictHarness) -> None:
    clear(harness, 25)
    preview = await harness.sync(dry_run=True)
    assert (preview.status, preview.applied, harness.writes) == ("complete", "none", [])
    assert preview.scores["cleared"] == 25
    assert (await harness.sync(approve=preview.fingerprint)).status == "complete"
    assert harness.differences() == []


async def test_a_fingerprint_that_no_sync_had_approves_nothing(harness: DistrictHarness) -> None:
    with pytest.raises(RequestRefused) as refused:
        await harness.request(approve="0" * 64)
    assert refused.value.code == "approval-not-possible"


async def test_a_preview_touches_nothing_and_holds_no_lock(harness: DistrictHarness) -> None:
    harness.grade(harness.items[0], harness.students[0], 1)
    harness.delete_in_sis(harness.items[1])
    new = harness.add("New")
    before = (await harness.ledger(), await harness.link(), harness.table())
    real = await harness.request()
    preview = await harness.request(dry_run=True)
    await harness.pass_deadline()
    assert (await harness.get(real)).status == "failed"
    preview = await harness.sync(dry_run=True)
    assert (await harness.ledger(), await harness.link(), harness.table()) == before
    told = await harness.outcomes_by_cell(preview)
    assert told[new.id, None] == ("created", None)
    assert told[harness.items[1].id, None] == ("recreated", None)
    assert told[harness.items[0].id, harness.students[0]] == ("written", None)


async def test_a_preview_of_a_first_sync_touches_nothing(environment: Environment) -> None:
    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        preview = await harness.sync(dry_run=True)
        assert (preview.status, preview.assignments["created"], preview.scores["written"]) == (
            "complete",
            2,
            6,
        )
        assert (await harness.ledger(), harness.writes, harness.table()) == ({}, [], {})


async def test_a_retry_takes_what_failed_at_todays_values_and_nothing_else(harness: DistrictHarness) -> None:
    sis, room = harness.world.powerschool, harness.room
    item, other = harness.items[:2]
    gone, stays = harness.students[:2]
    sis.drop(room.students[gone], room.sis)
    harness.grade(item, gone, 1)
    failed = await harness.sync()
    assert failed.status == "failed"
    sis.enroll(room.students[gone], room.sis)
    harness.grade(item, gone, 2)
    harness.grade(other, stays, 2)
    before = harness.sis_text(other, stays)
    retried = await harness.sync(retry_of=failed.id)
    assert await harness.outcomes_by_cell(retried) == {(item.id, gone): ("written", None)}
    assert retried.scores["read"] == 1
    assert (harness.sis_text(item, gone), harness.sis_text(other, stays)) == ("2", before)
    assert (await harness.sync()).status == "complete"
    assert harness.differences() == []


async def test_a_retry_of_a_failed_assignment_takes_all_its_scores(harness: DistrictHarness) -> None:
    twin = harness.add(harness.items[0].title)
    harness.grade(twin, harness.students[0], 4)
    failed = await harness.sync()
    harness.edit(twin, title="Its own name")
    retried = await harness.sync(retry_of=failed.id)
    assert await harness.outcomes_by_cell(retried) == {
        (twin.id, None): ("created", None),
        (twin.id, harness.students[0]): ("written", None),
    }


async def test_one_sync_at_a_time_and_double_clicks_are_free(harness: DistrictHarness) -> None:
    first = await harness.request()
    with pytest.raises(RequestRefused) as refused:
        await harness.request()
    assert (refused.value.code, refused.value.extensions["sync_id"]) == ("sync-in-progress", first.id)
    assert (await harness.run_to_end(first)).status == "complete"
    assert (await harness.sync()).status == "complete"
