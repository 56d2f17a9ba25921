"""Plan a sync: put rules, bindings, decisions, guard and fingerprint together. Pure and deterministic."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

from gradesync.core.assignments import AssignmentDecision, Binding, Judged, bind, decide_assignment
from gradesync.core.catalog import NO_FACTS, sis_name
from gradesync.core.decide import NOT_OWED, settle_doubtful, settle_locked, settle_owed
from gradesync.core.decisions import settle_decisions
from gradesync.core.fit import ScoreFitter
from gradesync.core.gradebook import ITEMS, Assignment, Gradebook
from gradesync.core.ledger import Ledger, LedgerAssignment, forget_read
from gradesync.core.names import explain_clash, find_held_up
from gradesync.core.plan import (
    Action,
    AssignmentPlan,
    Plan,
    Selection,
    changes,
    fingerprint,
    weigh,
)
from gradesync.core.reasons import Reason, Result
from gradesync.core.rules import Roster, Rulebook, Stop, Verdict, judge_assignments, stop_closed
from gradesync.core.sanity import advise
from gradesync.core.scores import Column, SentScores, plan_scores, settle_scores, split_untouched
from gradesync.core.sis import LiveGradebook, Ref, id_order
from gradesync.core.writes import NO_WRITES

_UNKNOWN = Stop(Result.FAILED, Reason.ASSIGNMENT_UNKNOWN)
_UNLISTED = Stop(Result.FAILED, Reason.PARTIAL_READ)
# Scores of these have the same reason as their assignment: it is not in the gradebook.
_ORPHANED = (_UNKNOWN, _UNLISTED)


def plan(
    gradebook: Gradebook,
    ledger: Ledger,
    live: LiveGradebook,
    book: Rulebook,
    students: Mapping[str, str],
    *,
    remembered: Mapping[str, str] = MappingProxyType({}),
    selection: Selection | None = None,
    full: bool = False,
    judged: Judged | None = None,
) -> Plan:
    """Plan one sync of a section.

    `students` maps uid -> SIS key of everybody whom the SIS knows; the rules find the reasons of the others.
    `remembered` are the keys by which earlier syncs knew the students. `selection` restricts what is planned
    and counted, not what the rules see. `full` compares with what the SIS holds wherever `live` has it, and
    puts right what was edited there. Refs that the SIS's list lacks have been asked for by id: those that are
    deleted are in `live.gone`. `judged` is what the same ledger, assignments and list came to before.
    """
    verdicts, bindings = judged or _judge(gradebook, ledger, live, book)
    planner = _Planner(
        gradebook=gradebook,
        ledger=ledger,
        live=live,
        roster=Roster.of(gradebook, students, remembered),
        fitter=ScoreFitter.of(book.capabilities, book.policy),
        verdicts=verdicts,
        bindings=bindings,
        closed=stop_closed(verdicts, gradebook, book),
        unreadable=_group(gradebook.unreadable),
        differing=_group(gradebook.differing),
        selection=selection,
        full=full,
        book=book,
    )
    assignments = planner.plan_assignments()
    guard = weigh(assignments, ledger, gradebook.cells, book.policy)
    return Plan(assignments, planner.plan_orphans(), guard, fingerprint(assignments))


def _group(rows: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Group rows of (assignment id, student uid): assignment id -> its students."""
    return {key: frozenset(uid for _, uid in pairs) for key, pairs in groupby(sorted(rows), itemgetter(0))}


def _judge(gradebook: Gradebook, ledger: Ledger, live: LiveGradebook, book: Rulebook) -> Judged:
    verdicts = judge_assignments(gradebook, ledger, book)
    return verdicts, bind(verdicts, ledger, live, book.policy)


def update_ledger(
    entry: LedgerAssignment, item: AssignmentPlan, students: Set[str] | None = None
) -> LedgerAssignment:
    """Return the ledger entry of an assignment that goes, once its settled scores are recorded.

    `students` are those that a selection let the plan see, None for all. What is owed is decided by every
    plan anew: what it neither sends nor fails is owed no more. Writes change nothing before they are sent.
    """
    if not (item.settled or entry.owed or entry.doubtful):
        return entry
    unseen = frozenset[str]() if students is None else entry.owed.keys() - students
    settled = {score.student: score for score in item.settled}
    unread = {uid for uid, score in settled.items() if score.reason in NOT_OWED}
    waiting = unseen | unread | set(item.writes.students)
    by_record = {score.sis_student: score for score in item.settled}
    adopted = {key: score.after for key, score in by_record.items() if score.result is Result.ADOPTED}
    pending = set(item.writes.keys)
    if students is not None:
        pending |= entry.doubtful.keys() - by_record.keys()
    return entry._replace(
        sent={**entry.sent, **adopted},
        owed=settle_owed(entry.owed, settled, waiting),
        doubtful=settle_doubtful(entry.doubtful, by_record, pending),
        decisions=settle_decisions(entry.decisions, item.settled) if entry.decisions else entry.decisions,
    )


