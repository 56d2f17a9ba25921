"""Plans carried out against a model of a SIS: people grade and edit, workers crash, and it comes right."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gradesync.core.bind import bind, needs_scores
from gradesync.core.fit import ScoreFitter
from gradesync.core.gradebook import EXCUSED, INCOMPLETE, MISSING, Assignment, Cell, Gradebook, Mark
from gradesync.core.ledger import Doubtful, LedgerAssignment, points_of
from gradesync.core.plan import Action, AssignmentPlan, Plan, ScoreWrite
from gradesync.core.rules import syncable
from gradesync.core.sis import LiveAssignment, LiveGradebook, Policy, Ref, Spec
from gradesync.core.update_ledger import learn
from harness.gradebooks import BOOK, DUE, KEYS, STUDENTS, gradebook, plan_of, quiz, spec

POINTS = st.sampled_from([Decimal(0), Decimal("0.5"), Decimal(7), Decimal("12.25"), Decimal("1.00000049")])
CELLS = st.one_of(
    POINTS,
    st.none(),
    st.sampled_from([Mark(EXCUSED), Mark(INCOMPLETE), Mark(MISSING), Mark(4), Mark(4, Decimal(3))]),
)
UIDS = st.sampled_from(sorted(STUDENTS))
IDS = st.sampled_from(["1", "2"])
MOULD = ScoreFitter.of(BOOK.capabilities, Policy())


@dataclass
class Held:
    """An assignment of the modelled SIS."""

    spec: Spec
    scores: dict[str, Decimal | None] = field(default_factory=dict)


class Crash(Exception):
    """The worker dies after the SIS did what it was asked, before anything was recorded."""


class Syncing(RuleBasedStateMachine):
    """A section of two quizzes and three students, its ledger and its SIS.

    `changed` are the rows that the next read of changes carries, `edited` the scores that someone changed in
    the SIS since we last wrote them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.titles = {"1": "Quiz", "2": "Other"}
        self.cells: dict[str, dict[str, Cell]] = {"1": {}, "2": {}}
        self.changed: set[tuple[str, str]] = set()
        self.edited: set[tuple[str, str]] = set()
        self.ledger: dict[str, LedgerAssignment] = {}
        self.sis: dict[str, Held] = {}
        self.made = 0
        self.settled = False

    # What people do

    @initialize(cells=st.dictionaries(st.tuples(IDS, UIDS), CELLS))
    def begin(self, cells: Mapping[tuple[str, str], Cell]) -> None:
        for (assignment_id, uid), cell in cells.items():
            self.grade(assignment_id, uid, cell)

    @rule(assignment_id=IDS, uid=UIDS, cell=CELLS)
    def grade(self, assignment_id: str, uid: str, cell: Cell) -> None:
        self.cells[assignment_id][uid] = cell
        self.changed.add((assignment_id, uid))
        self.settled = False

    @rule(assignment_id=IDS, suffix=st.sampled_from(["", " A", " B"]))
    def rename(self, assignment_id: str, suffix: str) -> None:
        self.titles[assignment_id] = self.titles[assignment_id].split()[0] + suffix
        self.settled = False

    @rule(assignment_id=IDS, uid=UIDS, points=st.one_of(st.none(), POINTS))
    def edit_in_the_sis(self, assignment_id: str, uid: str, points: Decimal | None) -> None:
        if held := self.standing(assignment_id):
            held.scores[KEYS[uid]] = points
            self.edited.add((assignment_id, uid))

    @rule(assignment_id=IDS)
    def delete_in_the_sis(self, assignment_id: str) -> None:
        entry = self.ledger.get(assignment_id)
        if entry and entry.ref and self.sis.pop(entry.ref.key, None):
            self.settled = False

    def standing(self, assignment_id: str) -> Held | None:
        entry = self.ledger.get(assignment_id)
        return self.sis.get(entry.ref.key) if entry and entry.ref else None

    # What a sync does

    @rule(full=st.booleans(), readable=st.booleans(), crash_at=st.one_of(st.none(), st.integers(0, 4)))
    def sync(self, full: bool, readable: bool, crash_at: int | None) -> None:
        made = self.plan(full=full, readable=readable)
        self.check_counts(made)
        try:
            self.carry_out(made, crash_at)
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
        homeless = any(entry.ref is None for entry in self.ledger.values())
        read = self.read(everything=full or homeless or bool(gone))
        listed = [
            LiveAssignment(Ref(key), held.spec.name, held.spec.due, held.spec, ours=True)
            for key, held in self.sis.items()
        ]
        shown = LiveGradebook(tuple(listed), frozenset(gone))
        bindings = bind(syncable(read, self.ledger, BOOK), self.ledger, shown, Policy())
        refs = needs_scores(bindings, self.ledger, full=full) if readable else ()
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
            told = [row.student for row in item.writes] + [row.student for row in item.settled]
            assert len(told) == len(set(told))
            assert item.unchanged >= 0

    def carry_out(self, made: Plan, crash_at: int | None) -> None:
        for step, item in enumerate(made.assignments):
            self.place(item, crash=crash_at == step)
        for step, item in enumerate(made.assignments, len(made.assignments)):
            self.send(item, crash=crash_at == step)

    def place(self, item: AssignmentPlan, *, crash: bool) -> None:
        assert item.spec is not None
        entry = self.ledger.get(item.id) or LedgerAssignment(item.id)
        if item.ref is None:
            entry = replace(entry, ref=None, intent=item.spec, sent={}, doubtful={})
            self.ledger[item.id] = entry
            self.made += 1
            self.sis[f"r{self.made}"] = Held(item.spec)
            self.edited -= {(item.id, uid) for uid in STUDENTS}
        elif item.action in {Action.UPDATE, Action.ADOPT}:
            self.sis[item.ref.key].spec = item.spec
        if crash:
            raise Crash
        ref = item.ref or Ref(f"r{self.made}")
        fresh = entry.ref is None or entry.ref.key != ref.key
        sent = {} if fresh else entry.sent
        doubtful = {} if fresh else entry.doubtful
        self.ledger[item.id] = replace(
            entry, ref=ref, spec=item.spec, intent=None, sent=sent, doubtful=doubtful, may_hold=item.may_hold
        )

    def send(self, item: AssignmentPlan, *, crash: bool) -> None:
        pending = {row.student: Doubtful(row.value) for row in item.writes}
        entry = learn(self.ledger[item.id], item)
        entry = replace(entry, doubtful={**entry.doubtful, **pending})
        self.ledger[item.id] = entry
        self.put(item, entry, item.writes)
        if crash:
            raise Crash
        sent = {**entry.sent, **{row.student: row.value for row in item.writes}}
        left = {uid: doubt for uid, doubt in entry.doubtful.items() if uid not in pending}
        self.ledger[item.id] = replace(entry, sent=sent, doubtful=left)

    def put(self, item: AssignmentPlan, entry: LedgerAssignment, writes: tuple[ScoreWrite, ...]) -> None:
        assert entry.ref is not None
        for row in writes:
            self.sis[entry.ref.key].scores[row.sis_student] = points_of(row.value)
            self.edited.discard((item.id, row.student))

    # What must hold

    @invariant()
    def no_assignment_is_made_twice(self) -> None:
        slots = [held.spec.slot for held in self.sis.values()]
        assert len(slots) == len(set(slots))

    @invariant()
    def a_settled_section_is_what_the_rules_demand(self) -> None:
        if not self.settled:
            return
        for assignment_id, title in self.titles.items():
            held = self.standing(assignment_id)
            assert held is not None
            assert held.spec == spec(title, due=DUE)
            for uid, cell in self.cells[assignment_id].items():
                self.check_score(assignment_id, uid, cell, held)

    def check_score(self, assignment_id: str, uid: str, cell: Cell, held: Held) -> None:
        fitted = MOULD.score(cell)
        known = uid in self.ledger[assignment_id].sent
        if fitted.stop is None and known and (assignment_id, uid) not in self.edited:
            assert held.scores.get(KEYS[uid]) == points_of(fitted.value)
        if fitted.stop is None and fitted.value is not None:
            assert known


Syncing.TestCase.settings = settings(max_examples=150, stateful_step_count=25)
TestSyncing = Syncing.TestCase
