"""Judge for how long a decision about an edit in the SIS holds: for the values that it was made on."""

from collections.abc import Iterable, Mapping

from gradesync.core.gradebook import Gradebook
from gradesync.core.ledger import Decision, Doubtful, Ledger, LedgerAssignment, Owed, Value
from gradesync.core.plan import ScoreOutcome
from gradesync.core.reasons import Reason, Result


def is_pending(decision: Decision) -> bool:
    """Return True where a sync has still to do what was decided. It reads what the SIS holds first."""
    taken = decision.choice == "take" and decision.sent == decision.live
    return decision.choice in {"put-back", "take"} and not taken


def has_pending(entry: LedgerAssignment) -> bool:
    return any(map(is_pending, entry.decisions.values()))


def find_changing(gradebook: Gradebook, ledger: Ledger, students: Mapping[str, str]) -> frozenset[str]:
    """Return the ids of the assignments of which a score may be due; `students` are SIS keys by uid."""
    return frozenset(
        assignment_id
        for assignment_id, entry in ledger.items()
        if entry.owed
        or any(
            entry.sent.get(students.get(uid, "")) != cell
            for uid, cell in gradebook.cells.get(assignment_id, {}).items()
        )
    )


def is_open(owed: Owed | None, decision: Decision | None) -> bool:
    """Return True where a person is to decide about a score, or decided and no sync has done it yet."""
    if owed is not None and owed.reason == Reason.DRIFT_UNDECIDED:
        return True
    return decision is not None and (decision.choice == "reopened" or is_pending(decision))


def is_owing(owed: Owed | None, decision: Decision | None, value: Value, *, unmatched: bool) -> bool:
    """Return True where a debt shows that the SIS does not hold a value, even one that counts as sent.

    Where a person is to decide, or a sync is to do what was decided, that goes first; but no score of an
    `unmatched` student is compared, and it stays named until one can be.
    """
    if owed is None or owed.value != value or owed.reason == Reason.LEFT_TO_SIS:
        return False
    return unmatched or not is_open(owed, decision)


def find_owing(ledger: Ledger, students: Mapping[str, str]) -> frozenset[str]:
    """Return the ids of the assignments that owe a score that counts as sent; `students` are as above.

    Somebody may have put it right in the SIS since: it is compared before it is sent.
    """
    return frozenset(
        assignment_id
        for assignment_id, entry in ledger.items()
        if any(owes_sent(entry, owed, students[uid]) for uid, owed in entry.owed.items() if uid in students)
    )


def owes_sent(entry: LedgerAssignment, owed: Owed, key: str) -> bool:
    """Return True where a debt is of a value that counts as sent: it was, or a person took another for it."""
    made = entry.decisions.get(key)
    taken = made is not None and made.choice == "take" and made.wanted == owed.value
    counts = taken or (key in entry.sent and entry.sent[key] == owed.value)
    return counts and is_owing(owed, made, owed.value, unmatched=False)


def is_kept(score: ScoreOutcome) -> bool:
    """Return True where a score was read, and the SIS holds what was sent."""
    return score.result is Result.UNCHANGED and Reason.NEVER_SCORED_HERE not in score.warnings


def list_waiting(decisions: Mapping[str, Decision], doubtful: Mapping[str, Doubtful]) -> dict[str, Decision]:
    """Return the decisions for which a sync plans a score that it need not read, by SIS student key.

    They are still to be done, or were done by a write that may not have happened.
    """
    return {
        key: made
        for key, made in decisions.items()
        if (is_pending(made) if key not in doubtful else made.choice == "take" and not is_pending(made))
    }


def drop_void(entry: LedgerAssignment) -> LedgerAssignment:
    """Return an entry without the decisions that ended when something else was sent."""
    held = {key: made for key, made in entry.decisions.items() if _holds(made, key, entry)}
    return entry if len(held) == len(entry.decisions) else entry._replace(decisions=held)


def _holds(decision: Decision, key: str, entry: LedgerAssignment) -> bool:
    doubt = entry.doubtful.get(key)
    if decision.choice == "stop" or (doubt is not None and doubt.value == decision.live):
        return True
    return entry.sent.get(key) == decision.sent


def settle_decisions(
    decisions: Mapping[str, Decision], settled: Iterable[ScoreOutcome]
) -> Mapping[str, Decision]:
    """Return the decisions that remain once outcomes that need no write are recorded, by SIS student key."""
    left = dict(decisions)
    for score in settled:
        decision = left.get(score.sis_student)
        if decision is None or decision.choice == "stop" or decision.student != score.student:
            continue
        if score.reason is Reason.DRIFT_UNDECIDED:
            seen = Decision("reopened", score.student, decision.sent, score.held, score.after)
            left[score.sis_student] = seen
        elif score.result is Result.ADOPTED and decision.choice == "take" and score.after == decision.live:
            left[score.sis_student] = decision._replace(sent=decision.live)
        elif score.result is Result.ADOPTED or is_kept(score):
            del left[score.sis_student]
    return left


def settle_written(decisions: Mapping[str, Decision], key: str, value: Value) -> Mapping[str, Decision]:
    """Return the decisions that remain once a value was written: those that it has not overtaken."""
    decision = decisions.get(key)
    if decision is None or decision.choice == "stop":
        return decisions
    if decision.choice == "take" and decision.sent == decision.live == value:
        return decisions
    return {other: made for other, made in decisions.items() if other != key}
