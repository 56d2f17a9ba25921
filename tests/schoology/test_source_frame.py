"""Roster, assignments, categories and periods: types as they come, and rows that cannot be read."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from canned_schoology import (
    ADA,
    BEN,
    ESSAY,
    HERS,
    HIS,
    QUIZ,
    SECTION,
    CannedSchoology,
    Literal,
    by_id,
    canned_source,
    dense,
    enrollment,
    grade,
    grades,
    item,
    read,
    stops,
)
from gradesync.core.exchange import Member
from gradesync.core.gradebook import Assignment, Category, Gradebook, Student


async def book_with(*enrollments: object) -> Gradebook:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": list(enrollments)})
    schoology.put("grade_items", {"assignment": []})
    schoology.put("grades", grades())
    return await read(schoology)


async def assignment(**fields: Any) -> Assignment:
    """One assignment, read from an item with these fields."""
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [item(int(QUIZ), **fields)]})
    schoology.put("grades", grades(*dense(QUIZ)))
    return (await read(schoology)).assignments[0]


# --- the section


@pytest.mark.parametrize(("synced", "from_sis"), [("1", True), (1, True), (True, True), ("0", False),
                                                  (0, False), (False, False), (None, False)])  # fmt: skip
async def test_R16_whether_the_sis_made_the_section(synced: object, from_sis: bool) -> None:
    schoology = CannedSchoology()
    schoology.put("", {"id": int(SECTION), "section_school_code": 49355, "synced": synced})
    book = await read(schoology)
    assert (book.from_sis, book.section_code, book.section_id) == (from_sis, "49355", SECTION)


@pytest.mark.parametrize("code", ["", None])
async def test_R16_a_section_without_a_school_code(code: object) -> None:
    schoology = CannedSchoology()
    schoology.put("", {"id": SECTION, "section_school_code": code, "synced": "0"})
    assert (await read(schoology)).section_code is None


@pytest.mark.parametrize("body", [{"id": "1"}, {}, {"id": SECTION, "synced": "maybe"}, {"id": []}])
async def test_an_answer_that_is_not_the_section_stops_the_sync(body: dict[str, object]) -> None:
    schoology = CannedSchoology()
    schoology.put("", body)
    with stops("upstream-answer-unexpected", "section: "):
        await read(schoology)


# --- the roster


async def test_students_and_course_admins_are_told_apart_by_flags_of_every_kind() -> None:
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
async def test_of_several_enrollments_of_a_student_the_active_one_counts(order: int) -> None:
    schoology = CannedSchoology()
    rows = [enrollment(HERS, ADA), enrollment("3490989999", ADA, status="5"), enrollment(HIS, BEN)]
    schoology.put("enrollments", {"enrollment": rows[::order]})
    schoology.put("grades", grades(*dense(QUIZ, ESSAY), grade("3490989999", QUIZ, 1)))
    book = await read(schoology)
    assert book.students[ADA].enrollment_id == HERS
    assert book.cells[QUIZ] == {ADA: 8, BEN: 8, "enrollment:3490989999": 1}


async def test_of_several_ended_enrollments_the_newest_counts() -> None:
    book = await book_with(enrollment(9, 11, status=5), enrollment(10, 11, status=5))
    assert book.students["11"].enrollment_id == "10"


@pytest.mark.parametrize("field", ["id", "uid", "status", "admin", "school_uid"])
async def test_a_garbled_enrollment_costs_itself_only(field: str) -> None:
    book = await book_with(enrollment(1, 11, **{field: ["?"]}), None, enrollment(2, 12))
    assert book.students.keys() == {"12"}


async def test_members_have_the_shown_name_and_count_once() -> None:
    schoology = CannedSchoology()
    schoology.put("enrollments", {"enrollment": [
        enrollment(1, 11, name_display="Ada Bell"),
        enrollment(2, 11, name_display="Ada Bell", status="5"),
        enrollment(3, 12, name_display="", name_first="Ben", name_last="Ochs", admin=1),
        enrollment(4, None),
    ]})  # fmt: skip
    async with canned_source(schoology) as source:
        found = await source.members(SECTION)
    assert found == (Member("11", "Ada Bell", False, True), Member("12", "Ben Ochs", True, True))


# --- assignments


async def test_an_assignment_as_it_comes() -> None:
    assert await assignment(title="Größe & Maß", max_points="42.5", factor="2") == Assignment(
        id=QUIZ,
        title="Größe & Maß",
        max_points=Decimal("42.5"),
        due=date(2026, 10, 9),
        category_id="92557271",
        period_id="1123041",
        factor=Decimal(2),
    )


@pytest.mark.parametrize("none", ["0", 0, None, ""])
async def test_no_category_and_no_period_come_in_four_ways(none: object) -> None:
    found = await assignment(grading_category=none, grading_period=none)
    assert (found.category_id, found.period_id, found.unreadable) == (None, None, None)


@pytest.mark.parametrize(
    ("due", "day"),
    [
        ("2026-03-10 23:59:59", date(2026, 3, 10)),
        ("2026-03-10 00:00:00", date(2026, 3, 10)),
        ("2026-03-10T08:30:00", date(2026, 3, 10)),
        ("2026-03-10 08:30", date(2026, 3, 10)),
        ("2026-03-10", date(2026, 3, 10)),
        ("", None),
        (None, None),
        ("0000-00-00 00:00:00", None),
        ("0000-00-00", None),
    ],
)
async def test_R13_the_day_stands_as_written_and_is_never_moved_by_a_zone(
    due: object, day: date | None
) -> None:
    found = await assignment(due=due)
    assert (found.due, found.unreadable) == (day, None)


@pytest.mark.parametrize(
    "due", ["soon", "2026-02-30 00:00:00", "10/03/2026", "2026-03-10T08:30:00Z", 1775041468, [], "2026"]
)
async def test_a_due_date_that_is_none_makes_the_assignment_unreadable(due: object) -> None:
    found = await assignment(due=due)
    assert found == Assignment(QUIZ, "Quiz 1", None, unreadable="due is no date")


@pytest.mark.parametrize(
    ("points", "found"),
    [
        ("100", Decimal(100)),
        (100, Decimal(100)),
        (Literal("0.5"), Decimal("0.5")),
        ("0", Decimal(0)),
        ("", None),
        (None, None),
        ("many", None),
        (Literal("1e999999"), None),
        ("NaN", None),
    ],
)
async def test_R28_total_points_that_are_no_number_are_none(points: object, found: Decimal | None) -> None:
    read_back = await assignment(max_points=points)
    assert (read_back.max_points, read_back.unreadable) == (found, None)


@pytest.mark.parametrize(
    ("factor", "found"), [("1.5", "1.5"), (2, "2"), ("", "1"), (None, "1"), ("x", "1"), ("1e999", "1")]
)
async def test_R8_a_factor_that_is_no_number_is_one(factor: object, found: str) -> None:
    assert (await assignment(factor=factor)).factor == Decimal(found)


@pytest.mark.parametrize(
    ("written", "counts", "collected"),
    [(1, True, True), ("1", True, True), (True, True, True), (0, False, False), ("0", False, False),
     (False, False, False), (None, True, False)],
)  # fmt: skip
async def test_R31_R32_flags_of_every_kind(written: object, counts: bool, collected: bool) -> None:
    found = await assignment(count_in_grade=written, collected_only=written)
    assert (found.counts, found.collected_only) == (counts, collected)


async def test_R31_R32_flags_that_are_not_there_have_their_defaults() -> None:
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [{"id": QUIZ, "title": "Quiz", "max_points": "5"}]})
    schoology.put("grades", grades(*dense(QUIZ)))
    found = (await read(schoology)).assignments[0]
    assert found == Assignment(QUIZ, "Quiz", Decimal(5))


@pytest.mark.parametrize(
    "assignees",
    [[int(HERS)], [HERS], f"[{HERS}]", f'["{HERS}"]'],
)
async def test_assignees_are_enrollments_in_a_list_or_in_a_text(assignees: object) -> None:
    assert (await assignment(assignees=assignees)).assignees == frozenset([ADA])


@pytest.mark.parametrize("everybody", [[], "[]", "", None])
async def test_no_assignees_means_everybody(everybody: object) -> None:
    assert (await assignment(assignees=everybody)).assignees is None


async def test_an_assignee_that_the_roster_does_not_know_keeps_a_key() -> None:
    assert (await assignment(assignees=[7, int(HIS)])).assignees == frozenset(["enrollment:7", BEN])


@pytest.mark.parametrize("name", ["grading_category", "grading_period", "count_in_grade", "collected_only",
                                  "assignees", "title"])  # fmt: skip
async def test_a_garbled_field_costs_its_assignment_only(name: str) -> None:
    schoology = CannedSchoology()
    rows = [item(int(QUIZ), **{name: {"what": "?"}}), item(int(ESSAY), title="Essay")]
    schoology.put("grade_items", {"assignment": rows})
    found = by_id((await read(schoology)).assignments)
    assert str(found[QUIZ].unreadable).startswith(f"{name} is n")
    assert found[ESSAY].unreadable is None


async def test_an_assignment_without_an_id_is_still_shown() -> None:
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [item(None, title="Lost"), None, item(int(QUIZ))]})
    schoology.put("grades", grades(*dense(QUIZ)))
    found = (await read(schoology)).assignments
    assert [(a.id, a.title, a.unreadable) for a in found] == [
        ("row:1", "Lost", "id is missing"),
        ("row:2", "", "id is missing"),
        (QUIZ, "Quiz 1", None),
    ]


async def test_an_assignment_that_slides_onto_two_pages_counts_once() -> None:
    assert len((await outline_of(item(int(QUIZ)), item(QUIZ, title="Renamed"))).assignments) == 1


async def outline_of(*items: object) -> Gradebook:
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": list(items)})
    async with canned_source(schoology) as source:
        return await source.outline(SECTION)


async def test_an_outline_has_no_cells_and_no_students_and_costs_four_calls() -> None:
    schoology = CannedSchoology()
    async with canned_source(schoology) as source:
        outline = await source.outline(SECTION)
    whole = await read(CannedSchoology())
    bare: dict[str, Any] = {
        "students": {},
        "course_admins": frozenset(),
        "cells": {},
        "read_through": {},
        "full": False,
    }
    assert outline == replace(whole, **bare)
    assert schoology.kinds == [SECTION, "grade_items", "grading_categories", "grading_periods"]


# --- categories and periods


async def test_categories_by_id_with_garbled_ones_left_out() -> None:
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


async def test_periods_have_their_last_date_in_both_forms_or_are_left_out() -> None:
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
@pytest.mark.parametrize("null", [None, [], {}])
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
