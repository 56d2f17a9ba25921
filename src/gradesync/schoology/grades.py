"""Reads a section's grades: all in one answer where that is possible, else assignment by assignment."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gradesync.core.gradebook import Assignment
from gradesync.core.ports import Cells
from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.schoology.calls import Ask, Calls, Reply, gathered
from gradesync.schoology.cells import cells, joined, only
from gradesync.schoology.completeness import census
from gradesync.schoology.roster import Roster
from gradesync.schoology.scalars import IDENT
from gradesync.schoology.wire import GRADES, unexpected
from gradesync.upstream.response import AnswerTooLarge

LARGE: Final = 20_000
"""Cells above which all grades are asked for assignment by assignment."""
AGAIN_MOST: Final = 100
"""Assignments that are asked for once more, those with most gaps first; the others stay partial."""
AT_ONCE: Final = 4
OVERLAP: Final = timedelta(seconds=120)
"""A cell written while an answer was made may bear an earlier time than the answer's Date."""


def grades_ask(section_path: str, since: datetime | None, assignment_id: str | None = None) -> Ask:
    """The call for grades: all, or those changed since a time of Schoology's clock (contract 2.7).

    It asks from a little earlier, for what was being written when the last answer was made.
    """
    path = f"{section_path}/grades?limit=200"
    if assignment_id is not None:
        path += f"&assignment_id={assignment_id}"
    if since is not None:
        path += f"&timestamp={int((since - OVERLAP).timestamp())}"
    return Ask(GRADES.kind, path)


@dataclass(frozen=True, slots=True)
class Grades:
    """The grades of some of a section's assignments, all of them or those changed `since`.

    `in_all` is how many cells the section has.
    """

    calls: Calls
    section_path: str
    roster: Roster
    assignments: tuple[Assignment, ...]
    in_all: int
    since: datetime | None = None

    @property
    def large(self) -> bool:
        """Whether all cells together are more than one answer should carry."""
        return self.since is None and self.in_all > LARGE

    async def together(self, first: Reply | None = None) -> Cells:
        """Read all in one answer and its pages, of which `first` may be there already.

        An answer that is too large is replaced by one for each assignment.
        """
        ask = grades_ask(self.section_path, self.since)
        try:
            rows = await self.calls.rows(GRADES, ask, first)
        except AnswerTooLarge:
            return await self.by_assignment()
        return cells(rows, self.roster, self._ids())

    async def by_assignment(self, ids: Iterable[str] | None = None) -> Cells:
        """Read some or all of the assignments with a call each."""
        places = asyncio.Semaphore(AT_ONCE)
        wanted = [each for each in (self._ids() if ids is None else ids) if IDENT.fullmatch(each)]
        return joined(await gathered([self._one(each, places) for each in wanted]))

    async def completed(self, found: Cells, *, whole: bool) -> Cells:
        """Ask once more for what a full answer left out, and name what is still missing `partial`.

        Raises `SyncStopped` where, of the `whole` section, more than a fifth is missing even then.
        """
        if not (gaps := census(self.assignments, self.roster, found)).missing:
            return found
        again = await self.by_assignment(gaps.worst(AGAIN_MOST))
        found = joined([found, again])
        left = census(self.assignments, self.roster, found)
        if whole and not left.believable:
            missing = sum(left.missing.values())
            raise unexpected(GRADES.kind, f"{missing} of {left.expected} cells are missing")
        known = {a: moment for a, moment in found.read_through.items() if a not in left.missing}
        return replace(found, partial=frozenset(left.missing), read_through=known)

    async def _one(self, assignment_id: str, places: asyncio.Semaphore) -> Cells:
        ask = grades_ask(self.section_path, self.since, assignment_id)
        async with places:
            try:
                rows = await self.calls.rows(GRADES, ask)
            except SyncStopped as stopped:
                if stopped.reason != Reason.SECTION_NOT_FOUND:
                    raise
                return Cells({})  # deleted since it was listed
        return only(cells(rows, self.roster, [assignment_id]), {assignment_id})

    def _ids(self) -> list[str]:
        return [assignment.id for assignment in self.assignments]
