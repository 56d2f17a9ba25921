"""Test plans on a model of a SIS: people grade and edit, workers crash, and it comes right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gradesync.core.assignments import bind, select_score_reads
from gradesync.core.fit import ScoreFitter
from gradesync.core.gradebook import EXCUSED, INCOMPLETE, MISSING, Assignment, Gradebook, Mark, Score
from gradesync.core.ledger import Doubtful, LedgerAssignment, points_of
from gradesync.core.plan import Action, AssignmentPlan, Plan
from gradesync.core.planner import update_ledger
from gradesync.core.rules import judge_assignments
from gradesync.core.sis import LiveAssignment, LiveGradebook, Policy, Ref, Spec
from gradesync.core.writes import ScoreWrite
from harness.gradebooks import BOOK, DUE, KEYS, STUDENTS, gradebook, plan_of, quiz, spec

POINTS = st.sampled_from([Decimal(0), Decimal("0.5"), Decimal(7), Decimal("12.25"), Decimal("1.00000049")])
CELLS = st.one_of(
    POINTS,
    st.none(),
    st.sampled_from([Mark(EXCUSED), Mark(INCOMPLETE), Mark(MISSING), Mark(4), Mark(4, Decimal(3))]),
)
UIDS = st.sampled_from(sorted(STUDENTS))
IDS = st.sampled_from(["1", "2"])
FITTER = ScoreFitter.of(BOOK.capabilities, Policy())


@dataclass
class SisAssignment:
    """Hold an assignment of the modeled SIS."""

    spec: Spec
    scores: dict[str, Decimal | None] = field(default_factory=dict)


class Crash(Exception):
    """Kill the worker after the SIS did what it was asked, before anything was recorded."""


class Syncing(RuleBasedStateMachine):
    """Model a section of two quizzes and three students, its ledger and its SIS.

    `changed` are the rows that the next read of changes carries, `edited` the scores that someone changed in
    the SIS since we last wrote them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.titles = {"1": "Quiz", "2": "Other"}
        self.cells: dict[str, dict[str, Score]] = {"1": {}, "2": {}}
        self.changed: set[tuple[str, str]] = set()
        self.edited: set[tuple[str, str]] = set()
        self.ledger: dict[str, LedgerAssignment] = {}
        self.sis: dict[str, SisAssignment] = {}
        self.made = 0
        self.settled = False

    # Actions of people

    @initialize(cells=st.dictionaries(st.tuples(IDS, UIDS), CELLS))
    def grade_first(self, cells: Mapping[tuple[str, str], Score]) -> None:
        for (assignment_id, uid), cell in cells.items():
            self.grade(assignment_id, uid, cell)

    @rule(assignment_id=IDS, uid=UIDS, cell=CELLS)
    def grade(self, assignment_id: str, uid: str, cell: Score) -> None:
        self.cells[assignment_id][uid] = cell
        self.changed.add((assignment_id, uid))
        self.settled = False

    @rule(assignment_id=IDS, suffix=st.sampled_from(["", " A", " B"]))
    def rename(self, assignment_id: str, suffix: str) -> None:
        self.titles[assignment_id] = self.titles[assignment_id].split()[0] + suffix
        self.settled = False

    @rule(assignment_id=IDS, uid=UIDS, points=st.one_of(st.none(), POINTS))
    def edit_in_the_sis(self, assignment_id: str, uid: str, points: Decimal | None) -> None:
        if stored := self.find_stored(assignment_id):
            stored.scores[KEYS[uid]] = points
            self.edited.add((assignment_id, uid))

    @rule(assignment_id=IDS)
    def delete_in_the_sis(self, assignment_id: str) -> None:
        entry = self.ledger.get(assignment_id)
        if entry and entry.ref and self.sis.pop(entry.ref.key, None):
            self.settled = False

    def find_stored(self, assignment_id: str) -> SisAssignment | None:
        entry = self.ledger.get(assignment_id)
        return self.sis.get(entry.ref.key) if entry and entry.ref else None

    # Actions of a sync

    @rule(full=st.booleans(), readable=st.booleans(), crash_at=st.one_of(st.none(), st.integers(0, 4)))
    def sync(self, full: bool, readable: bool, crash_at: int | None) -> None:
        made = self.plan(full=full, readable=readable)
        self.check_counts(made)
        try:
            self.execute(made, crash_at)
        except Crash:
            self.settled = False
            return
        self.changed.clear()
        if full and readable:
            self.edited.clear()
        self.settled = True
        again = self.plan(full=full, readable=readable)
        assert not any(item.writes for item in again.assignments)
        assert {item.action for item in again.assignments} == {Action.KEEP}

    def plan(self, *, full: bool, readable: bool) -> Plan:
        gone = {entry.ref.key for entry in self.ledger.values() if entry.ref} - self.sis.keys()
        unbound = any(entry.ref is None for entry in self.ledger.values())
        read = self.read(everything=full or unbound or bool(gone))
        listed = [
            LiveAssignment(Ref(key), stored.spec.name, stored.spec.due, stored.spec, ours=True)
            for key, stored in self.sis.items()
        ]
        shown = LiveGradebook(tuple(listed), frozenset(gone))
        bindings = bind(judge_assignments(read, self.ledger, BOOK), self.ledger, shown, Policy())
        refs = select_score_reads(bindings, self.ledger, full=full) if readable else ()
        shown = replace(shown, scores={ref.key: dict(self.sis[ref.key].scores) for ref in refs})
        return plan_of(read, self.ledger, shown, full=full)

    def read(self, *, everything: bool) -> Gradebook:
        columns = {
            assignment_id: {
                uid: cell for uid, cell in cells.items() if everything or (assignment_id, uid) in self.changed
            }
            for assignment_id, cells in self.cells.items()
        }
        return gradebook(assignments=self.assignments(), columns=columns, full=everything)

    def assignments(self) -> list[Assignment]:
        return [quiz(assignment_id, title) for assignment_id, title in self.titles.items()]

    def check_counts(self, made: Plan) -> None:
        for item in made.assignments:
            named = [row.student for row in item.writes] + [row.student for row in item.settled]
            assert len(named) == len(set(named))
            assert not item.unchanged & set(named)

    def execute(self, made: Plan, crash_at: int | None) -> None:
        for step, item in enumerate(made.assignments):
            self.write_assignment(item, crash=crash_at == step)
        for step, item in enumerate(made.assignments, len(made.assignments)):
            self.write_scores(item, crash=crash_at == step)

    def write_assignment(self, item: AssignmentPlan, *, crash: bool) -> None:
        assert item.spec is not None
        entry = self.ledger.get(item.id) or LedgerAssignment(item.id)
        if item.ref is None:
            entry = entry._replace(ref=None, intent=item.spec, sent={}, doubtful={})
            self.ledger[item.id] = entry
            self.made += 1
            self.sis[f"r{self.made}"] = SisAssignment(item.spec)
            self.edited -= {(item.id, uid) for uid in STUDENTS}
            self.changed |= {(item.id, uid) for uid in self.cells[item.id]}  # its cursor is dropped
        elif item.action in {Action.UPDATE, Action.ADOPT}:
            self.sis[item.ref.key].spec = item.spec
        if crash:
            raise Crash
        ref = item.ref or Ref(f"r{self.made}")
        new = entry.ref is None or entry.ref.key != ref.key
        if new:  # it has no cursor until a sync ends: the next read brings all of its rows
            self.changed |= {(item.id, uid) for uid in self.cells[item.id]}
        sent = {} if new else entry.sent
        doubtful = {} if new else entry.doubtful
        self.ledger[item.id] = entry._replace(
            ref=ref, spec=item.spec, intent=None, sent=sent, doubtful=doubtful, may_hold=item.may_hold
        )

    def write_scores(self, item: AssignmentPlan, *, crash: bool) -> None:
        pending = {row.sis_student: Doubtful(row.value) for row in item.writes}
        entry = update_ledger(self.ledger[item.id], item)
        entry = entry._replace(doubtful={**entry.doubtful, **pending})
        self.ledger[item.id] = entry
        self.store(item, entry, item.writes)
        if crash:
            raise Crash
        sent = {**entry.sent, **{row.sis_student: row.value for row in item.writes}}
        remaining = {key: doubt for key, doubt in entry.doubtful.items() if key not in pending}
        self.ledger[item.id] = entry._replace(sent=sent, doubtful=remaining)

    def store(self, item: AssignmentPlan, entry: LedgerAssignment, writes: Sequence[ScoreWrite]) -> None:
        assert entry.ref is not None
        for row in writes:
            self.sis[entry.ref.key].scores[row.sis_student] = points_of(row.value)
            self.edited.discard((item.id, row.student))

    # Invariants

    @invariant()
    def no_assignment_is_made_twice(self) -> None:
        slots = [stored.spec.slot for stored in self.sis.values()]
        assert len(slots) == len(set(slots))

    @invariant()
    def a_settled_section_is_what_the_rules_demand(self) -> None:
        if not self.settled:
            return
        for assignment_id, title in self.titles.items():
            stored = self.find_stored(assignment_id)
            assert stored is not None
            assert stored.spec == spec(title, due=DUE)
            for uid, cell in self.cells[assignment_id].items():
                self.check_score(assignment_id, uid, cell, stored)

    def check_score(self, assignment_id: str, uid: str, cell: Score, stored: SisAssignment) -> None:
        fitted = FITTER.fit(cell)
        known = KEYS[uid] in self.ledger[assignment_id].sent
        if fitted.stop is None and known and (assignment_id, uid) not in self.edited:
            assert stored.scores.get(KEYS[uid]) == points_of(fitted.value)
        if fitted.stop is None and fitted.value is not None:
            assert known


Syncing.TestCase.settings = settings(max_examples=150, stateful_step_count=25)
TestSyncing = Syncing.TestCase
