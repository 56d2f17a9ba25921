"""Tells what of a section would not sync, from what can be read without looking at any score."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from gradesync.core.gradebook import Gradebook, in_order
from gradesync.core.ledger import Ledger
from gradesync.core.roster import Roster, absent
from gradesync.core.rules import Rulebook, Stop, syncable

Hindrance: TypeAlias = Literal["failed", "skipped", "warning"]


class Obstacle(NamedTuple):
    """One thing that would fail, be left out, or go with a warning: a section, an assignment, a student."""

    result: Hindrance
    reason: str
    assignment_id: str = ""
    title: str = ""
    student_id: str = ""


def foresee(
    gradebook: Gradebook,
    ledger: Ledger,
    book: Rulebook,
    matched: Mapping[str, str],
    enrolled: frozenset[str] | None,
) -> tuple[Obstacle, ...]:
    """The obstacles of a section: its assignments in the order of their ids, then its students.

    `matched` maps uid -> SIS key. `enrolled` are the SIS keys of the section, None where they cannot be read.
    """
    return (*_assignments(gradebook, ledger, book), *_students(gradebook, matched, enrolled))


def _assignments(gradebook: Gradebook, ledger: Ledger, book: Rulebook) -> Iterator[Obstacle]:
    verdicts = syncable(gradebook, ledger, book)
    for assignment in sorted(gradebook.assignments, key=lambda a: in_order(a.id)):
        verdict, title = verdicts[assignment.id], assignment.title
        if verdict.stop is not None:
            yield Obstacle(_told(verdict.stop), verdict.stop.reason, assignment.id, title)
        for warning in verdict.warnings:
            yield Obstacle("warning", warning, assignment.id, title)


def _students(
    gradebook: Gradebook, matched: Mapping[str, str], enrolled: frozenset[str] | None
) -> Iterator[Obstacle]:
    roster = Roster.of(gradebook.students, matched)
    for uid, student in sorted(gradebook.students.items()):
        key = roster.find(uid)
        if isinstance(key, Stop):
            if student.active:
                yield Obstacle(_told(key), key.reason, student_id=uid)
        elif enrolled is not None and key not in enrolled:
            yield Obstacle("failed", absent(student, gradebook.section_code), student_id=uid)


def _told(stop: Stop) -> Hindrance:
    return "failed" if stop.result == "failed" else "skipped"
