"""Test how PowerSchool changes in a school year (upstream.md PowerSchool §6), by its own API."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gradesync_sandbox.powerschool.rows import CO_TEACHER, LEAD, SUBSTITUTE
from harness.powerschool_client import Assignment, District, Plugin, part, row


async def rows(client: Plugin, table: str, projection: str, q: str = "") -> list[dict[str, str]]:
    """Return a table's rows as its API shows them."""
    shown = (await client.table(table, projection, q)).json()
    return [record["tables"][table] for record in shown["record"]]


def stored(district: District, made: Assignment) -> dict[int, tuple[str | None, Decimal | None]]:
    """Return the text and points of each student's cell."""
    cells = district.sis.gradebook.scores[part(made)["assignmentsectionid"]]
    return {dcid: (score.actualscoreentered, score.scorepoints) for dcid, score in cells.items()}


# --- teachers


async def test_teacher_rows_have_roles_and_dates(district: District, client: Plugin) -> None:
    sis, section = district.sis, district.section
    follower = sis.add_teacher(district.school)
    sis.assign_teacher(follower, section, role=SUBSTITUTE, last=date(2026, 9, 1))
    sis.replace_lead(section, follower, date(2026, 10, 16))
    shown = await rows(client, "sectionteacher", "teacherid,roleid,start_date,end_date")
    mine, hers = (str(sis.staff_of(u, section.schoolid).id) for u in (district.teacher, follower))
    assert shown == [
        {"teacherid": mine, "roleid": str(LEAD), "end_date": "2026-10-15"},
        {"teacherid": hers, "roleid": str(SUBSTITUTE), "end_date": "2026-09-01"},
        {"teacherid": hers, "roleid": str(LEAD), "start_date": "2026-10-16"},
    ]
    assert await rows(client, "sections", "teacher") == [{"teacher": hers}]
    assert {"id": str(CO_TEACHER), "name": "Co-teacher"} in await rows(client, "roledef", "id,name")


async def test_sections_teacher_can_differ_from_the_rows(district: District, client: Plugin) -> None:
    other = district.sis.add_teacher(district.school)
    district.sis.set_section_teacher(district.section, other)
    assert [r.roleid for r in district.sis.rows_of(district.teacher, district.section)] == [LEAD]
    assert not district.sis.teaches(other.dcid, district.section)


async def test_writes_need_a_current_row_where_dates_are_checked(district: District, client: Plugin) -> None:
    sis = district.sis
    made = await client.created()
    sis.end_teaching(district.teacher, district.section, sis.today() - timedelta(days=1))
    assert (await client.score(row(made, district.students[0], "9"))).status_code == 200
    sis.switches.teacher_dates = "checked"
    assert (await client.score(row(made, district.students[0], "8"))).status_code == 403
    assert (await client.create(name="Another")).status_code == 403
    assert (await client.list()).status_code == 200
    sis.end_teaching(district.teacher, district.section, sis.today())
    assert (await client.score(row(made, district.students[0], "8"))).status_code == 200


async def test_roles_can_be_for_reading_only(district: District, client: Plugin) -> None:
    district.sis.switches.read_only_roles = {LEAD}
    assert (await client.create()).status_code == 403
    assert (await client.list()).status_code == 200


# --- terms, sections, students


async def test_moved_term_takes_other_due_dates(district: District, client: Plugin) -> None:
    late = "2027-01-20"
    assert (await client.create(duedate=late)).status_code == 409
    district.sis.move_term(district.term, last=date(2027, 1, 22))
    assert (await client.create(duedate=late)).status_code == 201
    assert await rows(client, "terms", "lastday") == [{"lastday": "2027-01-22"}]


async def test_section_moves_to_another_term(district: District, client: Plugin) -> None:
    spring = district.sis.add_term(district.school, "S2", date(2027, 1, 18), date(2027, 6, 11))
    district.sis.move_section(district.section, spring)
    assert (await client.create(duedate="2027-03-01")).status_code == 201
    assert await rows(client, "sections", "termid") == [{"termid": str(spring.id)}]


