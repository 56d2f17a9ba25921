"""Sync from the button to the SIS gradebook, with real processes and sockets."""

from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from gradesync.db.session import Database
from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.schoology.model import Mark
from gradesync_sandbox.world import build
from harness.independent_oracle import Column, expected_columns, sis_columns
from harness.processes import Processes, start_processes
from harness.runtimes import settings_on
from harness.servers import Urls

BATCH = 40


@pytest.fixture(scope="module")
async def running(servers: Urls) -> AsyncIterator[Processes]:
    async with start_processes(settings_on(servers).filled(score_batch=BATCH)) as processes:
        yield processes


@pytest.fixture
def processes(running: Processes, database: Database) -> Processes:
    """Provide the module's processes, on a database that is emptied after each test."""
    return running


async def test_first_sync_leaves_the_sis_as_the_rules_demand(processes: Processes) -> None:
    world = build(seed=7, sections=2, students=12, assignments=36)
    async with processes.serve(world) as here:
        for room in world.classrooms:
            teacher = await here.teacher(room)
            sync = await teacher.sync()
            assert sis_columns(world, room) == expected_columns(world, room)
            for kind in ("assignments", "scores"):
                counts = sync[kind]
                assert counts["read"] == sum(n for result, n in counts.items() if result != "read")
            assert sync["assignments"]["created"] == len(expected_columns(world, room))


async def test_first_sync_makes_no_more_calls_than_promised(processes: Processes) -> None:
    world = build(seed=11, sections=1, students=20, assignments=12, ideal=True)
    (room,) = world.classrooms
    async with processes.serve(world) as here:
        teacher = await here.teacher(room)
        here.calls()
        sync = await teacher.sync()
        calls = here.calls()
    assert sync["status"] == "complete"
    assert sum(calls["schoology"].values()) <= 3
    sis = calls["powerschool"]
    assert sis.pop("assignment.create") == 12
    assert sis.pop("assignment.list") <= 2
    assert sis.pop("score.write") == 12 * 20 // BATCH
    assert "assignment.get" not in sis
    assert "assignment.update" not in sis


async def test_unchanged_sync_writes_nothing_and_changes_one_call(processes: Processes) -> None:
    world = build(seed=3, sections=1, students=10, assignments=8, ideal=True)
    (room,) = world.classrooms
    async with processes.serve(world) as here:
        teacher = await here.teacher(room)
        await teacher.sync()
        here.calls()
        idle = await teacher.sync()
        calls = here.calls()
        for uid, item in zip(room.students, room.section.standing(), strict=False):
            world.schoology.grade(room.section.id, item.id, uid, Decimal("0.25"))
        changed = await teacher.sync()
        again = here.calls()
    assert idle["scores"]["unchanged"] == idle["scores"]["read"]
    assert sum(calls["schoology"].values()) <= 3
    assert calls["powerschool"] == {"assignment.list": 1}
    assert changed["scores"]["written"] == 8
    assert sum(again["schoology"].values()) <= 3
    assert again["powerschool"] == {"assignment.list": 1, "score.write": 1}
    assert sis_columns(world, room) == expected_columns(world, room)


async def test_only_changes_are_sent(processes: Processes) -> None:
    world = build(seed=7, sections=1, students=12, assignments=20)
    (room,) = world.classrooms
    async with processes.serve(world) as here:
        teacher = await here.teacher(room)
        await teacher.sync()
        before = sis_columns(world, room)
        here.calls()
        _change_five_cells(world, room, before)
        sync = await teacher.sync()
        rows = world.powerschool.log.score_rows()
    assert (sync["scores"]["written"], sync["scores"]["cleared"]) == (2, 2)
    effects = Counter(row.effect for row in rows)
    assert (effects["written"], effects["cleared"], effects["unchanged"]) == (2, 2, 0)
    assert sis_columns(world, room) == expected_columns(world, room, before)


def _change_five_cells(world: World, room: Classroom, before: dict[str, Column]) -> None:
    """Set new points, missing, excused, incomplete and blank: two are written, two cleared, one stays."""
    title, column = next((t, c) for t, c in before.items() if len(c.cells) > 5)
    item = next(item for item in room.section.standing() if item.title == title)
    uids = [uid for uid, student in room.students.items() if column.cells.get(student.dcid)][:5]
    world.schoology.grade(room.section.id, item.id, uids[0], Decimal("7.25"))
    world.schoology.set_exception(room.section.id, item.id, uids[1], Mark.MISSING)
    world.schoology.set_exception(room.section.id, item.id, uids[2], Mark.EXCUSED)
    world.schoology.set_exception(room.section.id, item.id, uids[3], Mark.INCOMPLETE)
    world.schoology.clear(room.section.id, item.id, uids[4])


async def test_student_who_left_the_sis_fails_alone_and_by_name(processes: Processes) -> None:
    world = build(seed=7, sections=1, students=18, assignments=6)
    (room,) = world.classrooms
    async with processes.serve(world) as here:
        teacher = await here.teacher(room)
        sync = await teacher.sync()
        failed = await teacher.get(
            sync["links"]["outcomes"], result="failed", reason="student-not-in-sis-section"
        )
    assert sync["status"] == "failed"
    assert sync["applied"] == "some"
    assert {outcome["student"]["id"] for outcome in failed["items"]} == {str(room.odd["dropped_in_sis"])}
    assert all(outcome["student"]["name"] for outcome in failed["items"])
    assert sis_columns(world, room) == expected_columns(world, room)


async def test_preview_writes_nothing_and_shows_what_a_sync_does(processes: Processes) -> None:
    world = build(seed=5, sections=1, students=6, assignments=8, ideal=True)
    (room,) = world.classrooms
    async with processes.serve(world) as here:
        teacher = await here.teacher(room)
        preview = await teacher.sync(dry_run=True)
        assert sis_columns(world, room) == {}
        sync = await teacher.sync()
    assert preview["applied"] == "none"
    assert (preview["assignments"], preview["scores"]) == (sync["assignments"], sync["scores"])
    assert sis_columns(world, room) == expected_columns(world, room)
