"""Write the assignments of a plan to the SIS, as many at once as it bears, recorded every second.

A crash may leave some unrecorded. The next attempt finds them in the SIS's list: by their intent, or because
they are as they should be.
"""

from asyncio import FIRST_COMPLETED, Task, create_task, gather, wait
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace

from gradesync.core.decide import settle
from gradesync.core.fit import has_temporary_name
from gradesync.core.ledger import LedgerAssignment, doubt_rescaled, holds
from gradesync.core.ordering import CREATES, AssignmentWrite, TemporaryName, order_writes
from gradesync.core.plan import CHANGING, Action, AssignmentPlan, Plan
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import Ref, Slot, Spec
from gradesync.core.writes import Writes
from gradesync.errors import AnswerLost, Rejected, TermMoved
from gradesync.sync.assignment_calls import (
    AssignmentWriter,
    change_assignment,
    require_same_term,
    send_assignment,
)
from gradesync.sync.claim import Attempt
from gradesync.sync.journal import Journal
from gradesync.sync.outcomes import RESULTS, assignment_outcome, stopped
from gradesync.sync.read import Reading
from gradesync.sync.written_assignments import find_stored_form, look_at_written


async def write_assignments(attempt: Attempt, reading: Reading, plan: Plan, refs: dict[str, Ref]) -> Plan:
    """Create, update and adopt as planned. Return what is left to do; `refs` holds where scores can go."""
    ledger = tuple(attempt.journal.entries.values())
    before = await _record_intents(attempt.journal, plan) if plan.writes_assignments else {}
    writer = AssignmentWriter(
        target=attempt.target,
        section=reading.section,
        journal=attempt.journal,
        call_timeout=attempt.context.limits.call_timeout,
        take_over=attempt.district.policy.take_over,
        teacher=attempt.link.teacher,
        listed=frozenset(live.ref.key for live in reading.live.assignments),
        bound={entry.ref.key for entry in attempt.journal.entries.values() if entry.ref},
        refs=refs,
        before=before,
        term_stands=reading.term_read,
        ledger=ledger,
    )
    if plan.writes_assignments:
        await _write_in_order(writer, plan)
    if writer.sent:
        await look_at_written(writer)
    return await _read_back_rescaled(writer, plan)


async def _write_in_order(writer: AssignmentWriter, plan: Plan) -> None:
    order = order_writes(plan.assignments)
    writes = _Writes(writer, deque(order.writes))
    for temporary in order.temporary:
        await writes.set_aside(temporary)
    try:
        await writes.write_all()
    finally:
        await writes.cancel()


