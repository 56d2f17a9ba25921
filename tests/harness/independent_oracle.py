"""Derive the SIS's content after a sync from the rules and the invented district alone.

Nothing here comes from gradesync: it implements the same rules independently.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.schoology.model import ACTIVE, Cell, Item, Mark

SIS_NAME_MAX = 50
SIS_POINTS_MAX = 9999


@dataclass(frozen=True)
class Column:
    """Describe an assignment of the SIS. `cells` holds the points by STUDENTS.DCID, and no blanks."""

    due: date
    points: Decimal
    category: int
    counts: bool
    cells: dict[int, Decimal]


def expected_columns(
    world: World, room: Classroom, before: dict[str, Column] | None = None
) -> dict[str, Column]:
    """Derive the columns by name. `before` holds the SIS's cells that a sync does not touch."""
    items = {item.title: item for item in room.section.standing() if _syncs(world, room, item)}
    return {
        title: Column(
            due=_due(room, item),
            points=item.max_points,
            category=_pairs(world, room)[item.category],
            counts=item.count_in_grade,
            cells=_cells(room, item, (before or {}).get(title)),
        )
        for title, item in items.items()
    }


def sis_columns(world: World, room: Classroom) -> dict[str, Column]:
    """Return the columns that the SIS holds now."""
    columns = {}
    gradebook = world.powerschool.gradebook
    for assignment in gradebook.of_section(room.sis):
        part = assignment.section(room.sis.dcid)
        assert part.name not in columns, f"{part.name} is there twice"
        scores = gradebook.scores[part.assignmentsectionid]
        columns[part.name] = Column(
            due=part.duedate,
            points=part.scoreentrypoints,
            category=part.categories[0].teachercategoryid,
            counts=part.iscountedinfinalgrade,
            cells={dcid: Decimal(s.actualscoreentered) for dcid, s in scores.items() if s.actualscoreentered},
        )
    return columns


def _syncs(world: World, room: Classroom, item: Item) -> bool:
    """Decide whether an assignment syncs (R9, R10, R12, R14, R28, R32)."""
    return (
        item.category in _pairs(world, room)
        and len(item.title) <= SIS_NAME_MAX
        and 0 < item.max_points <= SIS_POINTS_MAX
        and not item.collected_only
        and room.term.firstday <= _due(room, item) <= room.term.lastday
    )


def _pairs(world: World, room: Classroom) -> dict[int, int]:
    """Pair categories of both sides by title, where each title is there once (R11, R34)."""
    ours = {category.id: _plain(category.title) for category in room.section.categories.values()}
    theirs = {
        category.teachercategoryid: _plain(category.name)
        for category in world.powerschool.categories.values()
        if category.usersdcid == room.sis_teacher.dcid and category.isactive
    }
    once_here, once_there = Counter(ours.values()), Counter(theirs.values())
    by_title = {title: id_ for id_, title in theirs.items() if once_there[title] == 1}
    return {
        id_: by_title[title] for id_, title in ours.items() if once_here[title] == 1 and title in by_title
    }


def _plain(title: str) -> str:
    return title.strip().casefold()


def _due(room: Classroom, item: Item) -> date:
    """Return the local date as it stands, or the earlier of the ends of period and term (R13)."""
    if item.due is not None:
        return item.due.date()
    ends = [period.last for period in room.section.periods if period.id == item.period]
    return min([*ends, room.term.lastday])


def _cells(room: Classroom, item: Item, before: Column | None) -> dict[int, Decimal]:
    """Derive the cells of an assignment (R2 to R7, R26, R27, R27a, R35)."""
    held = dict(before.cells) if before else {}
    for enrollment in room.section.students():
        student = room.students.get(enrollment.uid)
        if student is None or enrollment.status != ACTIVE or not _in_sis(room, enrollment.uid):
            continue
        cell = room.section.cell(item.id, enrollment.id)
        if _left_alone(cell):
            continue
        if (points := _points(cell)) is None:
            held.pop(student.dcid, None)
        else:
            held[student.dcid] = points
    return held


def _in_sis(room: Classroom, uid: int) -> bool:
    return uid not in {room.odd.get("dropped_in_sis"), room.odd.get("archived")}


def _left_alone(cell: Cell) -> bool:
    """Decide whether a cell stays untouched: incomplete, or an unknown exception without points."""
    return cell.exception == Mark.INCOMPLETE or (cell.exception > Mark.MISSING and cell.grade is None)


def _points(cell: Cell) -> Decimal | None:
    if cell.exception == Mark.MISSING:
        return Decimal(0)
    return None if cell.exception == Mark.EXCUSED else cell.grade
