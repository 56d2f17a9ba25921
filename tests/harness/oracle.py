"""Derive the SIS's content from the rules alone, with no code of the product.

It looks at the two sides of a sandbox as a careful person would, rule by rule, and knows no ledger.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Final

from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.powerschool import rows as sis
from gradesync_sandbox.schoology.model import ACTIVE, Cell, Item, Mark


class Anything(Enum):
    """Demand that the SIS's content stays, whatever it is."""

    ANYTHING = "anything"


ANYTHING: Final = Anything.ANYTHING

Demand = Decimal | Anything | None
"""Allow points, a blank (None), or any content."""


@dataclass(frozen=True)
class Column:
    """Describe an assignment as the SIS must hold it. `scores` are demanded by STUDENTS.DCID."""

    name: str
    points: Decimal
    due: date
    category: str
    counts: bool
    scores: Mapping[int, Demand]


@dataclass(frozen=True)
class Choices:
    """Hold the choices of a district or a teacher, and whether its SIS has categories. `opted_out`: items."""

    opted_out: Collection[int] = ()
    many_to_one: bool = False
    shorten: bool = False
    has_categories: bool = True


@dataclass(frozen=True)
class Demands:
    """Hold `columns` by item id, and the required reason of each item that is `left_out`."""

    columns: Mapping[int, Column] = field(default_factory=dict)
    left_out: Mapping[int, str] = field(default_factory=dict)


def derive_demands(world: World, room: Classroom, choices: Choices = Choices()) -> Demands:
    """Return the demands of the rules on the SIS section of a class that is synced now."""
    columns: dict[int, Column] = {}
    left_out: dict[int, str] = {}
    for item in room.section.standing():
        reason = _left_out(world, room, item, choices)
        if reason:
            left_out[item.id] = reason
            continue
        column = _column(world, room, item)
        first = next((i for i, other in columns.items() if _slot(other) == _slot(column)), None)
        if first is None:
            columns[item.id] = column
        else:  # R29: the one that came first keeps the name
            left_out[item.id] = "duplicate-name"
    return Demands(columns, left_out)


def find_differences(world: World, room: Classroom, choices: Choices = Choices()) -> list[str]:
    """Return every difference between the SIS section and the rules' demands, as sentences."""
    wanted = derive_demands(world, room, choices)
    return [
        *(
            line
            for column in wanted.columns.values()
            for line in _column_differences(world, room, column, choices)
        ),
        *find_duplicates(world, room),
    ]


def find_duplicates(world: World, room: Classroom) -> list[str]:
    """Return assignments of the SIS section with the same name and due date: one create too many."""
    parts = [a.section(room.sis.dcid) for a in world.powerschool.gradebook.of_section(room.sis)]
    slots = Counter((part.name.casefold(), part.duedate) for part in parts)
    return [f"{name!r} of {due} stands {times} times" for (name, due), times in slots.items() if times > 1]


def _slot(column: Column) -> tuple[str, date]:
    return column.name, column.due


def _left_out(world: World, room: Classroom, item: Item, choices: Choices) -> str | None:
    """Return the reason of the first rule that keeps an assignment from the SIS."""
    term = world.powerschool.term_of(room.sis)
    rules = {
        "opted-out": item.id in choices.opted_out,  # R17
        "ungraded": item.category == 0,  # R9
        "collected-only": item.collected_only,  # R32
        **_category_rules(world, room, item.category, choices),
        "title-too-long": len(item.title.strip()) > 50 and not choices.shorten,  # R12
        "points-not-accepted": not 0 < item.max_points <= 9999,  # R28
        "due-date-outside-term": item.due is not None
        and not term.firstday <= item.due.date() <= term.lastday,  # R14
    }
    return next((reason for reason, applies in rules.items() if applies), None)


def _plain(title: str) -> str:
    return title.strip().casefold()


