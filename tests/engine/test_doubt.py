"""What may or may not have happened in the SIS: looked at, adopted, sent again where nobody can look."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from gradesync.sync.work import claim_of, perform
from gradesync_sandbox import world
from gradesync_sandbox.faults import Body, Hold, LoseAfter, Status
from stage import Stage, Theatre, untrue


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Two assignments, three students, nothing synced yet."""
    async with theatre.stage(world.build(7, 1, 3, 2, ideal=True)) as stage:
        yield stage


async def well(stage: Stage) -> None:
    """A sync that is complete, true, and leaves the SIS as the rules demand."""
    sync = await stage.sync()
    assert (sync.status, sync.error_code) == ("complete", None)
    assert await untrue(stage, sync) == []
    assert stage.differences() == []


async def dies_at(stage: Stage, kind: str, *, done: bool) -> None:
    """A sync whose worker dies while it waits for the answer to a call, before or after it took effect.

    Nobody gives the sync back: its lease lapses.
    """
    stage.fault("powerschool", kind, Hold("before" if done else "after"))
    await stage.request()
    claimed = await claim_of(stage.engine, stage.district.id)
    assert claimed is not None
    district, sync, lease = claimed
    working = asyncio.create_task(perform(stage.engine, district, sync, lease))
    await stage.faults.until_held()
    await stage.lose_lease()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    if done:
        stage.faults.release()


async def test_a_create_that_nobody_recorded_is_adopted(stage: Stage) -> None:
    await dies_at(stage, "assignment.create", done=True)
    assert stage.created == 1
    await stage.time_passes()
    await stage.carry()
    assert stage.differences() == []
    assert stage.created == 2


async def test_scores_that_nobody_recorded_are_read_back_and_adopted(stage: Stage) -> None:
    await dies_at(stage, "score.write", done=True)
    await stage.time_passes()
    await stage.carry()
    assert stage.differences() == []
    assert stage.world.powerschool.log.effects() == {"written": 6}


async def test_scores_that_nobody_recorded_are_sent_again_where_they_cannot_be_read(stage: Stage) -> None:
    stage.scores_are_unreadable()
    await dies_at(stage, "score.write", done=True)
    await stage.time_passes()
    await stage.carry()
    assert stage.differences() == []


async def test_a_lost_create_that_comes_late_is_found_by_its_clash_and_adopted(stage: Stage) -> None:
    stage.fault("powerschool", "assignment.create", LoseAfter())
    await well(stage)
    assert stage.created == 2


async def test_a_create_that_comes_too_late_is_reported_and_never_deleted(stage: Stage) -> None:
    stage.world.powerschool.switches.inferred.discard("duplicate")
    stage.fault("powerschool", "assignment.create", Hold("after"))
    sync = await stage.sync()
    assert sync.status == "complete"
    stage.faults.release()
    await stage.landed(3)
    after = await stage.sync()
    assert [list(codes) for codes in (await stage.warnings(after)).values()] == [["duplicate-in-sis"]]
    assert len(stage.table()) == 3
    assert "assignment.delete" not in stage.writes


async def test_a_score_that_a_dead_worker_overwrote_late_is_put_right(stage: Stage) -> None:
    await well(stage)
    item, uid = stage.items[0], stage.students[0]
    stage.grade(item, uid, 1)
    await dies_at(stage, "score.write", done=False)
    stage.grade(item, uid, 2)
    await stage.time_passes()
    await stage.carry()
    assert stage.held(item, uid) == "2"
    before = len(stage.world.powerschool.log.score_rows())
    stage.faults.clear()
    await stage.landed_rows(before + 1)
    assert stage.held(item, uid) == "1"
    await well(stage)
    assert stage.held(item, uid) == "2"


async def test_a_lost_update_is_looked_at_before_it_is_repeated(stage: Stage) -> None:
    await well(stage)
    stage.edit(stage.items[0], title="Another name")
    stage.fault("powerschool", "assignment.update", LoseAfter())
    stage.forget_calls()
    await well(stage)
    assert stage.writes.count("assignment.update") <= 2


