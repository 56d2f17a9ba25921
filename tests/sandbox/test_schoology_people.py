"""Test reads of people and courses, which mostly need an administrator, and single records by their ids."""

import httpx
import pytest

from gradesync_sandbox.schoology.log import Call, RequestLog
from gradesync_sandbox.schoology.switches import Switches
from gradesync_sandbox.schoology.throttle import Throttle
from gradesync_sandbox.world import World, build
from harness.signing import client


@pytest.fixture(scope="module")
def world() -> World:
    return build(students=4, assignments=2, sections=3)


async def test_people_are_found_by_school_ids_only(schoology: httpx.AsyncClient, world: World) -> None:
    wanted = [world.schoology.users[e.uid] for e in world.classrooms[0].section.students()[:2]]
    answer = (await schoology.get(f"/users?school_uids={','.join(u.school_uid for u in wanted)}")).json()
    everybody = (await schoology.get(f"/users?uids={wanted[0].uid}&limit=200")).json()
    assert {row["uid"] for row in answer["user"]} == {str(user.uid) for user in wanted}
    assert len(everybody["user"]) == len(world.schoology.users)


@pytest.mark.parametrize("path", ["/users?school_uids=1_1", "/courses/{course}", "/users/{admin}/sections"])
async def test_some_reads_are_for_administrators(world: World, path: str) -> None:
    course = world.classrooms[0].section.course.id
    async with client(world) as admin, client(world, world.teacher_key) as teacher:
        at = path.format(course=course, admin=world.admin.uid)
        assert (await admin.get(at)).status_code == 200
        assert (await teacher.get(at)).status_code == 403


@pytest.mark.parametrize("path", ["/users?school_uids={many}", "/sections?section_school_codes={many}"])
async def test_more_than_fifty_codes_at_once_are_refused(schoology: httpx.AsyncClient, path: str) -> None:
    statuses = [
        (await schoology.get(path.format(many=",".join(map(str, range(count)))))).status_code
        for count in (50, 51)
    ]
    assert statuses == [200, 400]


async def test_student_reads_no_other_person(world: World) -> None:
    students = world.classrooms[0].section.students()
    async with client(world, world.student_key) as student:
        own = await student.get(f"/users/{students[0].uid}")
        other = await student.get(f"/users/{students[1].uid}")
    assert (own.status_code, other.status_code) == (200, 403)


async def test_course_answers_for_unknown_paths(schoology: httpx.AsyncClient, world: World) -> None:
    book = world.classrooms[0].section
    at = f"/courses/{book.course.id}"
    course = (await schoology.get(at)).json()
    sections = (await schoology.get(f"{at}/sections")).json()
    assert course["course_code"] == book.course.code
    assert [row["id"] for row in sections["section"]] == [str(book.id)]
    assert (await schoology.get(f"{at}/grading_categories")).json() == course
    assert (await schoology.get("/courses/1")).status_code == 404


async def test_section_that_is_over_needs_include_past(world: World) -> None:
    room = world.classrooms[0]
    room.section.active = False
    async with client(world, world.teacher_key) as teacher:
        at = f"/users/{room.teacher.uid}/sections"
        now, past = [(await teacher.get(path)).json() for path in (at, f"{at}?include_past=0")]
    room.section.active = True
    ids = [[row["id"] for row in answer["section"]] for answer in (now, past)]
    assert [str(room.section.id) in listed for listed in ids] == [False, True]


@pytest.mark.parametrize("things", ["enrollments", "grading_categories", "grade_items", "assignments"])
async def test_records_of_a_section_are_read_one_by_one(
    schoology: httpx.AsyncClient, world: World, things: str
) -> None:
    at = f"/sections/{world.classrooms[0].section.id}/{things}"
    rows = next(value for value in (await schoology.get(at)).json().values() if isinstance(value, list))
    single = (await schoology.get(f"{at}/{rows[0]['id']}")).json()
    assert single["id"] == rows[0]["id"]
    assert (await schoology.get(f"{at}/1")).status_code == 404


def test_limit_slides_with_the_window() -> None:
    throttle = Throttle(Switches(credits=2, window_seconds=5))
    asked = [("a", 0.0), ("a", 4.0), ("a", 4.5), ("b", 4.5), ("a", 5.0), ("a", 6.0)]
    assert [throttle.wait(key, 1, at) for key, at in asked] == [None, None, 1, None, None, 3]


def test_most_in_any_window_counts_credits() -> None:
    log = RequestLog()
    for at, cost in ((0.0, 1), (1.0, 3), (4.9, 1), (5.0, 1), (5.9, 1), (20.0, 2)):
        log.arrive(Call(at, "section", "GET", "/v1/sections/1", "", "key", cost))
    assert log.max_in_window(5) == 6
    assert log.max_in_window(5, "another key") == 0
    log.clear()
    assert log.max_in_window(5) == 0
