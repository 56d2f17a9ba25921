"""Schoology as the source of a sync: reads a section's gradebook in as few calls as its API allows."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from gradesync.core.gradebook import Assignment, Category, Gradebook, Student
from gradesync.core.ports import Cells, Member
from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.schoology import frame, roster, wire
from gradesync.schoology.calls import Ask, Calls, Reply, first_error
from gradesync.schoology.cells import only
from gradesync.schoology.grades import Grades, grades_ask
from gradesync.schoology.roster import Roster
from gradesync.schoology.scalars import IDENT
from gradesync.upstream.client import Upstream
from gradesync.upstream.response import AnswerTooLarge

PAGE: Final = "limit=200"
FEW: Final = 3
"""Assignments up to which their cells are asked for one by one, rather than all cells at once."""


@dataclass(frozen=True, slots=True)
class _First:
    """The first answers about a section. `grades` is None where they are asked for by assignment."""

    section: Reply
    enrollments: Reply
    items: Reply
    grades: Reply | None = None


class SchoologySource:
    """A district's Schoology, opened with one key. Fits `Source`.

    `multiget_cost` is what one multiget counts for in the call budget; `prepaid` is cost that the caller
    acquired before. `multiget_refused` is what the district's Schoology was found to do. `large`: the
    section is known to have too many cells for one answer.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        multiget_cost: int = 3,
        multiget_refused: bool = False,
        prepaid: int = 0,
        large: bool = False,
    ) -> None:
        self.calls = Calls(upstream, multiget_cost, prepaid, multiget_refused)
        self._large = large

    @property
    def multiget_refused(self) -> bool:
        """True where plain GETs had to take the place of multiget; worth remembering for the district."""
        return self.calls.multiget_refused

    async def read(self, section_id: str, since: datetime | None) -> Gradebook:
        """Read a section; cells changed since a time of Schoology's own clock, or all of them (None).

        A full read is checked for completeness. Raises `SyncStopped` and `Retriable`.
        """
        book, people, first = await self._framed(section_id, since)
        grades = self._grades(book, people, book.assignments, since)
        found = await (grades.together(first) if first else grades.by_assignment())
        if book.full:
            found = await grades.completed(found, whole=True)
        return replace(
            book,
            cells=found.cells,
            unreadable=found.unreadable,
            partial=found.partial,
            read_through=found.read_through,
        )

    async def cells(self, gradebook: Gradebook, assignment_ids: Sequence[str] | None) -> Cells:
        """Read all cells of some assignments of a gradebook, or of all of them (None)."""
        whole = assignment_ids is None
        wanted = set(assignment_ids or ())
        chosen = tuple(a for a in gradebook.assignments if whole or a.id in wanted)
        grades = self._grades(gradebook, roster.roster_of(gradebook), chosen)
        if grades.large or (not whole and len(chosen) <= FEW):
            found = await grades.by_assignment()
        else:
            found = await grades.together()
        return await grades.completed(found if whole else only(found, wanted), whole=whole)

    async def outline(self, section_id: str) -> Gradebook:
        """Read a section without its cells and students; assignees are named by enrollment."""
        path = section_path(section_id)
        with first_error():
            async with asyncio.TaskGroup() as group:
                section = group.create_task(self.calls.get(Ask("section", path)))
                items = group.create_task(self.calls.rows(wire.ITEMS, _items_ask(path)))
                categories = group.create_task(self.categories(section_id))
                periods = group.create_task(self._periods(path))
        book = _gradebook(section_id, section.result(), items.result().rows, Roster(), full=False)
        return replace(book, categories=categories.result(), periods=periods.result())

    async def categories(self, section_id: str) -> tuple[Category, ...]:
        """Read the grading categories of a section."""
        ask = Ask(wire.CATEGORIES.kind, f"{section_path(section_id)}/grading_categories")
        return frame.categories((await self.calls.rows(wire.CATEGORIES, ask)).rows)

    async def students(self, section_id: str) -> Mapping[str, Student]:
        """Read the students of a section, by uid."""
        ask = _enrollments_ask(section_path(section_id))
        return roster.roster((await self.calls.rows(wire.ENROLLMENTS, ask)).rows).students

    async def members(self, section_id: str) -> tuple[Member, ...]:
        """Read everybody enrolled in a section, course admins included."""
        ask = _enrollments_ask(section_path(section_id))
        return roster.members((await self.calls.rows(wire.ENROLLMENTS, ask)).rows)

    async def _framed(
        self, section_id: str, since: datetime | None
    ) -> tuple[Gradebook, Roster, Reply | None]:
        """Read all but the cells; with it the first page of the grades, unless they are asked for apart."""
        path = section_path(section_id)
        with first_error():
            async with asyncio.TaskGroup() as group:
                first = group.create_task(self._first(path, since))
                categories = group.create_task(self.categories(section_id))
                periods = group.create_task(self._periods(path))
        replies = first.result()
        people, items = await self._lists(path, replies)
        book = _gradebook(section_id, replies.section, items, people, full=since is None)
        book = replace(book, categories=categories.result(), periods=periods.result())
        large = self._grades(book, people, book.assignments, since).large
        return book, people, None if large else replies.grades

    async def _first(self, path: str, since: datetime | None) -> _First:
        """Ask for everything that a multiget can hold, for the first page of each list."""
        frame_asks = [Ask("section", path), _enrollments_ask(path), _items_ask(path)]
        if not (self._large and since is None):
            try:
                return _First(*await self.calls.together([*frame_asks, grades_ask(path, since)]))
            except AnswerTooLarge:
                pass  # grades are what is large; by assignment they can be read
        return _First(*await self.calls.together(frame_asks))

    async def _lists(self, path: str, first: _First) -> tuple[Roster, list[wire.ItemRow | None]]:
        """Read the lists to their ends, from their first pages on."""
        with first_error():
            async with asyncio.TaskGroup() as group:
                people = group.create_task(
                    self.calls.rows(wire.ENROLLMENTS, _enrollments_ask(path), first.enrollments)
                )
                items = group.create_task(self.calls.rows(wire.ITEMS, _items_ask(path), first.items))
        return roster.roster(people.result().rows), items.result().rows

    async def _periods(self, path: str) -> dict[str, date]:
        ask = Ask(wire.PERIODS.kind, f"{path}/grading_periods")
        return frame.periods((await self.calls.rows(wire.PERIODS, ask)).rows)

    def _grades(
        self,
        book: Gradebook,
        people: Roster,
        chosen: tuple[Assignment, ...],
        since: datetime | None = None,
    ) -> Grades:
        in_all = len(book.assignments) * len(people.active())
        return Grades(self.calls, section_path(book.section_id), people, chosen, in_all, since)


def section_path(section_id: str) -> str:
    """The path of a section. What cannot be an id of Schoology names no section."""
    if not IDENT.fullmatch(section_id):
        raise SyncStopped(Reason.SECTION_NOT_FOUND, "the id is not one of Schoology's")
    return f"/sections/{section_id}"


def _enrollments_ask(path: str) -> Ask:
    return Ask(wire.ENROLLMENTS.kind, f"{path}/enrollments?{PAGE}")


def _items_ask(path: str) -> Ask:
    return Ask(wire.ITEMS.kind, f"{path}/grade_items?{PAGE}")


def _gradebook(
    section_id: str, reply: Reply, items: list[wire.ItemRow | None], people: Roster, *, full: bool
) -> Gradebook:
    """What a section holds beside its categories, periods and cells."""
    code, from_sis = frame.section(section_id, wire.one("section", wire.SectionRow, reply.body))
    return Gradebook(
        section_id=section_id,
        section_code=code,
        from_sis=from_sis,
        students=people.students,
        course_admins=people.course_admins,
        categories=(),
        periods={},
        assignments=frame.assignments(items, people),
        cells={},
        full=full,
    )
