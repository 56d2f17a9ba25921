"""Plan what an undo puts back: the values that stood in the SIS before, from the history.

An undo is a plan like any other. Its values come from the history instead of the gradebook, and it never
overwrites what changed since: such a score is left as it is, and named.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeAlias

from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.gradebook import Cell, Gradebook
from gradesync.core.history import Event, Known, fold
from gradesync.core.ledger import Decision, Ledger, LedgerAssignment, Value
from gradesync.core.plan import Action, AssignmentPlan, Plan, ScoreOutcome, ScoreWrite, fingerprint
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import LiveGradebook


@dataclass(frozen=True, slots=True)
class Undo:
    """Name what is put back: everything that a sync changed, or an assignment or a student as of a moment.

    `student` is the uid. `reason` is the one that was given.
    """

    sync_id: str | None = None
    assignment: str | None = None
    student: str | None = None
    as_of: datetime | None = None
    reason: str | None = None


class Target(NamedTuple):
    """Hold what a score was before, and what it was made since: both as the history has them.

    `touched`: another sync changed it since, or its SIS assignment is another one.
    """

    before: Sent
    after: Sent
    touched: bool = False


# Assignment id -> SIS student key -> target.
Targets: TypeAlias = Mapping[str, Mapping[str, Target]]


def find_targets(events: Sequence[Event], undo: Undo, own: str, sis_student: str | None = None) -> Targets:
    """Return what an undo puts back. `own` is the undo's sync: what it did already is not somebody's change.

    `sis_student` is the SIS key of the undo's student.
    """
    events = [event for event in events if event.cause.sync_id != own]
    now = fold(events)
    if undo.sync_id is not None:
        return _of_sync(events, undo.sync_id, now)
    return _of_moment(events, undo, sis_student, now)


def _of_sync(
    events: Iterable[Event], sync_id: str, now: Mapping[str, Mapping[str, Known]]
) -> dict[str, dict[str, Target]]:
    targets: dict[str, dict[str, Target]] = {}
    for event in events:
        if event.cause.sync_id != sync_id:
            continue
        for column in event.columns:
            cells = targets.setdefault(column.assignment_id, {})
            for change in column.cells:
                known = now.get(column.assignment_id, {}).get(change.student)
                mine = known is not None and known.cause.sync_id == sync_id and known.ref == column.ref
                before = cells[change.student].before if change.student in cells else change.before
                cells[change.student] = Target(before, change.after, touched=not mine)
    return _differing(targets)


def _of_moment(
    events: Sequence[Event], undo: Undo, sis_student: str | None, now: Mapping[str, Mapping[str, Known]]
) -> dict[str, dict[str, Target]]:
    then = fold(events, undo.as_of)
    targets: dict[str, dict[str, Target]] = {}
    for assignment_id, cells in now.items():
        if undo.assignment in {None, assignment_id}:
            old = then.get(assignment_id, {})
            targets[assignment_id] = {
                key: _compare(old.get(key), known)
                for key, known in cells.items()
                if sis_student in {None, key}
            }
    return _differing(targets)


def _compare(then: Known | None, known: Known) -> Target:
    if then is None:
        return Target(NEVER_SENT, known.change.after)
    return Target(then.change.after, known.change.after, touched=then.ref != known.ref)


def _differing(targets: Mapping[str, Mapping[str, Target]]) -> dict[str, dict[str, Target]]:
    found = {
        assignment_id: {
            key: target for key, target in cells.items() if _value(target.before) != _value(target.after)
        }
        for assignment_id, cells in targets.items()
    }
    return {assignment_id: cells for assignment_id, cells in found.items() if cells}


def _value(sent: Sent) -> Value:
    """Return a value as the SIS holds it: where nothing was sent there is a blank."""
    return None if sent is NEVER_SENT else sent


def put_back(
    gradebook: Gradebook, targets: Targets, holders: Mapping[str, str]
) -> tuple[Gradebook, Mapping[str, frozenset[str]]]:
    """Return the gradebook whose cells are what the SIS is to hold, and the selection of just these.

    `holders` are uids by SIS student key.
    """
    cells: dict[str, dict[str, Cell]] = {
        assignment_id: {holders.get(key, key): _value(target.before) for key, target in column.items()}
        for assignment_id, column in targets.items()
    }
    selection = {assignment_id: frozenset(column) for assignment_id, column in cells.items()}
    return replace(gradebook, cells=cells, unreadable={}, differing=frozenset()), selection


def forget_taken(ledger: Ledger) -> dict[str, LedgerAssignment]:
    """Return the ledger without what counts as sent until Schoology changes: an undo has its own."""
    return {
        key: replace(entry, decisions={k: d for k, d in entry.decisions.items() if d.choice == "stop"})
        if entry.decisions
        else entry
        for key, entry in ledger.items()
    }


def restrain(plan: Plan, targets: Targets, live: LiveGradebook) -> Plan:
    """Return the plan without the writes that would overwrite what changed since, each of them named.

    An assignment that the SIS holds no more is not made again. Where the SIS shows no scores, nobody can tell
    whether somebody edited one: its writes say so.
    """
    assignments = tuple(_restrain(item, targets.get(item.id, {}), live) for item in plan.assignments)
    return replace(plan, assignments=assignments, fingerprint=fingerprint(assignments))


def _restrain(item: AssignmentPlan, targets: Mapping[str, Target], live: LiveGradebook) -> AssignmentPlan:
    if item.action in {Action.CREATE, Action.RECREATE, Action.ADOPT}:
        failed = tuple(
            ScoreOutcome(student, Result.FAILED, Reason.ASSIGNMENT_FAILED)
            for student in sorted({write.student for write in item.writes} | item.unchanged)
        )
        return item._replace(
            action=Action.FAIL,
            reason=Reason.ASSIGNMENT_GONE,
            spec=None,
            writes=(),
            settled=item.settled + failed,
            unchanged=frozenset(),
        )
    left = [write for write in item.writes if _is_touched(write, targets)]
    kept = [write for write in item.writes if not _is_touched(write, targets)]
    if item.ref is not None and item.ref.key not in live.scores:
        kept = [write._replace(warnings=(*write.warnings, Reason.SIS_SCORES_UNREADABLE)) for write in kept]
    return item._replace(writes=tuple(kept), settled=item.settled + tuple(map(_leave, left)))


def _is_touched(write: ScoreWrite, targets: Mapping[str, Target]) -> bool:
    target = targets.get(write.sis_student)
    return target is None or target.touched or Reason.EDITED_IN_SIS in write.warnings


def _leave(write: ScoreWrite) -> ScoreOutcome:
    return ScoreOutcome(
        write.student,
        Result.SKIPPED,
        Reason.CHANGED_SINCE,
        before=write.before,
        after=write.value,
        sis_student=write.sis_student,
    )


def decide_next(
    targets: Targets, ledger: Ledger, holders: Mapping[str, str]
) -> dict[tuple[str, str], Decision | None]:
    """Return what is to be kept in mind of each score once it is put back; None where nothing is.

    The next syncs leave it alone as long as Schoology has what was undone. A score that is back at what
    Schoology has needs no decision.
    """
    found: dict[tuple[str, str], Decision | None] = {}
    for assignment_id, column in targets.items():
        known = ledger[assignment_id].decisions if assignment_id in ledger else {}
        for key, target in column.items():
            earlier = known.get(key)
            wanted = earlier.wanted if earlier and earlier.choice == "take" else _value(target.after)
            value = _value(target.before)
            decision = Decision("take", holders.get(key, key), value, value, wanted)
            found[assignment_id, key] = None if wanted == value else decision
    return found
