"""What a person must approve first, what a preview shows, and what a retry takes."""

from collections.abc import AsyncIterator

import pytest

from gradesync.errors import RequestRefused
from gradesync_sandbox import world
from gradesync_sandbox.schoology.model import Mark
from harness.assertions import untrue
from harness.district import Stage
from harness.environment import Theatre


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Six assignments, ten students: sixty scores, all of them synced."""
    async with theatre.stage(world.build(7, 1, 10, 6, ideal=True)) as stage:
        assert (await stage.sync()).status == "complete"
        stage.forget_calls()
        yield stage


def clear(stage: Stage, scores: int) -> None:
    cells = [(item, uid) for item in stage.items for uid in stage.students]
    for item, uid in cells[:scores]:
        stage.clear(item, uid)


async def test_clearing_much_of_a_gradebook_stops_before_writing_and_goes_on_when_approved(
    stage: Stage,
) -> None:
    clear(stage, 19)
    before = stage.table()
    sync = await stage.sync()
    assert (sync.status, sync.error_code, sync.applied) == ("failed", "mass-change", "none")
    assert sync.guard is not None
    assert (sync.guard.sent, sync.guard.cleared, sync.guard.zeroed) == (60, 19, 0)
    assert await untrue(stage, sync) == []
    assert (stage.writes, stage.table()) == ([], before)
    approved = await stage.sync(approve=sync.fingerprint)
    assert (approved.status, approved.error_code) == ("complete", None)
    assert stage.differences() == []


async def test_another_plan_than_the_approved_one_writes_nothing_and_tells_its_own_fingerprint(
    stage: Stage,
) -> None:
    clear(stage, 19)
    first = await stage.sync()
    clear(stage, 20)
    second = await stage.sync(approve=first.fingerprint)
    assert (second.status, second.error_code) == ("failed", "plan-changed")
    assert second.fingerprint not in {None, first.fingerprint}
    assert stage.writes == []
    assert (await stage.sync(approve=second.fingerprint)).status == "complete"
    assert stage.differences() == []


async def test_zeros_out_of_missing_count_like_clears(stage: Stage) -> None:
    cells = [(item, uid) for item in stage.items for uid in stage.students]
    for item, uid in cells[:10]:
        stage.mark(item, uid, Mark.MISSING)
    for item, uid in cells[10:20]:
        stage.mark(item, uid, Mark.EXCUSED)
    sync = await stage.sync()
    assert sync.error_code == "mass-change"
    assert sync.guard is not None
    assert sync.guard.cleared + sync.guard.zeroed == 20


async def test_up_to_the_share_nobody_is_asked(stage: Stage) -> None:
    clear(stage, 18)
    assert (await stage.sync()).status == "complete"
    assert stage.differences() == []


async def test_changing_every_score_is_no_accident(stage: Stage) -> None:
    for item in stage.items:
        for uid in stage.students:
            stage.grade(item, uid, 3)
    assert (await stage.sync()).status == "complete"


async def test_recreating_much_of_a_gradebook_must_be_approved(stage: Stage) -> None:
    for item in stage.items[:2]:
        stage.delete_in_sis(item)
    sync = await stage.sync()
    assert sync.error_code == "mass-change"
    assert sync.guard is not None
    assert (sync.guard.known, sync.guard.recreated) == (6, 2)
    assert stage.writes == []
    assert (await stage.sync(approve=sync.fingerprint)).status == "complete"
    assert stage.differences() == []


async def test_a_preview_shows_the_plan_and_its_fingerprint_approves_it(stage: Stage) -> None:
    clear(stage, 25)
    preview = await stage.sync(dry_run=True)
    assert (preview.status, preview.applied, stage.writes) == ("complete", "none", [])
    assert preview.scores["cleared"] == 25
    assert (await stage.sync(approve=preview.fingerprint)).status == "complete"
    assert stage.differences() == []


async def test_a_fingerprint_that_no_sync_had_approves_nothing(stage: Stage) -> None:
    with pytest.raises(RequestRefused) as refused:
        await stage.request(approve="0" * 64)
    assert refused.value.code == "approval-not-possible"


async def test_a_preview_touches_nothing_and_holds_no_lock(stage: Stage) -> None:
    stage.grade(stage.items[0], stage.students[0], 1)
    stage.delete_in_sis(stage.items[1])
    new = stage.add("New")
    before = (await stage.ledger(), await stage.link(), stage.table())
    real = await stage.request()
    preview = await stage.request(dry_run=True)
    await stage.bound_passes()
    assert (await stage.get(real)).status == "failed"
    preview = await stage.sync(dry_run=True)
    assert (await stage.ledger(), await stage.link(), stage.table()) == before
    told = await stage.told(preview)
    assert told[new.id, None] == ("created", None)
    assert told[stage.items[1].id, None] == ("recreated", None)
    assert told[stage.items[0].id, stage.students[0]] == ("written", None)


async def test_a_preview_of_a_first_sync_touches_nothing(theatre: Theatre) -> None:
    async with theatre.stage(world.build(7, 1, 3, 2, ideal=True)) as stage:
        preview = await stage.sync(dry_run=True)
        assert (preview.status, preview.assignments["created"], preview.scores["written"]) == (
            "complete",
            2,
            6,
        )
        assert (await stage.ledger(), stage.writes, stage.table()) == ({}, [], {})


async def test_a_retry_takes_what_failed_at_todays_values_and_nothing_else(stage: Stage) -> None:
    sis, room = stage.world.powerschool, stage.room
    item, other = stage.items[:2]
    gone, stays = stage.students[:2]
    sis.drop(room.students[gone], room.sis)
    stage.grade(item, gone, 1)
    failed = await stage.sync()
    assert failed.status == "failed"
    sis.enroll(room.students[gone], room.sis)
    stage.grade(item, gone, 2)
    stage.grade(other, stays, 2)
    before = stage.held(other, stays)
    retried = await stage.sync(retry_of=failed.id)
    assert await stage.told(retried) == {(item.id, gone): ("written", None)}
    assert retried.scores["read"] == 1
    assert (stage.held(item, gone), stage.held(other, stays)) == ("2", before)
    assert (await stage.sync()).status == "complete"
    assert stage.differences() == []


async def test_a_retry_of_a_failed_assignment_takes_all_its_scores(stage: Stage) -> None:
    twin = stage.add(stage.items[0].title)
    stage.grade(twin, stage.students[0], 4)
    failed = await stage.sync()
    stage.edit(twin, title="Its own name")
    retried = await stage.sync(retry_of=failed.id)
    assert await stage.told(retried) == {
        (twin.id, None): ("created", None),
        (twin.id, stage.students[0]): ("written", None),
    }


async def test_one_sync_at_a_time_and_double_clicks_are_free(stage: Stage) -> None:
    first = await stage.request()
    with pytest.raises(RequestRefused) as refused:
        await stage.request()
    assert (refused.value.code, refused.value.extensions["sync_id"]) == ("sync-in-progress", first.id)
    assert (await stage.settled(first)).status == "complete"
    assert (await stage.sync()).status == "complete"
