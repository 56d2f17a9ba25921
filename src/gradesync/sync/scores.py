"""Write the scores of a plan batch by batch: marked before, recorded after.

The SIS takes a batch as a whole or not at all. A bad row is found and costs only itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, islice

from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed, points_of
from gradesync.core.plan import AssignmentPlan, Plan, Result
from gradesync.core.ports import BatchResult, ScoreRow, Target
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveScores, Ref, SisSection
from gradesync.errors import AnswerLost, Retriable, SyncStopped
from gradesync.sync.journal import Journal, Settlement
from gradesync.sync.outcomes import ABSENCES, score_outcome

ROUNDS = 3  # sends of the rest of a batch after setting named students aside, before it is split
TRIES = 2  # sends of a batch whose answer is lost and whose scores are not in the SIS
WHOLE_ASSIGNMENT = frozenset(
    {Reason.TERM_LOCKED, Reason.SIS_ASSIGNMENT_SHARED, Reason.ASSIGNMENT_NOT_ACCEPTED}
)
"""Refusals that concern every score of an assignment alike."""

Key = tuple[str, str]
"""(assignment id, student uid) of a row."""


@dataclass(slots=True)
class Sent:
    """Collect what became of the rows of one batch.

    `resent`: rows that were sent once with their answer lost. `lost`: rows that may or may not be in the SIS.
    """

    delivered: set[Key] = field(default_factory=set)
    refused: dict[Key, str] = field(default_factory=dict)
    resent: set[Key] = field(default_factory=set)
    lost: set[Key] = field(default_factory=set)

    def lose(self, rows: Sequence[ScoreRow]) -> None:
        """Mark the rows without an answer as lost."""
        self.lost = set(map(_key, rows)) - self.delivered - self.refused.keys()
        self.refused |= dict.fromkeys(self.lost, Reason.UPSTREAM_UNAVAILABLE)

    def doubt(self, row: ScoreRow, before: Doubtful | None) -> Doubtful | None:
        """Return what is left to read back of a row. One neither delivered nor refused is as `before`."""
        key, value = _key(row), row.write.value
        if key in self.lost:
            return Doubtful(value)
        if key in self.delivered:
            looks = max(before.looks - 1 if before else 0, key in self.resent)
            return Doubtful(value, looks) if looks else None
        return before if key not in self.refused else None


@dataclass(slots=True)
class ScoreWriter:
    """Write the scores of one sync, and remember between batches what the SIS refused.

    `elsewhere`: SIS students whose enrollment names another section. `too_many`: a batch of this size was
    refused for its size. `unspanned`: single assignments passed where a batch over several did not.
    """

    target: Target
    section: SisSection
    journal: Journal
    elsewhere: frozenset[str] = frozenset()
    roster: frozenset[str] | None = None
    roster_asked: bool = False
    unspanned: bool = False
    too_many: int | None = None
    sent: Sent = field(default_factory=Sent)

    async def write(self, plan: Plan, refs: Mapping[str, Ref], *, spanning: bool, end: Settlement) -> None:
        """Write every score that has a ref, the owed ones last, and settle with the last batch."""
        items = {item.id: item for item in plan.assignments}
        size, unrecorded = self.target.capabilities.rows_per_write, False
        for owed in (False, True):
            for batch in _batches(_rows(plan, refs, owed=owed), size, spanning=spanning):
                if unrecorded:
                    await self.journal.record("writing")
                await self._write_batch(items, batch)
                unrecorded = True
        await self.journal.settle(end)

    async def _write_batch(self, items: Mapping[str, AssignmentPlan], rows: Sequence[ScoreRow]) -> None:
        self.sent = Sent()
        to_send = await self._without_absent(rows)
        before = {row.assignment_id: self.journal.entry(row.assignment_id) for row in rows}
        if to_send:
            self._mark_pending(to_send)
            await self.journal.record("writing")
        try:
            await self._send_in_parts(to_send)
        except AnswerLost:
            self.sent.lose(to_send)
        except (Retriable, SyncStopped):
            self._note(items, rows, before)
            raise
        self._note(items, rows, before)
        self.journal.done += len(rows)

    async def _without_absent(self, rows: Sequence[ScoreRow]) -> Sequence[ScoreRow]:
        """Refuse the rows of students whom the roster lacks. Read it where all rows are owed for absence."""
        if not self.roster_asked and all(self._owed_for_absence(row) for row in rows):
            await self._read_roster()
        absent = {_key(row): row.write.sis_student for row in rows if self._is_absent(row.write.sis_student)}
        self.sent.refused |= {key: self._absence(student) for key, student in absent.items()}
        return [row for row in rows if _key(row) not in absent]

    def _owed_for_absence(self, row: ScoreRow) -> bool:
        debt = self.journal.entry(row.assignment_id).owed.get(row.write.student)
        return row.write.owed and debt is not None and debt.reason in ABSENCES

    async def _read_roster(self) -> None:
        self.roster_asked = True
        self.roster = await self.target.roster(self.section)

    def _is_absent(self, sis_student: str) -> bool:
        """Return True where the SIS roster is known and does not hold the student."""
        return self.roster is not None and sis_student not in self.roster

    def _absence(self, sis_student: str) -> str:
        elsewhere = sis_student in self.elsewhere
        return Reason.STUDENT_IN_OTHER_SECTION if elsewhere else Reason.STUDENT_NOT_IN_SIS_SECTION

    def _mark_pending(self, rows: Sequence[ScoreRow]) -> None:
        """Mark scores as doubtful in the ledger before they are sent: the next attempt reads them back."""
        for group in _by_assignment(rows):
            entry = self.journal.entry(group[0].assignment_id)
            pending = {row.write.student: Doubtful(row.write.value) for row in group}
            self.journal.keep(replace(entry, doubtful={**entry.doubtful, **pending}))

    def _note(
        self,
        items: Mapping[str, AssignmentPlan],
        rows: Sequence[ScoreRow],
        before: Mapping[str, LedgerAssignment],
    ) -> None:
        """Note the outcomes of a batch and update the ledger."""
        for group in _by_assignment(rows):
            item, entry = items[group[0].assignment_id], self.journal.entry(group[0].assignment_id)
            sent, owed, doubtful = dict(entry.sent), dict(entry.owed), dict(entry.doubtful)
            for row in group:
                student, value = row.write.student, row.write.value
                doubt = self.sent.doubt(row, before[item.id].doubtful.get(student))
                doubtful.pop(student, None)
                if doubt is not None:
                    doubtful[student] = doubt
                if _key(row) in self.sent.delivered:
                    sent[student] = value
                    owed.pop(student, None)
                    self.journal.note(score_outcome(item, row.write, row.write.result, None))
                elif (reason := self.sent.refused.get(_key(row))) is not None:
                    owed[student] = Owed(reason, value)
                    self.journal.note(score_outcome(item, row.write, Result.FAILED, reason))
            self.journal.keep(replace(entry, sent=sent, owed=owed, doubtful=doubtful))

    async def _send_in_parts(self, rows: Sequence[ScoreRow]) -> None:
        """Send a batch, in parts where an earlier one was refused for its size."""
        size = len(rows) if self.too_many is None else max(1, self.too_many // 2)
        for part in _batches(rows, max(1, size), spanning=True):
            await self._send(part)

    async def _send(self, rows: Sequence[ScoreRow]) -> None:
        """Send rows until each is delivered or refused.

        Raises `AnswerLost` where it is not known what became of the rest, and whatever stops the sync; what
        was delivered and refused before stands.
        """
        rounds = 0
        while rows:
            rows, answer = await self._call(rows)
            if answer.accepted:
                self.sent.delivered.update(map(_key, rows))
                return
            set_aside = await self._set_aside(rows, answer)
            self.sent.refused |= set_aside
            rows = [row for row in rows if _key(row) not in set_aside]
            if rows and (not set_aside or rounds == ROUNDS):
                await self._split(rows, answer)
                return
            rounds += 1

    async def _call(self, rows: Sequence[ScoreRow]) -> tuple[Sequence[ScoreRow], BatchResult]:
        """Send one call; where its answer is lost, read back before sending again."""
        for _ in range(TRIES):
            try:
                return rows, await self.target.write_scores(self.section, rows)
            except AnswerLost:
                self.sent.resent.update(map(_key, rows))
                present = await self._read_back(rows)
                self.sent.delivered.update(present)
                rows = [row for row in rows if _key(row) not in present]
                if not rows:
                    return rows, BatchResult(accepted=True)
        raise AnswerLost("the SIS did not show whether it took the scores")

    async def _read_back(self, rows: Sequence[ScoreRow]) -> set[Key]:
        """Return the rows whose values the SIS holds now; none where it cannot be read."""
        present: set[Key] = set()
        for ref in {row.ref.key: row.ref for row in rows}.values():
            live = await self.target.scores(self.section, ref)
            if live is not None:
                present |= {_key(row) for row in rows if row.ref.key == ref.key and _holds(live, row)}
        return present

    async def _set_aside(self, rows: Sequence[ScoreRow], answer: BatchResult) -> dict[Key, str]:
        """Return the rows that a refusal names, each with its reason."""
        if answer.reason == Reason.TEACHER_NOT_IN_SIS_SECTION and not answer.foreign:
            raise SyncStopped(Reason.TEACHER_NOT_IN_SIS_SECTION, answer.detail)
        if answer.foreign >= {row.ref.key for row in rows}:
            raise SyncStopped(Reason.TEACHER_NOT_IN_SIS_SECTION, answer.detail)
        if answer.students and not self.roster_asked:
            await self._read_roster()
        reasons = {_key(row): self._named(row, answer) for row in rows}
        return {key: reason for key, reason in reasons.items() if reason is not None}

    def _named(self, row: ScoreRow, answer: BatchResult) -> str | None:
        """Return why a row is to be set aside; None where the refusal does not concern it."""
        if row.ref.key in answer.gone:
            return Reason.ASSIGNMENT_GONE
        if row.ref.key in answer.foreign:
            return Reason.TEACHER_NOT_IN_SIS_SECTION
        student = row.write.sis_student
        if answer.students and self._is_absent(student):
            return self._absence(student)
        if student not in answer.students:
            return None
        if self.roster is None:
            return self._absence(student)
        named = {assignment for assignment, named_student in answer.pairs if named_student == student}
        return Reason.STUDENT_NOT_ON_SIS_ASSIGNMENT if not named or row.ref.key in named else None

    async def _split(self, rows: Sequence[ScoreRow], answer: BatchResult) -> None:
        """Send what a refusal left unexplained in smaller parts: by assignment, then by halves."""
        groups = _by_assignment(rows)
        if answer.too_large and len(rows) > 1:
            self.too_many = len(rows)
            parts = _halves(rows)
        elif len(groups) > 1:
            parts = groups
        elif len(rows) == 1 or answer.reason in WHOLE_ASSIGNMENT:
            self.sent.refused |= {_key(row): answer.reason or Reason.SCORE_NOT_ACCEPTED for row in rows}
            return
        else:
            parts = _halves(rows)
        for part in parts:
            await self._send(part)
        if parts is groups and not answer.students and all(_key(row) in self.sent.delivered for row in rows):
            self.unspanned = True


def _key(row: ScoreRow) -> Key:
    return row.assignment_id, row.write.student


def _holds(live: LiveScores, row: ScoreRow) -> bool:
    """Return True where the SIS holds a row's value. A cleared score has no points there, or is missing."""
    return live.get(row.write.sis_student) == points_of(row.write.value)


def _rows(plan: Plan, refs: Mapping[str, Ref], *, owed: bool) -> Iterator[ScoreRow]:
    for item in plan.assignments:
        if item.id in refs:
            for write in item.writes:
                if write.owed == owed:
                    yield ScoreRow(assignment_id=item.id, ref=refs[item.id], write=write)


def _by_assignment(rows: Sequence[ScoreRow]) -> list[Sequence[ScoreRow]]:
    groups: dict[str, list[ScoreRow]] = {}
    for row in rows:
        groups.setdefault(row.assignment_id, []).append(row)
    return list(groups.values())


def _halves(rows: Sequence[ScoreRow]) -> list[Sequence[ScoreRow]]:
    middle = len(rows) // 2
    return [rows[:middle], rows[middle:]]


def _batches(rows: Iterable[ScoreRow], size: int, *, spanning: bool) -> Iterator[Sequence[ScoreRow]]:
    """Cut rows into batches of at most `size`, of one assignment each unless `spanning`.

    The rows come assignment by assignment; there may be very many, so no more of them than a batch are held.
    """
    groups = [rows] if spanning else (group for _, group in groupby(rows, lambda row: row.assignment_id))
    for group in map(iter, groups):
        while batch := list(islice(group, size)):
            yield batch
