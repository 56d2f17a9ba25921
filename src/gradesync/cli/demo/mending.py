"""Mend what a sync could not send, as the teacher and the school office would."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from gradesync.cli.demo.people import Teacher
from gradesync.core.catalog import sis_name

Outcome: TypeAlias = Mapping[str, Any]
NAME_MAX = 50
POINTS = "10"


class Mended(NamedTuple):
    """Describe what was mended, and what was done about it."""

    what: str
    done: str


class Example(NamedTuple):
    """Hold what the teacher copies from an assignment that was sent: its category and its due date."""

    category: str
    due: str


def mend(teacher: Teacher, outcomes: Iterable[Outcome]) -> list[Mended]:
    """Mend each assignment and each student that needs attention, once."""
    example = _find_example(teacher)
    mended: dict[tuple[str, str], Mended] = {}
    for outcome in outcomes:
        reason = outcome["reason"]
        mender = MENDERS.get(reason["code"]) if reason else None
        if mender is None:
            continue
        student, assignment = outcome["student"], outcome["assignment"]
        by_student = student is not None and reason["code"] != "unknown-exception"
        key = (student["id"], "") if by_student else (assignment["id"], student["id"] if student else "")
        if key not in mended:
            what = student["name"] if by_student else assignment["title"]
            mended[key] = Mended(what, mender(teacher, outcome, example))
    return list(mended.values())


def _find_example(teacher: Teacher) -> Example:
    sent = next(item for item in teacher.assignments() if item["last_sent"] and item["category"])
    return Example(sent["category"]["id"], sent["due"])


def _move_due_date(teacher: Teacher, outcome: Outcome, example: Example) -> str:
    teacher.edit(outcome["assignment"]["id"], due=f"{example.due}T23:59:59")
    return "moved its due date into the term"


def _set_points(teacher: Teacher, outcome: Outcome, example: Example) -> str:
    teacher.edit(outcome["assignment"]["id"], max_points=POINTS)
    return f"gave it {POINTS} total points"


def _shorten_name(teacher: Teacher, outcome: Outcome, example: Example) -> str:
    teacher.edit(outcome["assignment"]["id"], title=outcome["assignment"]["title"][:NAME_MAX].rstrip())
    return "shortened its name"


def _change_category(teacher: Teacher, outcome: Outcome, example: Example) -> str:
    teacher.edit(outcome["assignment"]["id"], category=int(example.category))
    return "moved it to a category that is mapped"


def _enter_points(teacher: Teacher, outcome: Outcome, example: Example) -> str:
    teacher.grade(outcome["assignment"]["id"], outcome["student"]["id"], "5")
    return f"entered points for {outcome['student']['name']}"


def _enroll_in_sis(teacher: Teacher, outcome: Outcome, example: Example) -> str:
    teacher.enroll_in_sis(outcome["student"]["id"])
    return f"the office enrolled the student in {sis_name()}"


def _end_enrollment(teacher: Teacher, outcome: Outcome, example: Example) -> str:
    teacher.end_enrollment(outcome["student"]["id"])
    return "the office ended the enrollment in Schoology"


MENDERS: Mapping[str, Callable[[Teacher, Outcome, Example], str]] = {
    "due-date-outside-term": _move_due_date,
    "points-not-accepted": _set_points,
    "title-too-long": _shorten_name,
    "category-unmapped": _change_category,
    "unknown-exception": _enter_points,
    "student-not-in-sis-section": _enroll_in_sis,
    "student-unmatched": _end_enrollment,
    "student-not-from-sis": _end_enrollment,
}
