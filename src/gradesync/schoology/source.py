"""Read a section's gradebook from Schoology, in as few calls as its API allows."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from gradesync.core.gradebook import (
    CATEGORIES,
    ENROLLMENTS,
    ITEMS,
    PERIODS,
    Assignment,
    Category,
    Gradebook,
    Student,
)
from gradesync.core.ports import Cells, Member
from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.schoology import wire
from gradesync.schoology.calls import PAGE, Calls, Payload, Request, Rows, raise_first_error
from gradesync.schoology.cells import EPOCH, merge_cells, select_cells
from gradesync.schoology.grades import (
    MAX_BYTES_AT_ONCE,
    GradeReader,
    grades_request,
    read_categories,
    read_period_starts,
    read_period_titles,
    read_periods,
    read_weighted,
)
from gradesync.schoology.members import read_members
from gradesync.schoology.scalars import is_id, read_id, read_leniently
from gradesync.schoology.schools import read_schools
from gradesync.schoology.section import (
    Roster,
    read_assignments,
    read_roster,
    read_section,
    read_section_title,
    rebuild_roster,
)
from gradesync.upstream.client import Upstream
from gradesync.upstream.response import ResponseTooLarge

# Assignments up to which their cells are read one by one, rather than all cells at once.
FEW_ASSIGNMENTS: Final = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _FirstPages:
    """Hold the first responses about a section. `grades` is None where they are read by assignment."""

    section: Payload
    enrollments: Payload
    items: Payload
    grades: Payload | None = None


@dataclass(frozen=True, slots=True)
class _Beside:
    """Hold the lists beside a section that no multiget takes."""

    categories: Rows[wire.CategoryRow]
    periods: Rows[wire.PeriodRow]

    def add_to(self, book: Gradebook) -> Gradebook:
        """Return the gradebook with its categories and periods."""
        complete = {CATEGORIES: self.categories.complete, PERIODS: self.periods.complete}
        return replace(
            book,
            categories=read_categories(self.categories.rows),
            periods=read_periods(self.periods.rows),
            period_starts=read_period_starts(self.periods.rows),
            period_titles=read_period_titles(self.periods.rows),
            partial_lists=book.partial_lists | {name for name, whole in complete.items() if not whole},
        )


class SchoologySource:
    """Read a district's Schoology with one key. Fits `Source`.

    `multiget_cost` is what one multiget counts for in the call budget; `prepaid` is cost that the caller
    acquired before. `multiget_refused`: the district's Schoology is known to refuse multigets. `large`: the
    sections known to have too many cells for one response; reads keep it up to date for those that follow.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        multiget_cost: int = 3,
        multiget_refused: bool = False,
        prepaid: int = 0,
        large: set[str] | None = None,
    ) -> None:
        self.calls = Calls(upstream, multiget_cost, prepaid, multiget_refused)
        self._large = set() if large is None else large

    @property
    def multiget_refused(self) -> bool:
        """Return True where plain GETs had to replace a multiget; keep it for the district."""
        return self.calls.multiget_refused

    async def read(self, section_id: str, since: datetime | None) -> Gradebook:
        """Read a section; cells changed since a time of the cells' own clock, or all of them (None).

        A full read is checked for completeness. Raises `SyncStopped` and `Retriable`.
        """
        book, roster, first = await self._read_frame(section_id, since)
        reader = self._grade_reader(book, roster, book.assignments, since)
        cells = await (reader.read_at_once(first) if first else reader.read_by_assignment())
        if book.full:
            cells = await reader.fill_gaps(cells, whole=True)
        elif roster.shared:
            cells = await self._read_several(book, roster, cells)
        return replace(
            book,
            cells=cells.cells,
            unreadable=cells.unreadable,
            differing=cells.differing,
            blanked=cells.blanked,
            partial=cells.partial,
            read_through=cells.read_through,
        )

    async def _read_several(self, book: Gradebook, roster: Roster, changed: Cells) -> Cells:
        """Read whole what changed of students with several enrollments: the others' cells count too (R39)."""
        several = {uid for uid, _ in roster.shared.values()}
        ids = [key for key, column in changed.cells.items() if column.keys() & several]
        again = await self.cells(replace(book, read_through=changed.read_through), ids)
        return replace(merge_cells([changed, again]), partial=again.partial)

    async def cells(self, gradebook: Gradebook, assignment_ids: Sequence[str] | None) -> Cells:
        """Read all cells of some assignments of a gradebook, or of all of them (None)."""
        whole = assignment_ids is None
        wanted = set(assignment_ids or ())
        chosen = tuple(a for a in gradebook.assignments if whole or a.id in wanted)
        reader = self._grade_reader(gradebook, rebuild_roster(gradebook), chosen)
        reader = replace(reader, known=max(gradebook.read_through.values(), default=EPOCH))
        if reader.is_large or (not whole and len(chosen) <= FEW_ASSIGNMENTS):
            cells = await reader.read_by_assignment()
        else:
            cells = await reader.read_at_once()
        return await reader.fill_gaps(cells if whole else select_cells(cells, wanted), whole=whole)

    async def outline(self, section_id: str) -> Gradebook:
        """Read a section without its cells and students; assignees are named by enrollment."""
        path = section_path(section_id)
        with raise_first_error():
            async with asyncio.TaskGroup() as group:
                section = group.create_task(self.calls.get(Request("section", path)))
                items = group.create_task(self.calls.read_list(wire.ITEMS, _items_request(path)))
                categories = group.create_task(self._read_categories(path))
                periods = group.create_task(self._read_periods(path))
        book = _make_gradebook(section_id, section.result(), items.result(), Roster(), full=False)
        return _Beside(categories.result(), periods.result()).add_to(book)

    async def categories(self, section_id: str) -> tuple[Category, ...]:
        """Read the grading categories of a section."""
        return read_categories((await self._read_categories(section_path(section_id))).rows)

    async def students(self, section_id: str) -> Mapping[str, Student]:
        """Read the students of a section, by uid."""
        request = _enrollments_request(section_path(section_id))
        return read_roster((await self.calls.read_list(wire.ENROLLMENTS, request)).rows).students

    async def members(self, section_id: str) -> tuple[Member, ...]:
        """Read everybody enrolled in a section, course admins included."""
        request = _enrollments_request(section_path(section_id))
        return read_members((await self.calls.read_list(wire.ENROLLMENTS, request)).rows)

    async def schools(self) -> Mapping[str, str]:
        """Read the titles of the schools that this key may see, by id."""
        return await read_schools(self.calls)

    async def _read_frame(
        self, section_id: str, since: datetime | None
    ) -> tuple[Gradebook, Roster, Payload | None]:
        """Read all but the cells; with it the first page of the grades, unless those are read separately."""
        path = section_path(section_id)
        with raise_first_error():
            async with asyncio.TaskGroup() as group:
                first = group.create_task(self._read_first_pages(section_id, since))
                categories = group.create_task(self._read_categories(path))
                periods = group.create_task(self._read_periods(path))
        pages = first.result()
        enrollments, items = await self._read_lists(path, pages)
        roster = read_roster(enrollments.rows)
        book = _make_gradebook(section_id, pages.section, items, roster, full=since is None)
        book = _Beside(categories.result(), periods.result()).add_to(book)
        if not (enrollments.complete and roster.complete):
            book = replace(book, partial_lists=book.partial_lists | {ENROLLMENTS})
        large = self._grade_reader(book, roster, book.assignments, since).is_large
        if since is None:
            (self._large.add if large else self._large.discard)(section_id)
        return book, roster, None if large else pages.grades

    async def _read_first_pages(self, section_id: str, since: datetime | None) -> _FirstPages:
        """Read everything that a multiget takes, for the first page of each list."""
        path = section_path(section_id)
        frame = [Request("section", path), _enrollments_request(path), _items_request(path)]
        if since is not None or section_id not in self._large:
            try:
                requests = [*frame, grades_request(path, since)]
                return _FirstPages(*await self.calls.get_all(requests, MAX_BYTES_AT_ONCE))
            except ResponseTooLarge:
                pass  # grades are what is large; by assignment they can be read
        return _FirstPages(*await self.calls.get_all(frame))

    async def _read_lists(
        self, path: str, first: _FirstPages
    ) -> tuple[Rows[wire.EnrollmentRow], Rows[wire.ItemRow]]:
        """Read the lists to their ends, from their first pages on."""
        with raise_first_error():
            async with asyncio.TaskGroup() as group:
                enrollments = group.create_task(
                    self.calls.read_list(wire.ENROLLMENTS, _enrollments_request(path), first.enrollments)
                )
                items = group.create_task(self.calls.read_list(wire.ITEMS, _items_request(path), first.items))
        return enrollments.result(), items.result()

    async def _read_categories(self, path: str) -> Rows[wire.CategoryRow]:
        return await self.calls.read_list(wire.CATEGORIES, _list_request(wire.CATEGORIES, path))

    async def _read_periods(self, path: str) -> Rows[wire.PeriodRow]:
        return await self.calls.read_list(wire.PERIODS, _list_request(wire.PERIODS, path))

    def _grade_reader(
        self,
        book: Gradebook,
        roster: Roster,
        chosen: tuple[Assignment, ...],
        since: datetime | None = None,
    ) -> GradeReader:
        cell_count = len(book.assignments) * len(roster.active_uids())
        return GradeReader(self.calls, section_path(book.section_id), roster, chosen, cell_count, since)


