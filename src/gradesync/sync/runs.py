"""Run syncs of many sections for the district: a few at once, behind those that teachers ask for."""

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import District
from gradesync.core.sis import Policy
from gradesync.core.windows import LAST_SYNC, Spread, forecast
from gradesync.db import audit, districts, pauses, queue, runs, syncs
from gradesync.db.runs import Run, RunSection
from gradesync.errors import RequestRefused
from gradesync.sync.context import SyncContext
from gradesync.sync.counts import RUN_SECTIONS
from gradesync.sync.manual_links import Author
from gradesync.sync.request import expected_wait
from gradesync.sync.unchanged import is_unchanged

log = structlog.get_logger()

# Why a section of a run had no sync, with the words for the district.
SKIPS: Mapping[str, str] = {
    "sync-in-progress": "Another sync of the section was in progress.",
    "syncs-paused": "Syncs of the section were paused.",
    "synced-since": "The section was synced whole, and with everything sent, since its turn came.",
    "nothing-changed": "Nothing had changed in Schoology since the last sync, which sent everything.",
    "run-stopped": "The run was stopped before it came to the section.",
    "policy-off": "The district's policy no longer allows this.",
    "window-over": "The window was over before its turn. The next run begins with it.",
}
CHECKED_AT_ONCE = 4  # sections of which one step asks whether they changed
LOOK_AHEAD = 50  # sections that one step may skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Choose the sections of a run: these, those of a school, or those with a reason; else all known ones."""

    sections: Sequence[str] | None = None
    school: str | None = None
    reason: str | None = None

    def members(self) -> dict[str, Any]:
        """Return what was chosen, without what was not."""
        return {name: value for name, value in asdict(self).items() if value is not None}


async def start_run(
    context: SyncContext, district_id: str, choice: Choice, by: Author, *, mode: str, dry_run: bool
) -> Run:
    """Start a run of the sections that are chosen; workers carry it out.

    Raises `RequestRefused`: `runs-off`, `run-in-progress` (extension `run_id`), `run-empty`.
    """
    async with districts.open_staying(context.database, district_id, lock=runs.LOCK) as db:
        district = await _require_no_run(db)
        sections = await runs.choose(db, **asdict(choice))
        if not sections:
            raise RequestRefused("run-empty", "No section was chosen, or none is known.")
        kind, _, subject = by.actor.partition(":")
        now = context.clock()
        run = await runs.add(
            db,
            sections,
            chosen=choice.members(),
            mode=mode,
            dry_run=dry_run,
            requested_by_kind=kind,
            requested_by_id=subject,
            begins=now,
            every=0.0,
            finishes_by=forecast(now, len(sections), district.schoology.seconds_per_sync),
        )
        assert run is not None  # noqa: S101 - only a schedule has each beginning once
        entry = {**choice.members(), "run": str(run.id), "count": len(sections), "dry_run": dry_run}
        await audit.append(db, by.actor, "run.requested", entry, by.source_ip)
    log.info("run.requested", district=district_id, run=str(run.id), sections=len(sections))
    return run


async def _require_no_run(db: AsyncSession) -> District:
    """Return the district, where it may have a run by hand and has none."""
    district = await districts.get(db)
    if district is None or not district.policy.runs:
        raise RequestRefused("runs-off", "Its policy has runs off.")
    for run in await runs.list_active(db):
        if run.schedule_id is None:
            raise RequestRefused(
                "run-in-progress", f"It is {run.status}.", extensions={"run_id": str(run.id)}
            )
    return district


async def stop_run(context: SyncContext, district_id: str, run_id: str, by: Author) -> Run | None:
    """Stop a run: nothing of it begins any more, and what is under way ends. None where there is none."""
    async with districts.open_staying(context.database, district_id, lock=runs.LOCK) as db:
        run = await runs.get(db, run_id)
        if run is None or run.finished_at is not None or run.status == "stopping":
            return run
        await runs.skip_rest(db, run, "run-stopped")
        await runs.set_status(db, run, "stopping")
        await audit.append(db, by.actor, "run.stopped", {"run": str(run.id)}, by.source_ip)
        await _finish(db, run)
        return await runs.get(db, run_id)


async def advance_runs(context: SyncContext, settles_after: float) -> int:
    """Go on with the runs of all districts, for a periodic job; return how many syncs were queued."""
    async with context.database.without_tenant() as db:
        waiting = await runs.list_waiting_districts(db)
    return await context.rotations.runs.serve(waiting, partial(_advance, context, settles_after))


async def _advance(context: SyncContext, settles_after: float, district_id: str) -> int:
    unchanged = await _find_unchanged(context, district_id)
    async with context.database.with_lock(district_id, runs.LOCK) as db:
        district, now = await districts.get(db), context.clock()
        active = [run for run in await runs.list_active(db) if run.begins <= now]
        for run in active:
            await runs.refresh(db, run)
            if (code := _why_over(run, district.policy if district else None, now)) is not None:
                await runs.skip_rest(db, run, code)
        queued = 0
        # A teacher who waits comes first: nothing is queued that could be in her way.
        if district is not None and not await queue.count_requested(db):
            feeder = _Feeder(db, now, expected_wait(await queue.count_queued(db), district) + settles_after)
            feeder.unchanged = unchanged
            feeder.room = max(1, context.limits.per_district - 1) - await runs.count_started(db)
            for run in active:
                queued += await feeder.feed(run)
        for run in active:
            await _finish(db, run)
        if queued:
            await queue.mark_waiting(db)
    if queued:
        await context.wakeup.notify(district_id)
    return queued


