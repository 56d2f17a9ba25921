"""Make pre-flight reports: read sections as a sync would, without a score and without any write.

A report takes only calls that no sync waits for, so it goes on while a district is quiet.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import NamedTuple

import structlog

from gradesync.core.district import District
from gradesync.core.ports import Target
from gradesync.core.preflight import Obstacle, find_obstacles
from gradesync.core.reasons import Reason
from gradesync.db import districts, ledger, links, preflights
from gradesync.db.links import Pair, SectionLink
from gradesync.db.preflights import Preflight
from gradesync.errors import Retriable, SyncStopped
from gradesync.sync.context import SyncContext
from gradesync.sync.facts import SisFacts, judge_on_facts
from gradesync.sync.link import match_students
from gradesync.sync.spare_calls import reserve_spare_calls

log = structlog.get_logger()

CALLS = 5  # to Schoology for one section: itself, its items, categories and periods, and its students
SECTION_SECONDS = 40.0
BUSY_PAUSE_SECONDS = 2.0
FAILURE_PAUSE_SECONDS = 30.0
TRIES_MAX = 3
SETTLES_IN = timedelta(days=1)

# Obstacles in the way of every section: the report ends with one.
DISTRICT_OBSTACLES = frozenset(
    {
        Reason.SCHOOLOGY_CREDENTIALS_REFUSED,
        Reason.SIS_CREDENTIALS_REFUSED,
        Reason.SIS_PERMISSION_MISSING,
    }
)


class Examined(NamedTuple):
    """Hold what would not sync of one section; `code` is its school code."""

    code: str | None
    obstacles: tuple[Obstacle, ...]


async def advance(context: SyncContext) -> int:
    """Go on with the reports that wait, one slice each; return how many sections were examined."""
    async with context.database.without_tenant() as db:
        waiting = await preflights.list_waiting_districts(db)
    return await context.rotations.preflights.serve(waiting, partial(_advance, context))


async def _advance(context: SyncContext, district_id: str) -> int:
    async with context.database.district(district_id) as db:
        await preflights.settle_overdue(db)
    async with context.database.district(district_id) as db:
        district = await districts.get(db)
        report = await preflights.claim(db, lease_seconds=context.limits.lease)
    if district is None or report is None:
        return 0
    return await _run_report(context, district, report)


async def _run_report(context: SyncContext, district: District, report: Preflight) -> int:
    """Examine sections for one slice. A failure ends the report, or pauses it."""
    try:
        return await _run_slice(context, district, report)
    except SyncStopped as stopped:
        async with context.database.district(district.id) as db:
            await preflights.settle(db, report, error_code=stopped.reason, error_detail=stopped.detail)
    except (Retriable, TimeoutError) as error:
        log.warning("preflight.waits", error=type(error).__name__)
        await _pause(context, district.id, report, FAILURE_PAUSE_SECONDS, forgive=False)
    return 0


async def _run_slice(context: SyncContext, district: District, report: Preflight) -> int:
    """Examine sections until there is none, no budget, or the slice is over; return how many."""
    ends, done_before = monotonic() + context.limits.slice, report.done
    while section_id := await _next_section(context, district, report):
        if not await reserve_spare_calls(context, district, CALLS):
            await _pause(context, district.id, report, BUSY_PAUSE_SECONDS, forgive=True)
            break
        recorded = await _examine_and_record(context, district, report, section_id)
        if recorded is None:
            break
        report = recorded
        if monotonic() >= ends:
            await _pause(context, district.id, report, 0, forgive=True)
            break
    return report.done - done_before


async def _next_section(context: SyncContext, district: District, report: Preflight) -> str | None:
    """Return the next section to examine; settle a report that has none."""
    async with context.database.district(district.id) as db:
        section_id = await preflights.next_section(db, report)
        if section_id is None:
            await preflights.settle(db, report)
    return section_id


async def _pause(
    context: SyncContext, district_id: str, report: Preflight, seconds: float, *, forgive: bool
) -> None:
    async with context.database.district(district_id) as db:
        await preflights.release(db, report, rest=seconds, forgive=forgive)


async def _examine_and_record(
    context: SyncContext, district: District, report: Preflight, section_id: str
) -> Preflight | None:
    """Return the report with one more section; None where another worker has it by now."""
    if report.tries > TRIES_MAX:
        examined = Examined(None, (Obstacle("failed", Reason.UPSTREAM_UNAVAILABLE),))
    else:
        async with asyncio.timeout(SECTION_SECONDS):
            examined = await examine(context, district, section_id)
    async with context.database.district(district.id) as db:
        return await preflights.record(
            db, report, section_id, examined.code, examined.obstacles, lease_seconds=context.limits.lease
        )


async def examine(context: SyncContext, district: District, section_id: str) -> Examined:
    """Return what would not sync of a section. Raises `Retriable`; `SyncStopped` for what concerns all."""
    async with context.database.district(district.id) as db:
        link = await links.get(db, section_id) or SectionLink(section_id=section_id)
        pairs = await links.get_pairs(db, section_id)
    until = context.clock() + timedelta(seconds=SECTION_SECONDS)
    target = context.systems.target(district, permit=None, until=until)
    try:
        return await _foresee(context, district, link, pairs, target)
    except SyncStopped as stopped:
        if stopped.reason in DISTRICT_OBSTACLES:
            raise
        return Examined(link.code, (Obstacle("failed", Reason(stopped.reason)),))


async def _foresee(
    context: SyncContext, district: District, link: SectionLink, pairs: dict[str, Pair], target: Target
) -> Examined:
    until = context.clock() + timedelta(seconds=SECTION_SECONDS)
    source = context.systems.source(district, requester=None, until=until)
    outline = await source.outline(link.section_id)
    if not outline.from_sis or outline.section_code is None:
        raise SyncStopped(Reason.SECTION_NOT_FROM_SIS)
    gradebook = replace(outline, students=await source.students(link.section_id))
    facts = SisFacts(district, target, context.clock(), full=True, link=link, pairs=pairs)
    await facts.resolve(outline.section_code)
    section = facts.section
    async with context.database.district(district.id) as db:
        texts = target.capabilities.list_texts(section.ref.key)
        if await links.find_other(db, texts, link.section_id) is not None:
            raise SyncStopped(Reason.SIS_SECTION_TAKEN)
        entries = await ledger.load(db, link.section_id)
    book, _ = await judge_on_facts(facts, gradebook, entries, district.policy)
    matched = await match_students(district, gradebook, section, target)
    enrolled = await target.roster(section)
    return Examined(outline.section_code, find_obstacles(gradebook, entries, book, matched.keys, enrolled))
