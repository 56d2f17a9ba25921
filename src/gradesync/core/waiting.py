"""Find what waits for the next sync of a section: plan it as if the SIS held what was last sent."""

from collections.abc import Container, Mapping
from typing import NamedTuple

from gradesync.core.accounts import Accounts
from gradesync.core.district import Match
from gradesync.core.gradebook import Gradebook
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.plan import Action, AssignmentPlan
from gradesync.core.planner import plan
from gradesync.core.rules import Rulebook
from gradesync.core.sis import LiveAssignment, LiveGradebook, Ref, Spec

_UNSENT = frozenset({Action.CREATE, Action.UPDATE})


class Waiting(NamedTuple):
    """Describe what waits of one assignment: whether it is new or changed itself, and how many scores."""

    assignment: bool
    scores: int


def find_waiting(
    gradebook: Gradebook, ledger: Ledger, book: Rulebook, students: Mapping[str, str]
) -> dict[str, Waiting]:
    """Return what waits by assignment id, of a gradebook whose cells are those that changed since a sync.

    `students` are the SIS keys that the last sync found, by uid, and those of newcomers. What a sync could
    not send, and owes since then, doesn't wait: it needs attention.
    """
    ledger = Accounts.of(students).follow_ledger(ledger)
    made = plan(gradebook, ledger, _hold_sent(ledger), book, students)
    return {
        item.id: Waiting(item.action in _UNSENT, sum(not write.owed for write in item.writes))
        for item in made.assignments
    }


def would_change(gradebook: Gradebook, ledger: Ledger, book: Rulebook, students: Mapping[str, str]) -> bool:
    """Return True where a sync would send something, or come to another outcome than the last one did.

    All are as in `find_waiting`. That the SIS holds what was last sent is taken for granted.
    """
    ledger = Accounts.of(students).follow_ledger(ledger)
    made = plan(gradebook, ledger, _hold_sent(ledger), book, students)
    return any(_differs(item, ledger.get(item.id)) for item in made.assignments)


def _differs(item: AssignmentPlan, entry: LedgerAssignment | None) -> bool:
    if item.action in {Action.SKIP, Action.FAIL}:
        return entry is None or item.reason != entry.problem
    return item.action is not Action.KEEP or bool(item.writes or item.settled)


def is_settled(ledger: Ledger) -> bool:
    """Return True where nothing of earlier syncs is owed, in doubt, to be decided or begun."""
    return not any(
        entry.owed or entry.doubtful or entry.decisions or entry.intent or entry.may_hold or entry.former
        for entry in ledger.values()
    )


def list_newcomers(
    gradebook: Gradebook, ledger: Ledger, match: Match, matched: Container[str]
) -> tuple[str, ...]:
    """Return the uids of students whom no sync has seen: those that the last one `matched` are none.

    A student whom the SIS does not know is no newcomer any more once a sync owes a score of theirs.
    """
    owing = {uid for entry in ledger.values() for uid in entry.owed}
    return tuple(
        student.uid
        for student in gradebook.students.values()
        if student.active
        and student.uid not in matched
        and student.uid not in owing
        and match.student_key(student.school_uid) is not None
    )


def _hold_sent(ledger: Ledger) -> LiveGradebook:
    """Return a SIS that lists the assignments as they were last sent."""
    return LiveGradebook(
        tuple(
            _show_as_sent(entry, entry.ref, entry.spec)
            for entry in ledger.values()
            if entry.ref is not None and entry.spec is not None
        )
    )


def _show_as_sent(entry: LedgerAssignment, ref: Ref, spec: Spec) -> LiveAssignment:
    return LiveAssignment(ref, entry.shown or spec.name, spec.due, spec, ours=True)
