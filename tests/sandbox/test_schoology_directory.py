"""Test the lists of the organization and of a section beside its gradebook (upstream.md Schoology §2.8)."""

from typing import Any

import httpx
import pytest

from gradesync_sandbox.schoology.model import Role
from gradesync_sandbox.world import Classroom, World
from harness.signing import client as signed


async def pages(calls: httpx.AsyncClient, path: str, key: str) -> list[list[dict[str, Any]]]:
    """Return a list page by page, as its links lead."""
    found, address = [], path
    while address:
        body = (await calls.get(address)).json()
        found.append(body[key])
        address = body.get("links", {}).get("next")
    return found


@pytest.mark.parametrize(
    ("path", "key"),
    [("/users", "user"), ("/courses", "course"), ("/gradingperiods", "gradingperiods"), ("/roles", "role")],
)
async def test_lists_have_pages_and_a_total(schoology: httpx.AsyncClient, path: str, key: str) -> None:
    whole = (await schoology.get(f"{path}?limit=200")).json()
    found = await pages(schoology, f"{path}?limit=2", key)
    assert [len(page) for page in found[:-1]] == [2] * (len(found) - 1)
    assert [row["id"] for page in found for row in page] == [row["id"] for row in whole[key]]
    assert int(whole["total"]) == len(whole[key])


async def test_users_are_narrowed_by_building_and_role(schoology: httpx.AsyncClient, world: World) -> None:
    roles = {r["title"]: r["id"] for r in (await schoology.get("/roles")).json()["role"]}
    building = world.classrooms[0].section.course.building
    path = f"/users?limit=200&building_id={building}&role_ids={roles['Teacher']}"
    shown = (await schoology.get(path)).json()["user"]
    teachers = [u for u in world.schoology.users.values() if (u.role, u.building) == (Role.TEACHER, building)]
    assert [u["id"] for u in shown] == [u.uid for u in teachers]
    assert {u["role_id"] for u in shown} == {roles["Teacher"]}


async def test_schools_have_buildings_and_courses(schoology: httpx.AsyncClient, world: World) -> None:
    (school,) = (await schoology.get("/schools")).json()["school"]
    assert (await schoology.get(f"/schools/{school['id']}")).json()["title"] == school["title"]
    buildings = (await schoology.get(f"/schools/{school['id']}/buildings")).json()["building"]
    assert [int(b["id"]) for b in buildings] == list(world.schoology.buildings)
    courses = (await schoology.get(f"/courses?building_id={buildings[0]['id']}&limit=200")).json()["course"]
    assert courses
    assert {c["building_id"] for c in courses} == {buildings[0]["id"]}


async def test_single_records_are_found_or_404(schoology: httpx.AsyncClient) -> None:
    year, *quarters = (await schoology.get("/gradingperiods?limit=200")).json()["gradingperiods"]
    one = (await schoology.get(f"/gradingperiods/{year['id']}")).json()
    assert (one["has_children"], one["parent"], one["start"]) == (True, 0, "2026-08-17")
    assert (await schoology.get(f"/gradingperiods/{quarters[0]['id']}")).json()["parent"] == year["id"]
    (role, *_) = (await schoology.get("/roles")).json()["role"]
    assert (await schoology.get(f"/roles/{role['id']}")).json()["title"] == role["title"]
    for path in ("/gradingperiods/1", "/roles/1", "/schools/1"):
        assert (await schoology.get(path)).status_code == 404


async def test_lists_of_the_organization_follow_roles(world: World) -> None:
    assert world.student_key is not None
    assert world.teacher_key is not None
    school = world.schoology.school
    async with signed(world, world.teacher_key) as teacher, signed(world, world.student_key) as student:
        for path in ("/courses", f"/schools/{school}/buildings", "/users"):
            assert (await teacher.get(path)).status_code == 403
        assert (await teacher.get("/gradingperiods")).status_code == 200
        assert (await student.get("/gradingperiods")).status_code == 403
        (period, *_) = world.schoology.periods
        assert (await student.get(f"/gradingperiods/{period}")).status_code == 200


async def test_a_section_has_submissions_and_empty_lists(
    schoology: httpx.AsyncClient, world: World, room: Classroom
) -> None:
    at, (uid, *_) = f"/sections/{room.section.id}", room.students
    item = world.schoology.add_assignment(room.section.id, "Essay")
    world.schoology.grade(room.section.id, item.id, uid, 9)
    (only,) = (await schoology.get(f"{at}/submissions/{item.id}")).json()["revision"]
    assert (only["uid"], only["late"]) == (uid, 0)
    talk = world.schoology.add_assignment(room.section.id, "Debate", type="discussion")
    assert (await schoology.get(f"{at}/discussions/{talk.grade_item_id}/comments")).json()["comment"] == []
    assert (await schoology.get(f"{at}/updates")).json()["update"] == []
    assert (await schoology.get(f"{at}/attendance")).json()["date"] == []
    for path in ("submissions/1", "discussions/1/comments"):
        assert (await schoology.get(f"{at}/{path}")).status_code == 404
