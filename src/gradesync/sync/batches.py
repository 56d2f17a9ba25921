"""Cut scores into batches, and collect and describe what became of the rows of one."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gradesync.core.gradebook import Mark
from gradesync.core.ledger import Doubtful, Value, holds, points_of
from gradesync.core.ports import BatchResult, Target
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveScores, SisSection
from gradesync.core.writes import ScoreRow
from gradesync.errors import AccessRefused, AnswerLost
from gradesync.upstream.response import until_landed

Key = tuple[str, str]
"""Identify a row: (assignment id, student uid)."""


@dataclass(slots=True)
class Memory:
    """Remember between the batches of one sync what the SIS showed of itself.

    `accepted`: it took something. `section_stands`: the section was read after a refusal. `unspanned`: single
    assignments passed where a batch over several did not. `too_many`: a batch of this size was refused for
    its size. `failures`: how many calls in a row it failed.
    """

    roster: frozenset[str] | None = None
    roster_asked: bool = False
    accepted: bool = False
    section_stands: bool = False
    unspanned: bool = False
    too_many: int | None = None
    failures: int = 0


@dataclass(slots=True)
class SentBatch:
    """Collect what became of the rows of one batch.

    `refused` rows have a reason, some of them a detail. `held`: what the SIS holds instead of a row's value.
    `tried`: rows that a call may have written which failed, or whose answer does not show them; `resent`:
    those of them whose answer was lost. `unconfirmed`: rows that no answer bears out. `lost`: rows that may
    or may not be in the SIS. `untried`: rows that were not sent, though refused.
    """

    delivered: set[Key] = field(default_factory=set)
    refused: dict[Key, str] = field(default_factory=dict)
    details: dict[Key, str] = field(default_factory=dict)
    held: dict[Key, Value] = field(default_factory=dict)
    resent: set[Key] = field(default_factory=set)
    tried: set[Key] = field(default_factory=set)
    unconfirmed: set[Key] = field(default_factory=set)
    lost: set[Key] = field(default_factory=set)
    untried: set[Key] = field(default_factory=set)

    def lose(self, keys: Iterable[Key]) -> None:
        """Mark those of the rows as lost whose end is not known."""
        lost = set(keys) - self.delivered - self.refused.keys()
        self.refused |= dict.fromkeys(lost, Reason.UPSTREAM_UNAVAILABLE)
        self.lost |= lost

    def refuse(self, rows: Sequence[ScoreRow], answer: BatchResult) -> None:
        """Mark the rows as refused. A failure may have written them."""
        keys = list(map(key_of, rows))
        self.refused |= dict.fromkeys(keys, answer.reason or Reason.SCORE_NOT_ACCEPTED)
        if answer.failed:
            self.lost.update(keys)

    def settle_each(
        self, rows: Sequence[ScoreRow], answer: BatchResult, absence: Callable[[str], str | None]
    ) -> list[ScoreRow]:
        """Settle the rows that the SIS refused one by one or lost; return those that it accepted.

        `absence` is the reason of a student whom its roster lacks.
        """
        if not (answer.refused or answer.lost or answer.unsent or self.untried):  # as nearly always
            return list(rows)
        accepted = []
        for row in rows:
            key, pair = key_of(row), row.pair
            if pair in answer.unsent:
                self.untried.add(key)
            if pair in answer.lost:
                self.lost.add(key)
            if pair in answer.refused:
                reason, detail = answer.refused[pair]
                self.refused[key] = reason or absence(pair[1]) or Reason.SCORE_NOT_ACCEPTED
                self.details[key] = detail
            elif pair in answer.lost:
                self.refused[key] = Reason.UPSTREAM_UNAVAILABLE
            elif key not in self.untried:
                accepted.append(row)
        return accepted

    def doubt(self, key: Key, value: Value, before: Doubtful | None) -> Doubtful | None:
        """Return what is left to read back of a row with a value.

        One that was not sent is as `before`: one neither delivered nor refused, or refused untried.
        """
        if key in self.lost:
            return Doubtful(value)
        if key in self.delivered:
            left = before.looks - 1 if before else int(key in self.unconfirmed)
            looks = max(left, key in self.resent)
            return Doubtful(value, looks) if looks else None
        return None if key in self.refused and key not in self.untried else before


def key_of(row: ScoreRow) -> Key:
    return row.assignment_id, row.write.student


def by_assignment(rows: Sequence[ScoreRow]) -> list[Sequence[ScoreRow]]:
    groups: dict[str, list[ScoreRow]] = {}
    for row in rows:
        groups.setdefault(row.assignment_id, []).append(row)
    return list(groups.values())


def is_held(live: LiveScores, row: ScoreRow) -> bool:
    """Return True where the SIS holds a row's value. A cleared score has no points there, or is missing."""
    return holds(live.get(row.write.sis_student), row.write.value, row.write.before)


async def read_back(
    target: Target, section: SisSection, rows: Sequence[ScoreRow], lost: AnswerLost | None
) -> set[Key]:
    """Return the rows that the SIS holds: now, or once the call that was `lost` is on its way no more."""
    present = await _find_held(target, section, rows)
    left = [row for row in rows if key_of(row) not in present]
    if left and lost is not None and lost.lands:
        await until_landed(lost)
        present |= await _find_held(target, section, left)
    return present


async def _find_held(target: Target, section: SisSection, rows: Sequence[ScoreRow]) -> set[Key]:
    """Return the rows whose values the SIS holds now; none where it cannot be read."""
    present: set[Key] = set()
    for group in by_assignment(rows):
        live = await target.scores(section, group[0].ref)
        if live is not None:
            present |= {key_of(row) for row in group if is_held(live, row)}
    return present


def halves(rows: Sequence[ScoreRow]) -> list[Sequence[ScoreRow]]:
    middle = len(rows) // 2
    return [rows[:middle], rows[middle:]]


def has_mark(row: ScoreRow) -> bool:
    """Return True where a row sets a mark, or takes one back."""
    return isinstance(row.write.value, Mark) or isinstance(row.write.before, Mark)


def describe_held(held: Value, sent: Value) -> str:
    """Return the points that the SIS holds, with the mark that it has or lacks unlike what was sent."""
    points = points_of(held)
    text = "no score" if points is None else f"{points:f}"
    if isinstance(held, Mark) is isinstance(sent, Mark):
        return text
    return f"{text}, and a mark" if isinstance(held, Mark) else f"{text}, and no mark"


async def require_same_section(
    target: Target, section: SisSection, teacher: str | None, answer: BatchResult
) -> None:
    """Read the SIS section again, on which a refusal may rest (R37).

    `teacher` is the one that the district chose. Raises `AccessRefused` where it is addressed otherwise now.
    """
    now = await target.resolve_section(section.ref.key, teacher)
    if now.ref.value != section.ref.value:
        raise AccessRefused(answer.reason or Reason.SCORE_NOT_ACCEPTED, answer.detail)
