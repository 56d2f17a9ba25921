"""Sends the scores of a plan batch by batch: marked before, recorded after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed
from gradesync.core.plan import AssignmentPlan, Plan, Result
from gradesync.core.ports import ScoreRow
from gradesync.core.sis import Ref
from gradesync.errors import AnswerLost, Retriable, SyncStopped
from gradesync.sync.journal import Journal, Settlement
from gradesync.sync.outcomes import ABSENCES, score_outcome
from gradesync.sync.scores import Delivery, absent, batches, deliver, is_absent, key


async def write(
    journal: Journal,
    delivery: Delivery,
    plan: Plan,
    refs: Mapping[str, Ref],
    *,
    size: int,
    spanning: bool,
    end: Settlement,
) -> None:
    """Send every score that has a place to go, the owed ones last, and settle with the last of them."""
    items = {item.id: item for item in plan.assignments}
    before: Sequence[ScoreRow] = ()
    for owed in (False, True):
        for part in batches(_rows(plan, refs, owed=owed), size, spanning=spanning):
            if before:
                await journal.record("writing")
            await _batch(journal, delivery, items, part)
            before = part
    await journal.settle(end)


def _rows(plan: Plan, refs: Mapping[str, Ref], *, owed: bool) -> Iterator[ScoreRow]:
    for item in plan.assignments:
        if item.id in refs:
            for write in item.writes:
                if write.owed == owed:
                    yield ScoreRow(assignment_id=item.id, ref=refs[item.id], write=write)


async def _batch(
    journal: Journal, delivery: Delivery, items: Mapping[str, AssignmentPlan], rows: Sequence[ScoreRow]
) -> None:
    delivery.begin()
    to_send = await _worth_sending(journal, delivery, rows)
    before = {row.assignment_id: journal.entry(row.assignment_id) for row in rows}
    if to_send:
        _mark(journal, to_send)
        await journal.record("writing")
    try:
        await _in_parts(delivery, to_send)
    except AnswerLost:
        delivery.lose(to_send)
    except (Retriable, SyncStopped):
        _close(journal, delivery, items, rows, before)
        raise
    _close(journal, delivery, items, rows, before)
    journal.done += len(rows)


async def _in_parts(delivery: Delivery, rows: Sequence[ScoreRow]) -> None:
    """Send a batch, in parts where an earlier one was refused for its size."""
    size = len(rows) if delivery.too_many is None else max(1, delivery.too_many // 2)
    for part in batches(rows, max(1, size), spanning=True):
        await deliver(delivery, part)


async def _worth_sending(
    journal: Journal, delivery: Delivery, rows: Sequence[ScoreRow]
) -> Sequence[ScoreRow]:
    """Set aside whom the roster is known to lack. Where all are owed for absence, look at it for that."""
    if not delivery.roster_asked and all(_owed_for_absence(journal, row) for row in rows):
        delivery.roster_asked = True
        delivery.roster = await delivery.target.roster(delivery.section)
    away = {key(row): row.write.sis_student for row in rows if is_absent(delivery, row.write.sis_student)}
    delivery.refused |= {row: absent(delivery, student) for row, student in away.items()}
    return [row for row in rows if key(row) not in away]


def _owed_for_absence(journal: Journal, row: ScoreRow) -> bool:
    debt = journal.entry(row.assignment_id).owed.get(row.write.student)
    return row.write.owed and debt is not None and debt.reason in ABSENCES


def _mark(journal: Journal, rows: Sequence[ScoreRow]) -> None:
    """Say in the ledger that these scores are on their way, so that whoever finds them there looks first."""
    for assignment_id, group in _grouped(rows):
        entry = journal.entry(assignment_id)
        pending = {row.write.student: Doubtful(row.write.value) for row in group}
        journal.keep(replace(entry, doubtful={**entry.doubtful, **pending}))


def _close(
    journal: Journal,
    delivery: Delivery,
    items: Mapping[str, AssignmentPlan],
    rows: Sequence[ScoreRow],
    before: Mapping[str, LedgerAssignment],
) -> None:
    """Note what became of a batch and take it into the ledger."""
    for assignment_id, group in _grouped(rows):
        item, entry = items[assignment_id], journal.entry(assignment_id)
        sent, owed, doubtful = dict(entry.sent), dict(entry.owed), dict(entry.doubtful)
        for row in group:
            student, value = row.write.student, row.write.value
            doubt = _doubt(delivery, row, before[assignment_id].doubtful.get(student))
            doubtful.pop(student, None)
            if doubt is not None:
                doubtful[student] = doubt
            if key(row) in delivery.delivered:
                sent[student] = value
                owed.pop(student, None)
                journal.note(score_outcome(item, row.write, row.write.result, None))
            elif (reason := delivery.refused.get(key(row))) is not None:
                owed[student] = Owed(reason, value)
                journal.note(score_outcome(item, row.write, Result.FAILED, reason))
        journal.keep(replace(entry, sent=sent, owed=owed, doubtful=doubtful))


def _doubt(delivery: Delivery, row: ScoreRow, before: Doubtful | None) -> Doubtful | None:
    """What is left to look at. A row that was neither delivered nor refused was not sent: as before."""
    if key(row) in delivery.lost:
        return Doubtful(row.write.value)
    if key(row) in delivery.delivered:
        looks = max(before.looks - 1 if before else 0, key(row) in delivery.shaken)
        return Doubtful(row.write.value, looks) if looks else None
    return before if key(row) not in delivery.refused else None


def _grouped(rows: Sequence[ScoreRow]) -> Iterator[tuple[str, list[ScoreRow]]]:
    groups: dict[str, list[ScoreRow]] = {}
    for row in rows:
        groups.setdefault(row.assignment_id, []).append(row)
    yield from groups.items()
