"""Read Schoology and the SIS for a person who waits: bounded in time, and cached for a while."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple, TypeVar

from gradesync.access.teacher import is_course_admin
from gradesync.access.tokens import Cache
from gradesync.core.district import District
from gradesync.core.gradebook import Gradebook
from gradesync.core.ports import Member, Source, Target
from gradesync.core.sis import SisCategory, SisSection
from gradesync.db import districts, links
from gradesync.errors import RequestRefused, Retriable
from gradesync.runtime import Runtime
from gradesync.sync.manual_links import Destination, resolve_destination
from gradesync.sync.read import read_all_cells
from gradesync.sync.spare_calls import SpareTurn, reserve_spare_calls

PATIENCE = timedelta(seconds=10)
OUTLINE_SECONDS = 60
MEMBERS_SECONDS = 600
SCHOOLS_SECONDS = 3600
# The organization, and its buildings: most districts have one page of each.
SCHOOLS_CALLS = 2
# One outline: the section, its assignments, its categories and its grading periods.
OUTLINE_CALLS = 4
# All scores of a section: a page of them, and one more for what it lacks.
CELLS_CALLS = 2
# More of them take a call for each assignment.
MAX_CELLS = 20_000

T = TypeVar("T")


class SectionRef(NamedTuple):
    """Identify a section, and the teacher in whose name it may have to be read."""

    district_id: str
    section_id: str
    requester: str | None = None


class SinceRef(NamedTuple):
    """Identify what changed in a section since a cursor. What was read before something was sent is old."""

    section: SectionRef
    since: datetime
    sent_at: datetime | None


class NoSpareCalls(Retriable):
    """Report that a read would take calls that a sync waits for."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Hold a section as Schoology had it at `as_of`, without cells or with those that had `changes`."""

    gradebook: Gradebook
    as_of: datetime
    changes: bool = False


@dataclass(frozen=True, slots=True)
class SisSide:
    """Hold the SIS section of a link and its categories, as the SIS had them at `as_of`."""

    section: SisSection
    categories: tuple[SisCategory, ...]
    as_of: datetime


