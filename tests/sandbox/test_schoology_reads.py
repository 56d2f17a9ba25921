"""Test the recorded shapes of reads, uneven types and all, and the traps beside them."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from gradesync_sandbox.world import Classroom, World, build
from harness.signing import BASE, client, read


async def test_ids_change_their_type_between_lists(schoology: httpx.AsyncClient, room: Classroom) -> None:
    at = f"/sections/{room.section.id}"
    section = await read(schoology, at)
    enrollment = (await read(schoology, f"{at}/enrollments"))["enrollment"][0]
    item = (await read(schoology, f"{at}/grade_items"))["assignment"][0]
    grades = await read(schoology, f"{at}/grades")
    cell = grades["grades"]["grade"][0]
    assert (type(section["id"]), type(section["grading_periods"][0])) == (str, int)
    assert (type(enrollment["id"]), type(enrollment["uid"]), type(enrollment["admin"])) == (str, str, int)
    assert (type(item["id"]), type(item["grading_category"]), type(item["max_points"])) == (int, str, str)
    assert (type(cell["enrollment_id"]), type(cell["max_points"])) == (int, int)
    assert type(grades["final_grade"][0]["enrollment_id"]) is str


async def test_section_shows_whether_the_sis_made_it(schoology: httpx.AsyncClient, world: World) -> None:
    room = world.classrooms[0]
    made = await read(schoology, f"/sections/{room.section.id}")
    assert world.manual is not None
    manual = await read(schoology, f"/sections/{world.manual.id}")
    assert (made["synced"], made["section_school_code"]) == ("1", str(room.sis.dcid))
    assert (manual["synced"], manual["section_school_code"]) == ("0", "")


async def test_section_is_found_by_its_school_code(schoology: httpx.AsyncClient, world: World) -> None:
    codes = [room.section.school_code for room in world.classrooms]
    one = await read(schoology, f"/sections/ext/{codes[0]}")
    both = await read(schoology, f"/sections?section_school_codes={','.join(codes)}")
    assert one["id"] == str(world.classrooms[0].section.id)
    assert [s["section_school_code"] for s in both["section"]] == codes
    assert (await schoology.get("/sections/ext/nobody")).status_code == 404


async def test_admin_is_set_for_the_sections_teacher(world: World) -> None:
    room = world.classrooms[0]
    async with client(world, world.teacher_key) as teacher:
        assert (await read(teacher, f"/sections/{room.section.id}"))["admin"] == 1
        mine = await read(teacher, f"/users/{room.teacher.uid}/sections")
        info = await read(teacher, "/app-user-info")
    assert str(room.section.id) in [section["id"] for section in mine["section"]]
    assert info["api_uid"] == room.teacher.uid


async def test_teacher_sees_fewer_keys_of_a_student(world: World) -> None:
    uid = world.classrooms[0].section.students()[0].uid
    async with client(world) as admin, client(world, world.teacher_key) as teacher:
        full = await read(admin, f"/users/{uid}")
        partial = await read(teacher, f"/users/{uid}")
    assert full["school_uid"].startswith("1_")
    assert "school_uid" not in partial
    assert partial["parents"] == {"parent": []}


async def test_enrollments_are_paged_by_twenty_unless_asked() -> None:
    large = build(students=25, assignments=1, sections=1)
    async with client(large) as schoology:
        path = f"/sections/{large.classrooms[0].section.id}/enrollments"
        first = await read(schoology, path)
        second = await read(schoology, first["links"]["next"])
        whole = await read(schoology, f"{path}?limit=200")
    assert (len(first["enrollment"]), first["total"]) == (20, "26")
    assert (len(second["enrollment"]), "next" in second["links"]) == (6, False)
    assert first["enrollment"] + second["enrollment"] == whole["enrollment"]


async def test_enrollments_can_be_narrowed(schoology: httpx.AsyncClient, room: Classroom) -> None:
    path = f"/sections/{room.section.id}/enrollments"
    members = await read(schoology, f"{path}?type=member")
    teacher = await read(schoology, f"{path}?uid={room.teacher.uid}")
    gone = await read(schoology, f"{path}?enrollment_status=2,5")
    assert [e["admin"] for e in members["enrollment"]] == [0] * 7
    assert [e["admin"] for e in teacher["enrollment"]] == [1]
    assert {e["uid"] for e in gone["enrollment"]} == {
        str(room.odd["archived"]),
        str(room.odd["expired"]),
    }


async def test_limit_counts_midterms_and_finals_apart(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    world.schoology.add_assignment(room.section.id, "Final", is_final=True)
    page = await read(schoology, f"/sections/{room.section.id}/assignments?limit=2")
    assert [item["is_final"] for item in page["assignment"]] == ["0", "0", "1"]
    assert "next" in page["links"]


async def test_next_page_of_items_is_spelled_with_a_dash(
    schoology: httpx.AsyncClient, room: Classroom
) -> None:
    first = await read(schoology, f"/sections/{room.section.id}/grade_items?limit=4")
    assert first["links"]["next"] == f"{BASE}/sections/{room.section.id}/grade-items?start=4&limit=4"
    second = await read(schoology, first["links"]["next"])
    assert [len(page["assignment"]) for page in (first, second)] == [4, 2]


async def test_links_can_come_in_another_scheme(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    world.schoology.switches.links_scheme = "http"
    page = await read(schoology, f"/sections/{room.section.id}/grade_items?limit=1")
    assert page["links"]["next"].startswith("http://api.schoology.test/v1/")


async def test_discussions_and_assessments_are_grade_items_too(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    sid = room.section.id
    talk = world.schoology.add_assignment(sid, "Talk", type="discussion")
    world.schoology.add_assignment(sid, "Quiz", type="assessment")
    items = (await read(schoology, f"/sections/{sid}/grade_items"))["assignment"]
    plain = (await read(schoology, f"/sections/{sid}/assignments"))["assignment"]
    discussions = (await read(schoology, f"/sections/{sid}/discussions"))["discussion"]
    assert [item["type"] for item in items[-2:]] == ["discussion", "assessment"]
    assert {item["type"] for item in plain} == {"assignment"}
    assert discussions[0]["grade_item_id"] == talk.id
    cell = (await read(schoology, f"/sections/{sid}/grades?assignment_id={talk.id}"))["grades"]["grade"][0]
    assert cell["location"].endswith(f"/discussions/{talk.grade_item_id}")
    assert cell["assignment_id"] == talk.id != talk.grade_item_id


async def test_due_has_no_zone_and_none_is_empty(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    sid = room.section.id
    world.schoology.add_assignment(sid, "Due", due=datetime(2026, 11, 1, 23, 59, 59))  # noqa: DTZ001 - zone-less by contract
    world.schoology.add_assignment(sid, "Not due")
    items = (await read(schoology, f"/sections/{sid}/grade_items"))["assignment"]
    assert [item["due"] for item in items[-2:]] == ["2026-11-01 23:59:59", ""]


async def test_students_do_not_see_unpublished_items(world: World) -> None:
    sid = world.classrooms[0].section.id
    hidden = world.schoology.add_assignment(sid, "Hidden", published=False)
    async with client(world, world.teacher_key) as teacher, client(world, world.student_key) as student:
        seen = [
            [item["id"] for item in (await read(calls, f"/sections/{sid}/grade_items"))["assignment"]]
            for calls in (teacher, student)
        ]
    assert [hidden.id in ids for ids in seen] == [True, False]


async def test_assignees_can_come_as_a_text(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    world.schoology.switches.assignees_as_text = True
    item = world.schoology.add_assignment(room.section.id, "Some", assignees=[1, 2])
    row = await read(schoology, f"/sections/{room.section.id}/grade_items/{item.id}")
    assert (row["assignees"], row["num_assignees"]) == ("[1, 2]", 2)


async def test_lone_children_and_empty_wrappers_by_switch(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    path = f"/sections/{room.section.id}/enrollments?uid="
    world.schoology.switches.lone_child_as_object = True
    world.schoology.switches.omit_empty_wrappers = True
    lone = await read(schoology, f"{path}{room.teacher.uid}")
    none = await read(schoology, f"{path}1")
    assert lone["enrollment"]["uid"] == str(room.teacher.uid)
    assert "enrollment" not in none
    assert none["total"] == "0"


async def test_categories_and_periods_are_not_paged(schoology: httpx.AsyncClient, room: Classroom) -> None:
    at = f"/sections/{room.section.id}"
    categories = await read(schoology, f"{at}/grading_categories?limit=1")
    periods = await read(schoology, f"{at}/grading_periods?limit=1")
    scales = await read(schoology, f"{at}/grading_scales")
    assert set(categories) == {"grading_category"}
    assert len(categories["grading_category"]) == 6
    assert list(periods["links"]) == ["self"]
    assert periods["grading_period"][0] == {
        "id": room.section.periods[0].id,
        "title": "2026-2027",
        "weight": 100,
        "start": "2026-08-17 00:00:00",
        "end": "2027-06-11 00:00:00",
        "has_children": 1,
        "parent": 0,
        "undocumented": None,
    }
    assert scales["grading_scale"][0]["scale"]["level"]


async def test_student_sees_less_of_a_category(world: World) -> None:
    path = f"/sections/{world.classrooms[0].section.id}/grading_categories"
    async with client(world, world.student_key) as student:
        row = (await read(student, path))["grading_category"][0]
    assert set(row) == {"id", "title", "delta", "realm", "realm_id", "weight", "undocumented"}


@pytest.mark.parametrize("tail", ["final_grades", "members", "assignments/1/rubric", "syncs"])
async def test_unknown_path_below_a_section_is_the_section(
    schoology: httpx.AsyncClient, room: Classroom, tail: str
) -> None:
    at = f"/sections/{room.section.id}"
    assert await read(schoology, f"{at}/{tail}") == await read(schoology, at)


async def test_deleted_item_is_gone_until_it_is_restored(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    sid = room.section.id
    item, uid = room.section.standing()[0], room.section.students()[0].uid
    world.schoology.grade(sid, item.id, uid, 4)

    async def there() -> tuple[int, list[Any]]:
        answer = await schoology.get(f"/sections/{sid}/grade_items/{item.id}")
        rows = (await read(schoology, f"/sections/{sid}/grades?assignment_id={item.id}"))["grades"]["grade"]
        return answer.status_code, [row["grade"] for row in rows][:1]

    assert await there() == (200, [4])
    world.schoology.delete_assignment(sid, item.id)
    assert await there() == (404, [])
    world.schoology.restore_assignment(sid, item.id)
    assert await there() == (200, [4])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/users/1/nothing", 400),
        ("GET", "/users/1", 404),
        ("GET", "/multiget", 405),
        ("PUT", "/sections/{sid}/grades", 405),
        ("PUT", "/sections/{sid}/assignments/1/grades", 405),
        ("POST", "/nothing", 404),
        ("GET", "/sections/{sid}/grades?timestamp=soon", 400),
        ("GET", "/sections/{sid}/enrollments?start=-1", 400),
    ],
)
async def test_other_calls_are_refused(
    schoology: httpx.AsyncClient, room: Classroom, method: str, path: str, status: int
) -> None:
    headers = {} if method == "GET" else {"content-type": "application/json"}
    answer = await schoology.request(method, path.format(sid=room.section.id), headers=headers)
    assert answer.status_code == status


async def test_clients_that_want_no_json_get_xml(schoology: httpx.AsyncClient, room: Classroom) -> None:
    answer = await schoology.get(f"/sections/{room.section.id}", headers={"accept": "*/*"})
    assert answer.headers["content-type"].startswith("text/xml")


async def test_list_rows_have_undocumented_keys_by_switch(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    path = f"/sections/{room.section.id}/grading_categories"
    with_extra = (await read(schoology, path))["grading_category"][0]
    world.schoology.switches.extra_keys = False
    without = (await read(schoology, path))["grading_category"][0]
    assert with_extra.keys() - without.keys() == {"undocumented"}
