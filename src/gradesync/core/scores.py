"""Plan the scores of one assignment: what to send, what is settled without sending, what is unchanged."""

from collections.abc import Mapping, Set
from typing import NamedTuple

from gradesync.core.assignments import AssignmentDecision, Binding, changes
from gradesync.core.decide import NEVER_SENT, NOT_READ, Live, Sent, decide
from gradesync.core.fit import Fitted, ScoreFitter
from gradesync.core.gradebook import UNTOUCHED, Cell, Mark, Score
from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed, Value, points_of
from gradesync.core.plan import Result, ScoreOutcome, ScoreWrite
from gradesync.core.reasons import Reason
from gradesync.core.rules import Roster, Stop
from gradesync.core.sis import LiveGradebook, LiveScores


class SentScores(NamedTuple):
    """Hold what was sent of an assignment's scores, and what is known of them in the SIS.

    `live` is what the SIS holds, None where that was not read. `may_hold`: it may hold scores that were never
    sent.
    """

    sent: Mapping[str, Value]
    doubtful: Mapping[str, Doubtful]
    live: LiveScores | None
    may_hold: bool

    @classmethod
    def of_stopped(cls, entry: LedgerAssignment) -> "SentScores":
        """Return the scores of an assignment that does not go, as the ledger has them."""
        return cls(entry.sent, entry.doubtful, live=None, may_hold=entry.may_hold)

    @classmethod
    def of(
        cls, entry: LedgerAssignment, binding: Binding, decision: AssignmentDecision, live: LiveGradebook
    ) -> "SentScores":
        """Return the scores of an assignment that goes. To a new SIS assignment nothing was sent.

        A change of total points may rescale what the SIS holds: all that was sent becomes doubtful, and where
        the change is still to come, what was read of the SIS counts no more.
        """
        if binding.ref is None:
            return cls({}, {}, live=None, may_hold=False)
        before, spec = decision.before, binding.spec
        rescales = changes(decision.action, before, spec) and (before is None or before.points != spec.points)
        scores = None if rescales else live.scores.get(binding.ref.key)
        if binding.adopted:
            return cls({}, {}, scores, may_hold=True)
        doubtful = entry.doubtful
        if rescales or binding.rescaled(entry):
            doubtful = {**_doubt_all(entry.sent), **doubtful}
        return cls(entry.sent, doubtful, scores, entry.may_hold)


class Column(NamedTuple):
    """Hold all that is known of one assignment's scores, by student uid.

    `cells` and `unreadable` are what was read, `owed` is what the ledger keeps, `known` what was sent.
    `full`: put right what someone changed in the SIS. `untouched` have a blank that nobody made: it is no
    cell. `differing` have several enrollments whose scores differ.
    """

    cells: Mapping[str, Score]
    unreadable: Set[str]
    owed: Mapping[str, Owed]
    known: SentScores
    full: bool
    untouched: Set[str] = frozenset()
    differing: Set[str] = frozenset()

    @classmethod
    def of_cells(
        cls,
        cells: Mapping[str, Cell],
        *,
        unreadable: Set[str],
        differing: Set[str],
        owed: Mapping[str, Owed],
        known: SentScores,
        full: bool,
    ) -> "Column":
        """Make a column of what was read, the cells that nobody ever touched apart."""
        untouched = {uid for uid, cell in cells.items() if cell is UNTOUCHED}
        scores = {uid: cell for uid, cell in cells.items() if cell is not UNTOUCHED}
        return cls(scores, unreadable, owed, known, full, untouched, differing)

    @property
    def kept(self) -> dict[str, Score]:
        """Return the scores to plan that no response carried, from the ledger: owed ones are the newest."""
        if not self.owed and not self.known.doubtful:
            return {}
        kept: dict[str, Score] = {
            uid: doubt.value for uid, doubt in self.known.doubtful.items() if doubt.looks
        }
        kept.update((uid, owed.value) for uid, owed in self.owed.items())
        read = self.cells.keys() | self.untouched
        return {uid: value for uid, value in kept.items() if uid not in read}

    def of(self, students: Set[str]) -> "Column":
        """Return the part of the column that belongs to some students."""
        doubtful = {uid: doubt for uid, doubt in self.known.doubtful.items() if uid in students}
        return self._replace(
            cells={uid: cell for uid, cell in self.cells.items() if uid in students},
            unreadable=self.unreadable & students,
            owed={uid: owed for uid, owed in self.owed.items() if uid in students},
            known=self.known._replace(doubtful=doubtful),
            untouched=self.untouched & students,
        )


class PlannedScores(NamedTuple):
    """Hold the plan of one assignment's scores: together as many as were read, owed or in doubt."""

    writes: tuple[ScoreWrite, ...]
    settled: tuple[ScoreOutcome, ...]
    unchanged: int


def settle_scores(column: Column, stop: Stop) -> tuple[ScoreOutcome, ...]:
    """Settle every score of a column alike: its assignment does not go."""
    students = sorted({*column.cells, *column.kept, *column.unreadable})
    return tuple(ScoreOutcome(uid, stop.result, stop.reason) for uid in students)