@dataclass(frozen=True, slots=True)
class _Planner:
    """Plan one assignment after the other, from all that a plan is made from.

    `held_up` are those whose name stays another's in this sync.
    """

    gradebook: Gradebook
    ledger: Ledger
    live: LiveGradebook
    roster: Roster
    fitter: ScoreFitter
    verdicts: Mapping[str, Verdict]
    bindings: Mapping[str, Binding]
    closed: Mapping[str, Verdict]
    unreadable: Mapping[str, frozenset[str]]
    differing: Mapping[str, frozenset[str]]
    selection: Selection | None
    full: bool
    book: Rulebook
    held_up: set[str] = field(default_factory=set)

    def plan_assignments(self) -> tuple[AssignmentPlan, ...]:
        """Plan the selected assignments of the gradebook, in the order of their ids."""
        ordered = sorted(self.gradebook.assignments, key=lambda assignment: id_order(assignment.id))
        made = {each.id: self._plan(each) for each in ordered if self._selects(each.id)}
        if any(item.spec is not None and item.action is not Action.KEEP for item in made.values()):
            self._hold_up(made)
        planned = tuple(made.values())
        if not any(item.writes for item in planned):
            return planned
        return advise(planned, self.ledger, self.book.policy)

    def _hold_up(self, planned: dict[str, AssignmentPlan]) -> None:
        """Plan anew what waits for a name that stays another's, and so on along the line."""
        items = {assignment.id: assignment for assignment in self.gradebook.assignments}
        while found := find_held_up(planned.values(), self.ledger, self.live) - self.held_up:
            self.held_up.update(found)
            planned.update((name, self._plan(items[name])) for name in found)

    def plan_orphans(self) -> tuple[AssignmentPlan, ...]:
        """Plan scores whose assignment the gradebook does not list: none of them goes."""
        ids = {*self.gradebook.cells, *self.unreadable} - self.verdicts.keys()
        stop = _UNLISTED if ITEMS in self.gradebook.partial_lists else _UNKNOWN
        return tuple(
            self._plan_stopped(Assignment(a, "", None), LedgerAssignment(a), stop)
            for a in sorted(ids, key=id_order)
            if self._selects(a)
        )

    def _selects_students(self, assignment_id: str) -> bool:
        return self.selection is not None and self.selection.get(assignment_id) is not None  # R52

    def _selects(self, assignment_id: str) -> bool:
        return self.selection is None or assignment_id in self.selection

    def _plan(self, assignment: Assignment) -> AssignmentPlan:
        entry = self.ledger.get(assignment.id) or LedgerAssignment(assignment.id)
        verdict = self.verdicts[assignment.id]
        if verdict.stop:
            stopped = self._plan_stopped(assignment, entry, verdict.stop)
            return stopped._replace(detail=verdict.detail or stopped.detail, facts=verdict.facts)
        binding = self._bind(assignment.id)
        decision = decide_assignment(binding, entry, full=self.full)
        closed = self.closed.get(assignment.id)
        undone = closed is not None and entry.spec == binding.spec  # somebody's edit in the SIS stays
        if decision.action is Action.UPDATE and (undone or self._selects_students(assignment.id)):
            decision = AssignmentDecision(Action.KEEP, entry.spec, edited=decision.edited)
        if decision.reason:
            return self._plan_refused(assignment, entry, binding, decision.reason)
        is_written = binding.ref is None or changes(decision.action, decision.before, binding.spec)
        if closed is not None and closed.stop and is_written:
            stopped = self._plan_stopped(assignment, entry, closed.stop)
            return stopped._replace(detail=closed.detail)
        column = self._column(entry, SentScores.of(entry, binding, decision, self.live))
        scores = plan_scores(column, self.roster, self.fitter)
        if not (scores.writes or scores.settled):
            forget_read(entry.sent)  # nothing needs it any more, and it is most of a large section's ledger
        if binding.locked:
            scores = scores._replace(writes=NO_WRITES, settled=scores.settled + settle_locked(scores.writes))
        return AssignmentPlan(
            id=assignment.id,
            title=assignment.title,
            action=decision.action,
            warnings=self._warnings(entry, binding, decision),
            spec=binding.spec,
            before=decision.before,
            ref=binding.ref,
            writes=scores.writes,
            settled=scores.settled,
            unchanged=scores.unchanged,
            may_hold=column.known.may_hold,
            detail=_describe_left(entry, binding.ref),
            facts=verdict.facts,
        )

    def _bind(self, assignment_id: str) -> Binding:
        binding = self.bindings[assignment_id]
        return binding._replace(clash=True) if assignment_id in self.held_up else binding

    def _plan_refused(
        self, assignment: Assignment, entry: LedgerAssignment, binding: Binding, reason: Reason
    ) -> AssignmentPlan:
        """Plan an assignment that the SIS would refuse, by the reason that is true of its name."""
        facts = NO_FACTS
        if reason is Reason.DUPLICATE_NAME:
            reason, facts = explain_clash(
                binding, self.gradebook, self.ledger, self.bindings, self.live, book=self.book
            )
        stopped = self._plan_stopped(assignment, entry, Stop(Result.FAILED, reason, binding.holder))
        return stopped._replace(facts=facts)

    def _plan_stopped(self, assignment: Assignment, entry: LedgerAssignment, stop: Stop) -> AssignmentPlan:
        """Plan an assignment that stays as it is in the SIS, and its scores with it."""
        known = SentScores(entry.sent, entry.doubtful, live=None, may_hold=entry.may_hold)
        return AssignmentPlan(
            id=assignment.id,
            title=assignment.title,
            action=Action.SKIP if stop.result is Result.SKIPPED else Action.FAIL,
            reason=stop.reason,
            before=entry.spec,
            ref=entry.ref,
            settled=settle_scores(self._column(entry, known), self.roster, _score_stop(stop)),
            may_hold=entry.may_hold,
            warnings=_warn_of_move(entry, None),
            detail=stop.detail or _describe_left(entry, None),
        )

    def _column(self, entry: LedgerAssignment, known: SentScores) -> Column:
        """Return all that is known of one assignment's scores."""
        cells, untouched = split_untouched(self.gradebook.cells.get(entry.id, {}))
        column = Column(
            cells,
            unreadable=self.unreadable.get(entry.id, frozenset()),
            owed=entry.owed,
            known=known,
            moved=self.roster.moved,
            full=self.full or self.book.policy.drift == "ask",
            untouched=untouched,
            differing=self.differing.get(entry.id, frozenset()),
            drift=self.book.policy.drift,
        )
        students = self.selection[entry.id] if self.selection is not None else None
        return column if students is None else column.of(students, self.roster)

    def _warnings(
        self, entry: LedgerAssignment, binding: Binding, decision: AssignmentDecision
    ) -> tuple[Reason, ...]:
        warnings = [*self.verdicts[entry.id].warnings, *_warn_of_move(entry, binding.ref)]
        if binding.twin:
            warnings.append(Reason.DUPLICATE_IN_SIS)
        if decision.edited:
            warnings.append(Reason.EDITED_IN_SIS)
        if entry.id in self.gradebook.partial or self.gradebook.partial_lists:
            warnings.append(Reason.PARTIAL_READ)
        return tuple(warnings)


def _warn_of_move(entry: LedgerAssignment, ref: Ref | None) -> tuple[Reason, ...]:
    left = (Reason.LEFT_IN_FORMER_SECTION,) if _is_left(entry, ref) else ()
    return left if entry.taken_from is None else (*left, Reason.TAKEN_FROM_REMOVED)


def _is_left(entry: LedgerAssignment, ref: Ref | None) -> bool:
    """Return True if an assignment stands in a former SIS section too, named by no outcome yet (R40)."""
    return entry.former is not None and entry.former != ref


def _describe_left(entry: LedgerAssignment, ref: Ref | None) -> str:
    return f"{sis_name()} assignment {entry.former.key}" if entry.former and _is_left(entry, ref) else ""


def _score_stop(stop: Stop) -> Stop:
    """Return the stop of the scores of an assignment that is stopped."""
    if any(stop is each for each in _ORPHANED):
        return stop
    skipped = stop.result is Result.SKIPPED
    return Stop(stop.result, Reason.ASSIGNMENT_SKIPPED if skipped else Reason.ASSIGNMENT_FAILED)