@dataclass(slots=True)
class _Writes:
    """Write assignments in order, several at once where the SIS bears that.

    `running` has the calls under way. `aside` are the names set aside. `taken` are the names that were given,
    or may have been; `kept` those that were to be left, and are not for certain: no other one gets these.
    `stopped`: the error by which no further one begins.
    """

    writer: AssignmentWriter
    waiting: deque[AssignmentWrite]
    aside: dict[str, TemporaryName] = field(default_factory=dict)
    running: dict[Task[Ref | Rejected], AssignmentWrite] = field(default_factory=dict)
    taken: set[Slot] = field(default_factory=set)
    kept: dict[Slot, str] = field(default_factory=dict)
    stopped: Exception | None = None

    async def write_all(self) -> None:
        """Write them all. What was under way when an error stopped it is settled before that is raised."""
        journal = self.writer.journal
        while self.running or (self.waiting and self.stopped is None):
            # The ledger is written while no call is under way: nothing changes meanwhile.
            if self.stopped is None and not journal.is_due:
                self._begin()
            if self.running:
                finished, _ = await wait(self.running, return_when=FIRST_COMPLETED)
                for task in finished:
                    await self._settle(self.running.pop(task), task)
            else:
                await journal.checkpoint("writing")
        if self.stopped is not None:
            raise self.stopped

    async def cancel(self) -> None:
        """End the calls that are still under way."""
        for task in self.running:
            task.cancel()
        await gather(*self.running, return_exceptions=True)

    def _begin(self) -> None:
        """Begin what may run now; an assignment waits for the one that still has its name."""
        at_once = self.writer.target.capabilities.writes_at_once
        while self.waiting and len(self.running) < at_once:
            if self.waiting[0].after in {write.item.id for write in self.running.values()}:
                return
            write = self.waiting.popleft()
            self.running[create_task(self._send(write))] = write

    async def _settle(self, write: AssignmentWrite, task: Task[Ref | Rejected]) -> None:
        error = task.exception()
        if isinstance(error, Exception):
            self.stopped = self.stopped or error
            return
        answer = task.result()
        if isinstance(answer, Rejected):
            await self._keep_name(write)
            _take_back(self.writer, write.item)
            try:
                await require_same_term(self.writer, write.spec, answer)
            except TermMoved as moved:  # planned again, it has another outcome
                self.stopped = self.stopped or moved
                return
            _fail(self.writer, write.item, answer)
        else:
            self.taken.add(write.spec.slot)
            _note_written(self.writer, write, answer)

    async def set_aside(self, temporary: TemporaryName) -> None:
        """Give an assignment a temporary name, so that another of its circle can take the one it has."""
        certain = False
        with suppress(AnswerLost):
            certain = await _set_name_aside(self.writer, temporary)
        if not certain:
            self.kept[temporary.before.slot] = temporary.item.title
        if has_temporary_name(self.writer.journal.entry(temporary.item.id)):
            self.aside[temporary.item.id] = temporary

    async def _send(self, write: AssignmentWrite) -> Ref | Rejected:
        """Write an assignment, unless its name is still another's: not every SIS refuses that."""
        before, slot = write.item.before, write.spec.slot
        if slot in self.kept and (before is None or before.slot != slot):
            return Rejected(Reason.NAME_NOT_FREE, f"“{self.kept[slot]}” could not be changed")
        return await send_assignment(self.writer, write)

    async def _keep_name(self, write: AssignmentWrite) -> None:
        """Keep the name of what was not written for it alone, and restore it where it was set aside."""
        item = write.item
        if item.id in self.writer.sending:
            self.taken.add(write.spec.slot)
        if item.before is None or item.before.slot in self.taken:
            return
        self.kept[item.before.slot] = item.title
        if item.id in self.aside:
            try:
                await _restore_name(self.writer, self.aside[item.id])
            except Exception as failure:  # raised once what finished meanwhile is noted
                self.stopped = self.stopped or failure


async def _record_intents(journal: Journal, plan: Plan) -> dict[str, LedgerAssignment]:
    """Keep an intent for each create and change: what is found where an answer is lost is known as ours.

    Returns the entries as they were before.
    """
    before: dict[str, LedgerAssignment] = {}
    for item in plan.assignments:
        if item.action not in CREATES and item.action is not Action.UPDATE:
            continue
        entry = before[item.id] = journal.entry(item.id)
        entry = entry._replace(intent=item.spec, shown=None)
        if item.action in CREATES:
            # A recreated assignment starts empty: what was sent to its predecessor is not there.
            entry = entry._replace(ref=None, sent={}, doubtful={}, read_through=None)
        journal.keep(entry)
    if before:
        await journal.record("writing")
    return before


async def _set_name_aside(writer: AssignmentWriter, temporary: TemporaryName) -> bool:
    """Rename an assignment for now, so that another of its circle can take its name.

    False where the SIS refuses that: then the writes that need the name fail too. Raises `AnswerLost`.
    """
    journal, spec = writer.journal, temporary.spec(writer.target.capabilities.name_max)
    entry = journal.entry(temporary.item.id)
    # Recorded before: an assignment that is left with that name is known as ours, and put right.
    journal.keep(_written(entry, temporary.item, temporary.ref, spec)._replace(intent=entry.intent))
    await journal.record("writing")
    try:
        await change_assignment(writer, temporary.ref, temporary.before, spec)
    except Rejected:
        journal.keep(entry)
        return False
    return True


