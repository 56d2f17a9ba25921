"""Which students' scores can go, and why the others' cannot (R27a, R35)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gradesync.core.gradebook import Student
from gradesync.core.plan import Result
from gradesync.core.reasons import Reason
from gradesync.core.rules import Stop

_NOT_ENROLLED = Stop(Result.SKIPPED, Reason.STUDENT_NOT_ENROLLED)
_NOT_FROM_SIS = Stop(Result.SKIPPED, Reason.STUDENT_NOT_FROM_SIS)
_UNMATCHED = Stop(Result.FAILED, Reason.STUDENT_UNMATCHED)


@dataclass(frozen=True, slots=True)
class Roster:
    """The students of a section. `keys`: uid -> SIS key, of those whose scores can go."""

    students: Mapping[str, Student]
    keys: Mapping[str, str]

    @classmethod
    def of(cls, students: Mapping[str, Student], matched: Mapping[str, str]) -> "Roster":
        """Take the matched students who are enrolled. A SIS key that two of them share matches neither."""
        keys = {uid: key for uid, key in matched.items() if _left_out(students.get(uid)) is None}
        holders = Counter(keys.values())
        return cls(students, {uid: key for uid, key in keys.items() if holders[key] == 1})

    def find(self, uid: str) -> str | Stop:
        """A student's SIS key, or why the student's scores do not go."""
        key = self.keys.get(uid)
        return key if key is not None else _left_out(self.students.get(uid)) or _UNMATCHED


def absent(student: Student | None, section_code: str | None) -> Reason:
    """The reason to give for an enrolled student whom the SIS does not have in the section (R27)."""
    elsewhere = student.other_section if student else None
    if elsewhere and elsewhere != section_code:
        return Reason.STUDENT_IN_OTHER_SECTION
    return Reason.STUDENT_NOT_IN_SIS_SECTION


def _left_out(student: Student | None) -> Stop | None:
    if student is None or not student.active:
        return _NOT_ENROLLED
    return None if student.school_uid else _NOT_FROM_SIS
