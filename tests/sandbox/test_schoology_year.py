"""Test how Schoology changes in a school year (upstream.md Schoology §4), by its own API."""

import unicodedata
from datetime import datetime
from typing import Any

import httpx
import pytest

from gradesync_sandbox.schoology.model import ACTIVE, ARCHIVED, Item, Mark
from gradesync_sandbox.schoology.state import Schoology
from gradesync_sandbox.world import Classroom, World

Json = dict[str, Any]


async def read(calls: httpx.AsyncClient, path: str, key: str) -> list[Json]:
    """Return all rows of a list, page by page."""
    rows: list[Json] = []
    address: str | None = path
    while address:
        body = (await calls.get(address)).json()
        inner = body["grades"] if key == "grade" else body
        rows += inner[key]
        address = body.get("links", {}).get("next")
    return rows


def uid_of(room: Classroom) -> int:
    """Return the uid of the class's first student."""
    return next(iter(room.students))


@pytest.fixture
def at(room: Classroom) -> str:
    return f"/sections/{room.section.id}"


@pytest.fixture
def state(world: World) -> Schoology:
    return world.schoology


@pytest.fixture
def item(world: World, room: Classroom) -> Item:
    """Add an item in which the first student has 8 points."""
    made = world.schoology.add_assignment(
        room.section.id,
        "Quiz 77",
        10,
        due=datetime(2026, 9, 15, 23, 59, 59),  # noqa: DTZ001 - as on the wire
    )
    made.category = next(iter(room.section.categories))
    world.schoology.grade(room.section.id, made.id, uid_of(room), 8)
    return made


async def cells_of(calls: httpx.AsyncClient, at: str, item: int) -> dict[int, tuple[Any, int, int]]:
    """Return grade, exception and timestamp of an item's cells by enrollment id."""
    rows = await read(calls, f"{at}/grades?assignment_id={item}", "grade")
    return {row["enrollment_id"]: (row["grade"], row["exception"], row["timestamp"]) for row in rows}


# --- enrollments


async def test_returning_student_can_have_a_new_untouched_enrollment(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, item: Item, at: str
) -> None:
    uid = uid_of(room)
    old = room.section.enrollment_of(uid)
    state.drop_student(room.section.id, uid)
    new = state.enroll_anew(room.section.id, uid)
    mine = {e["id"]: e["status"] for e in await read(schoology, f"{at}/enrollments?limit=200", "enrollment")
            if e["uid"] == str(uid)}  # fmt: skip
    assert mine == {str(old.id): str(ARCHIVED), str(new.id): str(ACTIVE)}
    cells = await cells_of(schoology, at, item.id)
    assert cells[new.id] == (None, 0, 0)
    assert cells[old.id][0] == 8
    state.grade(room.section.id, item.id, uid, 9)
    assert (await cells_of(schoology, at, item.id))[new.id][0] == 9


async def test_one_person_can_have_two_active_enrollments(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, item: Item, at: str
) -> None:
    old = room.section.enrollment_of(uid_of(room))
    new = state.enroll_anew(room.section.id, old.uid)
    assert (old.status, new.status) == (ACTIVE, ACTIVE)
    state.grade_enrollment(room.section.id, item.id, old.id, "7.5")
    cells = await cells_of(schoology, at, item.id)
    assert (cells[old.id][0], cells[new.id][0]) == (7.5, None)
    state.end_enrollment(room.section.id, new.id)
    assert room.section.enrollment_of(old.uid) is old


@pytest.mark.parametrize("keep", [False, True])
async def test_all_enrollments_can_get_new_ids(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, item: Item, keep: bool
) -> None:
    old = room.section.enrollment_of(uid_of(room)).id
    item.assignees = [old]
    new = state.renumber_enrollments(room.section.id, keep_cells=keep)
    assert not set(new) & set(room.section.enrollments)
    assert item.assignees == [new[old]]
    cells = await cells_of(schoology, f"/sections/{room.section.id}", item.id)
    assert cells[new[old]][0] == (8 if keep else None)


