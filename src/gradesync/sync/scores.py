"""Write the scores of a plan batch by batch: marked before, recorded after.

The SIS takes a batch as a whole or not at all. A bad row is found and costs only itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed
from gradesync.core.plan import AssignmentPlan, Plan
from gradesync.core.ports import ScoreRow
from gradesync.core.sis import Ref
from gradesync.errors import AnswerLost, Retriable, SyncStopped
from gradesync.sync.batches import Key, Sent, by_assignment, key_of
from gradesync.sync.journal import Journal, Settlement
from gradesync.sync.outcomes import ABSENCES, judge_refusal, score_outcome
from gradesync.sync.sender import ScoreSender


@dataclass(slots=True)
class ScoreWriter:
    """Write the scores of one sync by its `sender`, and keep the ledger of what was sent."""

    sender: ScoreSender
    journal: Journal

    @property
    def sent(self) -> Sent:
        return self.sender.sent

    async def write(self, plan: Plan, refs: Mapping[str, Ref], *, spanning: bool, end: Settlement) -> None:
        """Write every score that has a ref, the owed ones last, and settle with the last batch."""
        items = {item.id: item for item in plan.assignments}
        size, unrecorded = self.sender.target.capabilities.rows_per_write, False
        for owed in (False, True):
            for batch in _cut(_rows(plan, refs, owed=owed), size, spanning=spanning):
                if unrecorded:
                    await self.journal.record("writing")
                await self._write_batch(items, batch)
                unrecorded = True
        await self.journal.settle(end)

    async def _write_batch(self, items: Mapping[str, AssignmentPlan], rows: Sequence[ScoreRow]) -> None:
        self.sender.start_batch()
        to_send = await self._without_absent(rows)
        before = {row.assignment_id: self.journal.entry(row.assignment_id) for row in rows}
        if to_send:
            self._mark_pending(to_send)
            await self.journal.record("writing")
        try:
            await self.sender.deliver(to_send)
        except AnswerLost:
            self.sent.lose(to_send)
        except (Retriable, SyncStopped):
            self._note(items, rows, before)
            raise
        self._note(items, rows, before)
        self.journal.done += len(rows)

    async def _without_absent(self, rows: Sequence[ScoreRow]) -> Sequence[ScoreRow]:
        """Refuse the rows of students whom the roster lacks. Read it where all rows are owed for absence."""
        sender = self.sender
        if not sender.roster_asked and all(self._owed_for_absence(row) for row in rows):
            await sender.read_roster()
        absent: dict[Key, str] = {
            key_of(row): row.write.sis_student for row in rows if sender.is_absent(row.write.sis_student)
        }
        self.sent.refused |= {key: sender.absence(student) for key, student in absent.items()}
        return [row for row in rows if key_of(row) not in absent]

    def _owed_for_absence(self, row: ScoreRow) -> bool:
        debt = self.journal.entry(row.assignment_id).owed.get(row.write.student)
        return row.write.owed and debt is not None and debt.reason in ABSENCES

    def _mark_pending(self, rows: Sequence[ScoreRow]) -> None:
        """Mark scores as doubtful in the ledger before they are sent: the next attempt reads them back."""
        for group in by_assignment(rows):
            entry = self.journal.entry(group[0].assignment_id)
            pending = {row.write.sis_student: Doubtful(row.write.value) for row in group}
            self.journal.keep(replace(entry, doubtful={**entry.doubtful, **pending}))

    def _note(
        self,
        items: Mapping[str, AssignmentPlan],
        rows: Sequence[ScoreRow],
        before: Mapping[str, LedgerAssignment],
    ) -> None:
        """Note the outcomes of a batch and update the ledger."""
        for group in by_assignment(rows):
            item, entry = items[group[0].assignment_id], self.journal.entry(group[0].assignment_id)
            sent, owed, doubtful = dict(entry.sent), dict(entry.owed), dict(entry.doubtful)
            found: set[str] = set()
            for row in group:
                student, sis_student, value = row.write.student, row.write.sis_student, row.write.value
                doubt = self.sent.doubt(row, before[item.id].doubtful.get(sis_student))
                doubtful.pop(sis_student, None)
                if doubt is not None:
                    doubtful[sis_student] = doubt
                if key_of(row) in self.sent.delivered:
                    sent[sis_student] = value
                    owed.pop(student, None)
                    self.journal.note(score_outcome(item, row.write, row.write.result, None))
                elif (reason := self.sent.refused.get(key_of(row))) is not None:
                    if self.journal.sync.undo is None:  # what an undo could not put back is no debt
                        owed[student] = Owed(reason, value)
                    if key_of(row) in self.sent.held:
                        # By our own write: what the SIS made of it is nobody's edit.
                        sent[sis_student] = self.sent.held[key_of(row)]
                        found.add(sis_student)
                    detail = self.sent.details.get(key_of(row), "")
                    self.journal.note(score_outcome(item, row.write, judge_refusal(reason), reason, detail))
            self.journal.keep(replace(entry, sent=sent, owed=owed, doubtful=doubtful), found)


def _rows(plan: Plan, refs: Mapping[str, Ref], *, owed: bool) -> Iterator[ScoreRow]:
    for item in plan.assignments:
        if item.id in refs:
            for write in item.writes:
                if write.owed == owed:
                    yield ScoreRow(assignment_id=item.id, ref=refs[item.id], write=write)


def _cut(rows: Iterable[ScoreRow], size: int, *, spanning: bool) -> Iterator[Sequence[ScoreRow]]:
    """Cut rows into batches of at most `size`, of one assignment each unless `spanning`.

    The rows come assignment by assignment; there may be very many, so no more of them than a batch are held.
    """
    groups = [rows] if spanning else (group for _, group in groupby(rows, lambda row: row.assignment_id))
    for group in map(iter, groups):
        while batch := list(islice(group, size)):
            yield batch
