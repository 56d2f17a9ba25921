"""Delivers one batch of scores: all or nothing to the SIS, and yet a bad row costs only itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice

from gradesync.core.ports import BatchAnswer, ScoreRow
from gradesync.core.reasons import Reason
from gradesync.core.sis import SisSection
from gradesync.errors import AnswerLost, SyncStopped
from gradesync.sync.ports import Target

ROUNDS = 3
"""How often the rest of a batch is sent after setting named students aside, before it is split."""

TRIES = 2
"""How often a batch is sent whose answer is lost and whose scores are not there."""

WHOLE_ASSIGNMENT = frozenset(
    {Reason.TERM_LOCKED, Reason.SIS_ASSIGNMENT_SHARED, Reason.ASSIGNMENT_NOT_ACCEPTED}
)
"""Refusals that concern every score of an assignment alike."""


def key(row: ScoreRow) -> tuple[str, str]:
    return row.assignment_id, row.write.student


@dataclass(slots=True)
class Delivery:
    """What the deliveries of one sync learn, and what became of the rows of the current batch.

    `elsewhere`: SIS students whose enrollment names another section. `too_many`: a batch of this size was
    refused for its size. `unspanned`: single assignments passed where a batch over several did not.
    `shaken`: rows that were sent once with their answer lost; `lost`: those that may or may not be there.
    """

    target: Target
    section: SisSection
    elsewhere: frozenset[str] = frozenset()
    roster: frozenset[str] | None = None
    roster_asked: bool = False
    unspanned: bool = False
    too_many: int | None = None
    delivered: set[tuple[str, str]] = field(default_factory=set)
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    shaken: set[tuple[str, str]] = field(default_factory=set)
    lost: set[tuple[str, str]] = field(default_factory=set)

    def begin(self) -> None:
        """Start another batch: what was learnt stays."""
        self.delivered, self.refused, self.shaken, self.lost = set(), {}, set(), set()

    def lose(self, rows: Sequence[ScoreRow]) -> None:
        """Nobody knows what became of the rows without an answer."""
        self.lost = {key(row) for row in rows} - self.delivered - self.refused.keys()
        self.refused |= dict.fromkeys(self.lost, Reason.UPSTREAM_UNAVAILABLE)


async def deliver(delivery: Delivery, rows: Sequence[ScoreRow]) -> None:
    """Send rows until each is delivered or refused.

    Raises `AnswerLost` where it is not known what became of the rest, and whatever stops the sync; what was
    delivered and refused before stands.
    """
    rounds = 0
    while rows:
        rows, answer = await _send(delivery, rows)
        if answer.accepted:
            delivery.delivered.update(map(key, rows))
            return
        aside = await _set_aside(delivery, rows, answer)
        delivery.refused |= aside
        rows = [row for row in rows if key(row) not in aside]
        if rows and (not aside or rounds == ROUNDS):
            await _split(delivery, rows, answer)
            return
        rounds += 1


async def _send(delivery: Delivery, rows: Sequence[ScoreRow]) -> tuple[Sequence[ScoreRow], BatchAnswer]:
    """One batch and what the SIS said; where the answer is lost, look before sending again."""
    for _ in range(TRIES):
        try:
            return rows, await delivery.target.write_scores(delivery.section, rows)
        except AnswerLost:
            delivery.shaken.update(map(key, rows))
            there = await _there(delivery, rows)
            delivery.delivered.update(there)
            rows = [row for row in rows if key(row) not in there]
            if not rows:
                return rows, BatchAnswer(accepted=True)
    raise AnswerLost("the SIS did not say whether it took the scores")


async def _there(delivery: Delivery, rows: Sequence[ScoreRow]) -> set[tuple[str, str]]:
    """The rows whose values the SIS holds now; none where it cannot be read."""
    there: set[tuple[str, str]] = set()
    for ref in {row.ref.key: row.ref for row in rows}.values():
        live = await delivery.target.scores(delivery.section, ref)
        if live is not None:
            there |= {key(row) for row in rows if row.ref.key == ref.key and holds(live, row)}
    return there


def holds(live: Mapping[str, object], row: ScoreRow) -> bool:
    """Whether the SIS holds a row's value. A cleared score is one without points, or no score at all."""
    value = row.write.value
    points = value.points if isinstance(value, tuple) else value
    return live.get(row.write.sis_student) == points