def _category_rules(world: World, room: Classroom, category: int, choices: Choices) -> dict[str, bool]:
    """Apply R10, R11 and R34, by titles."""
    if not category:
        return {}
    title = _plain(room.section.categories[category].title)
    here = [c for c in room.section.categories.values() if _plain(c.title) == title]
    there = [c for c in _sis_categories(world, room) if _plain(c.name) == title]
    return {
        "category-unmapped": not there,
        "category-ambiguous": len(there) > 1 or (len(here) > 1 and not choices.many_to_one),
    }


def _sis_categories(world: World, room: Classroom) -> list[sis.Category]:
    mine = room.sis_teacher.dcid
    return [c for c in world.powerschool.categories.values() if c.usersdcid == mine and c.isactive]


def _column(world: World, room: Classroom, item: Item) -> Column:
    return Column(
        name=item.title.strip()[:50].rstrip(),
        points=item.max_points,
        due=_due(world, room, item),
        category=_plain(room.section.categories[item.category].title),
        counts=item.count_in_grade,
        scores=dict(_scores(world, room, item)),
    )


def _due(world: World, room: Classroom, item: Item) -> date:
    """Return the teacher's local date; without one, the earlier end of grading period and term (R13)."""
    if item.due:
        return item.due.date()
    ends = [p.last for p in room.section.periods if p.id == item.period]
    return min([world.powerschool.term_of(room.sis).lastday, *ends])


def _scores(world: World, room: Classroom, item: Item) -> Iterator[tuple[int, Demand]]:
    """Return a demand for every student whom both sides have in the class (R27, R27a, R35)."""
    roster = world.powerschool.roster(room.sis)
    for enrollment in room.section.students():
        student = room.students.get(enrollment.uid)
        here = enrollment.status == ACTIVE and (not item.assignees or enrollment.id in item.assignees)
        if here and student is not None and student.dcid in roster:
            yield student.dcid, demanded_value(room.section.cell(item.id, enrollment.id))


def demanded_value(cell: Cell) -> Demand:
    """Return the demand of one cell on the SIS (R2 to R7, R26)."""
    if cell.exception == Mark.MISSING:
        return Decimal(0)
    if cell.exception == Mark.EXCUSED:
        return None
    if cell.exception == Mark.INCOMPLETE or (cell.exception and cell.grade is None):
        return ANYTHING
    return cell.grade


def _column_differences(world: World, room: Classroom, column: Column, choices: Choices) -> Iterator[str]:
    found = _standing(world, room, column)
    if not found:
        yield f"{column.name!r} of {column.due} is not there"
        return
    part = found[0]
    shown = {
        "points": part.scoreentrypoints,
        "category": _category_shown(world, part),
        "counts": part.iscountedinfinalgrade,
    }
    for name, value in shown.items():
        if value != getattr(column, name) and (choices.has_categories or name != "category"):
            yield f"{column.name!r} has {name} {value}, not {getattr(column, name)}"
    for dcid, wanted in column.scores.items():
        held = sis_points(world, part, dcid)
        if wanted is not ANYTHING and held != wanted:
            yield f"{column.name!r} holds {held} for student {dcid}, not {wanted}"


def _standing(world: World, room: Classroom, column: Column) -> list[sis.AssignmentSection]:
    parts = [a.section(room.sis.dcid) for a in world.powerschool.gradebook.of_section(room.sis)]
    return [part for part in parts if (part.name, part.duedate) == (column.name, column.due)]


def _category_shown(world: World, part: sis.AssignmentSection) -> str:
    primary = [c.teachercategoryid for c in part.categories if c.isprimary]
    return _plain(world.powerschool.categories[primary[0]].name) if primary else "none"


def sis_points(world: World, part: sis.AssignmentSection, dcid: int) -> Decimal | None:
    """Return the points that the SIS shows in a cell; None for a blank, or for no row."""
    score = world.powerschool.gradebook.scores[part.assignmentsectionid].get(dcid)
    text = score.actualscoreentered if score else None
    return None if text is None else Decimal(text)
