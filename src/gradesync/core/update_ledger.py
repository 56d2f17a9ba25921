"""What a plan teaches the ledger before anything is sent: scores that were found, held back, or in doubt."""

from collections.abc import Mapping, Set
from dataclasses import replace

from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed
from gradesync.core.plan import AssignmentPlan, Result, ScoreOutcome
from gradesync.core.reasons import Reason


def learn(
    entry: LedgerAssignment, item: AssignmentPlan, students: Set[str] | None = None
) -> LedgerAssignment:
    """The ledger entry of an assignment that goes, once its settled scores are recorded.

    `students` are those that a selection let the plan see, None for all. What is owed is decided by every
    plan anew: what it neither sends nor fails is owed no more. Writes change nothing before they are sent.
    """
    if not (item.settled or entry.owed):
        return entry
    unseen = frozenset[str]() if students is None else (entry.owed.keys() | entry.doubtful.keys()) - students
    waiting = unseen | {write.student for write in item.writes}
    settled = {score.student: score for score in item.settled}
    adopted = {uid: score.after for uid, score in settled.items() if score.result is Result.ADOPTED}
    return replace(
        entry,
        sent={**entry.sent, **adopted},
        owed=_owed(entry.owed, settled, waiting),
        doubtful=_doubtful(entry.doubtful, settled, waiting),
    )


def _owed(
    owed: Mapping[str, Owed], settled: Mapping[str, ScoreOutcome], waiting: Set[str]
) -> dict[str, Owed]:
    """What failed by rule, and what was owed before and is still to come.

    A row that could not be read holds no value to owe.
    """
    failed = {
        uid: Owed(score.reason, score.after)
        for uid, score in settled.items()
        if score.result is Result.FAILED and score.reason and score.reason is not Reason.ROW_UNREADABLE
    }
    return {uid: debt for uid, debt in owed.items() if uid in waiting} | failed


def _doubtful(
    doubtful: Mapping[str, Doubtful], settled: Mapping[str, ScoreOutcome], waiting: Set[str]
) -> dict[str, Doubtful]:
    """Doubts that remain: one look fewer where the score was seen, set aside where it does not go."""
    remaining = {}
    for uid, doubt in doubtful.items():
        score = None if uid in waiting else settled.get(uid)
        if score is None:
            remaining[uid] = doubt
        elif score.result is not Result.ADOPTED:
            remaining[uid] = doubt._replace(looks=0)
        elif doubt.looks > 1:
            remaining[uid] = Doubtful(score.after, doubt.looks - 1)
    return remaining