async def _find_unchanged(context: SyncContext, district_id: str) -> frozenset[str]:
    """Return the sections, of those that are due by schedule next, in which nothing changed.

    No transaction is open meanwhile. A run by hand, and one that reads everything, asks nothing before.
    """
    now = context.clock()
    async with context.database.district(district_id) as db:
        district = await districts.get(db)
        if district is None or await queue.count_requested(db):
            return frozenset()
        due: list[str] = []
        for run in await runs.list_active(db):
            asks = run.schedule_id is not None and run.mode == "changes" and run.begins <= now
            if asks and _why_over(run, district.policy, now) is None:
                parts = await runs.next_sections(
                    db, run, min(CHECKED_AT_ONCE, await _count_due(db, run, now))
                )
                due += [part.section_id for part in parts]
    chosen = due[:CHECKED_AT_ONCE]
    found = await asyncio.gather(*(is_unchanged(context, district, section_id) for section_id in chosen))
    return frozenset(section_id for section_id, same in zip(chosen, found, strict=True) if same)


async def _count_due(db: AsyncSession, run: Run, now: datetime) -> int:
    """Count the sections of a run whose turn has come, and that wait."""
    left = await runs.count_left(db, run)
    begun = left.total() - left["waiting"]
    due = Spread(run.every, left.total(), run.finishes_by).due(run.requested_at, now)
    return max(0, due - begun)


def _why_over(run: Run, policy: Policy | None, now: datetime) -> str | None:
    """Return why no further section of a run may begin; None where one may."""
    allowed = policy is not None and (policy.runs if run.schedule_id is None else policy.schedules)
    if not allowed:
        return "policy-off"
    return "window-over" if run.ends is not None and now > run.ends - LAST_SYNC else None


@dataclass(slots=True)
class _Feeder:
    """Queue the next syncs of a district's runs, as many as there is `room` for."""

    db: AsyncSession
    now: datetime
    settles_in: float
    room: int = 0
    unchanged: Set[str] = frozenset()

    async def feed(self, run: Run) -> int:
        """Queue what is due of a run; return how many syncs."""
        due = await _count_due(self.db, run, self.now)
        if self.room <= 0 or due <= 0:
            return 0
        entries = []
        for part in await runs.next_sections(self.db, run, min(due, self.room + LOOK_AHEAD)):
            if self.room <= 0:
                break
            if (entry := await self._start(run, part)) is not None:
                entries.append(entry)
                self.room -= 1
        RUN_SECTIONS.labels("queued").inc(len(entries))
        if entries:
            await pauses.hold(self.db)  # a pause that came since has not seen them
            await audit.append_all(self.db, run.actor, "sync.requested", entries)
        return len(entries)

    async def _start(self, run: Run, part: RunSection) -> dict[str, Any] | None:
        """Queue the sync of a section, or skip it; return the entry for the audit log."""
        code = await self._why_skipped(run, part)
        sync = None if code else await syncs.insert(
            self.db,
            section_id=part.section_id,
            requested_by_kind="run" if run.schedule_id is None else "schedule",
            requested_by_id=run.requested_by_id,
            settles_in=self.settles_in,
            mode=run.mode,
            dry_run=run.dry_run,
            run_id=run.id,
        )  # fmt: skip
        if sync is None:
            await runs.mark(self.db, run, part.number, "skipped", result=code or "sync-in-progress")
            RUN_SECTIONS.labels("skipped").inc()
            return None
        await runs.mark(self.db, run, part.number, "started", sync_id=sync.id)
        return {
            "section": part.section_id,
            "sync": sync.id,
            "mode": sync.mode,
            "dry_run": sync.dry_run,
            "run": str(run.id),
        }

    async def _why_skipped(self, run: Run, part: RunSection) -> str | None:
        if await queue.find_pause(self.db, part.section_id) is not None:
            return "syncs-paused"
        # Only a schedule has turns. What was synced whole since this one came is as it would have left it.
        if run.every and await runs.is_synced_since(self.db, part.section_id, run.slot(part.number)):
            return "synced-since"
        if run.schedule_id is not None and part.section_id in self.unchanged:
            return "nothing-changed"
        return None if await syncs.get_running(self.db, part.section_id) is None else "sync-in-progress"


async def _finish(db: AsyncSession, run: Run) -> None:
    """End a run of which nothing waits and nothing is under way."""
    left = await runs.count_left(db, run)
    if not left["waiting"] and not left["started"]:
        stopped = (await runs.get(db, str(run.id)) or run).status == "stopping"
        await runs.set_status(db, run, "stopped" if stopped else "complete", finished=True)
