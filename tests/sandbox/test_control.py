"""Test the control API: every act of a person shows in the system that it is done in."""

from typing import Any

import pytest

from gradesync_sandbox.faults import LoseAfter
from gradesync_sandbox.powerschool.log import Call
from harness.control_desk import Desk, sis_assignment


async def test_classes_are_listed_with_their_people(desk: Desk) -> None:
    first, _ = await desk.read("/sections")
    assert (first["section"], first["sis_section_dcid"]) == (desk.room.section.id, desk.room.sis.dcid)
    students = (await desk.read(desk.here))["students"]
    assert {s["uid"]: s["dcid"] for s in students} == {u: s.dcid for u, s in desk.room.students.items()}


async def test_teacher_grades_marks_and_clears_a_cell(desk: Desk) -> None:
    item, uid = desk.room.section.standing()[0].id, next(iter(desk.room.students))
    cell = f"{desk.here}/assignments/{item}/scores/{uid}"

    async def shown() -> Any:
        return (await desk.read(f"{desk.here}/gradebook"))[0]["cells"][str(uid)]

    await desk.do("PUT", cell, {"points": "9.5"})
    assert await shown() == {"grade": "9.5", "exception": 0}
    await desk.do("PUT", f"{cell}/exception", {"exception": 3})
    assert await shown() == {"grade": None, "exception": 3}
    await desk.do("DELETE", cell)
    assert await shown() == {"grade": None, "exception": 0}


async def test_teacher_adds_edits_deletes_restores_an_item(desk: Desk) -> None:
    category = next(iter(await desk.read(f"{desk.here}/categories")))
    body = {"title": "Quiz 9", "max_points": "20", "category": int(category), "due": "2026-09-01T23:59:59"}
    made = await desk.do("POST", f"{desk.here}/assignments", body, 201)
    edited = await desk.do("PATCH", f"{desk.here}/assignments/{made['id']}", {"max_points": "25"}, 200)
    assert (edited["title"], edited["max_points"], edited["due"]) == ("Quiz 9", "25", "2026-09-01T23:59:59")

    async def titles() -> list[str]:
        return [item["title"] for item in await desk.read(f"{desk.here}/gradebook")]

    await desk.do("DELETE", f"{desk.here}/assignments/{made['id']}")
    assert "Quiz 9" not in await titles()
    await desk.do("POST", f"{desk.here}/assignments/{made['id']}/restore")
    assert "Quiz 9" in await titles()


async def test_students_leave_and_return_on_either_side(desk: Desk) -> None:
    uid, student = next(iter(desk.room.students.items()))
    enrollment = desk.room.section.enrollment_of(uid)
    await desk.do("POST", f"{desk.here}/students/{uid}/drop")
    assert enrollment.status != 1
    await desk.do("POST", f"{desk.here}/students/{uid}/enroll")
    assert enrollment.status == 1
    await desk.do("POST", f"{desk.here}/sis/students/{student.dcid}/drop")
    assert student.dcid not in desk.world.powerschool.roster(desk.room.sis)
    await desk.do("POST", f"{desk.here}/sis/students/{student.dcid}/enroll")
    assert student.dcid in desk.world.powerschool.roster(desk.room.sis)


async def test_sis_edits_show_in_its_gradebook_table(desk: Desk) -> None:
    made = await sis_assignment(desk)
    path = f"{desk.here}/sis/assignments/{made['assignmentid']}"
    uid, student = next(iter(desk.room.students.items()))
    await desk.do("PUT", f"{path}/scores/{student.dcid}", {"points": "8.0"})
    assert await desk.read(f"{desk.here}/sis/gradebook") == {"Essay": {str(student.dcid): "8"}}
    assert await desk.read(f"{desk.here}/sis/gradebook?students=uid") == {"Essay": {str(uid): "8"}}
    await desk.do("DELETE", f"{path}/scores/{student.dcid}")
    edited = await desk.do("PATCH", path, {"name": "Essay 2", "points": "15", "hidden_from_lists": True}, 200)
    assert (edited["name"], edited["points"], edited["created_by_plugin"]) == ("Essay 2", "15", None)
    assert desk.world.powerschool.gradebook.hidden_from_lists == {made["assignmentid"]}
    assert await desk.read(f"{desk.here}/sis/gradebook") == {"Essay 2": {}}
    await desk.do("DELETE", path)
    assert await desk.read(f"{desk.here}/sis/assignments") == []


async def test_sis_assignment_can_be_shared_with_another_section(desk: Desk) -> None:
    other = desk.world.classrooms[1].sis.dcid
    made = await sis_assignment(desk, shared_with=[other])
    assert made["sections"] == [desk.room.sis.dcid, other]


