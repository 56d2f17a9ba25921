"""Plan the scores of one assignment: what to send, what is settled without sending, what is unchanged."""

from collections.abc import Mapping, Set
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple, TypeAlias, cast

from gradesync.core.assignments import AssignmentDecision, Binding
from gradesync.core.catalog import sis_name
from gradesync.core.decide import (
    NEVER_SENT,
    NOT_READ,
    Live,
    Sent,
    decide,
    find_desired,
    find_edit,
    settle_edit,
    settle_kept,
    settle_unfit,
    settle_untouched,
)
from gradesync.core.decisions import is_open, is_owing, list_waiting
from gradesync.core.fit import Fitted, ScoreFitter
from gradesync.core.gradebook import UNTOUCHED, Cell, Mark, Score, find_mark
from gradesync.core.ledger import Decision, Doubtful, LedgerAssignment, Owed, Value, doubt_rescaled, points_of
from gradesync.core.plan import ScoreOutcome, changes
from gradesync.core.reasons import Reason, Result
from gradesync.core.rules import UNREADABLE, Roster, Stop
from gradesync.core.sis import DriftPolicy, LiveGradebook, LiveScores
from gradesync.core.writes import NO_WRITES, ScoreWrite, Writes

# None where nothing is to be done or reported.
_Planned: TypeAlias = ScoreWrite | ScoreOutcome | None


class SentScores(NamedTuple):
    """Hold what was sent of an assignment's scores, by SIS student key, and what is known of them in the SIS.

    `live` is what the SIS holds, None where that was not read. `may_hold`: it may hold scores that were never
    sent. `decisions` are those of people about edits in the SIS.
    """

    sent: Mapping[str, Value]
    doubtful: Mapping[str, Doubtful]
    live: LiveScores | None
    may_hold: bool
    decisions: Mapping[str, Decision] = MappingProxyType({})

    def find_standing(self, key: str) -> Decimal | None:
        """Return the points of ours that stand in a SIS student's record, as far as is known."""
        written = [self.sent[key]] if key in self.sent else []
        written += [self.doubtful[key].value] if key in self.doubtful else []
        points = [points_of(value) for value in written]
        if self.live is None:
            return points[-1] if points else None
        held = points_of(self.live.get(key))
        return held if held in points else None

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
            return cls({}, {}, scores, may_hold=True, decisions=entry.decisions)
        doubtful = entry.doubtful
        if rescales or binding.rescaled(entry):
            doubtful = doubt_rescaled(entry)
        return cls(entry.sent, doubtful, scores, entry.may_hold, entry.decisions)


def split_untouched(cells: Mapping[str, Cell]) -> tuple[Mapping[str, Score], Set[str]]:
    """Split cells that nobody ever touched from the others: they are none."""
    untouched = {uid for uid, cell in cells.items() if cell is UNTOUCHED}
    if untouched:
        return {uid: cell for uid, cell in cells.items() if cell is not UNTOUCHED}, untouched
    return cast("Mapping[str, Score]", cells), untouched  # most columns have none, and need no copy


class Column(NamedTuple):
    """Hold all that is known of one assignment's scores, by student uid.

    `cells` and `unreadable` are what was read, `owed` is what the ledger keeps, `known` what was sent.
    `moved`: students who have another SIS key than before, with the former one. `full`: put right what
    someone changed in the SIS. `untouched` have a blank that nobody made: it is no cell. `differing` have
    several enrollments whose scores differ. `drift` is the policy for edits made in the SIS.
    """

    cells: Mapping[str, Score]
    unreadable: Set[str]
    owed: Mapping[str, Owed]
    known: SentScores
    moved: Mapping[str, str]
    full: bool
    untouched: Set[str] = frozenset()
    differing: Set[str] = frozenset()
    drift: DriftPolicy = "report"

    def find_kept(self, roster: Roster) -> dict[str, Score]:
        """Return the scores to plan that no response carried, from the ledger: owed ones are the newest."""
        if not self.owed and not self.known.doubtful and not self.known.decisions:
            return {}
        kept: dict[str, Score] = {
            roster.holders[key]: doubt.value
            for key, doubt in self.known.doubtful.items()
            if doubt.looks and key in roster.holders
        }
        for key, made in list_waiting(self.known.decisions, self.known.doubtful).items():
            if roster.holders.get(key) == made.student:  # else the record is another student's by now
                kept[made.student] = made.wanted
        kept.update((uid, owed.value) for uid, owed in self.owed.items())
        read = self.cells.keys() | self.untouched
        return {uid: value for uid, value in kept.items() if uid not in read}

    def of(self, students: Set[str], roster: Roster) -> "Column":
        """Return the part of the column that belongs to some students."""
        holders = roster.holders
        doubtful = {key: doubt for key, doubt in self.known.doubtful.items() if holders.get(key) in students}
        decisions = {key: made for key, made in self.known.decisions.items() if made.student in students}
        return self._replace(
            cells={uid: cell for uid, cell in self.cells.items() if uid in students},
            unreadable=self.unreadable & students,
            owed={uid: owed for uid, owed in self.owed.items() if uid in students},
            known=self.known._replace(doubtful=doubtful, decisions=decisions),
            untouched=self.untouched & students,
            moved={uid: key for uid, key in self.moved.items() if uid in students},
        )


