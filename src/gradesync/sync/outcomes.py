"""Turn a plan into outcomes: those that need no call, those that a preview shows, those not attempted."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from msgspec import structs

from gradesync.core.catalog import ADVICE, REVIEWS
from gradesync.core.decisions import owes_sent
from gradesync.core.fit import has_temporary_name
from gradesync.core.gradebook import ITEMS, Gradebook
from gradesync.core.history import find_origins
from gradesync.core.ledger import Owed
from gradesync.core.plan import STOPPED, Action, AssignmentPlan, Plan, ScoreOutcome, Selection
from gradesync.core.planner import update_ledger
from gradesync.core.reasons import Reason, Result
from gradesync.core.refusals import predict_refused
from gradesync.core.sis import LiveAssignment, Ref
from gradesync.core.writes import ScoreWrite
from gradesync.db.outcomes import Outcome
from gradesync.sync.journal import Journal

RESULTS = {
    Action.CREATE: Result.CREATED,
    Action.RECREATE: Result.RECREATED,
    Action.UPDATE: Result.UPDATED,
    Action.ADOPT: Result.ADOPTED,
}
WRITTEN = frozenset(RESULTS)  # actions that write an assignment to the SIS, or find it there
DETAIL_MAX = 300
# Shows a person who reviews a plan that a guard stopped; the result itself is that nothing was done.
PLANNED = {
    Action.CREATE: "would be created",
    Action.RECREATE: "would be created again",
    Action.UPDATE: "would be changed",
    Action.ADOPT: "would be taken as it is",
}
# Warnings for which an unchanged assignment gets a row of its own: something happened to it.
WORTH_A_ROW = ADVICE | {Reason.EDITED_IN_SIS, Reason.DUPLICATE_IN_SIS, Reason.PARTIAL_READ}
ABSENCES = frozenset({Reason.STUDENT_NOT_IN_SIS_SECTION, Reason.STUDENT_IN_OTHER_SECTION})
# The SIS's answer to one value: every sync sends it again (R37), and no read shows another answer before.
REFUSALS = ABSENCES | {
    Reason.CANNOT_CLEAR,
    Reason.ENTERED_IN_SIS,
    Reason.SCORE_NOT_ACCEPTED,
    Reason.SCORE_NOT_KEPT,
    Reason.STUDENT_NOT_ON_SIS_ASSIGNMENT,
}


def assignment_outcome(item: AssignmentPlan, result: Result, reason: str | None, detail: str = "") -> Outcome:
    return Outcome(
        assignment_id=item.id,
        title=item.title,
        result=result,
        reason=reason,
        detail=(detail or item.detail)[:DETAIL_MAX],
        warnings=item.warnings,
        edits=item.edits,
        facts=item.facts,
    )


def stopped(
    journal: Journal, item: AssignmentPlan, result: Result, reason: str | None, detail: str = ""
) -> Outcome:
    """Return the outcome of an assignment that was not written; with a warning if its name is set aside."""
    outcome = assignment_outcome(item, result, reason, detail)
    if not has_temporary_name(journal.entry(item.id)):
        return outcome
    return structs.replace(outcome, warnings=(*outcome.warnings, Reason.NAME_SET_ASIDE))


def score_outcome(
    item: AssignmentPlan, write: ScoreWrite, result: Result, reason: str | None, detail: str = ""
) -> Outcome:
    return Outcome(
        assignment_id=item.id,
        student_id=write.student,
        title=item.title,
        result=result,
        reason=reason,
        detail=detail or write.detail,
        warnings=write.warnings,
        before=write.before,
        after=write.value,
    )


def judge_refusal(reason: str) -> Result:
    """Return the result of a score that the SIS does not take."""
    return Result.SKIPPED if reason == Reason.CANNOT_CLEAR else Result.FAILED


def _settled(item: AssignmentPlan, score: ScoreOutcome) -> Outcome:
    return Outcome(
        assignment_id=item.id,
        student_id=score.student,
        title=item.title,
        result=score.result,
        reason=score.reason,
        detail=score.detail[:DETAIL_MAX],
        warnings=score.warnings,
        before=score.before,
        after=score.after,
    )


def note_rules(journal: Journal, plan: Plan) -> None:
    """Note what the rules settled without any call: assignments left out or failed, and their scores."""
    for item in plan.assignments:
        if item.action in STOPPED:
            result = Result.SKIPPED if item.action is Action.SKIP else Result.FAILED
            journal.note(stopped(journal, item, result, item.reason))
            _note_all(journal, (_settled(item, score) for score in item.settled))
        elif item.action is Action.KEEP and WORTH_A_ROW.intersection(item.warnings):
            journal.note(assignment_outcome(item, Result.UNCHANGED, item.reason))


def note_orphans(journal: Journal, plan: Plan) -> None:
    """Note the rows of assignments that the gradebook does not hold."""
    for item in plan.orphans:
        _note_all(journal, (_settled(item, score) for score in item.settled))


def note_unknown(journal: Journal, selection: Selection, gradebook: Gradebook) -> None:
    """Note assignments that were asked for and that the gradebook does not hold."""
    reason = Reason.PARTIAL_READ if ITEMS in gradebook.partial_lists else Reason.ASSIGNMENT_UNKNOWN
    for assignment_id in sorted(selection.keys() - {item.id for item in gradebook.assignments}):
        journal.tally.assignments.expect("", [assignment_id])
        journal.note(Outcome(assignment_id=assignment_id, result=Result.FAILED, reason=reason))


def forget_vanished(journal: Journal, gradebook: Gradebook) -> None:
    """Drop the cursors of assignments that the source lists no more: restored, they are read whole (R19)."""
    if ITEMS in gradebook.partial_lists:
        return
    listed = {item.id for item in gradebook.assignments}
    for entry in list(journal.entries.values()):
        if entry.id not in listed and entry.read_through is not None:
            journal.keep(entry._replace(read_through=None))


def forget_unread(journal: Journal, read: Container[str]) -> None:
    """Drop the cursors of all assignments but those that were `read` whole after a change of people or rules.

    A row that was missing, or of an assignment that did not go, may be older than its cursor.
    """
    for entry in list(journal.entries.values()):
        if entry.read_through is not None and entry.id not in read:
            journal.keep(entry._replace(read_through=None))


def note_scores(journal: Journal, plan: Plan, refs: Mapping[str, Ref], selection: Selection | None) -> None:
    """Note the scores that need no call, and update the ledger by what the plan found out about them."""
    for item in plan.assignments:
        if item.action in STOPPED:
            continue
        if item.id not in refs:
            _note_all(journal, _with_failed_assignment(item))
            continue
        _note_all(journal, (_settled(item, score) for score in item.settled))
        if not journal.sync.dry_run:
            _update_ledger(journal, item, None if selection is None else selection.get(item.id))


def _with_failed_assignment(item: AssignmentPlan) -> Iterable[Outcome]:
    """Fail every score of an assignment that the SIS refused."""
    known = {score.student for score in item.settled} | set(item.writes.students)
    for student in sorted(known | item.unchanged):
        yield Outcome(
            assignment_id=item.id,
            student_id=student,
            title=item.title,
            result=Result.FAILED,
            reason=Reason.ASSIGNMENT_FAILED,
        )


def _update_ledger(journal: Journal, item: AssignmentPlan, students: frozenset[str] | None) -> None:
    entry = journal.entry(item.id)
    updated = update_ledger(entry, item, students)
    if updated.problem is not None:
        updated = updated._replace(problem=None)
    adopted = [score.sis_student for score in item.settled if score.result is Result.ADOPTED]
    if journal.decisions:
        updated = updated._replace(decisions=journal.decide(updated, adopted))
    origins = find_origins(entry, item.settled, journal.sync.id) if item.settled else {}
    if updated != entry or origins:
        journal.keep(updated, origins)


def note_preview(
    journal: Journal,
    plan: Plan,
    listed: Sequence[LiveAssignment],
    predict_absence: Callable[[str], str | None],
    *,
    roster_known: bool,
    ignores_case: bool,
) -> None:
    """Note what a sync would write, as if the SIS took all of it but the scores of absent students.

    `predict_absence` takes a SIS student key, `listed` is what the SIS lists. What it refused when it was
    last sent is refused again, except for what these show as no reason any more. `ignores_case`: to the SIS
    names that differ in letter case alone may be one.
    """
    lasting = REFUSALS - ABSENCES if roster_known else REFUSALS
    refused = predict_refused(plan.assignments, journal.entries, listed, ignores_case=ignores_case)
    refs = {item.id: Ref(item.id) for item in plan.assignments if item.id not in refused}
    note_scores(journal, plan, refs, None)
    for item in plan.assignments:
        if (why := refused.get(item.id)) is not None:
            journal.note(assignment_outcome(item, Result.FAILED, why))
            continue
        if item.action in WRITTEN:
            journal.note(assignment_outcome(item, RESULTS[item.action], item.reason))
        owed = journal.entry(item.id).owed
        for write in item.writes:
            debt = owed.get(write.student)
            again = debt.reason if write.owed and debt and debt.reason in lasting else None
            reason = predict_absence(write.sis_student) or again
            journal.note(
                score_outcome(item, write, judge_refusal(reason) if reason else write.result, reason)
            )


def note_not_attempted(journal: Journal, plan: Plan, why: Reason) -> None:
    """Note as not attempted what was planned and has no outcome yet, when a sync stops."""
    if why not in REVIEWS:  # what a person has not approved is not due
        _owe_repairs(journal, plan)
    is_noted = journal.tally.is_noted
    for item in plan.assignments:
        if item.action in WRITTEN and not is_noted(item.id):
            journal.note(stopped(journal, item, Result.FAILED, Reason.NOT_ATTEMPTED, PLANNED[item.action]))
        for write in item.writes:
            if not is_noted(item.id, write.student):
                journal.note(score_outcome(item, write, Result.FAILED, Reason.NOT_ATTEMPTED))
        for score in item.settled:
            if not is_noted(item.id, score.student):
                # An adopted score is not in the ledger yet: the next sync finds it again.
                adopted = score.result is Result.ADOPTED
                outcome = _settled(item, score)
                journal.note(
                    structs.replace(outcome, result=Result.FAILED, reason=Reason.NOT_ATTEMPTED)
                    if adopted
                    else outcome
                )


def _owe_repairs(journal: Journal, plan: Plan) -> None:
    """Owe the edits in the SIS that a stopped sync was to put right and did not: no cursor waits for them."""
    if journal.sync.dry_run or journal.sync.undo is not None:
        return
    for item in plan.assignments:
        entry, left = journal.entry(item.id), dict(journal.entry(item.id).owed)
        for write in item.writes:
            owed = Owed(Reason.NOT_ATTEMPTED, write.value)
            due = write.edit and not write.owed and owes_sent(entry, owed, write.sis_student)
            if due and not journal.tally.is_noted(item.id, write.student):
                left[write.student] = owed
        if left != entry.owed:
            journal.keep(entry._replace(owed=left))


def _note_all(journal: Journal, outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        journal.note(outcome)
