"""Test finding a section, its term, teacher and students through PowerSchool's tables."""

import json
from datetime import date

import pytest

from gradesync.core.reasons import Reason
from gradesync_sandbox.faults import Body, Status
from harness.errors import expect_stop
from harness.powerschool_target import FIRST, LAST, Classroom


async def test_a_resolved_section_has_all_that_later_syncs_need(room: Classroom) -> None:
    section = await room.target().resolve_section(str(room.section.dcid))
    assert (section.ref.key, section.term_first, section.term_last) == (str(room.section.dcid), FIRST, LAST)
    assert section.ref.value == {
        "section_dcid": str(room.section.dcid),
        "section_id": str(room.section.id),
        "school": str(room.school.school_number),
        "term_id": str(room.term.id),
        "year_id": "36",
        "users_dcid": str(room.teacher.dcid),
        "staff_id": "6501",
    }
    room.sis.log.clear()
    await room.target().categories(section)
    await room.target().assignments(section)
    assert room.kinds() == ["teacher_category", "assignment.list"]


async def test_R40_a_padded_section_is_the_same_section(room: Classroom) -> None:
    plain = await room.target().resolve_section(str(room.section.dcid))
    assert await room.target().resolve_section(f"00{room.section.dcid}") == plain


@pytest.mark.parametrize("key", ["999", "", "8x", "²", "+85001", " 85001", "85_001"])
async def test_an_unknown_section_stops_the_sync(room: Classroom, key: str) -> None:
    with expect_stop(Reason.SIS_SECTION_NOT_FOUND):
        await room.target().resolve_section(key)


async def test_of_several_teachers_the_first_by_schoolstaff_id_acts(room: Classroom) -> None:
    second = room.sis.add_teacher(room.school)
    room.sis.assign_teacher(second, room.section)
    room.sis.sectionteachers[room.section.id].reverse()
    section = await room.target().resolve_section(str(room.section.dcid))
    assert section.ref.value["users_dcid"] == str(room.teacher.dcid)


async def test_the_district_may_choose_another_teacher_of_the_section(room: Classroom) -> None:
    second = room.sis.add_teacher(room.school)
    with expect_stop(Reason.TEACHER_NOT_IN_SIS_SECTION):
        await room.target().resolve_section(str(room.section.dcid), str(second.dcid))
    room.sis.assign_teacher(second, room.section)
    section = await room.target().resolve_section(str(room.section.dcid), str(second.dcid))
    assert section.ref.value["users_dcid"] == str(second.dcid)


async def test_a_lead_on_a_later_page_acts(room: Classroom) -> None:
    room.sis.switches.page_cap = 1
    assistant = room.sis.add_teacher(room.school)
    known = await room.resolved()
    room.sis.assign_teacher(assistant, room.section)
    room.section.teacher = room.sis.staff_of(assistant, room.section.schoolid).id
    section = await room.target().resolve_section(known.ref.key, known=known, term=False)
    assert section.ref.value["users_dcid"] == str(assistant.dcid)


async def test_a_section_without_a_teacher_stops_the_sync(room: Classroom) -> None:
    room.sis.unassign_teacher(room.teacher, room.section)
    with expect_stop(Reason.TEACHER_NOT_IN_SIS_SECTION):
        await room.target().resolve_section(str(room.section.dcid))


async def test_a_missing_grant_is_named(room: Classroom) -> None:
    room.sis.plugin.deny("sectionteacher", "teacherid")
    with expect_stop(Reason.SIS_PERMISSION_MISSING, "SECTIONTEACHER.TEACHERID"):
        await room.target().resolve_section(str(room.section.dcid))


async def test_the_term_comes_from_v1_where_the_table_is_refused(room: Classroom) -> None:
    room.sis.plugin.deny("terms", "lastday")
    terms = (
        f'{{"terms":{{"term":{{"id":{room.term.dcid},"start_date":"2026-08-20","end_date":"2026-12-18"}}}}}}'
    )
    room.order("unknown", Body(terms, headers={"content-type": "application/json"}))
    section = await room.target().resolve_section(str(room.section.dcid))
    assert (section.term_first, section.term_last) == (date(2026, 8, 20), date(2026, 12, 18))