def section_path(section_id: str) -> str:
    """Return the path of a section. Raises `SyncStopped` for an id that cannot be one of Schoology's."""
    if not is_id(section_id):
        raise SyncStopped(Reason.SECTION_NOT_FOUND, "the id is not one of Schoology's")
    return f"/sections/{section_id}"


def _list_request(listing: wire.Listing[T], path: str) -> Request:
    return Request(listing.kind, f"{path}/{listing.kind}")


def _enrollments_request(path: str) -> Request:
    return Request(wire.ENROLLMENTS.kind, f"{path}/enrollments?{PAGE}")


def _items_request(path: str) -> Request:
    return Request(wire.ITEMS.kind, f"{path}/grade_items?{PAGE}")


def _make_gradebook(
    section_id: str, section: Payload, items: Rows[wire.ItemRow], roster: Roster, *, full: bool
) -> Gradebook:
    """Make the gradebook of a section without its categories, periods and cells."""
    row = wire.decode_object("section", wire.SectionRow, section.body)
    code, from_sis = read_section(section_id, row)
    return Gradebook(
        section_id=section_id,
        title=read_section_title(row),
        weighted=read_weighted(row),
        section_code=code,
        from_sis=from_sis,
        school=read_leniently(read_id, "building_id", row.building_id),  # people call it their school
        students=roster.students,
        course_admins=frozenset(roster.teachers),
        teachers=roster.teachers,
        categories=(),
        periods={},
        assignments=read_assignments(items.rows, roster),
        cells={},
        full=full,
        partial_lists=frozenset() if items.complete else frozenset({ITEMS}),
    )
