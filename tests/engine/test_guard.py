"""Stop mass changes until they are approved, show previews, and retry what failed."""

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
    """Provide six assignments and ten students: sixty scores, all of them synced."""
    async with environment.open_district(world.build(7, 1, 10, 6, ideal=True)) as harness:
        assert (await harness.sync()).status == "complete"
        harness.forget_calls()
        yield harness


def clear(harness: DistrictHarness, scores: int) -> None:
    cells = [(item, uid) for item in harness.items for uid in harness.students]
    for item, uid in cells[:scores]:
        harness.clear(item, uid)


async def test_mass_clear_stops_until_approved(
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


async def test_changed_plan_after_approval_writes_nothing(
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


async def test_zeros_of_missing_count_like_clears(harness: DistrictHarness) -> None:
    cells = [(item, uid) for item in harness.items for uid in harness.students]
    for item, uid in cells[:10]:
        harness.mark(item, uid, Mark.MISSING)
    for item, uid in cells[10:20]:
        harness.mark(item, uid, Mark.EXCUSED)
    sync = await harness.sync()
    assert sync.error_code == "mass-change"
    assert sync.guard is not None
    assert sync.guard.cleared + sync.guard.zeroed == 20


async def test_changes_below_the_limit_need_no_approval(harness: DistrictHarness) -> None:
    clear(harness, 18)
    assert (await harness.sync()).status == "complete"
    assert harness.differences() == []


async def test_changing_every_score_needs_no_approval(harness: DistrictHarness) -> None:
    for item in harness.items:
        for uid in harness.students:
            harness.grade(item, uid, 3)
    assert (await harness.sync()).status == "complete"


async def test_mass_recreate_must_be_approved(harness: DistrictHarness) -> None:
    for item in harness.items[:2]:
        harness.delete_in_sis(item)
    sync = await harness.sync()
    assert sync.error_code == "mass-change"
    assert sync.guard is not None
    assert (sync.guard.known, sync.guard.recreated) == (6, 2)
    assert harness.writes == []
    assert (await harness.sync(approve=sync.fingerprint)).status == "complete"
    assert harness.differences() == []


async def test_preview_fingerprint_approves_its_plan(harness: DistrictHarness) -> None:
    clear(harness, 25)
    preview = await harness.sync(dry_run=True)
    assert (preview.status, preview.applied, harness.writes) == ("complete", "none", [])
    assert preview.scores["cleared"] == 25
    assert (await harness.sync(approve=preview.fingerprint)).status == "complete"
    assert harness.differences() == []


async def test_unknown_fingerprint_approves_nothing(harness: DistrictHarness) -> None:
    with pytest.raises(RequestRefused) as refused:
        await harness.request(approve="0" * 64)
    assert refused.value.code == "approval-not-possible"


async def test_preview_changes_nothing_and_blocks_nothing(harness: DistrictHarness) -> None:
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
    outcomes = await harness.outcomes_by_cell(preview)
    assert outcomes[new.id, None] == ("created", None)
    assert outcomes[harness.items[1].id, None] == ("recreated", None)
    assert outcomes[harness.items[0].id, harness.students[0]] == ("written", None)


async def test_preview_of_a_first_sync_changes_nothing(environment: Environment) -> None:
    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        preview = await harness.sync(dry_run=True)
        assert (preview.status, preview.assignments["created"], preview.scores["written"]) == (
            "complete",
            2,
            6,
        )
        assert (await harness.ledger(), harness.writes, harness.table()) == ({}, [], {})


async def test_retry_sends_only_what_failed_at_current_values(harness: DistrictHarness) -> None:
    sis, room = harness.world.powerschool, harness.room
    item, other_item = harness.items[:2]
    gone, stays = harness.students[:2]
    sis.drop(room.students[gone], room.sis)
    harness.grade(item, gone, 1)
    failed = await harness.sync()
    assert failed.status == "failed"
    sis.enroll(room.students[gone], room.sis)
    harness.grade(item, gone, 2)
    harness.grade(other_item, stays, 2)
    before = harness.sis_text(other_item, stays)
    retried = await harness.sync(retry_of=failed.id)
    assert await harness.outcomes_by_cell(retried) == {(item.id, gone): ("written", None)}
    assert retried.scores["read"] == 1
    assert (harness.sis_text(item, gone), harness.sis_text(other_item, stays)) == ("2", before)
    assert (await harness.sync()).status == "complete"
    assert harness.differences() == []


async def test_retry_of_a_failed_assignment_sends_all_its_scores(harness: DistrictHarness) -> None:
    twin = harness.add(harness.items[0].title)
    harness.grade(twin, harness.students[0], 4)
    failed = await harness.sync()
    harness.edit(twin, title="Its own name")
    retried = await harness.sync(retry_of=failed.id)
    assert await harness.outcomes_by_cell(retried) == {
        (twin.id, None): ("created", None),
        (twin.id, harness.students[0]): ("written", None),
    }


@pytest.mark.parametrize("overdue", [True, False])
async def test_retry_of_a_sync_that_stopped_names_it(harness: DistrictHarness, overdue: bool) -> None:
    """Stop a sync before it tries anything: no assignment or score is listed as failed."""
    if overdue:
        begun = await harness.request()
        await harness.pass_deadline()
        stopped = await harness.get(begun)
    else:
        harness.room.section.school_code = "no such code"
        stopped = await harness.sync()
    assert stopped.status == "failed"
    with pytest.raises(RequestRefused, match="Start a new sync") as refused:
        await harness.request(retry_of=stopped.id)
    assert refused.value.code == "retry-not-possible"


async def test_section_runs_one_sync_at_a_time(harness: DistrictHarness) -> None:
    first = await harness.request()
    with pytest.raises(RequestRefused) as refused:
        await harness.request()
    assert (refused.value.code, refused.value.extensions["sync_id"]) == ("sync-in-progress", first.id)
    assert (await harness.run_to_end(first)).status == "complete"
    assert (await harness.sync()).status == "complete"
