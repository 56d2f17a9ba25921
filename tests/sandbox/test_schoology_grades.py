"""Test the grades response: a dense matrix whose cells read as recorded, narrowed by Schoology's clock."""

from decimal import Decimal
from typing import Any

import httpx
import msgspec

from gradesync_sandbox.world import Classroom, World, build
from harness.signing import client, read


async def test_matrix_is_dense_and_ignores_limit(schoology: httpx.AsyncClient, room: Classroom) -> None:
    body = await read(schoology, f"/sections/{room.section.id}/grades?limit=5")
    cells = body["grades"]["grade"]
    pairs = {(cell["assignment_id"], cell["enrollment_id"]) for cell in cells}
    assert len(cells) == len(pairs) == 6 * 7
    assert "total" not in body
    assert "links" not in body
    assert body["period"][0]["period_id"] == f"p{room.section.periods[0].id}"


async def test_matrix_comes_in_pages_when_switched_on(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    world.schoology.switches.grades_paged = True
    path, seen = f"/sections/{room.section.id}/grades?limit=20", []
    while path:
        page = await read(schoology, path)
        seen.append(len(page["grades"]["grade"]))
        path = page["links"].get("next", "")
    assert seen == [20, 20, 2]


async def test_each_kind_of_cell_reads_as_recorded(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    sid, uid = room.section.id, room.section.students()[0].uid
    state = world.schoology
    cells = {}
    for name in ("half", "excused", "incomplete", "missing", "late", "cleared", "untouched"):
        cells[name] = state.add_assignment(sid, name).id
    state.grade(sid, cells["half"], uid, "9.50")
    for name, code in (("excused", 1), ("incomplete", 2), ("missing", 3)):
        state.set_exception(sid, cells[name], uid, code)
    state.set_exception(sid, cells["late"], uid, 4, points=7)
    state.grade(sid, cells["cleared"], uid, 3)
    state.clear(sid, cells["cleared"], uid)

    async def seen() -> dict[str, tuple[Any, int, bool]]:
        answer = await schoology.get(
            f"/sections/{sid}/grades?enrollment_id={room.section.enrollment_of(uid).id}"
        )
        assert b'"grade":9.5,' in answer.content
        rows = {row["assignment_id"]: row for row in answer.json()["grades"]["grade"]}
        found = {name: rows[item] for name, item in cells.items()}
        return {name: (row["grade"], row["exception"], row["timestamp"] > 0) for name, row in found.items()}

    assert await seen() == {
        "half": (9.5, 0, True),
        "excused": (None, 1, True),
        "incomplete": (None, 2, True),
        "missing": (0, 3, True),
        "late": (7, 4, True),
        "cleared": (None, 0, True),
        "untouched": (None, 0, False),
    }
    state.switches.missing_is_zero = False
    assert (await seen())["missing"] == (None, 3, True)


async def test_decimals_are_exact_number_literals(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    sid, uid = room.section.id, room.section.students()[0].uid
    item = world.schoology.add_assignment(sid, "Tenths", "12.345678")
    world.schoology.grade(sid, item.id, uid, Decimal("0.1") + Decimal("0.2"))
    path = (
        f"/sections/{sid}/grades?assignment_id={item.id}&enrollment_id={room.section.enrollment_of(uid).id}"
    )
    body = msgspec.json.decode((await schoology.get(path)).content, type=dict[str, Any])
    assert body["grades"]["grade"][0]["grade"] == 0.3
    assert b'"max_points":12.345678' in (await schoology.get(path)).content


async def test_timestamp_narrows_by_schoologys_clock() -> None:
    now = 1_800_000_000.0
    world = build(students=2, assignments=2, sections=1, clock=lambda: now)
    world.schoology.switches.clock_skew = 300
    room = world.classrooms[0]
    sid, item, uid = (
        room.section.id,
        room.section.standing()[0].id,
        room.section.students()[0].uid,
    )
    world.schoology.grade(sid, item, uid, 5)
    moved = int(now) + 300
    async with client(world) as schoology:
        counts = []
        for since in (moved - 1, moved, moved + 1):
            body = await read(schoology, f"/sections/{sid}/grades?timestamp={since}")
            counts.append(len(body["grades"]["grade"]))
        assert counts == [1, 1, 0]
        world.schoology.switches.timestamp_inclusive = False
        exact = await schoology.get(f"/sections/{sid}/grades?timestamp={moved}")
    assert exact.json()["grades"]["grade"] == []
    assert exact.headers["date"] == "Fri, 15 Jan 2027 08:05:00 GMT"


async def test_rows_of_left_and_unassigned_students_by_switch(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    sid = room.section.id
    chosen = [e.id for e in room.section.students()[:2]]
    item = world.schoology.add_assignment(sid, "Two only", assignees=chosen)

    async def enrollments() -> set[int]:
        body = await read(schoology, f"/sections/{sid}/grades?assignment_id={item.id}")
        return {row["enrollment_id"] for row in body["grades"]["grade"]}

    everybody = {e.id for e in room.section.students()}
    assert await enrollments() == set(chosen)
    world.schoology.switches.unassigned_rows = True
    assert await enrollments() == everybody
    world.schoology.switches.dropped_keep_grades = False
    assert await enrollments() == {e.id for e in room.section.students() if e.status == 1}
