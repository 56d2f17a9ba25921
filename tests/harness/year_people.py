"""Read both systems as the rules see people: whose cell counts, which record takes it, who teaches."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from gradesync_sandbox.district import World
from gradesync_sandbox.powerschool import rows as sis
from gradesync_sandbox.schoology.model import ACTIVE, Cell, Enrollment, Item, Mark, Section

NEVER_FAILS = frozenset({"student-not-enrolled", "student-not-from-sis"})
"""List reasons that leave a student out without failing anything (R27a, R35)."""


class Keep(Enum):
    """Demand that a cell of the SIS stays as it is."""

    KEEP = "keep"


class Clear(Enum):
    """Demand that what was sent before is cleared."""

    CLEAR = "clear"


Wish = Decimal | Keep | Clear
"""Describe what a child's cell in Schoology demands of the SIS."""


@dataclass(frozen=True)
class Child:
    """Hold a student of the section. `dcid` is STUDENTS.DCID of the record that the school id names.

    `reasons`: one of them keeps the student's scores from the SIS; empty where nothing may.
    """

    uid: int
    dcid: int | None
    reasons: frozenset[str]


def form(text: str) -> str:
    """Return a title in the form in which titles are compared (R44, R50)."""
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


def find_children(world: World, book: Section, section: sis.Section, student_id: str) -> list[Child]:
    """Return everybody who was ever a student of the section (R27, R27a, R35, R39, R53)."""
    active = {e.uid for e in book.students() if e.status == ACTIVE}
    keys = {uid: record_of(world, uid, student_id) for uid in {e.uid for e in book.students()}}
    shared = Counter(keys[uid] for uid in active if keys[uid] is not None)
    roster = world.powerschool.roster(section)
    children = []
    for uid, dcid in sorted(keys.items()):
        reasons: set[str] = set()
        if uid not in active:
            reasons = {"student-not-enrolled"}
        elif not world.schoology.users[uid].school_uid:
            reasons = {"student-not-from-sis"}
        elif dcid is None:
            reasons = {"student-unmatched"}
        elif shared[dcid] > 1:
            reasons = {"school-id-shared"}
        elif dcid not in roster:
            reasons = {"student-not-in-sis-section", "student-in-other-section", "student-unmatched"}
        children.append(Child(uid, dcid, frozenset(reasons)))
    return children


def record_of(world: World, uid: int, student_id: str) -> int | None:
    """Return STUDENTS.DCID of the one record that a school id names by the district's rule (R35)."""
    found = re.fullmatch(r"1_(\d+)", world.schoology.users[uid].school_uid)
    if found is None:
        return None
    number = int(found[1])
    students = world.powerschool.students.values()
    named = [s.dcid for s in students if getattr(s, student_id) == number]
    return named[0] if len(named) == 1 else None


def chosen_cell(book: Section, item: Item, uid: int) -> tuple[Cell, list[Cell]]:
    """Return the cell that counts for a person, and those of the person's other enrollments (R39)."""

    def rank(enrollment: Enrollment) -> tuple[bool, int, int]:
        cell = book.cell(item.id, enrollment.id)
        return enrollment.status == ACTIVE, cell.timestamp, enrollment.id

    first, *others = sorted((e for e in book.students() if e.uid == uid), key=rank, reverse=True)
    return book.cell(item.id, first.id), [book.cell(item.id, e.id) for e in others]


def wish_of(book: Section, item: Item, uid: int) -> Wish:
    """Return what the SIS must hold for a person (R2 to R7, R26, R36, R38)."""
    cell, others = chosen_cell(book, item, uid)
    if cell.exception == Mark.MISSING:
        return Decimal(0)
    if cell.exception == Mark.EXCUSED:
        return Clear.CLEAR
    if cell.exception and (cell.exception == Mark.INCOMPLETE or cell.grade is None):
        return Keep.KEEP
    if cell.grade is not None:
        return cell.grade
    older = any(o.grade is not None and o.timestamp > cell.timestamp for o in others)
    return Keep.KEEP if not cell.timestamp or older else Clear.CLEAR


def acting_teachers(world: World, section: sis.Section) -> frozenset[int]:
    """Return USERS.DCID of the teacher who acts today; several where the rules leave it open (R43)."""
    powerschool = world.powerschool
    today = powerschool.today()
    rows = [row for row in powerschool.sectionteachers[section.id] if row.current(today)]
    named = [row for row in rows if row.teacherid == section.teacher]
    leads = [row for row in rows if row.roleid == sis.LEAD]
    others = [row for row in rows if row.teacherid == min(r.teacherid for r in rows)]
    return frozenset(powerschool.schoolstaff[row.teacherid].users_dcid for row in named or leads or others)
