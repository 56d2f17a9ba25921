"""Plan what an undo puts back: the values that stood in the SIS before, from the history.

An undo is a plan like any other. Its values come from the history instead of the gradebook, and it never
overwrites what changed since: such a score is left as it is, and named.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from gradesync.core.catalog import sis_name
from gradesync.core.decide import NEVER_SENT, Sent, settle
from gradesync.core.gradebook import Cell, Gradebook
from gradesync.core.history import SIGHTING, Event, KnownScore, fold, trace_all
from gradesync.core.ledger import Decision, Ledger, LedgerAssignment
from gradesync.core.plan import Action, AssignmentPlan, Plan, ScoreOutcome, fingerprint
from gradesync.core.reasons import Reason, Result
from gradesync.core.sightings import value_of
from gradesync.core.sis import LiveGradebook
from gradesync.core.writes import NO_WRITES, ScoreWrite, Writes


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


class UndoTarget(NamedTuple):
    """Hold what a score was before, and what it was made since: both as the history has them.

    `touched`: it is left as it is. Another sync changed it since, somebody made it in the SIS, its SIS
    assignment is another one, or its SIS key was another student's then.
    """

    before: Sent
    after: Sent
    touched: bool = False


# Assignment id -> SIS student key -> target.
UndoTargets: TypeAlias = Mapping[str, Mapping[str, UndoTarget]]

START = datetime.min.replace(tzinfo=UTC)


def find_targets(
    events: Sequence[Event],
    undo: Undo,
    own: str,
    sis_students: Collection[str] | None = None,
    reassigned: Mapping[str, datetime] = MappingProxyType({}),
) -> UndoTargets:
    """Return what an undo puts back. `own` is the undo's sync: what it did already is not somebody's change.

    `events` are in the order of their time, with what comparisons saw: that stood there as well.
    `sis_students` are the SIS keys that the undo's student has or had. `reassigned` are the SIS keys that
    became another student's, with the time: what stood there before is not this student's (R40).
    """
    events = [event for event in events if event.cause.sync_id != own]
    now = fold(event for event in events if event.cause.mode != SIGHTING)
    lines = trace_all(events)
    targets: dict[str, dict[str, UndoTarget]] = {}
    for assignment_id, cells in lines.items():
        column = targets.setdefault(assignment_id, {})
        for key, line in cells.items():
            if undo.assignment not in {None, assignment_id}:
                continue
            if sis_students is not None and key not in sis_students:
                continue
            known = now.get(assignment_id, {}).get(key)
            since = reassigned.get(key, START)
            if undo.sync_id is not None:
                target = _of_sync(line, undo.sync_id, known, since)
            else:
                target = _of_moment(line, undo.as_of or START, known, since)
            if target is not None:
                column[key] = target
    return _differing(targets)


def _of_sync(
    line: Sequence[KnownScore], sync_id: str, known: KnownScore | None, since: datetime
) -> UndoTarget | None:
    """Return what a sync changed of one score; None where it wrote nothing. `line` is every change of it."""
    written = [at for at, each in enumerate(line) if _wrote(each, sync_id)]
    if not written:
        return None
    last = line[written[-1]]
    mine = known is not None and _wrote(known, sync_id) and known.ref == last.ref
    before, origin = _find_before(line, written[0])
    return UndoTarget(before, last.change.after, touched=not mine or origin < since)


def _find_before(line: Sequence[KnownScore], index: int) -> tuple[Sent, datetime]:
    """Return what stood before a change, and since when.

    A sync that read nothing knows what was recorded alone: then what a comparison saw stood there.
    """
    change, earlier = line[index], line[:index]
    recorded = next((each for each in reversed(earlier) if each.cause.mode != SIGHTING), None)
    seen = earlier[-1] if earlier and earlier[-1] is not recorded and earlier[-1].ref == change.ref else None
    value = change.change.before
    if seen is not None and value == (recorded.change.after if recorded else NEVER_SENT):
        return seen.change.after, seen.at
    if value is NEVER_SENT:
        return value, change.at
    return value, recorded.at if recorded else START


def _wrote(known: KnownScore, sync_id: str) -> bool:
    """Return True where a sync wrote a value, also if only a later one found that out."""
    if known.change.sent_by:
        return known.change.sent_by == sync_id
    return known.cause.sync_id == sync_id and not known.change.found


def _of_moment(
    line: Sequence[KnownScore], as_of: datetime, known: KnownScore | None, since: datetime
) -> UndoTarget | None:
    """Return what changed of one score after a moment; None for nothing, or where it is no more."""
    later = next((each for each in line if each.at > as_of and each.cause.mode != SIGHTING), None)
    if later is None or known is None:
        return None
    held = [each for each in line if each.at <= as_of]
    before, ref = (held[-1].change.after, held[-1].ref) if held else (later.change.before, later.ref)
    # What was first seen in the SIS after the moment was made there: nobody of ours may take it back.
    touched = later.change.found or ref != known.ref or as_of < since
    return UndoTarget(before, known.change.after, touched)


def _differing(targets: Mapping[str, Mapping[str, UndoTarget]]) -> dict[str, dict[str, UndoTarget]]:
    found = {
        assignment_id: {
            key: target for key, target in cells.items() if value_of(target.before) != value_of(target.after)
        }
        for assignment_id, cells in targets.items()
    }
    return {assignment_id: cells for assignment_id, cells in found.items() if cells}


def put_back(
    gradebook: Gradebook, targets: UndoTargets, holders: Mapping[str, str]
) -> tuple[Gradebook, Mapping[str, frozenset[str]]]:
    """Return the gradebook whose cells are what the SIS is to hold, and the selection of just these.

    `holders` are uids by SIS student key, a former one before that which the student has now.
    """
    cells: dict[str, dict[str, Cell]] = {
        assignment_id: {holders[key]: value_of(column[key].before) for key in holders if key in column}
        for assignment_id, column in targets.items()
    }
    selection = {assignment_id: frozenset(column) for assignment_id, column in cells.items()}
    return replace(gradebook, cells=cells, unreadable={}, differing=frozenset()), selection


def spare_debts(
    targets: UndoTargets, ledger: Ledger, holders: Mapping[str, str]
) -> dict[str, dict[str, UndoTarget]]:
    """Return the targets of which none is written where a newer value is owed, or nobody holds the key."""
    spared: dict[str, dict[str, UndoTarget]] = {}
    for assignment_id, column in targets.items():
        owed = ledger[assignment_id].owed if assignment_id in ledger else {}
        spared[assignment_id] = {
            key: target._replace(touched=target.touched or holders[key] in owed)
            for key, target in column.items()
            if key in holders
        }
    return {assignment_id: column for assignment_id, column in spared.items() if column}


def forget_taken(ledger: Ledger) -> dict[str, LedgerAssignment]:
    """Return the ledger without what counts as sent until Schoology changes: an undo has its own."""
    return {
        key: entry._replace(decisions={k: d for k, d in entry.decisions.items() if d.choice == "stop"})
        if entry.decisions
        else entry
        for key, entry in ledger.items()
    }


def restrain(plan: Plan, targets: UndoTargets, live: LiveGradebook, renumbered: Mapping[str, str]) -> Plan:
    """Return the plan without the writes that would overwrite what changed since, each of them named.

    `renumbered` are uids by the SIS keys that they have no longer: what was written there stays. An
    assignment that the SIS holds no more is not made again. Where the SIS shows no scores, nobody knows
    whether somebody edited one: its writes carry a warning.
    """
    assignments = tuple(
        _restrain(
            _name_renumbered(item, targets.get(item.id, {}), renumbered), targets.get(item.id, {}), live
        )
        for item in plan.assignments
    )
    return replace(plan, assignments=assignments, fingerprint=fingerprint(assignments))


def _restrain(item: AssignmentPlan, targets: Mapping[str, UndoTarget], live: LiveGradebook) -> AssignmentPlan:
    if item.action in {Action.CREATE, Action.RECREATE, Action.ADOPT}:
        failed = tuple(
            ScoreOutcome(student, Result.FAILED, Reason.ASSIGNMENT_FAILED)
            for student in sorted({*item.writes.students, *item.unchanged})
        )
        return item._replace(
            action=Action.FAIL,
            reason=Reason.ASSIGNMENT_GONE,
            spec=None,
            writes=NO_WRITES,
            settled=item.settled + failed,
            unchanged=frozenset(),
        )
    left = [write for write in item.writes if _is_touched(write, targets)]
    kept = [write for write in item.writes if not _is_touched(write, targets)]
    if item.ref is not None and item.ref.key not in live.scores:
        kept = [write._replace(warnings=(*write.warnings, Reason.SIS_SCORES_UNREADABLE)) for write in kept]
    return item._replace(writes=Writes(kept), settled=item.settled + tuple(map(_leave, left)))


def _name_renumbered(
    item: AssignmentPlan, targets: Mapping[str, UndoTarget], renumbered: Mapping[str, str]
) -> AssignmentPlan:
    """Name the scores that stand under another SIS key than the student has: they are not put back."""
    own = {renumbered[key]: key for key in targets if key in renumbered}
    own = {uid: key for uid, key in own.items() if not _has_target(item, uid, targets)}
    if not own:
        return item
    left = tuple(
        ScoreOutcome(
            uid,
            Result.SKIPPED,
            Reason.STUDENT_RENUMBERED,
            before=value_of(targets[key].after),
            after=value_of(targets[key].before),
            sis_student=key,
            detail=f"{sis_name()} student {key}",
        )
        for uid, key in sorted(own.items())
    )
    return item._replace(
        writes=Writes(write for write in item.writes if write.student not in own),
        settled=(*(score for score in item.settled if score.student not in own), *left),
        unchanged=item.unchanged - own.keys(),
    )


def _has_target(item: AssignmentPlan, uid: str, targets: Mapping[str, UndoTarget]) -> bool:
    """Return True where the key that the student has now is put back too: its score is named already."""
    return any(write.student == uid and write.sis_student in targets for write in item.writes)


def _is_touched(write: ScoreWrite, targets: Mapping[str, UndoTarget]) -> bool:
    target = targets.get(write.sis_student)
    return target is None or target.touched or Reason.EDITED_IN_SIS in write.warnings


def _leave(write: ScoreWrite) -> ScoreOutcome:
    # A warning is about what would be sent.
    return settle(write._replace(warnings=(), detail=""), Result.SKIPPED, Reason.CHANGED_SINCE)


def decide_next(
    targets: UndoTargets, ledger: Ledger, holders: Mapping[str, str]
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
            wanted = earlier.wanted if earlier and earlier.choice == "take" else value_of(target.after)
            value = value_of(target.before)
            decision = Decision("take", holders[key], value, value, wanted)
            found[assignment_id, key] = None if wanted == value else decision
    return found