async def test_course_admins_change(schoology: httpx.AsyncClient, state: Schoology, room: Classroom) -> None:
    other = state.add_user("Robin", "Follower", room.teacher.role, room.teacher.building)
    state.set_course_admin(room.section.id, other.uid)
    state.set_course_admin(room.section.id, room.teacher.uid, admin=False)
    assert room.section.is_admin(other.uid)
    assert not room.section.is_admin(room.teacher.uid)


# --- accounts and sections


async def test_school_ids_are_swapped_and_corrected(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, at: str
) -> None:
    one, other, *_ = room.students
    codes = state.users[one].school_uid, state.users[other].school_uid
    state.swap_school_uids(one, other)
    listed = await read(schoology, f"{at}/enrollments", "enrollment")
    shown = {e["uid"]: e["school_uid"] for e in listed}
    assert (shown[str(other)], shown[str(one)]) == codes
    state.set_school_uid(one, "1_1")
    found = await read(schoology, "/users?school_uids=1_1", "user")
    assert [u["uid"] for u in found] == [str(one)]


async def test_two_accounts_can_share_a_school_id(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom
) -> None:
    second = state.add_second_account(uid_of(room))
    state.enroll(room.section.id, second.uid)
    found = await read(schoology, f"/users?school_uids={second.school_uid}", "user")
    assert {u["uid"] for u in found} == {str(uid_of(room)), str(second.uid)}


async def test_new_account_takes_over_enrollments_and_cells(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, item: Item, at: str
) -> None:
    uid = uid_of(room)
    code, before = state.users[uid].school_uid, room.section.enrollment_of(uid)
    made = state.replace_account(uid)
    assert (state.users[uid].school_uid, made.school_uid) == ("", code)
    cells = await cells_of(schoology, at, item.id)
    assert cells[room.section.enrollment_of(made.uid).id] == cells[before.id]
    assert before.status == ARCHIVED


async def test_section_codes_change(schoology: httpx.AsyncClient, state: Schoology, world: World) -> None:
    first, second = world.classrooms
    state.recode_section(first.section.id, second.section.school_code)
    state.set_synced(second.section.id, synced=False)
    shown = [(await schoology.get(f"/sections/{r.section.id}")).json() for r in (first, second)]
    assert [s["section_school_code"] for s in shown] == [str(second.sis.dcid)] * 2
    assert [s["synced"] for s in shown] == ["1", "0"]


async def test_linked_section_brings_its_people_and_items(
    schoology: httpx.AsyncClient, state: Schoology, world: World
) -> None:
    main, guest = world.classrooms
    (uid, *_) = guest.students
    known = state.add_assignment(
        guest.section.id, "Shared", 10, category=next(iter(guest.section.categories))
    )
    state.grade(guest.section.id, known.id, uid, 6)
    new = state.link_sections(main.section.id, guest.section.id)
    at = f"/sections/{main.section.id}"
    listed = await read(schoology, f"{at}/enrollments?limit=200", "enrollment")
    (mine,) = [e for e in listed if e["uid"] == str(uid)]
    assert mine["cross_listed_section_school_code"] == guest.section.school_code
    assert (await cells_of(schoology, at, new[known.id]))[int(mine["id"])][0] == 6
    titles = {c.id: c.title for c in main.section.categories.values()}
    assert (
        titles[main.section.items[new[known.id]].category] == guest.section.categories[known.category].title
    )
    assert not guest.section.active


# --- categories and items


async def test_remade_category_takes_its_items(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, item: Item, at: str
) -> None:
    old = item.category
    new = state.remake_category(room.section.id, old)
    listed = await read(schoology, f"{at}/grading_categories", "grading_category")
    assert old not in {c["id"] for c in listed}
    shown = (await schoology.get(f"{at}/grade_items/{item.id}")).json()
    assert shown["grading_category"] == str(new.id)
    state.delete_category(room.section.id, new.id)
    assert item.category == 0


