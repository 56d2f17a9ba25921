"""Makes pre-flight reports: reads sections as a sync would, without a score and without any write.

A report takes calls that no sync waits for, so it goes on in the quiet of a district's day.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import NamedTuple

import structlog

from gradesync.core.district import District
from gradesync.core.preflight import Obstacle, foresee
from gradesync.core.reasons import Reason
from gradesync.core.rules import Rulebook
from gradesync.db import districts, ledger, links, preflights, queue
from gradesync.db.links import Pair, SectionLink
from gradesync.db.preflights import Preflight
from gradesync.errors import Retriable, SyncStopped
from gradesync.sync.context import SyncContext
from gradesync.sync.link import match_students, pair_categories, resolve
from gradesync.sync.ports import Target

log = structlog.get_logger()

CALLS = 5
"""Calls to Schoology for one section: itself, its items, categories and periods, and its students."""
SECTION_SECONDS = 40.0
BUSY_SECONDS = 2.0
TROUBLE_SECONDS = 30.0
MOST_TRIES = 3
AT_ONCE = 4
"""Districts whose reports go on at the same time in one process."""
SETTLES_IN = timedelta(days=1)

OF_THE_DISTRICT = frozenset(
    {
        Reason.SCHOOLOGY_CREDENTIALS_REFUSED,
        Reason.SIS_CREDENTIALS_REFUSED,
        Reason.SIS_PERMISSION_MISSING,
    }
)
"""What every section would run into: the report ends with it."""


class Examined(NamedTuple):
    """What a section's report says of it; `code` is its school code."""

    code: str | None
    obstacles: tuple[Obstacle, ...]


async def advance(engine: SyncContext) -> int:
    """Go on with the reports that wait, a while with each; answers how many sections were examined."""
    async with engine.database.without_tenant() as door:
        waiting = await preflights.waiting_districts(door)
    examined = (_advance(engine, district_id) for district_id in waiting[:AT_ONCE])
    return sum(await asyncio.gather(*examined))


async def _advance(engine: SyncContext, district_id: str) -> int:
    async with engine.database.district(district_id) as db:
        await preflights.settle_overdue(db)
        district = await districts.get(db)
        report = await preflights.claim(db, lease_seconds=engine.bounds.lease)
    if district is None or report is None:
        return 0
    with structlog.contextvars.bound_contextvars(district=district_id):
        return await _survive(engine, district, report)


async def _survive(engine: SyncContext, district: District, report: Preflight) -> int:
    """What goes wrong ends the report, or lets it rest."""
    try:
        return await _slice(engine, district, report)
    except SyncStopped as stopped:
        async with engine.database.district(district.id) as db:
            await preflights.settle(db, report, error_code=stopped.reason, error_detail=stopped.detail)
    except (Retriable, TimeoutError) as error:
        log.warning("preflight.waits", error=type(error).__name__)
        await _rest(engine, district.id, report, TROUBLE_SECONDS, forgive=False)
    return 0


async def _slice(engine: SyncContext, district: District, report: Preflight) -> int:
    """Examine sections until there is none, no room, or the slice is over; answers how many."""
    ends, begun = monotonic() + engine.bounds.slice, report.done
    while section_id := await _next(engine, district, report):
        if not await _room(engine, district):
            await _rest(engine, district.id, report, BUSY_SECONDS, forgive=True)
            break
        kept = await _examined(engine, district, report, section_id)
        if kept is None:
            break
        report = kept
        if monotonic() >= ends:
            await _rest(engine, district.id, report, 0, forgive=True)
            break
    return report.done - begun


async def _next(engine: SyncContext, district: District, report: Preflight) -> str | None:
    """The section to look at; a report without one is complete."""
    async with engine.database.district(district.id) as db:
        section_id = await preflights.next_section(db, report)
        if section_id is None:
            await preflights.settle(db, report)
    return section_id


async def _room(engine: SyncContext, district: District) -> bool:
    """Whether no sync waits, and none would have to."""
    async with engine.database.district(district.id) as db:
        waiting = await queue.backlog(db)
    return not waiting and await engine.systems.reserve_spare(district, CALLS)


async def _rest(
    engine: SyncContext, district_id: str, report: Preflight, seconds: float, *, forgive: bool
) -> None:
    async with engine.database.district(district_id) as db:
        await preflights.release(db, report, rest=seconds, forgive=forgive)


async def _examined(
    engine: SyncContext, district: District, report: Preflight, section_id: str
) -> Preflight | None:
    """The report with one more section; None where it is another's by now."""
    if report.tries > MOST_TRIES:
        found = Examined(None, (Obstacle("failed", Reason.UPSTREAM_UNAVAILABLE),))
    else:
        async with asyncio.timeout(SECTION_SECONDS):
            found = await examine(engine, district, section_id)
    async with engine.database.district(district.id) as db:
        return await preflights.record(
            db, report, section_id, found.code, found.obstacles, lease_seconds=engine.bounds.lease
        )


async def examine(engine: SyncContext, district: District, section_id: str) -> Examined:
    """What of a section would not sync. Raises `Retriable`, and `SyncStopped` for what concerns them all."""
    async with engine.database.district(district.id) as db:
        link = await links.get(db, section_id) or SectionLink(section_id=section_id)
        pairs = await links.pairs(db, section_id)
    until = engine.clock() + timedelta(seconds=SECTION_SECONDS)
    target = engine.systems.target(district, permit=_no_lease, until=until)
    try:
        return await _foreseen(engine, district, link, pairs, target)
    except SyncStopped as stopped:
        if stopped.reason in OF_THE_DISTRICT:
            raise
        return Examined(link.code, (Obstacle("failed", Reason(stopped.reason)),))


async def _no_lease(seconds: float) -> None:
    """A report writes nothing to the SIS, so nothing has to be held for that."""


async def _foreseen(
    engine: SyncContext, district: District, link: SectionLink, pairs: dict[str, Pair], target: Target
) -> Examined:
    until = engine.clock() + timedelta(seconds=SECTION_SECONDS)
    source = engine.systems.source(district, requester=None, until=until)
    outline = await source.outline(link.section_id)
    if not outline.from_sis or outline.section_code is None:
        raise SyncStopped(Reason.SECTION_NOT_FROM_SIS)
    gradebook = replace(outline, students=await source.students(link.section_id))
    link, section = await resolve(district, link, outline.section_code, target)
    async with engine.database.district(district.id) as db:
        if await links.holder(db, section.ref.key) not in {None, link.section_id}:
            raise SyncStopped(Reason.SIS_SECTION_TAKEN)
        entries = await ledger.load(db, link.section_id)
    now = engine.clock()
    link, pairing = await pair_categories(
        link, pairs, gradebook, target, district=district, now=now, afresh=True
    )
    book = Rulebook(section, pairing, target.capabilities, district.policy)
    matched = await match_students(district, gradebook, section, target)
    enrolled = await target.roster(section)
    return Examined(outline.section_code, foresee(gradebook, entries, book, matched.keys, enrolled))
