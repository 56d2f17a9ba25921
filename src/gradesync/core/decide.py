"""Decide one score, from its desired value, the value last sent and what the SIS holds live."""

from enum import Enum
from typing import Final, Literal, TypeAlias

from gradesync.core.catalog import sis_name
from gradesync.core.ledger import Decision, Doubtful, Value, holds, points_of
from gradesync.core.plan import ScoreOutcome
from gradesync.core.reasons import Reason
from gradesync.core.sis import DriftPolicy


class Unknown(Enum):
    """Stand for a value where there is none to compare with."""

    NEVER_SENT = "never sent"
    NOT_READ = "not read"


# An enum's members are slow to look up by attribute, and millions of scores do.
NEVER_SENT: Final = Unknown.NEVER_SENT
NOT_READ: Final = Unknown.NOT_READ

Sent: TypeAlias = Value | Literal[Unknown.NEVER_SENT]
Live: TypeAlias = Value | Literal[Unknown.NOT_READ]
# To restore is to write over an edit made in the SIS; to ask is to leave one until a person decides; to leave
# is to send nothing because a person decided so.
Choice: TypeAlias = Literal["keep", "adopt", "write", "restore", "ask", "leave"]


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
) -> Choice:
    """Decide one score.

    `live` is what the SIS holds. `doubt`: a write of that value may have happened. `full`: put right what
    someone changed in the SIS. `may_hold`: the SIS may hold something although nothing was ever sent.
    A blank that was never anything else is kept whatever the SIS holds (R6), so that absence never clears.
    `drift` is the district's policy for edits made in the SIS, and `decision` what a person decided here.
    """
    if decision is not None and decision.choice == "take" and desired == decision.wanted:
        desired = None if sent is NEVER_SENT else sent  # what the SIS holds counts as sent until it changes
    choice = _decide(desired, sent, live, doubt, full=full, may_hold=may_hold, drift=drift)
    if decision is not None and decision.choice == "stop" and choice not in {"keep", "adopt"}:
        return "leave"
    return choice


def _decide(
    desired: Value,
    sent: Sent,
    live: Live,
    doubt: Doubtful | None,
    *,
    full: bool,
    may_hold: bool,
    drift: DriftPolicy,
) -> Choice:
    if desired is None and sent is NEVER_SENT and doubt is None and not may_hold:
        return "keep"
    certain = doubt is None and sent == desired
    if certain and (live is NOT_READ or drift == "yield" or not (full or drift == "ask")):
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


def settle_edit(score: ScoreOutcome, choice: Choice, live: Live) -> ScoreOutcome:
    """Settle a score that somebody changed in the SIS: a person is to decide, or decided to send nothing.

    It stays in mind, with what Schoology has last, for the sync after another decision.
    """
    reason = Reason.DRIFT_UNDECIDED if choice == "ask" else Reason.LEFT_TO_SIS
    score = score._replace(reason=reason, stands=True, left_out=score.after)
    if live is NOT_READ:
        return score
    points = points_of(live)
    held = f"{sis_name()} has {'a blank' if points is None else format(points, 'f')}"
    return score._replace(detail=held, held=live)
