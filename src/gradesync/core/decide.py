"""Decide one score, from its desired value, the value last sent and what the SIS holds live."""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from gradesync.core.assignments import AssignmentDecision, Binding
from gradesync.core.ledger import (
    Decision,
    Doubtful,
    LedgerAssignment,
    Value,
    doubt_rescaled,
    holds,
    points_of,
)
from gradesync.core.plan import changes
from gradesync.core.sis import DriftPolicy, LiveGradebook, LiveScores


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
            doubtful = doubt_rescaled(entry)
        return cls(entry.sent, doubtful, scores, entry.may_hold, entry.decisions)
