"""Compare a section's gradebook in both systems, cell by cell, and find where edits are concentrated."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from gradesync.core.assignments import Binding, bind
from gradesync.core.cell_state import EDITED, NO_WISH, CellState, Wanted, judge_cell, settle_doubt
from gradesync.core.compared_fields import ComparedField, compare_fields
from gradesync.core.decide import NEVER_SENT, NOT_READ, Live, Sent, find_desired
from gradesync.core.fit import ScoreFitter
from gradesync.core.gradebook import ITEMS, UNTOUCHED, Gradebook, Score
from gradesync.core.isolation import isolate
from gradesync.core.ledger import Ledger, LedgerAssignment, Value
from gradesync.core.reasons import Reason, Result
from gradesync.core.rules import Roster, Rulebook, Stop, judge_assignments
from gradesync.core.sis import LiveGradebook, LiveScores, Ref, id_order


class ComparedCell(NamedTuple):
    """Hold one cell of a comparison.

    `student` is the uid, empty where Schoology has nobody with that SIS record; `sis_student` is the SIS's
    key, empty where the student has none. `sent` is None also where nothing was sent, `wanted` where
    Schoology has nothing to send, `live` where it was not read. `reason`: why a value does not go, or why
    the state is unreadable.
    """

    assignment_id: str
    student: str
    sis_student: str
    state: CellState
    sent: Value
    live: Value
    wanted: Value
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold the cells of a section in the order of assignments and students.

    `titles` are those of the assignments that have cells. `left_out` counts, by reason, the scores of
    Schoology that do not go, where the SIS holds nothing of ours: they are no cells. `fields` are those of
    the assignments themselves.
    """

    cells: tuple[ComparedCell, ...]
    titles: Mapping[str, str]
    left_out: Mapping[Reason, int] = field(default_factory=dict)
    fields: tuple[ComparedField, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of cells in each state; they add up to the number of cells."""
        return _count(cell.state for cell in self.cells)


def compare(
    gradebook: Gradebook,
    ledger: Ledger,
    live: LiveGradebook,
    book: Rulebook,
    students: Mapping[str, str],
    *,
    remembered: Mapping[str, str] = MappingProxyType({}),
    categories: Mapping[str, str] = MappingProxyType({}),
) -> Comparison:
    """Compare a gradebook whose cells were all read with what the SIS holds.

    `students` and `remembered` are as in a plan. `live` has the scores of every assignment that could be
    read; the others are unreadable. `categories` are titles of the SIS's categories by key.
    """
    verdicts = judge_assignments(gradebook, ledger, book)
    bindings = bind(verdicts, ledger, live, book.policy)
    titles = {item.id: item.title for item in gradebook.assignments}
    titles |= {
        entry.id: entry.spec.name for entry in ledger.values() if entry.spec and entry.id not in titles
    }
    comparer = _Comparer(gradebook, Roster.of(gradebook, students, remembered), _fitter(book))
    cells: list[ComparedCell] = []
    standing = {entry.id for entry in ledger.values() if entry.ref is not None}
    for assignment_id in sorted({*verdicts, *standing}, key=id_order):
        entry = ledger.get(assignment_id) or LedgerAssignment(assignment_id)
        verdict = verdicts.get(assignment_id)
        stop = verdict.stop.reason if verdict and verdict.stop else None
        if verdict is None:
            stop = Reason.PARTIAL_READ if ITEMS in gradebook.partial_lists else Reason.ASSIGNMENT_UNKNOWN
        column = _find_column(entry, bindings.get(assignment_id), live, stop, book)
        cells += comparer.compare_column(column)
    found = {cell.assignment_id for cell in cells}
    shown = {assignment_id: title for assignment_id, title in titles.items() if assignment_id in found}
    fields = compare_fields(bindings, ledger, live, titles, categories)
    return Comparison(tuple(cells), shown, dict(comparer.left_out), fields)


def _fitter(book: Rulebook) -> ScoreFitter:
    return ScoreFitter.of(book.capabilities, book.policy)


class _Column(NamedTuple):
    """Hold one assignment's scores as they were sent, and as the SIS holds them: None where it is not known.

    `stop`: why the assignment does not go. `unread`: why its scores were not read. `may_hold`: the SIS may
    hold scores that were never sent.
    """

    entry: LedgerAssignment
    sent: Mapping[str, Value]
    live: LiveScores | None
    stop: Reason | None
    unread: Reason = Reason.SIS_SCORES_UNREADABLE
    may_hold: bool = False

    def find_live(self, key: str) -> Live:
        return NOT_READ if self.live is None or not key else self.live.get(key)

    def find_sent(self, key: str) -> Sent:
        return self.sent.get(key, NEVER_SENT)


def _find_column(
    entry: LedgerAssignment,
    binding: Binding | None,
    live: LiveGradebook,
    stop: Reason | None,
    book: Rulebook,
) -> _Column:
    if binding is None:
        return _Column(entry, entry.sent, _held(entry.ref, live, book), stop)
    if binding.ref is None:  # it is to be created: nothing of it stands
        return _Column(entry, entry.sent if binding.gone else {}, {}, stop)
    if not binding.takes_points:
        return _Column(entry, entry.sent, None, stop, Reason.SIS_SCORE_TYPE)
    held, may_hold = _held(binding.ref, live, book), binding.adopted or entry.may_hold
    return _Column(entry, {} if binding.adopted else entry.sent, held, stop, may_hold=may_hold)


def _held(ref: Ref | None, live: LiveGradebook, book: Rulebook) -> LiveScores | None:
    """Return what the SIS holds of an assignment; nothing where it does not stand there."""
    if ref is None or ref.key in live.gone:
        return {}
    return live.scores.get(ref.key) if book.capabilities.reads_scores else None


@dataclass(frozen=True, slots=True)
class _Comparer:
    """Compare the columns of one gradebook, and count what is left out."""

    gradebook: Gradebook
    roster: Roster
    fitter: ScoreFitter
    left_out: Counter[Reason] = field(default_factory=Counter)

    def compare_column(self, column: _Column) -> Iterator[ComparedCell]:
        """Yield the cells of a column by student; those that are blank everywhere are none."""
        assignment_id = column.entry.id
        read = self.gradebook.cells.get(assignment_id, {})
        lost = {uid for found, uid in self.gradebook.unreadable if found == assignment_id}
        uids = {*read, *lost, *column.entry.owed}
        records = {uid: self.roster.locate(uid) for uid in uids}
        held = {*column.sent, *column.entry.doubtful, *(column.live or ())} - set(records.values())
        rows = list(records.items())
        rows += [(self.roster.holders.get(key, ""), key) for key in held]
        for uid, key in sorted(rows, key=lambda row: (id_order(row[0]), id_order(row[1]))):
            wanted, reason = self._find_wish(column, uid, key, is_lost=uid in lost)
            cell = self._compare(column, uid, key, wanted, reason)
            if cell is not None:
                yield cell

    def _find_wish(
        self, column: _Column, uid: str, key: str, *, is_lost: bool
    ) -> tuple[Wanted, Reason | None]:
        """Return what Schoology wants the SIS to hold, and why that does not go."""
        found = self.roster.find(uid) if uid else ""
        left_out = isinstance(found, Stop) and found.result is Result.SKIPPED
        if column.stop is not None or left_out:
            return NO_WISH, column.stop or (found.reason if isinstance(found, Stop) else None)
        if is_lost:
            return NOT_READ, Reason.ROW_UNREADABLE
        cell = self._find_cell(column, uid)
        if cell is NO_WISH or cell is NOT_READ:
            return cell, Reason.PARTIAL_READ if cell is NOT_READ else None
        fitted = self.fitter.fit(cell)
        if fitted.stop in {Reason.INCOMPLETE_NOT_SENT, Reason.UNKNOWN_EXCEPTION}:
            return NO_WISH, fitted.stop
        doubt, live = column.entry.doubtful.get(key), column.find_live(key)
        wanted = find_desired(fitted, column.find_sent(key), doubt, live, may_hold=column.may_hold)
        decision = column.entry.decisions.get(key)
        if (
            decision is not None
            and decision.student == uid
            and (decision.choice == "stop" or (decision.choice == "take" and decision.wanted == wanted))
        ):
            return NO_WISH, Reason.LEFT_TO_SIS
        return wanted, found.reason if isinstance(found, Stop) else fitted.stop

    def _find_cell(self, column: _Column, uid: str) -> "Score | Wanted":
        """Return a student's score as Schoology has it, or as it is owed."""
        assignment_id = column.entry.id
        read = self.gradebook.cells.get(assignment_id, {})
        if uid in read:
            cell = read[uid]
            return NO_WISH if cell is UNTOUCHED else cell
        if uid in column.entry.owed:
            return column.entry.owed[uid].value
        return NOT_READ if uid and assignment_id in self.gradebook.partial else NO_WISH

    def _compare(
        self, column: _Column, uid: str, key: str, wanted: Wanted, reason: Reason | None
    ) -> ComparedCell | None:
        """Return one cell; None where nobody ever had a score in it, as far as is known."""
        live = column.find_live(key)
        sent = settle_doubt(column.find_sent(key), column.entry.doubtful.get(key), live)
        values = _known(sent), _known(live), _known(wanted)
        if all(value is None for value in values) and reason is not Reason.ROW_UNREADABLE:
            if self._scored(column, uid) and reason is not None:
                self.left_out[reason] += 1
            return None
        if column.live is None and wanted is not NOT_READ:
            reason = reason or column.unread
        state = judge_cell(sent, live, wanted)
        return ComparedCell(column.entry.id, uid, key, state, *values, reason)

    def _scored(self, column: _Column, uid: str) -> bool:
        cell = self.gradebook.cells.get(column.entry.id, {}).get(uid)
        return cell is not None and cell is not UNTOUCHED


def _known(value: Sent | Live | Wanted) -> Value:
    return None if value is NEVER_SENT or value is NOT_READ or value is NO_WISH else value


class Group(NamedTuple):
    """Count the edits of one assignment, or of one student, who has no title."""

    id: str
    edits: int
    title: str = ""


def _count(states: Iterable[CellState]) -> dict[str, int]:
    found = Counter(states)
    return {state.value: found[state] for state in CellState}


class Concentration(NamedTuple):
    """Count the cells that somebody edited in the SIS, by assignment and by student, most first.

    A student is named by the uid, or by the SIS key where Schoology has nobody with that record. `summary`
    is where the edits are, as one sentence; empty where there are none. `fields` are those of assignments
    that differ, and `field_counts` counts all by state.
    """

    edits: int = 0
    summary: str = ""
    assignments: tuple[Group, ...] = ()
    students: tuple[Group, ...] = ()
    fields: tuple[ComparedField, ...] = ()
    field_counts: Mapping[str, int] = MappingProxyType({})


def concentrate(found: Comparison) -> Concentration:
    """Find where the edits of a comparison are concentrated."""
    edited = [cell for cell in found.cells if cell.state in EDITED]
    fields = tuple(each for each in found.fields if each.state is not CellState.SAME)
    counts = _count(each.state for each in found.fields)
    if not edited:
        return Concentration(fields=fields, field_counts=counts)
    assignments = _rank(Counter(cell.assignment_id for cell in edited), found.titles)
    students = _rank(Counter(cell.student or cell.sis_student for cell in edited), {})
    summary = _summarize(assignments, students)
    return Concentration(len(edited), summary, assignments, students, fields, counts)


def _rank(counts: Counter[str], titles: Mapping[str, str]) -> tuple[Group, ...]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], id_order(item[0])))
    return tuple(Group(id_, edits, titles.get(id_, "")) for id_, edits in ranked)


def _summarize(assignments: Sequence[Group], students: Sequence[Group]) -> str:
    """Return the sentence that explains most edits by the fewest words."""
    total = sum(group.edits for group in assignments)
    most, person = assignments[0], students[0]
    edits = "1 edit is" if total == 1 else f"{total:,} edits are"
    title = isolate(most.title) or f"assignment {most.id}"
    everything = {1: "The 1 edit is", 2: "Both edits are"}.get(total, f"All {edits}")
    if most.edits == total:
        return f"{everything} in {title}."
    if person.edits == total:
        return f"{everything} in the scores of one student."
    if 2 * most.edits >= total and most.edits >= person.edits:
        return f"{most.edits:,} of {edits} in {title}."
    if 2 * person.edits >= total:
        return f"{person.edits:,} of {edits} in the scores of one student."
    return f"The {edits} spread over {len(assignments):,} assignments."
