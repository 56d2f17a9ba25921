"""Decide one score, from its desired value, the value last sent and what the SIS holds live."""

from collections.abc import Iterable, Mapping, Set
from enum import Enum
from typing import Final, Literal, TypeAlias

from gradesync.core.catalog import sis_name
from gradesync.core.decisions import is_pending
from gradesync.core.fit import Fitted
from gradesync.core.ledger import Decision, Doubtful, Owed, Value, holds, points_of
from gradesync.core.plan import ScoreOutcome
from gradesync.core.reasons import Reason, Result
from gradesync.core.rules import Stop
from gradesync.core.sis import DriftPolicy
from gradesync.core.writes import ScoreWrite


class Unknown(Enum):
    """Stand for a value where there is none to compare with."""

    NEVER_SENT = "never sent"
    NOT_READ = "not read"


# An enum's members are slow to look up by attribute, and millions of scores do.
NEVER_SENT: Final = Unknown.NEVER_SENT
NOT_READ: Final = Unknown.NOT_READ

# What failed like this has no value, or no student, to owe it to.
NOT_OWED = frozenset({Reason.ROW_UNREADABLE, Reason.PARTIAL_READ})

Sent: TypeAlias = Value | Literal[Unknown.NEVER_SENT]
Live: TypeAlias = Value | Literal[Unknown.NOT_READ]
# To restore is to write over an edit made in the SIS; to ask is to leave one until a person decides; to leave
# is to send nothing because a person decided so. To take and to resend concern the value that a person chose
# in place of Schoology's: the SIS holds it, or is to hold it.
Choice: TypeAlias = Literal["keep", "adopt", "write", "restore", "ask", "leave", "take", "resend"]


def find_desired(fitted: Fitted, sent: Sent, doubt: Doubtful | None, live: Live, *, may_hold: bool) -> Value:
    """Return what the SIS should hold of a score: a mark `instead` of one is no mark where none may stand.

    A blank that was sent, or found, takes it no more than a cell to which nothing was ever sent.
    """
    if not fitted.instead or (sent is not NEVER_SENT and sent is not None):
        return fitted.value
    may_stand = (may_hold and sent is NEVER_SENT) or (doubt is not None and doubt.value is not None)
    return fitted.value if may_stand and live is not None else None


def decide(
    desired: Value,
    sent: Sent,
    live: Live,
    *,
    doubt: Doubtful | None = None,
    full: bool = False,
    may_hold: bool = False,
    drift: DriftPolicy = "report",
    decision: Decision | None = None,
    owing: bool = False,
) -> Choice:
    """Decide one score.

    `live` is what the SIS holds. `doubt`: a write of that value may have happened. `full`: put right what
    someone changed in the SIS. `may_hold`: the SIS may hold something although nothing was ever sent.
    A blank that was never anything else is kept whatever the SIS holds (R6), so that absence never clears.
    `drift` is the district's policy for edits made in the SIS, and `decision` what a person decided here.
    `owing`: an earlier sync failed to send this very value, so that the SIS may hold another than was sent.
    """
    full = full or owing
    plain = _decide(desired, sent, live, doubt, full=full, may_hold=may_hold, drift=drift, owing=owing)
    if decision is None or decision.choice == "reopened":
        return plain
    if decision.choice == "stop":
        return plain if plain in {"keep", "adopt"} else "leave"
    if is_pending(decision):
        return _follow(decision, plain, desired, sent, live)
    if desired != decision.wanted:
        return plain
    if doubt is not None:
        return _finish(decision, desired, sent, live, doubt, full=full)
    return _hold(decision, desired, live, full=full, drift=drift, owing=owing)


def _decide(
    desired: Value,
    sent: Sent,
    live: Live,
    doubt: Doubtful | None,
    *,
    full: bool,
    may_hold: bool,
    drift: DriftPolicy,
    owing: bool,
) -> Choice:
    if desired is None and sent is NEVER_SENT and doubt is None and not may_hold:
        return "keep"
    # A decimal takes long to find that it is not equal to what is no number.
    certain = doubt is None and sent is not NEVER_SENT and sent == desired
    puts_right = owing if live is NOT_READ else full or drift == "ask"
    if certain and (drift == "yield" or not puts_right):
        return "keep"
    if live is NOT_READ:
        return "write"
    ours = _possible_writes(sent, doubt)
    if holds(live, desired, *ours):
        return "keep" if certain else "adopt"
    if any(holds(live, value, desired, *ours) for value in ours or [None]):
        return "write"
    edited: Choice = "restore" if ours else "write"
    return "ask" if drift == "ask" else edited


def _possible_writes(sent: Sent, doubt: Doubtful | None) -> list[Value]:
    """Return the values that we wrote or may have written; a blank before the first write is ours too."""
    if doubt is None:
        return [] if sent is NEVER_SENT else [sent]
    return [None if sent is NEVER_SENT else sent, doubt.value]


def _follow(decision: Decision, plain: Choice, desired: Value, sent: Sent, live: Live) -> Choice:
    """Do what was decided where the SIS holds what the person saw. Ask again where it holds anything else."""
    stands = None if sent is NEVER_SENT else sent
    if live is NOT_READ or plain == "adopt" or holds(live, desired, stands):
        return plain
    if stands == decision.sent and holds(live, decision.live, stands, desired):
        if decision.choice == "put-back" and not (desired is None and sent is NEVER_SENT):
            return "write"
        if decision.choice == "take" and desired == decision.wanted:
            return "take"
    edited = not holds(live, stands, desired)
    return "ask" if edited and plain == "keep" else plain