async def test_admin_locks_terms_and_reassigns_teachers(desk: Desk) -> None:
    await desk.do("PUT", f"{desk.here}/sis/term", {"locked": True})
    assert desk.room.term.locked
    await desk.do("PUT", f"{desk.here}/sis/teacher", {"teaches": False})
    sis, room = desk.world.powerschool, desk.room
    assert not sis.teaches(room.sis_teacher.dcid, room.sis)
    await desk.do("PUT", f"{desk.here}/sis/teacher", {"teaches": True})
    assert sis.teaches(room.sis_teacher.dcid, room.sis)
    key = (await desk.read(f"{desk.here}/sis/categories"))[0]["id"]
    await desk.do("PATCH", f"{desk.here}/sis/categories/{key}", {"name": "Renamed", "isactive": False})
    assert (sis.categories[key].name, sis.categories[key].isactive) == ("Renamed", False)


async def test_calls_and_counters_are_read_and_begun_anew(desk: Desk) -> None:
    log = desk.world.powerschool.log
    log.arrive(Call(1.0, "score.write", "PUT", "/ws/xte/score", "", 200))
    log.arrive(Call(2.0, "token", "POST", "/oauth/access_token", "", 200))
    (call,) = await desk.read("/systems/powerschool/calls?kind=score.write")
    assert (call["status"], call["rows"]) == (200, [])
    counted = await desk.read("/systems/powerschool/counters?window=1.5")
    assert counted["calls"] == {"score.write": 1, "token": 1}
    assert (counted["max_in_window"], counted["max_in_flight"], counted["score_rows"]) == (2, 2, {})
    await desk.do("DELETE", "/systems/powerschool/calls")
    assert await desk.read("/systems/powerschool/calls") == []
    assert (await desk.read("/systems/schoology/counters"))["calls"] == {}


@pytest.mark.parametrize("system", ["schoology", "powerschool"])
async def test_switches_change_by_name_to_valid_values_only(desk: Desk, system: str) -> None:
    path = f"/systems/{system}/switches"
    assert (await desk.do("PATCH", path, {"latency": 0.25}, 200))["latency"] == 0.25
    assert (await desk.read(path))["latency"] == 0.25
    await desk.do("PATCH", path, {"latency": "soon"}, 422)
    await desk.do("PATCH", path, {"colour": "red"}, 422)
    assert (await desk.read(path))["latency"] == 0.25


async def test_tokens_are_revoked_and_grants_changed(desk: Desk) -> None:
    sis = desk.world.powerschool
    token = sis.tokens.issue(3600)
    await desk.do("POST", "/systems/powerschool/tokens/revoke")
    assert not sis.tokens.stands(token)
    await desk.do("PUT", "/systems/powerschool/grants/ASSIGNMENT/CREATEDBYPLUGIN", {"granted": False})
    assert not sis.plugin.writes("assignment", "createdbyplugin")
    await desk.do("PUT", "/systems/powerschool/grants/assignment/createdbyplugin", {"granted": True})
    assert sis.plugin.writes("assignment", "createdbyplugin")
    xml = '<plugin xmlns="http://plugin.powerschool.pearson.com"><oauth accessLevelV1Api="FULL"/></plugin>'
    await desk.do("PUT", "/systems/powerschool/plugin", {"xml": xml})
    assert (sis.plugin.v1_access, sis.plugin.granted) == ("FULL", {})
    await desk.do("PUT", "/systems/powerschool/plugin", {"xml": "<plugin"}, 422)


async def test_faults_are_ordered_listed_and_taken_back(desk: Desk) -> None:
    order = {"system": "powerschool", "call": "score.write", "effect": {"kind": "lose_after"}, "nth": 2}
    await desk.do("POST", "/faults", order, 201)
    (rule,) = desk.faults.rules
    assert (rule.effect, rule.nth, rule.times) == (LoseAfter(), 2, 1)
    assert desk.faults.strike("powerschool", "score.write") is None
    assert desk.faults.strike("powerschool", "score.write") == LoseAfter()
    assert [hit["kind"] for hit in await desk.read("/faults/struck")] == ["score.write"]
    assert (await desk.read("/faults"))[0]["seen"] == 2
    await desk.do("POST", "/faults", order | {"effect": {"kind": "earthquake"}}, 422)
    await desk.do("POST", "/faults/release")
    await desk.do("DELETE", "/faults")
    assert desk.faults.rules == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sections/1"),
        ("DELETE", "{here}/sis/assignments/1"),
        ("DELETE", "{here}/assignments/1"),
        ("POST", "{here}/students/1/enroll"),
        ("POST", "{here}/students/1/drop"),
        ("POST", "{here}/sis/students/1/drop"),
    ],
)
async def test_missing_records_are_404(desk: Desk, method: str, path: str) -> None:
    answer = await desk.http.request(method, path.format(here=desk.here))
    assert answer.status_code == 404


async def test_every_route_has_a_summary(desk: Desk) -> None:
    paths = (await desk.read("/openapi.json"))["paths"]
    routes = [route for methods in paths.values() for route in methods.values()]
    assert len(routes) > 30
    assert all(route.get("description") for route in routes)
    assert (await desk.http.get("/docs")).status_code == 200