async def test_an_update_changes_only_what_is_ours(stage: Stage) -> None:
    await well(stage)
    part = stage.part(stage.items[0])
    part.description, part.publishoption, part.maxretakeallowed = "<p>by hand</p>", "Never", 3
    part.weight, part.extracreditpoints = Decimal(2), Decimal(1)
    stage.edit(stage.items[0], title="Another name", max_points=40)
    await well(stage)
    after = stage.part(stage.items[0])
    assert (after.description, after.publishoption, after.maxretakeallowed) == ("<p>by hand</p>", "Never", 3)
    assert (after.weight, after.extracreditpoints, after.totalpointvalue) == (
        Decimal(2),
        Decimal(1),
        Decimal(80),
    )


async def test_an_assignment_shared_with_another_section_is_not_edited_and_its_scores_go(
    stage: Stage,
) -> None:
    sis, room = stage.world.powerschool, stage.room
    await well(stage)
    item, uid = stage.items[0], stage.students[0]
    other = sis.add_section(sis.schools[min(sis.schools)], room.term, room.sis_teacher)
    assignment, part = sis.gradebook.parts[stage.part(item).assignmentsectionid]
    category = sis.categories[part.categories[0].teachercategoryid]
    shared = sis.gradebook.add_assignment(
        other, part.name, category, due=part.duedate, points=part.scoreentrypoints
    )
    assignment.sections.append(shared.sections[0])
    sis.gradebook.add(assignment)
    stage.grade(item, uid, 5)
    await well(stage)
    stage.edit(item, title="Renamed")
    told = await stage.told(await stage.sync())
    assert told[item.id, None] == ("failed", "sis-assignment-shared")
    assert assignment.sections[0].name == assignment.sections[1].name != "Renamed"


async def test_another_teacher_takes_over_and_categories_are_paired_by_their_titles(stage: Stage) -> None:
    sis, room = stage.world.powerschool, stage.room
    await well(stage)
    successor = sis.add_teacher(sis.schools[min(sis.schools)])
    for category in [c for c in sis.categories.values() if c.usersdcid == room.sis_teacher.dcid]:
        sis.add_category(successor, category.name, active=category.isactive)
    sis.assign_teacher(successor, room.sis)
    sis.unassign_teacher(room.sis_teacher, room.sis)
    room.sis_teacher = successor
    stage.grade(stage.items[0], stage.students[0], 5)
    stage.add("After the change")
    await well(stage)


@pytest.mark.parametrize("mode", ["changes", "full"])
async def test_one_wrong_empty_list_recreates_nothing(theatre: Theatre, mode: str) -> None:
    async with theatre.stage(world.build(7, 1, 3, 8, ideal=True)) as stage:
        await well(stage)
        stage.forget_calls()
        stage.fault(
            "powerschool",
            "assignment.list",
            Body("[]", headers={"content-type": "application/json"}),
            times=None,
        )
        sync = await stage.sync(mode=mode)
        assert (sync.status, stage.writes) == ("complete", [])


@pytest.mark.parametrize("status", [200, 403, 404, 500])
async def test_an_answer_that_proves_nothing_about_a_missing_assignment_stops(
    stage: Stage, status: int
) -> None:
    await well(stage)
    stage.forget_calls()
    for assignment in stage.world.powerschool.gradebook.of_section(stage.room.sis):
        stage.world.powerschool.gradebook.hide_from_lists(assignment)
    page = Body("<html>maintenance</html>", status=status, done=False)
    stage.fault("powerschool", "assignment.get", page, times=None)
    sync = await stage.sync()
    assert sync.status == "failed"
    assert sync.error_code in {"sis-unreadable", "upstream-unavailable", "sis-permission-missing"}
    assert stage.writes == []


async def test_owed_scores_cost_one_call_a_sync_while_nothing_changes(stage: Stage) -> None:
    sis, room = stage.world.powerschool, stage.room
    gone = stage.students[0]
    await well(stage)
    sis.drop(room.students[gone], room.sis)
    for item in stage.items:
        stage.grade(item, gone, 1)
    assert (await stage.sync()).status == "failed"
    for _ in range(3):
        stage.forget_calls()
        sync = await stage.sync()
        told = await stage.told(sync)
        assert {reason for _, reason in told.values()} == {"student-not-in-sis-section"}
        calls = stage.world.powerschool.log.counts()
        assert sum(calls.values()) - calls["assignment.list"] <= 1
    sis.enroll(room.students[gone], room.sis)
    await well(stage)
    assert stage.held(stage.items[0], gone) == "1"


