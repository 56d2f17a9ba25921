"""Find what of a section would not sync, from what can be read without looking at any score."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from gradesync.core.gradebook import Gradebook, Student
from gradesync.core.ledger import Ledger
from gradesync.core.reasons import Reason
from gradesync.core.rules import Roster, Rulebook, Stop, judge_assignments
from gradesync.core.sis import id_order

Severity: TypeAlias = Literal["failed", "skipped", "warning"]


class Obstacle(NamedTuple):
    """Describe one thing that would fail, be left out, or sync with a warning.

    It is an assignment, a student, or where it has neither id the section. `category` is the title of the
    assignment's.
    """

    result: Severity
    reason: str
    assignment_id: str = ""
    title: str = ""
    student_id: str = ""
    category: str = ""


def find_obstacles(
    gradebook: Gradebook,
    ledger: Ledger,
    book: Rulebook,
    matched: Mapping[str, str],
    enrolled: frozenset[str] | None,
) -> tuple[Obstacle, ...]:
    """Find the obstacles of a section: of its assignments in the order of their ids, then of its students.

    `matched` maps uid -> SIS key. `enrolled` are the SIS keys of the section, None where they cannot be read.
    """
    return (*_judge_assignments(gradebook, ledger, book), *_judge_students(gradebook, matched, enrolled))


def _judge_assignments(gradebook: Gradebook, ledger: Ledger, book: Rulebook) -> Iterator[Obstacle]:
    verdicts = judge_assignments(gradebook, ledger, book)
    categories = {category.id: category.title for category in gradebook.categories}
    for assignment in sorted(gradebook.assignments, key=lambda a: id_order(a.id)):
        verdict, title = verdicts[assignment.id], assignment.title
        category = categories.get(assignment.category_id or "", "")
        if verdict.stop is not None:
            yield Obstacle(_severity(verdict.stop), verdict.stop.reason, assignment.id, title, "", category)
        for warning in verdict.warnings:
            yield Obstacle("warning", warning, assignment.id, title, "", category)


def _judge_students(
    gradebook: Gradebook, matched: Mapping[str, str], enrolled: frozenset[str] | None
) -> Iterator[Obstacle]:
    roster = Roster.of(gradebook, matched)
    for uid, student in sorted(gradebook.students.items()):
        key = roster.find(uid)
        if isinstance(key, Stop):
            if student.active:
                yield Obstacle(_severity(key), key.reason, student_id=uid)
        elif enrolled is not None and key not in enrolled:
            yield Obstacle("failed", explain_absence(student, gradebook.section_code), student_id=uid)


def explain_absence(student: Student | None, section_code: str | None) -> Reason:
    """Return the reason for an enrolled student whom the SIS does not have in the section (R27)."""
    elsewhere = student.other_section if student else None
    if elsewhere and elsewhere != section_code:
        return Reason.STUDENT_IN_OTHER_SECTION
    return Reason.STUDENT_NOT_IN_SIS_SECTION


def _severity(stop: Stop) -> Severity:
    return "failed" if stop.result == "failed" else "skipped"
