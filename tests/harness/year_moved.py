"""Hold a sync against what the rules promise where things move or are taken over (R18, R40, R45)."""

from collections.abc import Iterator, Mapping

from gradesync_sandbox.schoology.model import Item
from harness.sis_snapshot import SisCell
from harness.year_verdict import Verdict

LEFT_AT_STUDENT = "left-at-former-student"
LEFT_IN_SECTION = "left-in-former-section"
TAKEN = "taken-from-removed"


def find_moved(verdict: Verdict, left: Mapping[int, int]) -> Iterator[str]:
    """Return what a calm sync failed to report, and what it wrote for nothing.

    `left`: item id -> the column in the SIS section that the section belonged to until now.
    """
    if verdict.done.rough:
        return
    items = [item for item in verdict.memory.book.standing() if item.id in verdict.clear]
    for item in items:
        yield from _unreported_students(verdict, item)
        yield from _unreported_column(verdict, item, left.get(item.id))
        yield from _unreported_taking(verdict, item)
    yield from _idle_writes(verdict)


def _unreported_students(verdict: Verdict, item: Item) -> Iterator[str]:
    """Find values that stay at the former record of a student, and that no outcome names (R40)."""
    memory, done = verdict.memory, verdict.done
    named = set(verdict.records.values())
    for child in verdict.children:
        former = memory.records.get(child.uid)
        if former is None or child.reasons or former == child.dcid or former in named:
            continue
        cell = verdict.found[item.id], former
        if not _stands(verdict, cell, child.uid):
            continue
        if LEFT_AT_STUDENT not in done.warned.get((item.id, child.uid), frozenset()):
            yield f"{item.title!r} of {child.uid}: record {former} keeps {done.after.cells[cell]}, unreported"


def _stands(verdict: Verdict, cell: SisCell, uid: int) -> bool:
    """Return whether a value that was sent for somebody stands there still, and nobody edited it."""
    sent = verdict.memory.sent.get(cell)
    held = verdict.done.after.cells.get(cell)
    return sent is not None and (sent.uid, sent.value) == (uid, held) and cell not in verdict.memory.edited


def _unreported_column(verdict: Verdict, item: Item, key: int | None) -> Iterator[str]:
    """Find an assignment that stays in the former SIS section, and that no outcome names (R40)."""
    column = verdict.done.after.columns.get(key) if key else None
    if column is None or column.section == verdict.section.dcid:
        return
    if LEFT_IN_SECTION not in verdict.done.warned.get((item.id, None), frozenset()):
        yield f"{item.title!r} stays in the former section {column.section}, unreported"


def _unreported_taking(verdict: Verdict, item: Item) -> Iterator[str]:
    """Find a column that an item took over from a removed one without a word (R45)."""
    memory, key = verdict.memory, verdict.found[item.id]
    former = [i for i in memory.book.items.values() if i.deleted and memory.columns.get(i.id) == key]
    if former and TAKEN not in verdict.done.warned.get((item.id, None), frozenset()):
        yield f"{item.title!r} took over column {key} unreported"


def _idle_writes(verdict: Verdict) -> Iterator[str]:
    """Find values that were sent again although they stood where they had been sent (R18, R45)."""
    for cell in sorted(verdict.done.idle):
        sent = verdict.memory.sent.get(cell)
        if sent is not None and sent.value == verdict.done.before.cells.get(cell):
            yield f"cell {cell} was written with {sent.value} again"