async def _set_aside(
    delivery: Delivery, rows: Sequence[ScoreRow], answer: BatchAnswer
) -> dict[tuple[str, str], str]:
    """The rows that a refusal names, each with its reason."""
    if answer.reason == Reason.TEACHER_NOT_IN_SIS_SECTION and not answer.foreign:
        raise SyncStopped(Reason.TEACHER_NOT_IN_SIS_SECTION, answer.detail)
    if answer.foreign >= {row.ref.key for row in rows}:
        raise SyncStopped(Reason.TEACHER_NOT_IN_SIS_SECTION, answer.detail)
    if answer.students and not delivery.roster_asked:
        delivery.roster_asked = True
        delivery.roster = await delivery.target.roster(delivery.section)
    aside = {key(row): _named(delivery, row, answer) for row in rows}
    return {row: reason for row, reason in aside.items() if reason is not None}


def _named(delivery: Delivery, row: ScoreRow, answer: BatchAnswer) -> str | None:
    """Why a row is to be set aside; None where the refusal does not concern it."""
    if row.ref.key in answer.gone:
        return Reason.ASSIGNMENT_GONE
    if row.ref.key in answer.foreign:
        return Reason.TEACHER_NOT_IN_SIS_SECTION
    student = row.write.sis_student
    if answer.students and is_absent(delivery, student):
        return absent(delivery, student)
    if student not in answer.students:
        return None
    if delivery.roster is None:
        return absent(delivery, student)
    named = {assignment for assignment, named_student in answer.pairs if named_student == student}
    return Reason.STUDENT_NOT_ON_SIS_ASSIGNMENT if not named or row.ref.key in named else None


def is_absent(delivery: Delivery, sis_student: str) -> bool:
    """Whether the SIS roster is known and does not hold the student."""
    return delivery.roster is not None and sis_student not in delivery.roster


def absent(delivery: Delivery, sis_student: str) -> str:
    elsewhere = sis_student in delivery.elsewhere
    return Reason.STUDENT_IN_OTHER_SECTION if elsewhere else Reason.STUDENT_NOT_IN_SIS_SECTION


async def _split(delivery: Delivery, rows: Sequence[ScoreRow], answer: BatchAnswer) -> None:
    """Send what a refusal left unexplained in smaller parts: by assignment, then by halves."""
    groups = _by_assignment(rows)
    if answer.too_large and len(rows) > 1:
        delivery.too_many = len(rows)
        parts = _halves(rows)
    elif len(groups) > 1:
        parts = groups
    elif len(rows) == 1 or answer.reason in WHOLE_ASSIGNMENT:
        delivery.refused |= {key(row): answer.reason or Reason.SCORE_NOT_ACCEPTED for row in rows}
        return
    else:
        parts = _halves(rows)
    for part in parts:
        await deliver(delivery, part)
    if parts is groups and not answer.students and all(key(row) in delivery.delivered for row in rows):
        delivery.unspanned = True


def _by_assignment(rows: Sequence[ScoreRow]) -> list[Sequence[ScoreRow]]:
    groups: dict[str, list[ScoreRow]] = {}
    for row in rows:
        groups.setdefault(row.assignment_id, []).append(row)
    return list(groups.values())


def _halves(rows: Sequence[ScoreRow]) -> list[Sequence[ScoreRow]]:
    middle = len(rows) // 2
    return [rows[:middle], rows[middle:]]


def batches(rows: Iterable[ScoreRow], size: int, *, spanning: bool) -> Iterator[Sequence[ScoreRow]]:
    """Cut rows into batches of at most `size`, of one assignment each unless `spanning`.

    The rows come assignment by assignment; there may be very many, so no more of them than a batch are held.
    """
    groups = [rows] if spanning else (group for _, group in groupby(rows, lambda row: row.assignment_id))
    for group in map(iter, groups):
        while batch := list(islice(group, size)):
            yield batch
