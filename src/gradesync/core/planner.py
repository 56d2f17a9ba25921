"""Plans a sync: rules, binding, decisions, guard and fingerprint put together. Pure and deterministic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gradesync.core.assignments import AssignmentDecision, move
from gradesync.core.bind import Binding, bind
from gradesync.core.column import Column, SentScores
from gradesync.core.fingerprint import fingerprint
from gradesync.core.fit import ScoreFitter
from gradesync.core.gradebook import Assignment, Gradebook, in_order
from gradesync.core.guard import trips, weigh
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.plan import Action, AssignmentPlan, Plan, Result, Selection
from gradesync.core.reasons import Reason
from gradesync.core.roster import Roster
from gradesync.core.rules import Rulebook, Stop, Verdict, syncable
from gradesync.core.scores import plan_scores, settle_scores
from gradesync.core.sis import LiveGradebook

_UNKNOWN = Stop(Result.FAILED, Reason.ASSIGNMENT_UNKNOWN)


def plan(
    gradebook: Gradebook,
    ledger: Ledger,
    live: LiveGradebook,
    book: Rulebook,
    students: Mapping[str, str],
    *,
    selection: Selection | None = None,
    full: bool = False,
) -> Plan:
    """Plan what one sync of a section does.

    `students` maps uid -> SIS key of everybody whom the SIS knows; the rules tell the others apart.
    `selection` restricts what is planned and counted, not what the rules see. `full` compares with what the
    SIS holds wherever `live` has it, and puts right what was edited there. Refs that the SIS's list lacks
    have been asked for by id: those that are deleted are in `live.gone`.
    """
    verdicts = syncable(gradebook, ledger, book)
    view = _View(
        gradebook=gradebook,
        ledger=ledger,
        live=live,
        roster=Roster.of(gradebook.students, students),
        mould=ScoreFitter.of(book.capabilities, book.policy),
        verdicts=verdicts,
        bindings=bind(verdicts, ledger, live, book.policy),
        unreadable=_by_assignment(gradebook.unreadable),
        selection=selection,
        full=full,
    )
    assignments = tuple(view.plan(a) for a in sorted(gradebook.assignments, key=_id) if view.chosen(a.id))
    weight = weigh(assignments, ledger, gradebook.cells)
    return Plan(assignments, view.strays(), weight, trips(weight, book.policy), fingerprint(assignments))


def _id(assignment: Assignment) -> tuple[int, str]:
    return in_order(assignment.id)


def _by_assignment(rows: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Rows of (assignment id, student uid): assignment id -> its students."""
    grouped: dict[str, set[str]] = {}
    for assignment_id, uid in rows:
        grouped.setdefault(assignment_id, set()).add(uid)
    return {assignment_id: frozenset(students) for assignment_id, students in grouped.items()}


@dataclass(frozen=True, slots=True)
class _View:
    """All that a plan is made from."""

    gradebook: Gradebook
    ledger: Ledger
    live: LiveGradebook
    roster: Roster
    mould: ScoreFitter
    verdicts: Mapping[str, Verdict]
    bindings: Mapping[str, Binding]
    unreadable: Mapping[str, frozenset[str]]
    selection: Selection | None
    full: bool

    def chosen(self, assignment_id: str) -> bool:
        return self.selection is None or assignment_id in self.selection

    def plan(self, assignment: Assignment) -> AssignmentPlan:
        """Plan one assignment of the gradebook and its scores."""
        entry = self.ledger.get(assignment.id) or LedgerAssignment(assignment.id)
        verdict = self.verdicts[assignment.id]
        if verdict.stop:
            return self._stopped(assignment, entry, verdict.stop)
        binding = self.bindings[assignment.id]
        decided = move(binding, entry, full=self.full)
        if decided.reason:
            return self._stopped(assignment, entry, Stop(Result.FAILED, decided.reason))
        column = self._column(entry, SentScores.of(entry, binding, decided, self.live))
        scores = plan_scores(column, self.roster, self.mould)
        return AssignmentPlan(
            id=assignment.id,
            title=assignment.title,
            action=decided.action,
            warnings=self._warnings(assignment.id, binding, decided),
            spec=binding.spec,
            before=decided.before,
            ref=binding.ref,
            writes=scores.writes,
            settled=scores.settled,
            unchanged=scores.unchanged,
            may_hold=column.place.may_hold,
        )

    def strays(self) -> tuple[AssignmentPlan, ...]:
        """Scores whose assignment the gradebook does not list: none of them goes."""
        ids = {*self.gradebook.cells, *self.unreadable} - self.verdicts.keys()
        return tuple(
            self._stopped(Assignment(a, "", None), LedgerAssignment(a), _UNKNOWN)
            for a in sorted(ids, key=in_order)
            if self.chosen(a)
        )

    def _stopped(self, assignment: Assignment, entry: LedgerAssignment, stop: Stop) -> AssignmentPlan:
        """The plan of an assignment that stays as it is in the SIS, and its scores with it."""
        return AssignmentPlan(
            id=assignment.id,
            title=assignment.title,
            action=Action.SKIP if stop.result is Result.SKIPPED else Action.FAIL,
            reason=stop.reason,
            before=entry.spec,
            ref=entry.ref,
            settled=settle_scores(self._column(entry, SentScores.kept(entry)), _of_scores(stop)),
            may_hold=entry.may_hold,
        )

    def _column(self, entry: LedgerAssignment, place: SentScores) -> Column:
        """All that is known of one assignment's scores."""
        cells = self.gradebook.cells.get(entry.id, {})
        column = Column(cells, self.unreadable.get(entry.id, frozenset()), entry.owed, place, self.full)
        students = self.selection[entry.id] if self.selection is not None else None
        return column if students is None else column.of(students)

    def _warnings(
        self, assignment_id: str, binding: Binding, decided: AssignmentDecision
    ) -> tuple[Reason, ...]:
        warnings = [*self.verdicts[assignment_id].warnings]
        if binding.twin:
            warnings.append(Reason.DUPLICATE_IN_SIS)
        if decided.edited:
            warnings.append(Reason.EDITED_IN_SIS)
        if assignment_id in self.gradebook.partial:
            warnings.append(Reason.PARTIAL_READ)
        return tuple(warnings)


def _of_scores(stop: Stop) -> Stop:
    """What becomes of the scores of an assignment that is stopped."""
    if stop is _UNKNOWN:
        return stop
    skipped = stop.result is Result.SKIPPED
    return Stop(stop.result, Reason.ASSIGNMENT_SKIPPED if skipped else Reason.ASSIGNMENT_FAILED)
