"""Reads of Schoology and of the SIS for a person who waits: bounded in time, and remembered for a while."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from gradesync.access.cache import Remembered
from gradesync.core.district import District
from gradesync.core.gradebook import Gradebook
from gradesync.core.ports import Member
from gradesync.core.sis import SisCategory, SisSection
from gradesync.db import districts, links
from gradesync.db.session import Database
from gradesync.errors import RequestRefused, Retriable
from gradesync.sync.manual_links import Destination, resolve
from gradesync.sync.ports import Clock, Source, Systems, Target

PATIENCE = timedelta(seconds=10)
OUTLINE_SECONDS = 60
MEMBERS_SECONDS = 600

Answer = TypeVar("Answer")


class Place(NamedTuple):
    """A section, and the teacher in whose name it may have to be read."""

    district_id: str
    section_id: str
    requester: str | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """A section as Schoology told it at `as_of`, without cells."""

    gradebook: Gradebook
    as_of: datetime


@dataclass(frozen=True, slots=True)
class SisSide:
    """The SIS section of a link and its categories, as the SIS told them at `as_of`."""

    section: SisSection
    categories: tuple[SisCategory, ...]
    as_of: datetime


async def no_lease(seconds: float) -> None:
    """The permit of whoever only reads: no lease is needed for that."""


class Live:
    """Every read raises `SyncStopped` where a system refuses, and `Retriable` where it does not answer."""

    def __init__(self, database: Database, systems: Systems, clock: Clock) -> None:
        self._database, self._systems, self._clock = database, systems, clock
        self._outlines = Remembered(self._read_outline, seconds=OUTLINE_SECONDS, most=200)
        self._members = Remembered(self._read_members, seconds=MEMBERS_SECONDS, most=1000)
        self._sis = Remembered(self._read_sis, seconds=OUTLINE_SECONDS, most=1000)

    async def outline(self, place: Place) -> Outline:
        return await self._outlines.get(place)

    async def members(self, place: Place) -> tuple[Member, ...]:
        return await self._members.get(place)

    async def sis_side(self, place: Place) -> SisSide:
        """The linked SIS section, or the one that the section's school code names."""
        return await self._sis.get(place)

    def forget_sis(self, place: Place) -> None:
        """After the link changed. Other processes forget by themselves within a minute."""
        self._sis.forget(place)

    def target(self, district: District) -> Target:
        return self._systems.target(district, permit=no_lease, until=self._clock() + PATIENCE)

    async def district(self, district_id: str) -> District:
        """Raises `RequestRefused` where a token outlived its district."""
        async with self._database.district(district_id) as db:
            return _standing(await districts.get(db))

    async def _source(self, place: Place) -> Source:
        district = await self.district(place.district_id)
        return self._systems.source(district, requester=place.requester, until=self._clock() + PATIENCE)

    async def _read_outline(self, place: Place) -> Outline:
        source = await self._source(place)
        return Outline(await in_time(source.outline(place.section_id)), self._clock())

    async def _read_members(self, place: Place) -> tuple[Member, ...]:
        source = await self._source(place)
        return await in_time(source.members(place.section_id))

    async def _read_sis(self, place: Place) -> SisSide:
        async with self._database.district(place.district_id) as db:
            district = _standing(await districts.get(db))
            link = await links.get(db, place.section_id)
        target = self.target(district)
        section = link.sis if link else None
        if section is None:
            code = (await self.outline(place)).gradebook.section_code
            to = Destination(code, teacher=link.teacher if link else None)
            section = await in_time(resolve(target, district, to))
        return SisSide(section, await in_time(target.categories(section)), self._clock())


def _standing(district: District | None) -> District:
    if district is None:
        raise RequestRefused("token-not-accepted", "The district is no more.")
    return district


async def in_time(answer: Awaitable[Answer]) -> Answer:
    """Wait no longer than people do. Raises `Retriable`."""
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await answer
    except TimeoutError as error:
        raise Retriable("no answer in time") from error
