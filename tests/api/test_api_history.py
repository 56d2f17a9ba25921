"""Test what stood in the SIS at a moment, and what was sent for a student, by HTTP."""

from datetime import datetime
from typing import Any

from harness.api import ApiClient, ApiHarness, expect_problem
from harness.sis_edits import SisScore, type_in_sis


async def read_all(who: ApiClient, path: str, **filters: Any) -> list[dict[str, Any]]:
    """Return the scores of all pages."""
    items: list[dict[str, Any]] = []
    query = {"limit": 7, **filters}
    while True:
        page = (await who.get(path, **query)).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        query["cursor"] = page["next_cursor"]


def by_cell(items: list[dict[str, Any]]) -> dict[tuple[str, str], str | None]:
    return {(one["assignment"]["id"], one["student"]["id"]): one["change"]["value"] for one in items}


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


async def undo(api: ApiHarness, who: ApiClient, **wanted: Any) -> dict[str, Any]:
    """Undo, run the sync, and return it settled."""
    response = await who.post(f"{api.path}/undo", wanted)
    assert response.status_code == 202, response.text
    await api.run_queued()
    settled: dict[str, Any] = (await who.get(response.headers["location"])).json()
    return settled


async def test_undo_puts_a_sync_back_and_keeps_it_back(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    path = f"{api.path}/history"
    before = by_cell(await read_all(teacher, path))
    scored = list({key[0]: key for key, value in before.items() if value not in {None, "3"}}.values())[:3]
    for item_id, uid in scored:
        api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 3)
    mistake = await api.sync(teacher)
    edited = scored[0]
    type_in_sis(api, api.room.section.items[int(edited[0])], int(edited[1]), 2)
    preview = await undo(api, teacher, sync=mistake["id"], dry_run=True)
    done = await undo(api, teacher, sync=mistake["id"], reason="Typed into the wrong column.")
    assert preview["scores"] == done["scores"]
    assert (done["scores"]["written"], done["scores"]["skipped"]) == (2, 1)
    outcomes = (await teacher.get(f"{done['links']['self']}/outcomes", result="skipped")).json()["items"]
    assert [one["reason"]["code"] for one in outcomes] == ["changed-since"]
    back = {**before, edited: "3"}
    assert by_cell(await read_all(teacher, path)) == back
    change = (await teacher.get(path, assignment=scored[1][0], student=scored[1][1])).json()["items"][0][
        "change"
    ]
    assert (change["mode"], change["reason"]) == ("undo", "Typed into the wrong column.")
    for mode in ("changes", "full"):
        again = await api.sync(teacher, mode=mode, assignments=[item_id])
        assert again["scores"]["written"] == 0
    api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 4)
    changed = await api.sync(teacher)
    assert changed["scores"]["written"] == 1, changed
    assert by_cell(await read_all(teacher, path))[item_id, uid] == "4"


async def test_undo_of_undo_restores_and_needs_no_decision(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    path = f"{api.path}/history"
    before = by_cell(await read_all(teacher, path))
    item_id, uid = next(key for key, value in before.items() if value not in {None, "3"})
    api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 3)
    mistake = await api.sync(teacher)
    done = await undo(api, teacher, sync=mistake["id"])
    assert by_cell(await read_all(teacher, path)) == before
    redone = await undo(api, teacher, sync=done["id"])
    assert redone["scores"]["written"] == 1
    assert by_cell(await read_all(teacher, path)) == {**before, (item_id, uid): "3"}
    assert (await api.sync(teacher, mode="full"))["scores"]["written"] == 0
    refused = await teacher.post(f"{api.path}/undo", {"sync": mistake["id"]})
    assert refused.status_code == 202  # what was touched since is named, not refused
    await api.run_queued()


async def test_undo_without_anything_to_put_back_is_refused(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    unchanged = await api.sync(teacher)
    response = await teacher.post(f"{api.path}/undo", {"sync": unchanged["id"]})
    expect_problem(response, 422, "undo-not-possible")
    both = {"sync": unchanged["id"], "student": "1", "as_of": unchanged["requested_at"]}
    expect_problem(await teacher.post(f"{api.path}/undo", both), 422, "request-not-valid")


async def test_undo_of_a_student_clears_what_was_first_sent(api: ApiHarness) -> None:
    teacher = await api.teacher()
    first = await api.sync(teacher)
    before = by_cell(await read_all(teacher, f"{api.path}/history"))
    uid = next(student for (_, student), value in before.items() if value is not None)
    done = await undo(api, teacher, student=uid, as_of=first["requested_at"])
    own = [key for key, value in before.items() if key[1] == uid and value is not None]
    assert done["scores"]["cleared"] == len(own)
    now = by_cell(await read_all(teacher, f"{api.path}/history"))
    assert {key: now[key] for key in own} == dict.fromkeys(own)
    assert {key: value for key, value in now.items() if key[1] != uid} == {
        key: value for key, value in before.items() if key[1] != uid
    }


async def test_undo_names_what_stands_under_a_former_number(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    before = by_cell(await read_all(teacher, f"{api.path}/history"))
    item_id, uid = next(key for key, value in before.items() if value not in {None, "3"})
    api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 3)
    mistake = await api.sync(teacher)
    api.world.powerschool.renumber_student(api.room.students[int(uid)], dcid=190_001)
    api.world.schoology.set_school_uid(int(uid), "1_190001")
    for wanted in ({"sync": mistake["id"]}, {"student": uid, "as_of": mistake["requested_at"]}):
        done = await undo(api, teacher, **wanted)
        path = f"{done['links']['self']}/outcomes"
        (left,) = (await teacher.get(path, assignment=item_id, student=uid)).json()["items"]
        assert (left["result"], left["reason"]["code"]) == ("skipped", "student-renumbered")
        assert (done["scores"]["written"], done["scores"]["cleared"]) == (0, 0)


async def test_undo_keeps_what_is_owed(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    before = by_cell(await read_all(teacher, f"{api.path}/history"))
    uid, student = next(iter(api.room.students.items()))
    item_id = next(
        item for (item, one), value in before.items() if one == str(uid) and value not in {None, "3"}
    )
    api.world.schoology.grade(api.room.section.id, int(item_id), uid, 3)
    mistake = await api.sync(teacher)
    api.world.powerschool.drop(student, api.room.sis)
    api.world.schoology.grade(api.room.section.id, int(item_id), uid, 4)
    assert (await api.sync(teacher))["scores"]["failed"] > 0
    await undo(api, teacher, sync=mistake["id"])
    api.world.powerschool.enroll(student, api.room.sis)
    assert (await api.sync(teacher))["status"] == "complete"
    assert by_cell(await read_all(teacher, f"{api.path}/history"))[item_id, str(uid)] == "4"
