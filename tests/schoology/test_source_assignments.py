"""Test assignments: types as they come, and fields that cannot be read."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gradesync.core.gradebook import Assignment, Gradebook
from harness.canned_schoology import (
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
    grades,
    item,
    read,
)


async def assignment(**fields: Any) -> Assignment:
    """Read one assignment from an item with these fields."""
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [item(int(QUIZ), **fields)]})
    schoology.put("grades", grades(*dense(QUIZ)))
    return (await read(schoology)).assignments[0]


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
    parsed = await assignment(grading_category=none, grading_period=none)
    assert (parsed.category_id, parsed.period_id, parsed.unreadable) == (None, None, None)


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
        (0, None),
        ("0", None),
        (" ", None),
    ],
)
async def test_R13_a_due_day_is_never_moved_by_a_time_zone(due: object, day: date | None) -> None:
    parsed = await assignment(due=due)
    assert (parsed.due, parsed.unreadable) == (day, None)


@pytest.mark.parametrize(
    "due", ["soon", "2026-02-30 00:00:00", "10/03/2026", "2026-03-10T08:30:00Z", 1775041468, [], "2026"]
)
async def test_a_garbled_due_date_makes_the_assignment_unreadable(due: object) -> None:
    parsed = await assignment(due=due)
    assert parsed == Assignment(QUIZ, "Quiz 1", None, unreadable="due is no date")


@pytest.mark.parametrize(
    ("points", "expected"),
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
async def test_R28_total_points_that_are_no_number_are_none(points: object, expected: Decimal | None) -> None:
    parsed = await assignment(max_points=points)
    assert (parsed.max_points, parsed.unreadable) == (expected, None)


@pytest.mark.parametrize(
    ("factor", "expected"), [("1.5", "1.5"), (2, "2"), ("", "1"), (None, "1"), ("x", "1"), ("1e999", "1")]
)
async def test_R8_a_factor_that_is_no_number_is_one(factor: object, expected: str) -> None:
    assert (await assignment(factor=factor)).factor == Decimal(expected)


@pytest.mark.parametrize(
    ("written", "counts", "collected"),
    [(1, True, True), ("1", True, True), (True, True, True), (0, False, False), ("0", False, False),
     (False, False, False), (None, True, False)],
)  # fmt: skip
async def test_R31_R32_flags_are_read_in_every_form(written: object, counts: bool, collected: bool) -> None:
    parsed = await assignment(count_in_grade=written, collected_only=written)
    assert (parsed.counts, parsed.collected_only) == (counts, collected)


async def test_R31_R32_flags_that_are_not_there_have_their_defaults() -> None:
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [{"id": QUIZ, "title": "Quiz", "max_points": "5"}]})
    schoology.put("grades", grades(*dense(QUIZ)))
    parsed = (await read(schoology)).assignments[0]
    assert parsed == Assignment(QUIZ, "Quiz", Decimal(5))


@pytest.mark.parametrize(
    "assignees",
    [[int(HERS)], [HERS], f"[{HERS}]", f'["{HERS}"]'],
)
async def test_assignees_are_enrollments_in_a_list_or_in_a_text(assignees: object) -> None:
    assert (await assignment(assignees=assignees)).assignees == frozenset([ADA])


@pytest.mark.parametrize("everybody", [[], "[]", "", None])
async def test_no_assignees_means_everybody(everybody: object) -> None:
    assert (await assignment(assignees=everybody)).assignees is None


async def test_an_assignee_unknown_to_the_roster_keeps_a_key() -> None:
    assert (await assignment(assignees=[7, int(HIS)])).assignees == frozenset(["enrollment:7", BEN])


@pytest.mark.parametrize("name", ["grading_category", "grading_period", "count_in_grade", "collected_only",
                                  "assignees", "title"])  # fmt: skip
async def test_a_garbled_field_costs_its_assignment_only(name: str) -> None:
    schoology = CannedSchoology()
    rows = [item(int(QUIZ), **{name: {"what": "?"}}), item(int(ESSAY), title="Essay")]
    schoology.put("grade_items", {"assignment": rows})
    parsed = by_id((await read(schoology)).assignments)
    assert str(parsed[QUIZ].unreadable).startswith(f"{name} is n")
    assert parsed[ESSAY].unreadable is None


async def test_an_assignment_without_an_id_is_still_shown() -> None:
    schoology = CannedSchoology()
    schoology.put("grade_items", {"assignment": [item(None, title="Lost"), None, item(int(QUIZ))]})
    schoology.put("grades", grades(*dense(QUIZ)))
    parsed = (await read(schoology)).assignments
    assert [(a.id, a.title, a.unreadable) for a in parsed] == [
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
