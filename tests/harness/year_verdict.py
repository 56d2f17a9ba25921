"""Hold one sync of a school year against the rules, item by item and cell by cell."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from gradesync_sandbox.powerschool import rows as sis
from gradesync_sandbox.schoology.model import Item
from harness.sis_snapshot import SisCell, SisColumn
from harness.year_categories import UNMAPPED, Choice
from harness.year_memory import Done, Sent, YearMemory
from harness.year_people import NEVER_FAILS, Child, Clear, Keep, chosen_cell, find_children, form, wish_of

FOLLOWS = frozenset({"assignment-failed", "assignment-skipped"})
NAME_MAX = 50
Slot = tuple[str, date | None]
"""Name an assignment of a section by its name, as it is compared, and its due date (R29, R45)."""


@dataclass
class Verdict:
    """Hold one sync against the rules, item by item and cell by cell."""

    memory: YearMemory
    done: Done
    section: sis.Section
    found: dict[int, int] = field(default_factory=dict)
    standing: dict[SisCell, Sent] = field(default_factory=dict)
    allowed: dict[SisCell, set[Decimal | None]] = field(default_factory=dict)
    clear: set[int] = field(default_factory=set)
    """Items that nothing keeps from the SIS."""
    children: list[Child] = field(default_factory=list)

    @property
    def records(self) -> dict[int, int]:
        """Return uid -> STUDENTS.DCID of everybody whose school id names a record."""
        return {child.uid: child.dcid for child in self.children if child.dcid is not None}

    def sentences(self) -> Iterator[str]:
        memory = self.memory
        self.children = find_children(memory.world, memory.book, self.section, memory.student_id)
        # Who has a column keeps it, before one of the same name looks for one (R29, R45).
        for item in sorted(memory.book.standing(), key=lambda item: item.id not in memory.columns):
            yield from self._item(item, self.children)
        yield from self._unwanted()
        if self.done.status == "complete" and any(r == "failed" for r, _ in self.done.outcomes.values()):
            yield "it is complete although something failed"

    def _item(self, item: Item, children: list[Child]) -> Iterator[str]:
        key = self._column_of(item)
        column = self.done.after.columns.get(key) if key else None
        choice = self._choice(item, column)
        result, reason = self.done.outcomes.get((item.id, None), ("", None))
        if result in {"failed", "skipped"} and reason not in choice.reasons and not self.done.rough:
            yield f"{item.title!r} is {result} {reason}; allowed: {sorted(choice.reasons)}"
        if key is None or column is None:
            if not choice.reasons and not self._excused_absence(item):
                yield f"{item.title!r} is not in the SIS, and no outcome explains it"
            return
        self.found[item.id] = key
        if not choice.reasons:
            self.clear.add(item.id)
        if not choice.reasons and not self.done.failed(item.id):
            yield from self._fields(item, key, column, choice)
        for child in children:
            yield from self._cell(item, key, child, choice)

    def _excused_absence(self, item: Item) -> bool:
        """Return whether a rough day explains that an item is missing, and is reported (R49)."""
        return self.done.rough and (
            self.done.failed(item.id) or (not self.done.reason(item.id) and self._is_partial())
        )

    def _is_partial(self) -> bool:
        return "partial-read" in self.done.warnings or self.done.status == "failed"

    def _column_of(self, item: Item) -> int | None:
        """Return an item's column: the one that it had, else the one of its name and due date."""
        columns, known = self.done.after.columns, self.memory.columns.get(item.id)
        if known is not None and known in columns and columns[known].section == self.section.dcid:
            return known
        slot = slot_of(item)
        standing = self.memory.book.standing()
        held = {self.memory.columns.get(other.id) for other in standing if other is not item}
        held |= {*self.found.values()}
        here = {k: c for k, c in columns.items() if c.section == self.section.dcid and k not in held}
        listed = (key for key, column in here.items() if (form(column.name), column.due) == slot)
        gone = (i for i in self.memory.book.items.values() if i.deleted and slot_of(i) == slot)
        removed = (key for i in gone if (key := self.memory.columns.get(i.id)) in here)
        return next(listed, None) or next(removed, None)

    def _choice(self, item: Item, column: SisColumn | None) -> Choice:
        """Return the categories that an item may have, and the reasons that may keep it from the SIS."""
        memory, standing = self.memory, column.category if column else None
        choice = memory.categories.choose(memory.world, memory.book, item.category, memory.teachers, standing)
        reasons = set(choice.reasons)
        kept = memory.world.powerschool.categories.get(standing or 0)
        if kept is not None and not kept.isactive and not self._stays(item, column):
            reasons |= UNMAPPED  # an inactive category takes no changes (R44)
        term = memory.world.powerschool.term_of(self.section)
        if item.due and not term.firstday <= item.due.date() <= term.lastday:
            reasons.add("due-date-outside-term")
        if term.locked or (column and column.locked):
            reasons.add("term-locked")
        if column and column.scoretype != "POINTS":
            reasons.add("sis-score-type")
        others = [other for other in memory.book.standing() if other is not item]
        alike = any(slot_of(other) == slot_of(item) for other in others)
        if (item.id not in memory.columns and alike) or self._is_name_taken(item, column):
            reasons.add("duplicate-name")
        if len(item.title) > NAME_MAX and not memory.shortens:
            reasons.add("title-too-long")
        return Choice(choice.keys, frozenset(reasons))

    def _is_name_taken(self, item: Item, column: SisColumn | None) -> bool:
        """Return whether another column of the section has an item's name and due date (R29)."""
        here = [c for c in self.done.after.columns.values() if c.section == self.section.dcid and c != column]
        return any((form(other.name), other.due) == slot_of(item) for other in here)

    def _stays(self, item: Item, column: SisColumn | None) -> bool:
        """Return whether a column needs no change: it was there, with all that the item has."""
        key = self.memory.columns.get(item.id)
        before = self.done.before.columns.get(key) if key else None
        due = item.due.date() if item.due else before and before.due
        wanted = slot_of(item)[0], due, item.max_points, item.count_in_grade
        shown = before and (form(before.name), before.due, before.points, before.counts)
        return shown == wanted and before == column

    def _fields(self, item: Item, key: int, column: SisColumn, choice: Choice) -> Iterator[str]:
        if (key in self.memory.edited and not self.done.full) or self.done.rough:
            return
        due = item.due.date() if item.due else column.due
        wanted: dict[str, Any] = {
            "name": (form(column.name), slot_of(item)[0]),
            "due": (column.due, due),
            "points": (column.points, item.max_points),
            "counts": (column.counts, item.count_in_grade),
        }
        for name, (shown, right) in wanted.items():
            if shown != right:
                yield f"{item.title!r} has {name} {shown}, not {right}"
        former = self.done.before.columns.get(key)
        kept = former is not None and former.category == column.category
        gone = column.category not in self.memory.world.powerschool.categories
        old = kept and not self.done.full and (gone or not self.memory.must_read(self.done))
        if column.category not in choice.keys and not old:
            yield f"{item.title!r} is in category {column.category}, not in {sorted(choice.keys)}"

    def _cell(self, item: Item, key: int, child: Child, choice: Choice) -> Iterator[str]:
        if child.dcid is None or self._stands_aside(child):
            return
        cell = key, child.dcid
        before, held = self.done.before.cells.get(cell), self.done.after.cells.get(cell)
        wish = wish_of(self.memory.book, item, child.uid)
        permitted = self._permitted(item, cell, child, wish, before)
        if child.reasons <= NEVER_FAILS and child.reasons:
            permitted = {before}
        self.allowed.setdefault(cell, set()).update(permitted | self.done.bent)
        if "sis-score-type" in choice.reasons:
            permitted = {before}
            self.allowed[cell] = {before}
        where = f"{item.title!r} of {child.uid} (record {child.dcid})"
        excused = self.done.rough or choice.reasons
        if held not in permitted and not excused:
            yield f"{where} holds {held}, not {_sorted(permitted)}; before: {before}"
        yield from self._claims(item, cell, child, choice, wish)
        if held is not None and held == wish and not child.reasons:
            given = chosen_cell(self.memory.book, item, child.uid)[0].timestamp
            self.standing[cell] = Sent(held, child.uid, given)

    def _stands_aside(self, child: Child) -> bool:
        """Return whether another account, which is active, has the record of a student who is not (R27a)."""
        named = {other.dcid for other in self.children if not other.reasons & NEVER_FAILS}
        return bool(child.reasons & NEVER_FAILS) and child.dcid in named

    def _permitted(
        self, item: Item, cell: SisCell, child: Child, wish: Any, before: Decimal | None
    ) -> set[Decimal | None]:
        """Return what a cell of the SIS may hold after a sync that nothing disturbed."""
        if child.reasons or wish is Keep.KEEP:
            return {before}
        if wish is Clear.CLEAR:
            return {None} if self._must_clear(item, cell, child, before) else {before, None}
        edited = cell in self.memory.edited and not self.done.full
        return {wish, before} if edited else {wish}

    def _must_clear(self, item: Item, cell: SisCell, child: Child, before: Decimal | None) -> bool:
        """Return whether a blank came after the value that was sent for the same child (R6, R38)."""
        sent = self.memory.sent.get(cell)
        if self.memory.records.get(child.uid) != child.dcid:
            return False  # nothing counts as sent at another record (R40)
        blank = chosen_cell(self.memory.book, item, child.uid)[0].timestamp
        return sent is not None and (sent.value, sent.uid) == (before, child.uid) and blank > sent.given

    def _claims(self, item: Item, cell: SisCell, child: Child, choice: Choice, wish: Any) -> Iterator[str]:
        """Compare what the outcomes report of a cell with what the SIS holds."""
        result, reason = self.done.outcomes.get((item.id, child.uid), ("", None))
        held, where = self.done.after.cells.get(cell), f"{item.title!r} of {child.uid}"
        right = child.reasons | (FOLLOWS | choice.reasons if choice.reasons else frozenset())
        if result == "failed" and reason not in right and not self.done.rough:
            yield f"{where} failed {reason}; allowed: {sorted(right)}"
        if result == "written" and held != wish:
            yield f"{where} is reported as written; the SIS holds {held}, not {wish}"
        if result == "cleared" and held is not None:
            yield f"{where} is reported as cleared; the SIS holds {held}"
        silent = self.done.status == "complete" and isinstance(wish, Decimal)
        left_out = bool(child.reasons & NEVER_FAILS) or cell in self.memory.edited
        reported = choice.reasons and self.done.reason(item.id) in choice.reasons
        if silent and held != wish and not left_out and not reported and not self._is_partial():
            yield f"it is complete, and {where} holds {held}, not {wish}"

    def _unwanted(self) -> Iterator[str]:
        """Find changes that no rule demands: a foreign score, a clear that nobody made (R36, R40)."""
        before, after = self.done.before, self.done.after
        for cell in sorted(before.cells.keys() | after.cells.keys()):
            old, new = before.cells.get(cell), after.cells.get(cell)
            if old != new and new not in self.allowed.get(cell, {old}):
                yield f"cell {cell} changed from {old} to {new}, which no rule demands"
        gone = before.columns.keys() - after.columns.keys()
        if gone:
            yield f"columns {sorted(gone)} were deleted"
        made = after.columns.keys() - before.columns.keys() - set(self.found.values())
        if made:
            yield f"columns {sorted(made)} were made, and no assignment has them"


def slot_of(item: Item) -> Slot:
    """Return an item's name and due date as the SIS has them: a long name shortened, or not there (R12)."""
    return form(" ".join(item.title.split())[:NAME_MAX]), item.due.date() if item.due else None


def _sorted(values: set[Decimal | None]) -> list[str]:
    return sorted(map(str, values))