async def _restore_name(writer: AssignmentWriter, temporary: TemporaryName) -> None:
    """Restore a name that was set aside for nothing. Where that fails, the outcome has a warning."""
    journal, spec = writer.journal, temporary.spec(writer.target.capabilities.name_max)
    with suppress(Rejected, AnswerLost):
        await change_assignment(writer, temporary.ref, spec, temporary.before)
        journal.keep(journal.entry(temporary.item.id)._replace(spec=temporary.before))


def _note_written(writer: AssignmentWriter, write: AssignmentWrite, ref: Ref) -> None:
    item, spec, journal = write.item, write.spec, writer.journal
    writer.refs[item.id] = ref
    writer.bound.add(ref.key)
    if item.ref is None or item.before != spec:
        writer.sent.append((write, journal.entry(item.id)))
    journal.keep(_written(journal.entry(item.id), item, ref, spec))
    journal.note(assignment_outcome(item, RESULTS[item.action], item.reason))
    journal.done += 1


def _written(entry: LedgerAssignment, item: AssignmentPlan, ref: Ref, spec: Spec) -> LedgerAssignment:
    shown = entry.shown if entry.spec and entry.spec.name == spec.name else None
    written = entry._replace(ref=ref, spec=spec, intent=None, may_hold=item.may_hold, shown=shown)
    if entry.spec is None or entry.spec.points == spec.points:
        return written
    # The SIS may rescale what it holds: what was sent is not certain to be there.
    return written._replace(doubtful=doubt_rescaled(entry))


def _take_back(writer: AssignmentWriter, item: AssignmentPlan) -> None:
    """Restore what the ledger had of an assignment before a change that was refused."""
    entry = writer.journal.entry(item.id)
    if entry.ref is None:
        return
    before = writer.before.get(item.id, entry._replace(intent=None))
    if item.id in writer.sending:  # it may be found in the SIS later
        entry = entry._replace(intent=item.spec, spec=find_stored_form(before) or entry.spec)
    else:
        entry = entry._replace(intent=before.intent, shown=before.shown)
    writer.journal.keep(entry)


def _fail(writer: AssignmentWriter, item: AssignmentPlan, refused: Rejected) -> None:
    if item.ref is None and refused.reason == Reason.NAME_NOT_FREE:  # never sent: nothing there is ours
        writer.journal.keep(writer.before[item.id])
    writer.journal.note(stopped(writer.journal, item, Result.FAILED, refused.reason, refused.detail))
    writer.journal.done += 1


async def _read_back_rescaled(writer: AssignmentWriter, plan: Plan) -> Plan:
    """Drop the writes of scores that the SIS holds already after their total points changed.

    The SIS may have rescaled them, or kept them. Where it cannot be read, the writes stay.
    """
    return replace(
        plan,
        assignments=tuple(
            [await _read_back(writer, item) if _rescaled(item) else item for item in plan.assignments]
        ),
    )


def _rescaled(item: AssignmentPlan) -> bool:
    before, spec = item.before, item.spec
    changed = item.action in CHANGING and spec is not None and before != spec
    return changed and spec is not None and (before is None or before.points != spec.points)


async def _read_back(writer: AssignmentWriter, item: AssignmentPlan) -> AssignmentPlan:
    ref = writer.refs.get(item.id)
    if ref is None or not item.writes:
        return item
    live = await writer.target.scores(writer.section, ref)
    if live is None:
        return item
    present = [
        write for write in item.writes if holds(live.get(write.sis_student), write.value, write.before)
    ]
    students = {write.student for write in present}
    writer.journal.done += len(present)
    return item._replace(
        writes=Writes(write for write in item.writes if write.student not in students),
        settled=item.settled + tuple(settle(write, Result.ADOPTED) for write in present),
    )