@pytest.mark.parametrize(
    "response",
    ["<html>", "[]", "{}", '{"terms":""}', '{"terms":{"term":[{"id":1}]}}'],
)
async def test_without_any_source_the_term_is_the_school_year(room: Classroom, response: str) -> None:
    room.sis.plugin.deny("terms", "firstday")
    room.order("unknown", Body(response))
    section = await room.target().resolve_section(str(room.section.dcid))
    assert (section.term_first, section.term_last) == (date(2026, 7, 1), date(2027, 6, 30))


async def test_the_school_year_is_used_where_v1_is_refused(room: Classroom) -> None:
    room.sis.plugin.v1_access = "NONE"
    room.order("schema.terms", Status(400, '{"message":"Invalid field firstday"}'))
    section = await room.target().resolve_section(str(room.section.dcid))
    assert (section.term_first, section.term_last) == (date(2026, 7, 1), date(2027, 6, 30))


async def test_students_matched_by_dcid_cost_no_call(room: Classroom) -> None:
    section = await room.resolved()
    keys = [str(student.dcid) for student in room.students]
    assert await room.target().resolve_students(section, keys) == dict(zip(keys, keys, strict=True))
    assert room.kinds() == []


@pytest.mark.parametrize("column", ["dcid", "id", "student_number"])
async def test_R35_texts_of_one_number_name_one_student(room: Classroom, column: str) -> None:
    section, (student, *_) = await room.resolved(), room.students
    number, dcid = str(getattr(student, column)), str(student.dcid)
    others = [f"+{number}", f" {number}", f"{number[0]}_{number[1:]}", f"{number}.0", "guest17", "²"]
    found = await room.target(student_id=column).resolve_students(section, [number, f"00{number}", *others])
    assert found == {number: dcid, f"00{number}": dcid}


# Student numbers are read to the empty page, for one may come twice.
@pytest.mark.parametrize(("column", "calls"), [("id", 2), ("student_number", 3)])
async def test_students_matched_by_number_are_found_in_few_calls(
    room: Classroom, column: str, calls: int
) -> None:
    section = await room.resolved()
    ids = [str(getattr(student, column)) for student in room.students]
    students = await room.target(student_id=column).resolve_students(section, [*ids, "77", "no number"])
    assert students == {key: str(s.dcid) for key, s in zip(ids, room.students, strict=True)}
    assert room.kinds() == ["schema.students"] * calls


@pytest.mark.parametrize(("column", "calls"), [("id", 1), ("student_number", 2)])
async def test_students_found_lately_are_not_read_again(room: Classroom, column: str, calls: int) -> None:
    section = await room.resolved()
    new = room.sis.add_student(room.school)
    ids = [str(getattr(student, column)) for student in room.students]
    first = await room.target(student_id=column).resolve_students(section, ids)
    room.sis.log.clear()
    assert await room.target(student_id=column).resolve_students(section, ids) == first
    assert room.kinds() == []
    more = await room.target(student_id=column).resolve_students(section, [*ids, str(getattr(new, column))])
    assert more == {**first, str(getattr(new, column)): str(new.dcid)}
    assert room.kinds() == ["schema.students"] * calls


async def test_an_unknown_student_is_read_again(room: Classroom) -> None:
    section = await room.resolved()
    target = room.target(student_id="student_number")
    assert await target.resolve_students(section, ["77"]) == {}
    await target.resolve_students(section, ["77"])
    assert room.kinds() == ["schema.students"] * 2


