"""Test section, roster, categories and periods: types as they come, and unreadable rows."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gradesync.core.gradebook import UNTOUCHED, Category, Gradebook, Student
from gradesync.core.ports import Member
from harness.canned_schoology import (
    ADA,
    BEN,
    ESSAY,
    HERS,
    HIS,
    QUIZ,
    SECTION,
    SINCE,
    CannedSchoology,
    canned_source,
    dense,
    enrollment,
    grade,
    grades,
    item,
    read,
)
from harness.errors import expect_stop


async def book_with(*enrollments: object) -> Gradebook:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": list(enrollments)})
    schoology.put("grade_items", {"assignment": []})
    schoology.put("grades", grades())
    return await read(schoology)


# --- the section
@pytest.mark.parametrize(("synced", "from_sis"), [("1", True), (1, True), (True, True), ("0", False),
                                                  (0, False), (False, False), (None, False)])  # fmt: skip
async def test_R16_the_synced_flag_marks_sections_of_the_sis(synced: object, from_sis: bool) -> None:
    schoology = CannedSchoology()
    schoology.put("", {"id": int(SECTION), "section_school_code": 49355, "synced": synced})
    book = await read(schoology)
    assert (book.from_sis, book.section_code, book.section_id) == (from_sis, "49355", SECTION)


@pytest.mark.parametrize("code", ["", None])
async def test_R16_a_section_may_have_no_school_code(code: object) -> None:
    schoology = CannedSchoology()
    schoology.put("", {"id": SECTION, "section_school_code": code, "synced": "0"})
    assert (await read(schoology)).section_code is None


@pytest.mark.parametrize("body", [{"id": "1"}, {}, {"id": SECTION, "synced": "maybe"}, {"id": []}])
async def test_a_response_of_another_section_stops_the_sync(body: dict[str, object]) -> None:
    schoology = CannedSchoology()
    schoology.put("", body)
    with expect_stop("upstream-answer-unexpected", "Schoology's section: "):
        await read(schoology)


# --- the roster
async def test_admin_flags_of_every_kind_are_read() -> None:
    book = await book_with(
        enrollment(1, 11, admin=0, status=1, school_uid="1_7"),
        enrollment("2", "12", admin="0", status="1", school_uid=""),
        enrollment(3, 13, admin=1, status=1),
        enrollment("4", "14", admin="1", status="1"),
        enrollment(5, 15, admin=True, status="1"),
        enrollment(6, 16, admin=None, status="1", school_uid=None),
    )
    assert book.students == {
        "11": Student("11", "1", "1_7"),
        "12": Student("12", "2", None),
        "16": Student("16", "6", None),
    }
    assert book.course_admins == {"13", "14", "15"}


@pytest.mark.parametrize("status", ["2", 3, "4", 5, "77"])
async def test_R27a_every_status_but_1_is_not_in_force(status: object) -> None:
    book = await book_with(enrollment(1, 11, status=status), enrollment(2, 12, admin=1, status=status))
    assert not book.students["11"].active
    assert book.course_admins == frozenset()


async def test_a_linked_enrollment_names_its_sis_section() -> None:
    book = await book_with(enrollment(1, 11, cross_listed_section_school_code="49390"))
    assert book.students["11"].other_section == "49390"


@pytest.mark.parametrize("order", [1, -1])
async def test_of_several_enrollments_the_active_one_counts(order: int) -> None:
    schoology = CannedSchoology()
    rows = [enrollment(HERS, ADA), enrollment("3490989999", ADA, status="5"), enrollment(HIS, BEN)]
    schoology.put("enrollments", {"enrollment": rows[::order]})
    schoology.put("grades", grades(*dense(QUIZ, ESSAY), grade("3490989999", QUIZ, 1)))
    book = await read(schoology)
    assert book.students[ADA].enrollment_id == HERS
    assert book.cells[QUIZ] == {ADA: 8, BEN: 8}
    assert book.differing == {(QUIZ, ADA)}


OLD, NEW = "3490989701", "3490989999"


@pytest.mark.parametrize(
    ("statuses", "old", "new", "joined", "differs"),
    [
        ((1, 1), (8, 100), (None, 0), 8, False),
        ((1, 1), (8, 100), (9, 50), 8, True),
        ((1, 1), (8, 100), (9, 200), 9, True),
        ((1, 1), (8, 100), (None, 200), None, True),
        ((1, 1), (8, 100), ("8.0", 200), 8, False),
        ((1, 1), (8, 100), ("A+", 50), 8, True),
        ((5, 1), (8, 100), (9, 50), 9, True),
        ((5, 1), (8, 100), (None, 0), UNTOUCHED, False),
        ((5, 1), (8, 100), (None, 50), UNTOUCHED, True),
        ((5, 1), (8, 100), (None, 200), None, True),
        ((5, 1), (None, 0), (None, 0), UNTOUCHED, False),
        ((5, 5), (8, 100), (9, 50), 8, True),
    ],
)
async def test_R39_cells_of_several_enrollments_are_joined(
    statuses: tuple[int, int], old: Any, new: Any, joined: object, differs: bool
) -> None:
    schoology = CannedSchoology()
    people = [enrollment(OLD, ADA, status=statuses[0]), enrollment(NEW, ADA, status=statuses[1])]
    schoology.put("enrollments", {"enrollment": people})
    rows = [grade(e, QUIZ, points, timestamp=at) for e, (points, at) in ((OLD, old), (NEW, new))]
    schoology.put("grades", grades(*rows))
    schoology.put("grade_items", {"assignment": [item(int(QUIZ))]})
    book = await read(schoology)
    assert (book.cells, book.unreadable) == ({QUIZ: {ADA: joined}}, {})
    assert book.differing == ({(QUIZ, ADA)} if differs else frozenset())
    async with canned_source(schoology) as source:
        again = await source.cells(book, [QUIZ])
    assert (again.cells, again.differing) == (book.cells, book.differing)


async def test_R39_a_change_of_an_ended_enrollment_is_no_cell() -> None:
    schoology = CannedSchoology()
    people = [enrollment(OLD, ADA, status=5), enrollment(NEW, ADA), enrollment(HIS, BEN)]
    schoology.put("enrollments", {"enrollment": people})
    schoology.put("grades", grades(grade(OLD, QUIZ, 3), grade(HIS, QUIZ, 4)))
    assert (await read(schoology, SINCE)).cells[QUIZ] == {BEN: 4}
    assert not [path for path in schoology.asked if "assignment_id" in path]


async def test_R39_a_change_beside_another_enrollment_is_read_whole() -> None:
    schoology = CannedSchoology()
    people = [enrollment(OLD, ADA, status=5), enrollment(NEW, ADA), enrollment(HIS, BEN)]
    schoology.put("enrollments", {"enrollment": people})
    schoology.put("grades", grades(grade(NEW, QUIZ, 3), grade(HIS, ESSAY, 4)))
    alone = f"grades?limit=200&assignment_id={QUIZ}"
    schoology.put(alone, grades(grade(OLD, QUIZ, 8), grade(NEW, QUIZ, 3)))
    book = await read(schoology, SINCE)
    assert book.cells == {QUIZ: {ADA: 3}, ESSAY: {BEN: 4}}
    assert book.differing == {(QUIZ, ADA)}
    assert (book.partial, book.full) == (frozenset({QUIZ}), False)


async def test_R39_an_ended_enrollment_assigns_nothing() -> None:
    schoology = CannedSchoology()
    people = [enrollment(OLD, ADA, status=5), enrollment(NEW, ADA), enrollment(HIS, BEN)]
    schoology.put("enrollments", {"enrollment": people})
    schoology.put("grade_items", {"assignment": [item(int(QUIZ), assignees=[OLD, HIS])]})
    schoology.put("grades", grades(grade(HIS, QUIZ, 4)))
    book = await read(schoology)
    assert book.cells == {QUIZ: {BEN: 4}}
    assert book.partial == frozenset()
    assert book.assignments[0].assignees == frozenset({f"enrollment:{OLD}", BEN})


async def test_of_several_ended_enrollments_the_newest_counts() -> None:
    book = await book_with(enrollment(9, 11, status=5), enrollment(10, 11, status=5))
    assert book.students["11"].enrollment_id == "10"


@pytest.mark.parametrize("field", ["id", "uid", "status", "admin", "school_uid"])
async def test_a_garbled_enrollment_costs_itself_only(field: str) -> None:
    book = await book_with(enrollment(1, 11, **{field: ["?"]}), enrollment(2, 12))
    known = {"11": Student("11", "1", None, False, unreadable=True)} if field not in {"id", "uid"} else {}
    assert book.students == known | {"12": Student("12", "2", "1_10001")}
    assert bool(book.partial_lists) == (not known)


async def test_members_have_the_shown_name_and_count_once() -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": [
        enrollment(1, 11, name_display="Ada Bell"),
        enrollment(2, 11, name_display="Ada Bell", status="5"),
        enrollment(3, 12, name_display="", name_first="Ben", name_last="Ochs", admin=1),
        enrollment(4, None),
    ]})  # fmt: skip
    async with canned_source(schoology) as source:
        members = await source.members(SECTION)
    assert members == (
        Member("11", "Ada Bell", False, True, "1_10001"),
        Member("12", "Ben Ochs", True, True, "1_10001"),
    )


async def test_titles_of_section_and_periods_are_read() -> None:
    schoology = CannedSchoology()
    schoology.put("", {"id": SECTION, "course_title": "Algebra 1", "section_title": " Period 3 "})
    schoology.put("grading_periods", {"grading_period": [
        {"id": 1, "title": "Q1", "end": "2026-10-16 00:00:00"}, {"id": 2, "title": [], "end": ["?"]}, None,
    ]})  # fmt: skip
    async with canned_source(schoology) as source:
        book = await source.outline(SECTION)
    assert (book.title, book.period_titles) == ("Algebra 1: Period 3", {"1": "Q1"})


@pytest.mark.parametrize(("course", "title"), [("Algebra 1", "Algebra 1"), (["?"], "")])
async def test_a_title_is_read_as_far_as_it_goes(course: object, title: str) -> None:
    schoology = CannedSchoology()
    schoology.put("", {"id": SECTION, "course_title": course})
    async with canned_source(schoology) as source:
        assert (await source.outline(SECTION)).title == title


async def test_an_outline_has_no_cells_and_costs_four_calls() -> None:
    schoology = CannedSchoology()
    async with canned_source(schoology) as source:
        outline = await source.outline(SECTION)
    whole = await read(CannedSchoology())
    bare: dict[str, Any] = {
        "students": {},
        "course_admins": frozenset(),
        "teachers": {},
        "cells": {},
        "read_through": {},
        "full": False,
    }
    assert outline == replace(whole, **bare)
    assert schoology.kinds == [SECTION, "grade_items", "grading_categories", "grading_periods"]


# --- categories and periods
async def test_categories_without_a_readable_id_are_left_out() -> None:
    schoology = CannedSchoology()
    rows = [
        {"id": 5, "title": "Quizzes "},
        {"id": "6", "title": None},
        {"id": None},
        None,
        {"id": 7, "title": []},
    ]
    schoology.put("grading_categories", {"grading_category": rows})
    async with canned_source(schoology) as source:
        assert await source.categories(SECTION) == (Category("5", "Quizzes "), Category("6", ""))


async def test_periods_without_a_readable_last_date_are_left_out() -> None:
    schoology = CannedSchoology()
    schoology.put("grading_periods", {"grading_period": [
        {"id": 1, "end": "2026-10-16 00:00:00"}, {"id": "2", "end": "2027-01-15"}, {"id": 3, "end": ""},
        {"id": 4, "end": "0000-00-00"}, {"id": 5, "end": "later"}, {"end": "2027-01-15"}, None,
    ]})  # fmt: skip
    assert (await read(schoology)).periods == {"1": date(2026, 10, 16), "2": date(2027, 1, 15)}


# --- wrappers
async def test_a_lone_child_may_come_as_an_object() -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": enrollment(HERS, ADA), "total": "1"})
    schoology.put("grade_items", {"assignment": item(int(QUIZ)), "total": 1})
    schoology.put("grades", {"grades": {"grade": grade(HERS, QUIZ)}})
    schoology.put("grading_categories", {"grading_category": {"id": 5, "title": "Tests"}})
    schoology.put("grading_periods", {"grading_period": {"id": 1, "end": "2026-10-16"}})
    book = await read(schoology)
    assert book.cells == {QUIZ: {ADA: 8}}
    assert (len(book.assignments), len(book.categories)) == (1, 1)
    assert book.periods == {"1": date(2026, 10, 16)}


EMPTY: list[dict[str, Any]] = [{}, {"total": "0", "links": {"self": "x"}}]


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize("null", [None, [], {}, "", "null", "[]", "{}"])
async def test_a_missing_or_null_wrapper_is_an_empty_list(empty: dict[str, Any], null: object) -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": null})
    schoology.put("grade_items", empty)
    schoology.put("grades", {"grades": null, "period": [], "final_grade": []})
    schoology.put("grading_categories", empty)
    schoology.put("grading_periods", {"grading_period": null})
    book = await read(schoology)
    assert (book.students, book.assignments, book.cells, book.categories, book.periods) == (
        {},
        (),
        {},
        (),
        {},
    )