class PlannedScores(NamedTuple):
    """Hold the plan of one assignment's scores: each student once, of all that were read, owed or in doubt.

    `unchanged` are the students whose scores stay as they are, with nothing to report.
    """

    writes: Writes = NO_WRITES
    settled: tuple[ScoreOutcome, ...] = ()
    unchanged: Set[str] = frozenset()


def settle_scores(column: Column, roster: Roster, stop: Stop) -> tuple[ScoreOutcome, ...]:
    """Settle every score of a column alike: its assignment does not go."""
    students = {*column.cells, *column.find_kept(roster), *column.unreadable}
    planned: dict[str, _Planned] = {uid: ScoreOutcome(uid, stop.result, stop.reason) for uid in students}
    return tuple(_split(_warn_of_left(planned, column, roster))[1])


def plan_scores(column: Column, roster: Roster, fitter: ScoreFitter) -> PlannedScores:
    """Plan every score of an assignment that stands, or is about to stand, in the SIS."""
    read = column.cells or column.unreadable or column.untouched or column.moved
    if not (read or column.owed or column.known.doubtful or column.known.decisions):
        return PlannedScores()
    kept = column.find_kept(roster)
    rows = {uid: column.cells[uid] for uid in _find_differing(column, roster)} | kept
    rows.update(dict.fromkeys(column.unreadable))
    planned = {uid: _plan_score(uid, rows[uid], column, roster, fitter) for uid in rows}
    planned |= _settle_untouched(column, roster)
    if column.moved:
        planned = _warn_of_left(planned, column, roster)
    writes, settled = _split(planned)
    unchanged: Set[str] = column.cells.keys()
    if planned:
        unchanged = (unchanged - planned.keys()) | {uid for uid, score in planned.items() if score is None}
    return PlannedScores(Writes(writes) if writes else NO_WRITES, tuple(settled), unchanged)


def _split(planned: Mapping[str, _Planned]) -> tuple[list[ScoreWrite], list[ScoreOutcome]]:
    """Split planned scores into writes and outcomes, each in the order of the students."""
    ordered = [planned[uid] for uid in sorted(planned)]
    writes = [score for score in ordered if isinstance(score, ScoreWrite)]
    return writes, [score for score in ordered if isinstance(score, ScoreOutcome)]


def _warn_of_left(planned: Mapping[str, _Planned], column: Column, roster: Roster) -> dict[str, _Planned]:
    """Add a warning to the scores of students whose former SIS record keeps what was sent to it (R40)."""
    warned = dict(planned)
    for uid, former in column.moved.items():
        points = column.known.find_standing(former)
        if points is None or _is_overwritten(former, planned, column, roster):
            continue
        score = planned.get(uid) or ScoreOutcome(uid, Result.UNCHANGED, sis_student=roster.keys[uid])
        left = f"{sis_name()} student {former} still has {points:f}"
        detail = "; ".join(filter(None, (score.detail, left)))
        warned[uid] = score._replace(warnings=(*score.warnings, Reason.LEFT_AT_FORMER_STUDENT), detail=detail)
    return warned


def _is_overwritten(key: str, planned: Mapping[str, _Planned], column: Column, roster: Roster) -> bool:
    """Return True where a record gets, or has, the score of the student who has it now."""
    holder = roster.holders.get(key, "")
    if holder not in planned:
        return holder in column.cells
    score = planned[holder]
    return not isinstance(score, ScoreOutcome) or score.result is Result.ADOPTED


def _find_differing(column: Column, roster: Roster) -> set[str]:
    """Return the students whose cells are not plainly what was sent, and what the SIS holds, already."""
    # Nearly every score stops here, so this compares and does nothing else. Exceptions are always looked at:
    # what they come to depends on more than their value. Stored scores take several times as long to look up.
    cells, known, keys = column.cells, column.known, roster.keys
    sent, key = dict(known.sent.items()).get, keys.get
    differing = {uid for uid, cell in cells.items() if sent(key(uid, "")) != cell or type(cell) is Mark}
    if not cells.keys() <= keys.keys():
        differing |= cells.keys() - keys.keys()
    if column.owed or known.doubtful or known.decisions:
        in_doubt = {roster.holders.get(key, "") for key in (*known.doubtful, *known.decisions)}
        differing |= cells.keys() & (column.owed.keys() | in_doubt)
    if column.full and known.live is not None:
        live = known.live
        differing |= {uid for uid, cell in cells.items() if live.get(keys.get(uid, "")) != cell}
    return differing


