"""Test what stood in the SIS at a moment, and what was sent for a student, by HTTP."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from harness.api import ApiHarness, expect_problem
from harness.history import by_cell, read_all
from harness.sis_edits import SisScore, compare, edit_and_compare


async def test_history_shows_what_stood_at_each_moment(api: ApiHarness) -> None:
    teacher = await api.teacher()
    first = await api.sync(teacher)
    path = f"{api.path}/history"
    before = by_cell(await read_all(teacher, path))
    (item_id, uid), value = next((key, value) for key, value in before.items() if value not in {None, "3"})
    api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 3)
    second = await api.sync(teacher)
    now = (await teacher.get(path, assignment=item_id, student=uid)).json()
    (cell,) = now["items"]
    assert (cell["change"]["value"], cell["change"]["before"]) == ("3", value)
    assert cell["change"]["sync_id"] == second["id"]
    assert cell["change"]["requested_by"] == f"teacher:{api.room.teacher.uid}"
    assert cell["student"]["name"]
    assert cell["assignment"]["title"]
    then = await read_all(teacher, path, as_of=first["finished_at"])
    assert by_cell(then) == before
    assert {one["change"]["sync_id"] for one in then} == {first["id"]}
    assert await read_all(teacher, path, as_of=first["requested_at"]) == []
    assert datetime.fromisoformat(now["known_since"]) <= datetime.fromisoformat(first["finished_at"])


async def test_unchanged_sync_adds_nothing_to_the_history(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    rows = (await api.rows())["history"]
    await api.sync(teacher)
    await api.sync(teacher, dry_run=True, mode="full")
    assert (await api.rows())["history"] == rows


async def test_history_of_another_section_is_not_found(api: ApiHarness) -> None:
    teacher = await api.teacher()
    other = api.world.classrooms[1].section.id
    expect_problem(await teacher.get(f"/sections/{other}/history"), 404, "section-not-found")


async def ask(api: ApiHarness, student: object, **query: Any) -> dict[str, Any]:
    office = await api.office("students:read")
    response = await office.get(f"/students/{student}/scores", **query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_student_scores_answer_what_was_sent_and_stands(api: ApiHarness) -> None:
    teacher = await api.teacher()
    first = await api.sync(teacher)
    before = by_cell(await read_all(teacher, f"{api.path}/history"))
    (item_id, uid), value = next((key, value) for key, value in before.items() if value not in {None, "3"})
    api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 3)
    second = await api.sync(teacher)
    answer = await ask(api, uid, live=True)
    assert answer["name"]
    (score,) = [one for one in answer["scores"] if one["assignment"]["id"] == item_id]
    changes = [(one["value"], one["before"], one["sync_id"]) for one in score["changes"]]
    assert changes == [("3", value, second["id"]), (value, None, first["id"])]
    assert score["now"] == {"source": "read", "value": "3", "edited": False}
    assert {one["assignment"]["id"] for one in answer["scores"]} == {a for a, s in before if s == uid}
    (sis_id,) = answer["sis_student_ids"]
    again = await ask(api, sis_id, by="sis")
    assert again["student_id"] == uid
    assert {one["now"]["source"] for one in again["scores"]} == {"last-sent"}


async def test_edit_in_the_sis_shows_in_student_scores(api: ApiHarness) -> None:
    await api.sync(await api.teacher())
    score = SisScore(api)
    score.type_in_sis(1)
    answer = await ask(api, score.uid, live=True, section=api.section)
    (found,) = [one for one in answer["scores"] if one["assignment"]["id"] == str(score.item.id)]
    assert found["now"] == {"source": "read", "value": "1", "edited": True}


async def test_student_sheet_is_printable_and_runs_nothing(api: ApiHarness) -> None:
    await api.sync(await api.teacher())
    office = await api.office("students:read", "audit:read")
    uid = next(iter(api.room.students))
    path = f"/students/{uid}/scores"
    sheet = await office.ask("GET", path, headers={"accept": "text/html"})
    policy = sheet.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in sheet.text
    assert "@media print" in sheet.text
    name = (await office.get(path)).json()["name"]
    assert name in sheet.text
    read = [one for one in (await office.get("/audit")).json()["items"] if one["action"] == "student.read"]
    assert [one["objects"]["student"] for one in read] == [str(uid)] * 2
    assert name not in str(read)


async def test_student_search_names_those_of_one_section(api: ApiHarness) -> None:
    office = await api.office("students:read")
    await api.sync(await api.teacher())
    uid = str(next(iter(api.room.students)))
    name = (await ask(api, uid))["name"]
    found = (await office.get("/students", section=api.section, name=name.upper())).json()
    assert {"student_id": uid, "name": name} in found
    expect_problem(await office.get("/students/1/scores"), 404, "student-not-found")
    other = await (await api.office("students:read")).get(f"/students/{uid}/scores", section="1")
    expect_problem(other, 404, "student-not-found")


async def test_edit_that_a_comparison_saw_is_in_the_history(api: ApiHarness) -> None:
    """Show an edit as of the comparison that saw it, once, and no more after a sync wrote over it."""
    teacher, score = await edit_and_compare(api)
    path = f"{api.path}/history"
    about = {"assignment": str(score.item.id), "student": str(score.uid)}
    await compare(api, teacher)
    (seen,) = await read_all(teacher, path, **about)
    assert (seen["change"]["value"], seen["change"]["before"]) == ("3", score.before)
    assert (seen["change"]["mode"], seen["change"]["found"]) == ("comparison", True)
    at = seen["change"]["at"]
    await api.sync(teacher, mode="full")
    (back,) = await read_all(teacher, path, **about)
    assert (back["change"]["value"], back["change"]["mode"]) == (score.before, "full")
    assert (await read_all(teacher, path, as_of=at, **about))[0]["change"]["value"] == "3"
    answer = await ask(api, score.uid)
    (found,) = [one for one in answer["scores"] if one["assignment"]["id"] == str(score.item.id)]
    modes = [(one["mode"], one["before"], one["value"]) for one in found["changes"]]
    assert modes[:2] == [("full", "3", score.before), ("comparison", score.before, "3")]
    assert len(modes) == 3


async def test_score_is_its_syncs_again_once_an_edit_is_taken_back(api: ApiHarness) -> None:
    """Type the sent score again, and compare: what stands is what the sync wrote."""
    teacher, score = await edit_and_compare(api)
    assert score.before is not None
    score.type_in_sis(Decimal(score.before))
    await compare(api, teacher)
    about = {"assignment": str(score.item.id), "student": str(score.uid)}
    (found,) = await read_all(teacher, f"{api.path}/history", **about)
    change = found["change"]
    assert (change["value"], change["mode"], change["found"]) == (score.before, "changes", False)
