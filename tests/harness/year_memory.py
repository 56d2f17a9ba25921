"""Remember, for the oracle of a school year, what stands in the SIS and what each sync did."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.powerschool import rows as sis
from gradesync_sandbox.schoology.model import Section
from harness.sis_snapshot import SisCell, Snapshot
from harness.year_categories import CategoryMemory
from harness.year_people import acting_teachers


@dataclass(frozen=True)
class Done:
    """Hold a settled sync. `outcomes`: (item id, uid or None) -> (result, reason).

    `rough`: an upstream system misbehaved on purpose, so that much may fail, but nothing may be wrong.
    `bent`: values that the SIS may have stored instead of what was sent. `at` is the time of the sync.
    `warned`: (item id, uid or None) -> warnings. `idle` are cells that were written with what they held.
    """

    before: Snapshot
    after: Snapshot
    status: str
    error: str | None
    full: bool
    rough: bool
    at: datetime
    outcomes: Mapping[tuple[int, int | None], tuple[str, str | None]]
    warnings: frozenset[str] = frozenset()
    bent: frozenset[Decimal] = frozenset()
    warned: Mapping[tuple[int, int | None], frozenset[str]] = field(default_factory=dict)
    idle: frozenset[SisCell] = frozenset()

    def failed(self, item: int, uid: int | None = None) -> bool:
        return self.outcomes.get((item, uid), ("", None))[0] == "failed"

    def reason(self, item: int, uid: int | None = None) -> str | None:
        return self.outcomes.get((item, uid), ("", None))[1]


@dataclass(frozen=True)
class Sent:
    """Remember a value that stands in the SIS: whose it is, and when it was given in Schoology."""

    value: Decimal
    uid: int
    given: int


@dataclass
class YearMemory:
    """Hold what was seen so far. `edited` are cells and columns that people changed in the SIS.

    `columns`: item id -> ASSIGNMENTSECTIONID in the SIS section `linked`; `sections`: the section of each.
    `teachers` acted there last.
    `synced_at`: the time of the last sync, None before the first. `records`: uid -> the STUDENTS.DCID that a
    school id named then. `shortens`: the district lets long names be shortened (R12). `student_id` and
    `section_id` are its rules of who is who. `others` are the memories of its other classes; `holds`: none of
    them took the SIS section since.
    """

    world: World
    room: Classroom
    student_id: str = "dcid"
    section_id: str = r"^(\d+)$"
    others: "list[YearMemory]" = field(default_factory=list)
    holds: bool = False
    columns: dict[int, int] = field(default_factory=dict)
    sent: dict[SisCell, Sent] = field(default_factory=dict)
    sections: dict[int, int] = field(default_factory=dict)
    edited: set[int | SisCell] = field(default_factory=set)
    categories: CategoryMemory = field(default_factory=CategoryMemory)
    linked: int = 0
    teachers: frozenset[int] = frozenset()
    synced_at: datetime | None = None
    records: dict[int, int] = field(default_factory=dict)
    shortens: bool = False

    @property
    def book(self) -> Section:
        return self.room.section

    def section(self) -> sis.Section | None:
        """Return the SIS section that the school code names by the district's rule."""
        found = re.search(self.section_id, self.book.school_code)
        return self.world.powerschool.sections.get(int(found[1])) if found else None

    def is_taken(self, section: sis.Section) -> bool:
        """Return whether another class has a SIS section, and its code names that still (R37)."""
        return any(o.holds and o.linked == section.dcid and o.section() is section for o in self.others)

    def follow(self, section: sis.Section) -> None:
        """Forget what is of no use where the section goes to another SIS section or teacher (R40, R44)."""
        if section.dcid != self.linked:
            self.columns, self.sent, self.linked = {}, {}, section.dcid
        self.holds = True
        for other in self.others:
            other.holds = other.holds and other.linked != section.dcid
        teachers = acting_teachers(self.world, section)
        if self.teachers and not teachers & self.teachers:
            self.categories.forget()
        self.teachers = teachers or self.teachers

    def must_read(self, done: Done) -> bool:
        """Return whether a sync may not go on with what an earlier one learned of the SIS (R37)."""
        return done.full or self.synced_at is None or done.at - self.synced_at > timedelta(days=1)

    def learn(
        self,
        done: Done,
        found: Mapping[int, int],
        standing: Mapping[SisCell, Sent],
        records: Mapping[int, int],
        clear: Set[int],
    ) -> None:
        """Remember what a sync left: `found` are columns by item, `standing` the cells that are right.

        A column that another item has by now is its former item's no longer (R45). `clear` are items that
        nothing kept from the SIS: a full sync put their columns right.
        """
        self.synced_at = done.at
        held = set(found.values())
        taken = {item: key for item, key in found.items() if self._takes(done, item, key)}
        self.columns = {item: key for item, key in self.columns.items() if key not in held} | taken
        self.sections = {key: column.section for key, column in done.after.columns.items()}
        self.records.update(records)
        self.sent.update(standing)
        self.sent = {cell: sent for cell, sent in self.sent.items() if cell in done.after.cells}
        used = {
            item.category: done.after.columns[self.columns[item.id]].category
            for item in self.book.standing()
            if self.columns.get(item.id) in done.after.columns
            and item.category in self.book.categories
            and done.outcomes.get((item.id, None), ("",))[0] not in {"failed", "skipped"}
        }
        live = {c: key for c, key in used.items() if key in self.world.powerschool.categories}
        self.categories.learn(self.world, self.book, self.teachers, live)
        if done.full and not done.rough:
            right = {found[item] for item in clear}
            self.edited = {
                one for one in self.edited if column_of(one) not in right or _is_left(one, standing)
            }

    def _takes(self, done: Done, item: int, key: int) -> bool:
        """Return whether a column is an item's from now on: one that is left out takes none up anew."""
        left_out = done.outcomes.get((item, None), ("",))[0] in {"skipped", "failed"}
        stands = self.columns.get(item) == key and self.sections.get(key) == done.after.columns[key].section
        return stands or not left_out


def column_of(edited: int | SisCell) -> int:
    """Return the column that somebody edited, or edited a cell of."""
    return edited if isinstance(edited, int) else edited[0]


def _is_left(edited: int | SisCell, standing: Mapping[SisCell, Sent]) -> bool:
    """Return whether an edited cell is not right yet: its student was kept from a full sync."""
    return not isinstance(edited, int) and edited not in standing
