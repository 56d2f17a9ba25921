"""Test the control API's acts of a school year: each shows in the system that it is done in."""

from typing import Any

import pytest

from gradesync_sandbox.powerschool.rows import LEAD
from gradesync_sandbox.schoology.model import ARCHIVED
from harness.control_desk import Desk, sis_assignment


async def test_enrollments_end_return_and_change_ids(desk: Desk) -> None:
    uid, book = next(iter(desk.room.students)), desk.room.section
    old = book.enrollment_of(uid)
    await desk.do("POST", f"{desk.here}/enrollments/{old.id}/end", {})
    assert old.status == ARCHIVED
    made = await desk.do("POST", f"{desk.here}/students/{uid}/enroll-anew", expect=201)
    assert {made["enrollment"], old.id} <= {e["id"] for e in await desk.read(f"{desk.here}/enrollments")}
    new = await desk.do("POST", f"{desk.here}/enrollments/renumber", {"keep_cells": True}, 200)
    assert set(book.enrollments) == set(new.values())
    await desk.do("PUT", f"{desk.here}/admins/{uid}", {"admin": True})
    assert book.is_admin(uid)


async def test_codes_and_accounts_change(desk: Desk) -> None:
    users = desk.world.schoology.users
    one, other, *_ = desk.room.students
    codes = users[one].school_uid, users[other].school_uid
    await desk.do("POST", f"/users/{one}/swap/{other}")
    assert (users[other].school_uid, users[one].school_uid) == codes
    await desk.do("PUT", f"/users/{one}/school-uid", {"school_uid": "1_7"})
    second = (await desk.do("POST", f"/users/{one}/second-account", expect=201))["uid"]
    assert users[second].school_uid == users[one].school_uid == "1_7"
    new = (await desk.do("POST", f"/users/{other}/replace", {"keep_cells": True}, 201))["uid"]
    assert desk.room.section.enrollment_of(new).status == 1
    await desk.do("PATCH", f"{desk.here}/code", {"school_code": "1", "synced": False})
    assert (desk.room.section.school_code, desk.room.section.synced) == ("1", False)


async def test_categories_and_items_are_made_anew(desk: Desk) -> None:
    book, guest = desk.room.section, desk.world.classrooms[1].section
    made = (await desk.do("POST", f"{desk.here}/categories", {"title": "Essays"}, 201))["id"]
    await desk.do("PUT", f"{desk.here}/categories/order", {"order": [made]})
    assert next(iter(book.categories)) == made
    await desk.do("PATCH", f"{desk.here}/categories/{made}", {"title": "Papers"})
    again = (await desk.do("POST", f"{desk.here}/categories/{made}/remake", expect=201))["id"]
    assert book.categories[again].title == "Papers"
    await desk.do("DELETE", f"{desk.here}/categories/{again}")
    assert again not in book.categories
    first, *_ = book.standing()
    copy = await desk.do("POST", f"{desk.here}/assignments/{first.id}/copy", {"title": "Copy"}, 201)
    assert book.items[copy["id"]].title == "Copy"
    new = await desk.do("POST", f"{desk.here}/assignments/reimport", {"items": [first.id]}, 200)
    assert book.items[first.id].deleted
    assert book.items[new[str(first.id)]].title == first.title
    linked = await desk.do("POST", f"{desk.here}/link/{guest.id}", expect=200)
    assert set(linked.values()) <= set(book.items)


async def test_scores_grow_older_but_for_those_never_entered(desk: Desk) -> None:
    cells = desk.room.section.cells
    untouched, *touched = list(cells)
    cells[untouched].timestamp = 0
    before = {key: cell.timestamp for key, cell in cells.items()}
    await desk.do("POST", f"{desk.here}/scores/age", {"seconds": 3600})
    assert cells[untouched].timestamp == 0
    assert touched
    assert all(cells[key].timestamp == before[key] - 3600 for key in touched)