async def test_a_refused_student_table_is_named(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.plugin.deny("students", "student_number")
    with expect_stop(Reason.SIS_PERMISSION_MISSING):
        await room.target(student_id="student_number").resolve_students(section, ["1"])


@pytest.mark.parametrize("v1", ["READ", "NONE"])
async def test_the_roster_lists_the_current_students(room: Classroom, v1: str) -> None:
    room.sis.plugin.v1_access = v1  # type: ignore[assignment]  # one of the two words
    section = await room.resolved()
    gone, *here = room.students
    room.sis.drop(gone, room.section)
    expected = frozenset(str(student.dcid) for student in here)
    assert await room.target().roster(section) == expected


@pytest.mark.parametrize("count", [0, 1])
async def test_collapsed_lists_of_v1_are_read(room: Classroom, count: int) -> None:
    section = await room.resolved()
    for student in room.students[count:]:
        del room.sis.cc[room.section.id][student.id]
    assert await room.target().roster(section) == frozenset(str(s.dcid) for s in room.students[:count])


@pytest.mark.parametrize("v1", ["READ", "NONE"])
async def test_a_roster_of_many_pages_is_read_to_its_end(room: Classroom, v1: str) -> None:
    room.sis.plugin.v1_access = v1  # type: ignore[assignment]  # one of the two words
    room.sis.switches.page_cap = 2
    section = await room.resolved()
    assert await room.target().roster(section) == frozenset(str(s.dcid) for s in room.students)


async def test_a_refused_roster_is_unknown_and_remembered(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.plugin.v1_access = "NONE"
    room.sis.plugin.deny("cc", "studentid")
    assert await room.target().roster(section) is None
    room.sis.log.clear()
    assert await room.target().roster(section) is None
    assert room.kinds() == []


async def test_a_garbled_roster_is_read_from_the_tables(room: Classroom) -> None:
    section = await room.resolved()
    here = frozenset(str(student.dcid) for student in room.students)
    for response in ("{}", "<html>", "[]"):
        room.order("v1.section_enrollment", Body(response))
        assert await room.target().roster(section) == here
    room.order("v1.section_enrollment", Body("{}"), times=None)
    room.order("schema.cc", Body("{}"))
    assert await room.target().roster(section) is None
    room.order("schema.cc", Status(401), times=None)
    with expect_stop(Reason.SIS_CREDENTIALS_REFUSED):
        await room.target().roster(section)


async def test_a_table_that_is_no_json_is_unreadable(room: Classroom) -> None:
    room.order("schema.sections", Body("<html>log in</html>"))
    with expect_stop(Reason.SIS_UNREADABLE):
        await room.target().resolve_section(str(room.section.dcid))


def table(name: str, **row: str) -> Body:
    """Return one row of a table, as the tables' API shows it."""
    return Body(json.dumps({"name": name, "record": [{"id": 1, "tables": {name: row}}]}))


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (table("sections", id="1", termid="S1", schoolid="1"), Reason.SIS_UNREADABLE),
        (table("sections", id="1", termid="3600"), Reason.SIS_SECTION_NOT_FOUND),
        (Body("[]"), Reason.SIS_UNREADABLE),
        (Status(405, "{}"), Reason.SIS_UNREADABLE),
    ],
)
async def test_a_garbled_section_row_stops_the_sync(
    room: Classroom, effect: Body | Status, reason: Reason
) -> None:
    room.order("schema.sections", effect, times=2)  # with the columns that are optional, and without
    room.order("schema.sectionteacher", table("sectionteacher", teacherid=str(6501)))
    with expect_stop(reason):
        await room.target().resolve_section(str(room.section.dcid))


async def test_a_v1_section_without_ids_has_no_term(room: Classroom) -> None:
    room.sis.plugin.deny("terms", "firstday")
    room.order("v1.section", Body('{"section":{"id":1}}'))
    section = await room.target().resolve_section(str(room.section.dcid))
    assert section.term_first == date(2026, 7, 1)


async def test_a_student_table_that_is_not_there_is_unreadable(room: Classroom) -> None:
    section = await room.resolved()
    room.order("schema.students", Status(405, "{}"))
    with expect_stop(Reason.SIS_UNREADABLE):
        await room.target(student_id="id").resolve_students(section, ["1"])