async def test_owed_for_another_reason_costs_one_call_a_sync(stage: Stage) -> None:
    await well(stage)
    stage.world.powerschool.lock_term(stage.room.term)
    stage.grade(stage.items[0], stage.students[0], 1)
    assert (await stage.sync()).status == "failed"
    stage.forget_calls()
    assert (await stage.sync()).status == "failed"
    calls = stage.world.powerschool.log.counts()
    assert sum(calls.values()) - calls["assignment.list"] <= 1
    stage.world.powerschool.lock_term(stage.room.term, locked=False)
    await well(stage)


async def test_a_batch_over_several_assignments_is_given_up_where_the_sis_refuses_it(stage: Stage) -> None:
    stage.world.powerschool.switches.spanning = False
    await well(stage)
    for uid in stage.students:
        for item in stage.items:
            stage.grade(item, uid, 3)
    stage.forget_calls()
    await well(stage)
    assert [call.status for call in stage.world.powerschool.log.of("score.write")] == [200, 200]


@pytest.mark.parametrize("status", [400, 413])
async def test_a_batch_that_is_too_large_is_halved(theatre: Theatre, status: int) -> None:
    async with theatre.stage(world.build(7, 1, 9, 3, ideal=True)) as stage:
        stage.world.powerschool.switches.batch_limit = 7
        stage.world.powerschool.switches.batch_status = 413 if status == 413 else 400
        await well(stage)


async def test_an_assignment_deleted_while_scores_are_sent_sets_itself_aside(stage: Stage) -> None:
    await well(stage)
    one, other = stage.items
    for item in stage.items:
        stage.grade(item, stage.students[0], 1)
    stage.fault("powerschool", "score.write", Hold("after"))
    syncing = asyncio.create_task(stage.sync())
    await stage.faults.until_held()
    stage.delete_in_sis(one)
    stage.faults.release()
    told = await stage.told(await syncing)
    assert told[one.id, stage.students[0]] == ("failed", "assignment-gone")
    assert told[other.id, stage.students[0]] == ("written", None)
    await well(stage)


async def test_one_refused_score_costs_itself_alone(stage: Stage) -> None:
    stage.world.powerschool.switches.inferred.add("negative_score")
    stage.grade(stage.items[0], stage.students[0], Decimal(-1))
    told = await stage.told(await stage.sync())
    assert told[stage.items[0].id, stage.students[0]] == ("failed", "score-not-accepted")
    assert sum(result == "written" for result, _ in told.values()) == 5


async def test_an_unexplained_refusal_is_narrowed_down_to_one_score(stage: Stage) -> None:
    await well(stage)
    for item in stage.items:
        for uid in stage.students:
            stage.grade(item, uid, 4)
    stage.fault("powerschool", "score.write", Status(409, '{"message":"no"}'), times=4)
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    await well(stage)


async def test_take_over_of_an_adopted_assignment_clears_what_the_teacher_excused(stage: Stage) -> None:
    await stage.choose(take_over=True)
    item, (excused, blank, _) = stage.items[0], stage.students
    assert item.due is not None
    sis, room = stage.world.powerschool, stage.room
    category = next(c for c in sis.categories.values() if c.usersdcid == room.sis_teacher.dcid)
    made = sis.gradebook.add_assignment(
        room.sis, item.title, category, due=item.due.date(), points=item.max_points
    )
    for uid in stage.students:
        sis.gradebook.edit_score(made.sections[0], room.students[uid], Decimal(9))
    stage.mark(item, excused, 1)
    stage.clear(item, blank)
    sync = await stage.sync()
    assert (await stage.told(sync))[item.id, None] == ("adopted", None)
    assert (stage.held(item, excused), stage.held(item, blank)) == (None, "9")


async def test_a_preview_does_not_promise_what_is_owed_for_absence(stage: Stage) -> None:
    item, uid = stage.items[0], stage.students[0]
    room = stage.room
    stage.world.powerschool.drop(room.students[uid], room.sis)
    await stage.sync()
    preview = await stage.told(await stage.sync(dry_run=True))
    assert preview[item.id, uid] == ("failed", "student-not-in-sis-section")


async def test_a_ledger_that_cannot_be_read_ends_the_sync_at_once(stage: Stage) -> None:
    await stage.sync()
    await stage.spoil_ledger()
    sync = await stage.sync()
    assert (sync.status, sync.error_code) == ("failed", "internal-error")
