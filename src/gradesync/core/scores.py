"""Plans the scores of one assignment: what to send, what is settled without sending, what is unchanged."""

from typing import NamedTuple

from gradesync.core.column import Column
from gradesync.core.decide import NEVER_SENT, NOT_READ, Held, Sent, decide
from gradesync.core.fit import Fitted, ScoreFitter
from gradesync.core.gradebook import Cell, Mark
from gradesync.core.plan import Result, ScoreOutcome, ScoreWrite
from gradesync.core.reasons import Reason
from gradesync.core.roster import Roster
from gradesync.core.rules import Stop


class Scores(NamedTuple):
    """The scores of one assignment, planned: together as many as were read, owed or in doubt."""

    writes: tuple[ScoreWrite, ...]
    settled: tuple[ScoreOutcome, ...]
    unchanged: int


def settle_scores(column: Column, stop: Stop) -> tuple[ScoreOutcome, ...]:
    """End every score of a column the same way: its assignment does not go."""
    students = sorted({*column.cells, *column.kept, *column.unreadable})
    return tuple(ScoreOutcome(uid, stop.result, stop.reason) for uid in students)


def plan_scores(column: Column, roster: Roster, mould: ScoreFitter) -> Scores:
    """Plan every score of an assignment that stands, or is about to stand, in the SIS."""
    kept = column.kept
    rows = {uid: column.cells[uid] for uid in _differing(column, roster)} | kept
    rows.update(dict.fromkeys(column.unreadable))
    writes, settled = [], []
    for uid in sorted(rows):
        planned = _plan_score(uid, rows[uid], column, roster, mould)
        if isinstance(planned, ScoreWrite):
            writes.append(planned)
        elif planned is not None:
            settled.append(planned)
    read = len(column.cells) + len(kept) + len(column.unreadable - column.cells.keys() - kept.keys())
    return Scores(tuple(writes), tuple(settled), read - len(writes) - len(settled))


def _differing(column: Column, roster: Roster) -> set[str]:
    """The students whose cells are not plainly what was sent, and held, already.

    Nearly every score of nearly every sync stops here, so this compares and does nothing else. Exceptions are
    always looked at: what they come to depends on more than their value.
    """
    cells, place, keys = column.cells, column.place, roster.keys
    sent = place.sent
    differing = {uid for uid, cell in cells.items() if sent.get(uid) != cell or type(cell) is Mark}
    if not cells.keys() <= keys.keys():
        differing |= cells.keys() - keys.keys()
    if column.owed or place.doubtful:
        differing |= cells.keys() & (column.owed.keys() | place.doubtful.keys())
    if column.full and place.held is not None:
        held = place.held
        differing |= {uid for uid, cell in cells.items() if held.get(keys.get(uid, "")) != cell}
    return differing


def _plan_score(
    uid: str, cell: Cell, column: Column, roster: Roster, mould: ScoreFitter
) -> ScoreWrite | ScoreOutcome | None:
    """Plan one score; None where nothing is to be done and nothing to be said."""
    key = roster.find(uid)
    if isinstance(key, Stop) and key.result is Result.SKIPPED:
        return ScoreOutcome(uid, *key)
    if uid in column.unreadable:
        return ScoreOutcome(uid, Result.FAILED, Reason.ROW_UNREADABLE)
    fitted = mould.score(cell)
    return _held_back(uid, fitted, column) if fitted.stop else _planned(uid, key, fitted, column)


def _planned(uid: str, key: str | Stop, fitted: Fitted, column: Column) -> ScoreWrite | ScoreOutcome | None:
    place, owed = column.place, column.owed.get(uid)
    sent: Sent = place.sent.get(uid, NEVER_SENT)
    held: Held = NOT_READ
    if place.held is not None and isinstance(key, str):
        held = place.held.get(key)
    clear_owed = owed is not None and owed.value is None
    choice = decide(
        fitted.value,
        sent,
        held,
        doubt=place.doubtful.get(uid),
        full=column.full,
        may_hold=clear_owed or (fitted.excused and place.may_hold),
    )
    if choice == "keep":
        return None
    before = None if sent is NEVER_SENT else sent
    if isinstance(key, Stop):
        return ScoreOutcome(uid, *key, before=before, after=fitted.value)
    if choice == "adopt":
        return ScoreOutcome(uid, Result.ADOPTED, before=before, after=fitted.value)
    warnings = (*fitted.warnings, Reason.EDITED_IN_SIS) if choice == "restore" else fitted.warnings
    still_owed = owed is not None and owed.value == fitted.value
    return ScoreWrite(uid, key, fitted.value, before, warnings, still_owed)


def _held_back(uid: str, fitted: Fitted, column: Column) -> ScoreOutcome:
    """A score whose value is not for the SIS: left as it is there (R4, R5), or more than it takes."""
    failed = fitted.stop is Reason.SCORE_NOT_ACCEPTED
    result = Result.FAILED if failed else Result.SKIPPED
    return ScoreOutcome(uid, result, fitted.stop, before=column.place.sent.get(uid), after=fitted.value)