class Live:
    """Read on demand. Reads raise `SyncStopped` where a system refuses, `Retriable` where none responds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._outlines = Cache(self._read_outline, seconds=OUTLINE_SECONDS, limit=200)
        self._changes = Cache(self._read_changes, seconds=OUTLINE_SECONDS, limit=200)
        self._whole = Cache(self._read_whole, seconds=OUTLINE_SECONDS, limit=200)
        self._members = Cache(self._read_members, seconds=MEMBERS_SECONDS, limit=1000)
        self._schools = Cache(self._read_schools, seconds=SCHOOLS_SECONDS)
        self._sis = Cache(self._read_sis, seconds=OUTLINE_SECONDS, limit=1000)

    async def outline(self, section: SectionRef) -> Outline:
        """Return the section without scores, at most a minute old."""
        return await self._outlines.get(section)

    async def changes(self, ref: SinceRef) -> Outline | None:
        """Return the section with the scores that changed since a cursor, at most a minute old.

        None where syncs need the calls to Schoology.
        """
        try:
            return await self._changes.get(ref)
        except NoSpareCalls:
            return None

    async def whole(self, ref: SinceRef) -> Outline | None:
        """Return the section that `changes` read with all of its scores, at most a minute old.

        None where syncs need the calls to Schoology, or there are too many scores to be counted in passing.
        """
        try:
            return await self._whole.get(ref)
        except NoSpareCalls:
            return None

    async def members(self, section: SectionRef) -> tuple[Member, ...]:
        """Return who is enrolled, at most ten minutes old."""
        return await self._members.get(section)

    async def members_for(self, section: SectionRef, uid: str) -> tuple[Member, ...]:
        """Return who is enrolled, from memory only where that shows this person as a course admin (R37)."""
        asked = monotonic()
        known = await self._members.get(section)
        if is_course_admin(uid, known):
            return known
        return await self._members.get(section, since=asked)

    async def has_course_admin(self, section: SectionRef, uid: str) -> bool:
        """Return whether this person is enrolled as a course admin: no only as Schoology shows it now."""
        return is_course_admin(uid, await self.members_for(section, uid))

    async def schools(self, district_id: str) -> Mapping[str, str]:
        """Return the titles of the district's schools by id, at most an hour old.

        Also raises `NoSpareCalls`, where syncs need the calls to Schoology.
        """
        return await self._schools.get(district_id)

    async def sis_side(self, section: SectionRef) -> SisSide:
        """Return the linked SIS section, or the one that the section's school code names."""
        return await self._sis.get(section)

    def forget_sis(self, section: SectionRef) -> None:
        """Drop the cached SIS side after its link changed. Other processes drop theirs within a minute."""
        self._sis.forget(section)

    def target(self, district: District) -> Target:
        """Return the district's SIS, to be read only."""
        return self._runtime.systems.target(district, permit=None, until=self._call_by())

    def spare_target(self, district: District) -> Target:
        """Return the district's SIS, to be read only while no sync of the district waits."""
        permit = SpareTurn(self._runtime.context, district.id)
        return self._runtime.systems.target(district, permit=permit, until=self._call_by())

    async def district(self, district_id: str) -> District:
        """Read a district. Raises `RequestRefused` where a token outlived its district."""
        async with self._runtime.context.database.district(district_id) as db:
            return _existing(await districts.get(db))

    def _call_by(self) -> datetime:
        return self._runtime.clock() + PATIENCE

    async def _source(self, section: SectionRef) -> Source:
        district = await self.district(section.district_id)
        return self._runtime.systems.source(district, requester=section.requester, until=self._call_by())

    async def _read_outline(self, section: SectionRef) -> Outline:
        source = await self._source(section)
        return Outline(await limit_time(source.outline(section.section_id)), self._runtime.clock())

    async def _read_changes(self, ref: SinceRef) -> Outline:
        section = ref.section
        district = await self.district(section.district_id)
        await self._reserve_spare(district, district.schoology.calls_per_sync)
        source = await self._source(section)
        book = await limit_time(source.read(section.section_id, ref.since))
        return Outline(book, self._runtime.clock(), changes=True)

    async def _read_whole(self, ref: SinceRef) -> Outline:
        book = (await self._changes.get(ref)).gradebook
        if len(book.assignments) * len(book.students) > MAX_CELLS:
            raise NoSpareCalls("too many scores to be counted in passing")
        await self._reserve_spare(await self.district(ref.section.district_id), CELLS_CALLS)
        source = await self._source(ref.section)
        whole = await limit_time(read_all_cells(source, book))
        return Outline(whole, self._runtime.clock(), changes=True)

    async def _reserve_spare(self, district: District, calls: int) -> None:
        if not await reserve_spare_calls(self._runtime.context, district, calls):
            raise NoSpareCalls("syncs need the calls")

    async def _read_members(self, section: SectionRef) -> tuple[Member, ...]:
        source = await self._source(section)
        return await limit_time(source.members(section.section_id))

    async def _read_schools(self, district_id: str) -> Mapping[str, str]:
        district = await self.district(district_id)
        if not await reserve_spare_calls(self._runtime.context, district, SCHOOLS_CALLS):
            raise NoSpareCalls("syncs need the calls")
        source = self._runtime.systems.source(district, requester=None, until=self._call_by())
        return await limit_time(source.schools())

    async def _read_sis(self, section: SectionRef) -> SisSide:
        async with self._runtime.context.database.district(section.district_id) as db:
            district = _existing(await districts.get(db))
            link = await links.get(db, section.section_id)
        target = self.target(district)
        sis_section = link.sis if link else None
        if sis_section is None:
            code = (await self.outline(section)).gradebook.section_code
            to = Destination(code, teacher=link.teacher if link else None)
            sis_section = await limit_time(resolve_destination(target, district, to))
        categories = await limit_time(target.categories(sis_section))
        return SisSide(sis_section, categories, self._runtime.clock())


def _existing(district: District | None) -> District:
    if district is None:
        raise RequestRefused("token-not-accepted", "The district is no more.")
    return district


async def limit_time(call: Awaitable[T]) -> T:
    """Await a call for at most `PATIENCE`. Raises `Retriable` when it takes longer."""
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await call
    except TimeoutError as error:
        raise Retriable("no response in time") from error