async def test_recoded_section_keeps_its_gradebook(district: District, client: Plugin) -> None:
    made = await client.created()
    district.sis.recode_section(district.section, 99_001)
    (listed,) = (await client.list()).json()
    assert part(listed)["sectionsdcid"] == 99_001
    assert listed["assignmentid"] == made["assignmentid"]
    other = district.sis.add_section(district.school, district.term, district.teacher)
    with pytest.raises(KeyError):
        district.sis.recode_section(district.section, other.dcid)


async def test_split_section_takes_students_along(district: District, client: Plugin) -> None:
    moved = district.students[0]
    half = district.sis.split_section(district.section, [moved])
    assert district.sis.roster(half) == {moved.dcid}
    assert moved.dcid not in district.sis.roster(district.section)
    assert district.sis.teaches(district.teacher.dcid, half)


async def test_renumbered_student_keeps_scores(district: District, client: Plugin) -> None:
    made, student = await client.created(), district.students[0]
    await client.score(row(made, student, "9"))
    district.sis.renumber_student(student, dcid=190_001, id=41_999, number=77)
    assert stored(district, made) == {190_001: ("9", Decimal(9))}
    assert 190_001 in district.sis.roster(district.section)
    shown = await rows(client, "students", "dcid,id,student_number", "dcid==190001")
    assert shown == [{"dcid": "190001", "id": "41999", "student_number": "77"}]
    with pytest.raises(KeyError):
        district.sis.renumber_student(student, dcid=district.students[1].dcid)


# --- categories


async def listed_categories(district: District, client: Plugin) -> list[dict[str, Any]]:
    """Return the acting teacher's categories as the API lists them."""
    asked = {"users_dcid": district.teacher.dcid, "year_id": district.term.yearid}
    return (await client.http.get("/ws/xte/teacher_category", params=asked)).json()  # type: ignore[no-any-return]


async def test_categories_are_renamed_reordered_and_switched_off(district: District, client: Plugin) -> None:
    sis, homework = district.sis, district.category
    tests = sis.add_category(district.teacher, "Tests")
    sis.rename_category(homework, "Home work")
    sis.set_category_active(homework, active=False)
    sis.reorder_categories(district.teacher, [tests.teachercategoryid])
    shown = await listed_categories(district, client)
    assert [(c["name"], c["isactive"]) for c in shown] == [("Tests", True), ("Home work", False)]


async def test_remade_category_takes_its_assignments(district: District, client: Plugin) -> None:
    made = await client.created()
    new = district.sis.remake_category(district.category)
    assert [c["teachercategoryid"] for c in await listed_categories(district, client)] == [
        new.teachercategoryid
    ]
    assert (await client.create(name="Old category")).status_code == 409
    again = (await client.get(made["assignmentid"])).json()
    (assoc,) = part(again)["_assignmentcategoryassociations"]
    assert assoc["teachercategoryid"] == new.teachercategoryid


async def test_deleted_category_leaves_its_id_behind(district: District, client: Plugin) -> None:
    made = await client.created()
    district.sis.delete_category(district.category)
    assert await listed_categories(district, client) == []
    (assoc,) = part((await client.get(made["assignmentid"])).json())["_assignmentcategoryassociations"]
    assert assoc["teachercategoryid"] == district.category.teachercategoryid


async def test_new_teacher_gets_categories_of_her_own(district: District) -> None:
    follower = district.sis.add_teacher(district.school)
    copies = district.sis.copy_categories(district.teacher, follower)
    (copy,) = copies.values()
    assert (copy.name, copy.usersdcid) == ("Homework", follower.dcid)


# --- pages


async def test_page_size_can_shrink_between_pages(district: District, client: Plugin) -> None:
    for _ in range(47):
        district.sis.enroll(district.sis.add_student(district.school), district.section)
    assert len(await rows(client, "cc", "studentid")) == 50
    district.sis.switches.page_cap = 20
    assert [
        len((await client.table("cc", "studentid", page=page, pagesize=100)).json()["record"])
        for page in (1, 2, 3)
    ] == [20, 20, 10]
    assert (await client.http.get("/ws/schema/table/cc/count", params={"q": ""})).json() == {"count": 50}
