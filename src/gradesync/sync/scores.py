"""Write the scores of a plan batch by batch: marked before, recorded after.

The SIS takes a batch as a whole or not at all. A bad row is found and costs only itself.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby, islice

from gradesync.core.decisions import settle_written
from gradesync.core.history import FOUND, Origin
from gradesync.core.ledger import Decision, Doubtful, LedgerAssignment, Owed, Value
from gradesync.core.plan import AssignmentPlan, Plan
from gradesync.core.sis import Ref
from gradesync.core.writes import ScoreRow, ScoreWrite
from gradesync.errors import AnswerLost, Retriable, SyncStopped
from gradesync.sync.batches import Key, SentBatch, by_assignment, key_of
from gradesync.sync.journal import Journal, Settlement, SliceOver
from gradesync.sync.outcomes import ABSENCES, judge_refusal, score_outcome
from gradesync.sync.sender import ScoreSender


@dataclass(slots=True)
class ScoreWriter:
    """Write the scores of one sync by its `sender`, and keep the ledger of what was sent.

    `stopped`: the error by which no further batch begins.
    """

    sender: ScoreSender
    journal: Journal
    stopped: Exception | None = None

    async def write(self, plan: Plan, refs: Mapping[str, Ref], *, spanning: bool, end: Settlement) -> None:
        """Write every score that has a ref, the owed ones last, and settle with the last batch.

        The plan has such scores: without any, the roster would be read for nothing.
        """
        items = {item.id: item for item in plan.assignments}
        able = self.sender.target.capabilities
        if not able.refuses_absent:
            await self.sender.read_roster()  # it may take what belongs to nobody in the section (R27, R52)
        for owed in (False, True):
            batches = _cut(_rows(plan, refs, owed=owed), able.rows_per_write, spanning=spanning)
            await self._write_batches(items, batches)
        await self.journal.settle(end)

    async def _write_batches(
        self, items: Mapping[str, AssignmentPlan], batches: Iterator[Sequence[ScoreRow]]
    ) -> None:
        """Write batches one after another; two at a time where the SIS takes several calls at once.

        So no connection waits while what the others brought is recorded.
        """
        several = self.sender.target.capabilities.writes_at_once > 1
        async with asyncio.TaskGroup() as lanes:
            for sender in (self.sender, self.sender.join()) if several else (self.sender,):
                lanes.create_task(self._go_on(sender, items, batches))
        if isinstance(self.stopped, SliceOver):
            with suppress(SliceOver):
                await self.journal.record("writing")  # what the other lane brought, and marks taken back
        if self.stopped is not None:
            try:
                raise self.stopped
            finally:
                self.stopped = None  # the error has this frame: all that the attempt holds would stay

    async def _go_on(
        self,
        sender: ScoreSender,
        items: Mapping[str, AssignmentPlan],
        batches: Iterator[Sequence[ScoreRow]],
    ) -> None:
        """Write batches until none is left, or one of this lane or the other stops the sync."""
        while self.stopped is None and (batch := next(batches, None)):
            try:
                await self._write_batch(sender, items, batch)
            except Exception as error:  # raised once the batch of the other lane is noted
                self.stopped = self.stopped or error

    async def _write_batch(
        self, sender: ScoreSender, items: Mapping[str, AssignmentPlan], rows: Sequence[ScoreRow]
    ) -> None:
        sender.start_batch()
        to_send = await self._without_absent(sender, rows)
        before = {key: self.journal.entry(key) for key in {row.assignment_id for row in rows}}
        if to_send:
            await self._mark(to_send, before)
        try:
            await sender.deliver(to_send)
        except AnswerLost:
            sender.sent.lose(map(key_of, to_send))
        except (Retriable, SyncStopped):
            sender.sent.lose(sender.sent.tried)
            self._note(sender.sent, items, rows, before)
            raise
        self._note(sender.sent, items, rows, before)
        self.journal.done += len(rows)

    async def _mark(self, rows: Sequence[ScoreRow], before: Mapping[str, LedgerAssignment]) -> None:
        """Record what was noted, and that these scores are about to be sent. Raises `SliceOver`."""
        if not self.journal.is_over:
            self._mark_pending(rows)
        try:
            await self.journal.record("writing")
        except SliceOver:
            self._take_back_marks(rows, before)
            raise

    async def _without_absent(self, sender: ScoreSender, rows: Sequence[ScoreRow]) -> Sequence[ScoreRow]:
        """Refuse the rows of students whom the roster lacks. Read it where all rows are owed for absence."""
        if not sender.memory.roster_asked and all(self._owed_for_absence(row) for row in rows):
            await sender.read_roster()
        if sender.memory.roster is None:
            return rows
        absent: dict[Key, str] = {
            key_of(row): row.write.sis_student for row in rows if sender.is_absent(row.write.sis_student)
        }
        sender.sent.refused |= {key: sender.absence(student) for key, student in absent.items()}
        return [row for row in rows if key_of(row) not in absent]

    def _owed_for_absence(self, row: ScoreRow) -> bool:
        debt = self.journal.entry(row.assignment_id).owed.get(row.write.student)
        return row.write.owed and debt is not None and debt.reason in ABSENCES

    def _mark_pending(self, rows: Sequence[ScoreRow]) -> None:
        """Mark scores as doubtful in the ledger before they are sent: the next attempt reads them back."""
        for group in by_assignment(rows):
            entry = self.journal.entry(group[0].assignment_id)
            pending = {row.write.sis_student: Doubtful(row.write.value) for row in group}
            doubtful = {**entry.doubtful, **pending}
            self.journal.keep(
                entry._replace(doubtful=doubtful, decisions=self.journal.decide(entry, pending))
            )

    def _take_back_marks(self, rows: Sequence[ScoreRow], before: Mapping[str, LedgerAssignment]) -> None:
        """Put back what stood before the marks: these scores are not sent."""
        for group in by_assignment(rows):
            entry, known = self.journal.entry(group[0].assignment_id), before[group[0].assignment_id]
            keys = {row.write.sis_student for row in group}
            others = {key: doubt for key, doubt in entry.doubtful.items() if key not in keys}
            mine = {key: doubt for key, doubt in known.doubtful.items() if key in keys}
            made = {key: one for key, one in entry.decisions.items() if key not in keys}
            former = {key: one for key, one in known.decisions.items() if key in keys}
            self.journal.keep(entry._replace(doubtful={**others, **mine}, decisions={**made, **former}))

    def _note(
        self,
        sent: SentBatch,
        items: Mapping[str, AssignmentPlan],
        rows: Sequence[ScoreRow],
        before: Mapping[str, LedgerAssignment],
    ) -> None:
        """Note the outcomes of a batch and update the ledger."""
        for group in by_assignment(rows):
            item, entry = items[group[0].assignment_id], self.journal.entry(group[0].assignment_id)
            known = before[item.id]
            marked = {row.write.sis_student for row in group}
            others = {student: doubt for student, doubt in entry.doubtful.items() if student not in marked}
            noted = _Noted(dict(entry.sent), dict(entry.owed), others, entry.decisions, origins={})
            for row in group:
                key, write = key_of(row), row.write
                doubt = sent.doubt(key, write.value, known.doubtful.get(write.sis_student))
                if doubt is not None:  # left to read back, with the sync that sent it
                    kept = doubt._replace(sync=doubt.sync or self.journal.sync.id)
                    noted.doubtful[write.sis_student] = kept
                if key in sent.delivered:
                    noted.deliver(write)
                    self.journal.note(score_outcome(item, write, write.result, None))
                    continue
                if doubt is None:
                    noted.restore_decision(write.sis_student, known)
                if (reason := sent.refused.get(key)) is not None:
                    self._refuse(sent, noted, row, reason)
                    detail = sent.details.get(key, "")
                    self.journal.note(score_outcome(item, write, judge_refusal(reason), reason, detail))
            self.journal.keep(noted.update(entry), noted.origins)

    def _refuse(self, sent: SentBatch, noted: "_Noted", row: ScoreRow, reason: str) -> None:
        """Note a score that the SIS refused, or of which nobody knows whether it took it."""
        key = row.write.sis_student
        if self.journal.sync.undo is None:  # what an undo could not put back is no debt
            noted.owed[row.write.student] = Owed(reason, row.write.value)
        if key_of(row) in sent.held:
            # By our own write: what the SIS made of it is nobody's edit.
            noted.sent[key] = sent.held[key_of(row)]
            noted.origins[key] = FOUND


@dataclass(slots=True)
class _Noted:
    """Collect what a batch changes in one entry of the ledger."""

    sent: dict[str, Value]
    owed: dict[str, Owed]
    doubtful: dict[str, Doubtful]
    decisions: Mapping[str, Decision]
    origins: dict[str, Origin]

    def deliver(self, write: ScoreWrite) -> None:
        """Note a score that the SIS took."""
        self.sent[write.sis_student] = write.value
        self.owed.pop(write.student, None)
        if self.decisions:
            self.decisions = settle_written(self.decisions, write.sis_student, write.value)
        if write.edit:
            self.origins[write.sis_student] = Origin(edit=write.edit)

    def restore_decision(self, key: str, known: LedgerAssignment) -> None:
        """Take back what an undo decided about a score that certainly is not back."""
        others = {other: made for other, made in self.decisions.items() if other != key}
        former = known.decisions.get(key)
        self.decisions = others if former is None else {**others, key: former}

    def update(self, entry: LedgerAssignment) -> LedgerAssignment:
        return entry._replace(
            sent=self.sent, owed=self.owed, doubtful=self.doubtful, decisions=self.decisions
        )


def _rows(plan: Plan, refs: Mapping[str, Ref], *, owed: bool) -> Iterator[ScoreRow]:
    for item in plan.assignments:
        if (ref := refs.get(item.id)) is not None:
            for write in item.writes.detailed if owed else item.writes:
                if write.owed == owed:
                    yield ScoreRow(item.id, ref, write)


def _cut(rows: Iterable[ScoreRow], size: int, *, spanning: bool) -> Iterator[Sequence[ScoreRow]]:
    """Cut rows into batches of at most `size`, of one assignment each unless `spanning`.

    The rows come assignment by assignment; there may be very many, so no more of them than a batch are held.
    """
    groups = [rows] if spanning else (group for _, group in groupby(rows, lambda row: row.assignment_id))
    for group in map(iter, groups):
        while batch := list(islice(group, size)):
            yield batch