def _plan_score(uid: str, cell: Score, column: Column, roster: Roster, fitter: ScoreFitter) -> _Planned:
    """Plan one score; None where nothing is to be done or reported."""
    key = roster.find(uid)
    # Of a record that several accounts claim, nothing counts as sent to one of them (R40).
    record = "" if uid in roster.sharing else roster.locate(uid) if isinstance(key, Stop) else key
    if isinstance(key, Stop) and key.result is Result.SKIPPED:
        skipped = ScoreOutcome(uid, key.result, key.reason, sis_student=record, detail=key.detail)
        return skipped if cell is None else skipped.stand(cell)  # a blank is nothing to miss
    if uid in column.unreadable:
        return ScoreOutcome(uid, Result.FAILED, Reason.ROW_UNREADABLE, sis_student=record)
    fitted = fitter.fit(cell)
    if fitted.stop:
        return settle_unfit(uid, record, fitted, column.known.sent.get(record)).stand(cell)
    planned = _plan_value(uid, key, record, fitted, column)
    if isinstance(planned, ScoreWrite) and planned.value is None and not fitter.clears:
        before = planned.before
        kept = ScoreOutcome(uid, Result.SKIPPED, Reason.CANNOT_CLEAR, before=before, sis_student=record)
        return kept.stand(None)
    return planned


def _plan_value(uid: str, key: str | Stop, record: str, fitted: Fitted, column: Column) -> _Planned:
    known, owed = column.known, column.owed.get(uid)
    doubt, made = known.doubtful.get(record), known.decisions.get(record)
    sent: Sent = known.sent.get(record, NEVER_SENT)
    live: Live = known.live.get(key) if known.live is not None and isinstance(key, str) else NOT_READ
    clear_owed = owed is not None and owed.value is None and uid not in column.moved
    decision = made if made and made.student == uid else None
    may_hold = clear_owed or (fitted.excused and known.may_hold)
    desired = find_desired(fitted, sent, doubt, live, may_hold=may_hold)
    choice = decide(
        desired,
        sent,
        live,
        doubt=doubt,
        full=column.full,
        may_hold=may_hold,
        drift=column.drift,
        decision=decision,
        owing=is_owing(owed, decision, desired, unmatched=isinstance(key, Stop)),
    )
    before = None if sent is NEVER_SENT else sent
    value = decision.live if decision and choice in {"take", "resend"} else desired
    if choice in {"write", "restore", "resend"} and not isinstance(key, Stop):
        warnings = (*fitted.warnings, Reason.EDITED_IN_SIS) if choice == "restore" else fitted.warnings
        still_owed = owed is not None and owed.value == value
        warnings += (Reason.SEVERAL_ENROLLMENTS,) if uid in column.differing else ()
        edit = find_edit(sent, doubt, live)
        shown = edit[0] if edit and choice == "write" else before
        standing = find_mark(before, doubt and doubt.value, live)
        return ScoreWrite(uid, key, value, standing or shown, warnings, still_owed, edit=edit)
    score = ScoreOutcome(uid, Result.SKIPPED, before=before, after=desired, sis_student=record)
    if choice == "keep":
        return settle_kept(score, sent, live) if (owed or decision) and is_open(owed, decision) else None
    if isinstance(key, Stop):
        # Where the enrollment is unreadable and the row was not, no cursor waits for it: it is owed.
        owing = score._replace(stands=True, left_out=desired) if key is UNREADABLE else score
        return owing._replace(result=key.result, reason=key.reason, detail=key.detail)
    if choice in {"ask", "leave"}:
        return settle_edit(score, choice, live)
    return score._replace(result=Result.ADOPTED, after=value)


def _settle_untouched(column: Column, roster: Roster) -> dict[str, ScoreOutcome]:
    """Settle the blanks that nobody made where the SIS holds a score of ours: it stays (R38)."""
    if not column.untouched:  # what was sent need not be read
        return {}
    sent, doubtful = column.known.sent, column.known.doubtful
    records = {uid: roster.locate(uid) for uid in column.untouched} if sent or doubtful else {}
    return {
        uid: settle_untouched(uid, record, sent.get(record), roster.find(uid))
        for uid, record in records.items()
        if sent.get(record) is not None or record in doubtful
    }