def plan_scores(column: Column, roster: Roster, fitter: ScoreFitter) -> PlannedScores:
    """Plan every score of an assignment that stands, or is about to stand, in the SIS."""
    kept = column.kept
    rows = {uid: column.cells[uid] for uid in _find_differing(column, roster)} | kept
    rows.update(dict.fromkeys(column.unreadable))
    writes, settled = [], []
    for uid in sorted(rows):
        planned = _plan_score(uid, rows[uid], column, roster, fitter)
        if isinstance(planned, ScoreWrite):
            writes.append(planned)
        elif planned is not None:
            settled.append(planned)
    read = len(column.cells) + len(kept) + len(column.unreadable - column.cells.keys() - kept.keys())
    unchanged = read - len(writes) - len(settled)
    return PlannedScores(tuple(writes), (*settled, *_settle_untouched(column, roster)), unchanged)


def _find_differing(column: Column, roster: Roster) -> set[str]:
    """Return the students whose cells are not plainly what was sent, and what the SIS holds, already."""
    # Nearly every score of nearly every sync stops here, so this compares and does nothing else. Exceptions
    # are always looked at: what they come to depends on more than their value.
    cells, known, keys = column.cells, column.known, roster.keys
    sent = known.sent
    differing = {uid for uid, cell in cells.items() if sent.get(uid) != cell or type(cell) is Mark}
    if not cells.keys() <= keys.keys():
        differing |= cells.keys() - keys.keys()
    if column.owed or known.doubtful:
        differing |= cells.keys() & (column.owed.keys() | known.doubtful.keys())
    if column.full and known.live is not None:
        live = known.live
        differing |= {uid for uid, cell in cells.items() if live.get(keys.get(uid, "")) != cell}
    return differing


def _plan_score(
    uid: str, cell: Score, column: Column, roster: Roster, fitter: ScoreFitter
) -> ScoreWrite | ScoreOutcome | None:
    """Plan one score; None where nothing is to be done or reported."""
    key = roster.find(uid)
    if isinstance(key, Stop) and key.result is Result.SKIPPED:
        return ScoreOutcome(uid, key.result, key.reason, detail=key.detail)
    if uid in column.unreadable:
        return ScoreOutcome(uid, Result.FAILED, Reason.ROW_UNREADABLE)
    fitted = fitter.fit(cell)
    return _settle_unfit(uid, fitted, column) if fitted.stop else _plan_value(uid, key, fitted, column)


def _plan_value(
    uid: str, key: str | Stop, fitted: Fitted, column: Column
) -> ScoreWrite | ScoreOutcome | None:
    known, owed = column.known, column.owed.get(uid)
    sent: Sent = known.sent.get(uid, NEVER_SENT)
    live: Live = NOT_READ
    if known.live is not None and isinstance(key, str):
        live = known.live.get(key)
    clear_owed = owed is not None and owed.value is None
    choice = decide(
        fitted.value,
        sent,
        live,
        doubt=known.doubtful.get(uid),
        full=column.full,
        may_hold=clear_owed or (fitted.excused and known.may_hold),
    )
    if choice == "keep":
        return None
    before = None if sent is NEVER_SENT else sent
    if isinstance(key, Stop):
        return ScoreOutcome(uid, key.result, key.reason, before=before, after=fitted.value, detail=key.detail)
    if choice == "adopt":
        return ScoreOutcome(uid, Result.ADOPTED, before=before, after=fitted.value)
    warnings = (*fitted.warnings, Reason.EDITED_IN_SIS) if choice == "restore" else fitted.warnings
    still_owed = owed is not None and owed.value == fitted.value
    if uid in column.differing:
        warnings = (*warnings, Reason.SEVERAL_ENROLLMENTS)
    return ScoreWrite(uid, key, fitted.value, before, warnings, still_owed)


def _settle_untouched(column: Column, roster: Roster) -> list[ScoreOutcome]:
    """Settle the blanks that nobody made where the SIS holds a score of ours: it stays (R38)."""
    sent, doubtful = column.known.sent, column.known.doubtful
    holding = [uid for uid in column.untouched if sent.get(uid) is not None or uid in doubtful]
    return [_keep_score(uid, sent.get(uid), roster.find(uid)) for uid in sorted(holding)]


def _keep_score(uid: str, sent: Value, key: str | Stop) -> ScoreOutcome:
    if isinstance(key, Stop) and key.result is Result.SKIPPED:
        return ScoreOutcome(uid, key.result, key.reason, detail=key.detail)
    return ScoreOutcome(uid, Result.UNCHANGED, None, (Reason.NEVER_SCORED_HERE,), sent, sent)


def _settle_unfit(uid: str, fitted: Fitted, column: Column) -> ScoreOutcome:
    """Settle a score whose value is not for the SIS (R4, R5), or is more than the SIS takes."""
    failed = fitted.stop is Reason.SCORE_NOT_ACCEPTED
    result = Result.FAILED if failed else Result.SKIPPED
    return ScoreOutcome(uid, result, fitted.stop, before=column.known.sent.get(uid), after=fitted.value)


def _doubt_all(sent: Mapping[str, Value]) -> dict[str, Doubtful]:
    """Return sent scores as doubtful ones. A blank cannot be rescaled."""
    return {uid: Doubtful(value) for uid, value in sent.items() if points_of(value) is not None}