async def test_teachers_come_and_go(desk: Desk) -> None:
    sis, room = desk.world.powerschool, desk.room
    body = {"role": 42, "first": "2026-09-01", "last": "2026-10-01"}
    other = (await desk.do("POST", f"{desk.here}/sis/teachers", body, 201))["teacher"]
    assert len(sis.categories_of(other)) == len(sis.categories_of(room.sis_teacher.dcid))
    await desk.do("PUT", f"{desk.here}/sis/lead", {"teacher": other, "first": "2026-10-16"})
    rows = [(r["teacher"], r["role"], r["last"]) for r in await desk.read(f"{desk.here}/sis/teachers")]
    assert rows == [
        (room.sis_teacher.dcid, "Lead Teacher", "2026-10-15"),
        (other, "Co-teacher", "2026-10-01"),
        (other, "Lead Teacher", None),
    ]
    await desk.do("POST", f"{desk.here}/sis/teachers/{other}/end", {"last": "2026-11-01"})
    assert {str(row.end_date) for row in sis.rows_of(sis.users[other], room.sis)} == {"2026-11-01"}
    await desk.do("PUT", f"{desk.here}/sis/teacher", {"teaches": True})
    assert [row.roleid for row in sis.rows_of(room.sis_teacher, room.sis)] == [LEAD]


async def test_terms_sections_and_students_change(desk: Desk) -> None:
    sis, room = desk.world.powerschool, desk.room
    student = next(iter(room.students.values()))
    await desk.do("PUT", f"{desk.here}/sis/term/dates", {"last": "2027-06-20"})
    assert str(sis.term_of(room.sis).lastday) == "2027-06-20"
    half = (await desk.do("POST", f"{desk.here}/sis/split", {"students": [student.dcid]}, 201))["dcid"]
    assert sis.roster(sis.sections[half]) == {student.dcid}
    await desk.do("PATCH", f"{desk.here}/sis/students/{student.dcid}/keys", {"dcid": 5, "number": 6})
    assert (sis.students[5].student_number, sis.roster(sis.sections[half])) == (6, {5})
    await desk.do("PUT", f"{desk.here}/sis/dcid", {"dcid": 99_000})
    assert sis.sections[99_000] is room.sis


async def test_sis_categories_and_columns_change(desk: Desk) -> None:
    sis, room = desk.world.powerschool, desk.room
    made = await sis_assignment(desk)
    path = f"{desk.here}/sis/assignments/{made['assignmentid']}"
    assert (await desk.do("PATCH", path, {"scoretype": "PERCENT"}, 200))["scoretype"] == "PERCENT"
    (key,) = made["categories"]
    new = (await desk.do("POST", f"{desk.here}/sis/categories/{key}/remake", expect=201))["id"]
    assert (await desk.read(f"{desk.here}/sis/assignments"))[0]["categories"] == [new]
    added = (await desk.do("POST", f"{desk.here}/sis/categories", {"name": "Extra"}, 201))["id"]
    await desk.do("PUT", f"{desk.here}/sis/categories/order", {"order": [added]})
    assert sis.categories_of(room.sis_teacher.dcid)[0].name == "Extra"
    await desk.do("DELETE", f"{desk.here}/sis/categories/{added}")
    assert added not in sis.categories


@pytest.mark.parametrize(
    ("system", "changes"),
    [
        ("powerschool", {"score_faults": [{"kind": "alter", "student": 1, "points": "10", "times": 2}]}),
        ("powerschool", {"name_form": ["trim", "nfc"], "refusal_quotes": "html", "teacher_dates": "checked"}),
        ("schoology", {"partial_lists": {"enrollment": 4}, "cell_clock_offset": -300.0}),
    ],
)
async def test_the_years_switches_are_set_by_name(desk: Desk, system: str, changes: dict[str, Any]) -> None:
    shown = await desk.do("PATCH", f"/systems/{system}/switches", changes, 200)
    for name, value in changes.items():
        if name == "score_faults":
            assert shown[name] == [{**value[0], "part": None}]
        else:
            assert sorted(shown[name]) == sorted(value) if isinstance(value, list) else shown[name] == value