def _hold(
    decision: Decision, desired: Value, live: Live, *, full: bool, drift: DriftPolicy, owing: bool
) -> Choice:
    """Decide a score whose value in the SIS counts as sent. It does for no other value there."""
    if live is NOT_READ:
        return "write" if owing and drift != "yield" else "keep"
    if holds(live, decision.live, desired):
        return "keep"
    if holds(live, desired, decision.live):
        return "adopt"
    if drift == "yield" or not (full or drift == "ask"):
        return "keep"
    return "ask" if drift == "ask" else "restore"


def _finish(
    decision: Decision, desired: Value, sent: Sent, live: Live, doubt: Doubtful, *, full: bool
) -> Choice:
    """Decide a score whose value a person chose, and whose write may have happened. No edit since is lost."""
    if live is NOT_READ:
        return "resend" if doubt.looks else "keep"
    stands = None if sent is NEVER_SENT else sent
    if holds(live, decision.live, doubt.value, stands):
        return "take"
    if holds(live, stands, decision.live) or holds(live, doubt.value, decision.live):
        return "resend"
    if holds(live, desired, decision.live):
        return "adopt"
    return "restore" if full else "leave"


def find_edit(sent: Sent, doubt: Doubtful | None, live: Live) -> tuple[()] | tuple[Value]:
    """Return the value of somebody else that the SIS holds; nothing where it holds ours, or was not read."""
    if live is NOT_READ:
        return ()
    ours = [None if sent is NEVER_SENT else sent] + ([] if doubt is None else [doubt.value])
    return () if any(holds(live, value) for value in ours) else (live,)


def settle_edit(score: ScoreOutcome, choice: Choice, live: Live) -> ScoreOutcome:
    """Settle a score that somebody changed in the SIS: a person is to decide, or decided to send nothing.

    It stays in mind, with what Schoology has last, for the sync after another decision.
    """
    reason = Reason.DRIFT_UNDECIDED if choice == "ask" else Reason.LEFT_TO_SIS
    score = score._replace(reason=reason, stands=True, left_out=score.after)
    return score if live is NOT_READ else score._replace(detail=_describe(live), held=live)


def settle_kept(score: ScoreOutcome, sent: Sent, live: Live) -> ScoreOutcome | None:
    """Settle a score about which a person decided, or was to: the SIS holds what was sent, again.

    None where it is not known to.
    """
    stands = None if sent is NEVER_SENT else sent
    if live is NOT_READ or not holds(live, stands):
        return None
    return score._replace(result=Result.UNCHANGED, after=stands, detail=_describe(live), held=live)


def settle_untouched(uid: str, record: str, sent: Value, key: str | Stop) -> ScoreOutcome:
    """Settle a blank that nobody made: what was sent of it stays in the SIS (R38)."""
    if isinstance(key, Stop) and key.result is Result.SKIPPED:
        return ScoreOutcome(uid, key.result, key.reason, sis_student=record, detail=key.detail)
    warnings = (Reason.NEVER_SCORED_HERE,)
    return ScoreOutcome(uid, Result.UNCHANGED, None, warnings, sent, sent, sis_student=record)


def settle_unfit(uid: str, record: str, fitted: Fitted, before: Value) -> ScoreOutcome:
    """Settle a score whose value is not for the SIS (R4, R5), or is more than the SIS takes."""
    failed = fitted.stop is Reason.SCORE_NOT_ACCEPTED
    result = Result.FAILED if failed else Result.SKIPPED
    return ScoreOutcome(uid, result, fitted.stop, before=before, after=fitted.value, sis_student=record)


def settle(write: ScoreWrite, result: Result, reason: Reason | None = None) -> ScoreOutcome:
    """Return the outcome of a planned score that is not sent."""
    return ScoreOutcome(
        write.student,
        result,
        reason,
        write.warnings,
        before=write.before,
        after=write.value,
        sis_student=write.sis_student,
        detail=write.detail,
    )


def settle_locked(writes: Iterable[ScoreWrite]) -> tuple[ScoreOutcome, ...]:
    """Fail scores that are not sent: the SIS shows beforehand that it takes none."""
    return tuple(settle(write, Result.FAILED, Reason.TERM_LOCKED) for write in writes)


def _describe(live: Value) -> str:
    points = points_of(live)
    return f"{sis_name()} has {'a blank' if points is None else format(points, 'f')}"


def settle_owed(
    owed: Mapping[str, Owed], settled: Mapping[str, ScoreOutcome], waiting: Set[str]
) -> dict[str, Owed]:
    """Return what failed by rule or stands left out, and what was owed before and is still to come."""
    failed = {
        uid: Owed(score.reason, score.after)
        for uid, score in settled.items()
        if score.result is Result.FAILED and score.reason and score.reason not in NOT_OWED
    }
    left_out = {
        uid: Owed(score.reason, score.left_out, score.held)
        for uid, score in settled.items()
        if score.stands and score.reason
    }
    return {uid: debt for uid, debt in owed.items() if uid in waiting} | failed | left_out


def settle_doubtful(
    doubtful: Mapping[str, Doubtful], settled: Mapping[str, ScoreOutcome], waiting: Set[str]
) -> dict[str, Doubtful]:
    """Return the doubts that remain: one look fewer where a score was seen, set aside where none goes.

    All three are by SIS student key. No score goes to a record that nobody of the section has any more.
    """
    remaining = {}
    for key, doubt in doubtful.items():
        score = settled.get(key)
        if key in waiting:
            remaining[key] = doubt
        elif score is None or score.result is not Result.ADOPTED:
            remaining[key] = doubt._replace(looks=0)
        elif doubt.looks > 1:
            remaining[key] = Doubtful(score.after, doubt.looks - 1)
    return remaining