async def test_categories_are_reordered_and_renamed_in_any_form(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, at: str
) -> None:
    *_, last = room.section.categories
    title = unicodedata.normalize("NFD", "Évaluations")
    state.rename_category(room.section.id, last, title)
    state.reorder_categories(room.section.id, [last])
    first, *_ = await read(schoology, f"{at}/grading_categories", "grading_category")
    assert (first["id"], first["title"], first["delta"]) == (last, title, 0)


@pytest.mark.parametrize("graded", [True, False])
async def test_items_can_be_imported_again_under_new_ids(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, item: Item, graded: bool
) -> None:
    at, enrollment = f"/sections/{room.section.id}", room.section.enrollment_of(uid_of(room)).id
    before = await cells_of(schoology, at, item.id)
    new = state.reimport_assignments(room.section.id, [item.id], with_grades=graded)[item.id]
    listed = {i["id"]: i for i in await read(schoology, f"{at}/grade_items?limit=200", "assignment")}
    assert item.id not in listed
    assert (listed[new]["title"], listed[new]["due"]) == ("Quiz 77", "2026-09-15 23:59:59")
    after = await cells_of(schoology, at, new)
    assert after[enrollment] == (before[enrollment] if graded else (None, 0, 0))
    state.restore_assignment(room.section.id, item.id)
    assert (await cells_of(schoology, at, item.id))[enrollment][0] == 8


async def test_items_are_copied_and_moved(
    state: Schoology, world: World, room: Classroom, item: Item
) -> None:
    *_, other = room.section.categories
    copy = state.copy_assignment(room.section.id, item.id, "Quiz 77 (copy)")
    assert (copy.title, copy.category, copy.id != item.id) == ("Quiz 77 (copy)", item.category, True)
    assert not [key for key in room.section.cells if key[0] == copy.id]
    elsewhere = world.classrooms[1].section
    sent = state.copy_assignment(room.section.id, item.id, to=elsewhere.id)
    assert elsewhere.items[sent.id].title == "Quiz 77"
    assert state.move_assignment(room.section.id, item.id, other).category == other


# --- partial lists and clocks


@pytest.mark.parametrize("once", [True, False])
async def test_lists_can_be_partial(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, at: str, once: bool
) -> None:
    state.switches.partial_lists, state.switches.partial_once = {"enrollment": 4}, once
    everybody = len(room.section.enrollments)
    first = (await schoology.get(f"{at}/enrollments?limit=5")).json()
    assert (len(first["enrollment"]), first["total"]) == (4, str(everybody))
    assert "next" not in first["links"]
    second = await read(schoology, f"{at}/enrollments?limit=5", "enrollment")
    assert len(second) == (everybody if once else 4)


async def test_matrix_can_be_partial(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, item: Item, at: str
) -> None:
    whole = len(await cells_of(schoology, at, item.id))
    state.switches.partial_lists = {"grade": 3}
    assert len(await cells_of(schoology, at, item.id)) == 3
    assert len(await cells_of(schoology, at, item.id)) == whole


async def test_cell_clock_can_differ_from_the_date_header(
    schoology: httpx.AsyncClient, state: Schoology, room: Classroom, item: Item, at: str
) -> None:
    now = int(state.now())
    state.switches.cell_clock_offset = -300
    state.set_exception(room.section.id, item.id, uid_of(room), Mark.EXCUSED)
    cells = await cells_of(schoology, at, item.id)
    (_, exception, stamp) = cells[room.section.enrollment_of(uid_of(room)).id]
    assert exception == Mark.EXCUSED
    assert now - 301 <= stamp <= now - 298
    assert not (await schoology.get(f"{at}/grades?timestamp={now - 60}&assignment_id={item.id}")).json()[
        "grades"
    ]["grade"]
