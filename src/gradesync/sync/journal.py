"""Record one sync while its lease is ours: outcomes, ledger entries, counts and progress."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from types import MappingProxyType
from typing import Protocol

from gradesync.core.catalog import SyncResult, judge_sync
from gradesync.core.history import Cause, ColumnChange, Origin, find_change
from gradesync.core.ledger import Decision, LedgerAssignment
from gradesync.core.overview import SectionProfile
from gradesync.core.plan import Action, Plan
from gradesync.core.reasons import Reason, Result
from gradesync.db import ledger, outcomes, syncs
from gradesync.db.driver import Session
from gradesync.db.links import SectionLink, save
from gradesync.db.outcomes import Outcome
from gradesync.db.session import Database
from gradesync.db.syncs import Sync
from gradesync.errors import LeaseLost
from gradesync.sync.counts import Tally, record_settled

CHECKPOINT_SECONDS = 1.0


class HeldLease(Protocol):
    """Identify the lease of a sync, and the seconds until no write under it can take effect any more."""

    token: str

    @property
    def lands_in(self) -> float: ...


class SliceOver(Exception):
    """End an attempt that worked long enough, or is paused: the sync goes back to the queue."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """Describe how a sync ends: its error, if one stopped it, and what to remember of a complete one."""

    reason: Reason | None = None
    detail: str = ""
    link: SectionLink | None = None
    read_through: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Noted:
    """Hold what one transaction writes: all that was noted before it, while more is noted meanwhile."""

    progress: syncs.Progress
    rows: list[Outcome]
    entries: dict[str, LedgerAssignment]
    origins: dict[str, Mapping[str, Origin]]


@dataclass(slots=True)
class Journal:
    """Record what one attempt at one sync does.

    `entries` is the section's ledger as it stands now, `stored` as the database has it; `note` and `keep`
    collect what the next `record` or `settle` writes. A dry run keeps nothing. After `slice` seconds of
    applying a record ends the attempt, but not before it took as long as reading did: the next attempt reads
    again. `settled` is the sync as it ended. `profile` describes the section, once it
    was read. `decisions` of an undo are kept with the scores that it puts back, by assignment id and SIS
    student: None removes one.
    """

    database: Database
    sync: Sync
    lease: HeldLease
    tally: Tally
    entries: dict[str, LedgerAssignment]
    slice: float
    started: float = field(default_factory=monotonic)
    slice_ends: float = float("inf")
    recorded: float = field(default_factory=monotonic)
    plan: Plan | None = None
    done: int = 0
    total: int | None = None
    settled: Sync | None = None
    paused: bool = False
    profile: SectionProfile | None = None
    decisions: Mapping[tuple[str, str], Decision | None] = field(default_factory=dict)
    stored: dict[str, LedgerAssignment] = field(init=False)
    _rows: list[Outcome] = field(default_factory=list)
    _kept: set[str] = field(default_factory=set)
    _origins: dict[str, Mapping[str, Origin]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.stored = dict(self.entries)

    def entry(self, assignment_id: str) -> LedgerAssignment:
        return self.entries.get(assignment_id) or LedgerAssignment(id=assignment_id)

    def keep(self, entry: LedgerAssignment, origins: Mapping[str, Origin] = MappingProxyType({})) -> None:
        """Change the ledger. A column that is taken over leaves its former assignment at the same time.

        `origins` are those of new values that this sync did not just write, by SIS student.
        """
        self.entries[entry.id] = entry
        if origins:
            self._origins[entry.id] = {**self._origins.get(entry.id, {}), **origins}
        self._kept.update({entry.id, entry.taken_from or entry.id})

    def decide(self, entry: LedgerAssignment, students: Iterable[str]) -> Mapping[str, Decision]:
        """Return an entry's decisions with those that an undo keeps about these SIS students."""
        chosen = {key: self.decisions[entry.id, key] for key in students if (entry.id, key) in self.decisions}
        if not chosen:
            return entry.decisions
        return {key: made for key, made in {**entry.decisions, **chosen}.items() if made is not None}

    def note(self, outcome: Outcome) -> None:
        """Add an outcome. An assignment that is left out or fails keeps the reason as its last problem."""
        self.tally.add(outcome)
        self._rows.append(outcome)
        if not outcome.student_id and not self.sync.dry_run:
            self._update_entry(outcome)

    def _update_entry(self, outcome: Outcome) -> None:
        """Keep the problem of an assignment, and forget where it stood before once an outcome names that."""
        stopped = outcome.result in {Result.SKIPPED, Result.FAILED}
        entry = self.entry(outcome.assignment_id)
        former = None if Reason.LEFT_IN_FORMER_SECTION in outcome.warnings else entry.former
        problem = outcome.reason if stopped else None
        if (problem, former) != (entry.problem, entry.former):
            self.keep(entry._replace(problem=problem, former=former))

    def start(self, plan: Plan) -> None:
        """Measure progress and counts against a plan from now on, and start the slice."""
        self.plan = plan
        self.slice_ends = monotonic() + max(self.slice, monotonic() - self.started)
        self.done = 0
        changing = [item for item in plan.assignments if item.action is not Action.KEEP]
        writes = sum(len(item.writes) for item in plan.assignments)
        self.total = sum(item.spec is not None for item in changing) + writes
        self.tally.start(plan)

    async def start_over(self) -> None:
        """Record what this attempt noted, before it plans again."""
        await self._write("reading")

    async def record(self, stage: str) -> None:
        """Write everything noted. Raises `LeaseLost` where the sync is not ours any more; `SliceOver`.

        This is where a paused sync stops.
        """
        await self._write(stage)
        if self.is_over:
            raise SliceOver

    @property
    def is_over(self) -> bool:
        """Return True where the attempt is to end at its next record."""
        return self.paused or monotonic() > self.slice_ends

    @property
    def is_due(self) -> bool:
        """Return True where nothing was recorded within the last second, or the slice is over."""
        return monotonic() > min(self.recorded + CHECKPOINT_SECONDS, self.slice_ends)

    async def checkpoint(self, stage: str) -> None:
        """Record where that is due: for what the next attempt finds again in the SIS if it is lost."""
        if self.is_due:
            await self.record(stage)

    @asynccontextmanager
    async def _recording(self, total: int | None) -> AsyncIterator[tuple[Session, _Noted]]:
        """Open a transaction for all that was noted, one at a time. If it fails, it stays noted."""
        async with self._turn:
            entries = {key: self.entries[key] for key in sorted(self._kept)}
            noted = _Noted(self._progress(total), self._rows, entries, self._origins)
            self._rows, self._kept, self._origins = [], set(), {}
            try:
                async with self.database.on_driver(self.sync.district_id) as db:
                    with ledger.refuse_taken_refs():
                        yield db, noted
            except BaseException:
                self._rows = noted.rows + self._rows
                self._kept |= entries.keys()
                for key, origins in noted.origins.items():
                    self._origins[key] = {**origins, **self._origins.get(key, {})}
                raise
            self.stored.update(entries)

    async def _write(self, stage: str) -> None:
        self.recorded = monotonic()
        async with self._recording(self.total) as (db, noted):
            saving = self._prepare(noted, noted.rows)
            ours = await syncs.record_progress(
                db, self.sync.id, self.lease.token, stage=stage, parts=saving.parts, **noted.progress
            )
            if ours is None:
                raise LeaseLost("the sync is no longer this worker's")
            self.paused = ours.paused
            await ledger.save_decisions(db, self.sync.section_id, self.stored, noted.entries)
        for entry in saving.packed:  # in a tenth of the memory, where nothing of it is being sent
            if not entry.doubtful and self.entries[entry.id] is noted.entries[entry.id]:
                self.entries[entry.id] = self.stored[entry.id] = entry

    async def settle(self, end: Settlement) -> None:
        """Write everything noted and the final status, in one transaction. Raises `LeaseLost`."""
        failed = end.reason is not None or self.tally.failed
        async with self._recording(self.total if self.total is not None else self.done) as (db, noted):
            saving = self._prepare(noted, [*noted.rows, *self._summaries()], end.read_through)
            settled = await syncs.settle(
                db,
                self.sync.id,
                self.lease.token,
                status="failed" if failed else "complete",
                applied=self._applied(failed),
                result=self._judge(end.reason),
                attention=self.tally.attention,
                reasons=self.tally.reasons,
                profile=self.profile,
                error_code=end.reason,
                error_detail=end.detail,
                lands_in=self.lease.lands_in,
                parts=saving.parts,
                **noted.progress,
            )
            self.settled = still_ours(settled)
            await ledger.save_decisions(db, self.sync.section_id, self.stored, noted.entries)
            if end.link is not None:
                await save(db, end.link)
        record_settled(self.settled)

    def _prepare(
        self,
        noted: _Noted,
        rows: Iterable[Outcome],
        read_through: Mapping[str, datetime] = MappingProxyType({}),
    ) -> ledger.Saving:
        """Prepare to save outcomes, entries with their history, and cursors."""
        changed, cause = self._history(noted)
        entries, section_id = noted.entries.values(), self.sync.section_id
        saving = ledger.prepare(section_id, entries, read_through, changed=changed, cause=cause)
        return saving._replace(parts=outcomes.make_parts(self.sync.id, rows) + saving.parts)

    def _summaries(self) -> Iterator[Outcome]:
        titles = {item.id: item.title for item in self.plan.assignments} if self.plan else {}
        yield from self.tally.assignments.summaries(titles)
        yield from self.tally.scores.summaries(titles)

    def _progress(self, total: int | None) -> syncs.Progress:
        return {
            "done": self.done,
            "total": total,
            "assignments": self.tally.assignments.by_result(),
            "scores": self.tally.scores.by_result(),
            "warnings": self.tally.warnings,
            "fingerprint": self.plan.fingerprint if self.plan else None,
            "guard": self.plan.guard if self.plan else None,
        }

    def _judge(self, error: Reason | None) -> SyncResult:
        if error is None and self.sync.dry_run and self.plan is not None and self.plan.needs_approval:
            error = Reason.MASS_CHANGE  # its sync would stop there (R52)
        counts = self.tally.assignments.by_result(), self.tally.scores.by_result()
        wrote = self.tally.wrote and not self.sync.dry_run
        return judge_sync(error, counts, self.tally.attention, wrote=wrote)

    def _applied(self, failed: bool) -> str:
        if self.sync.dry_run:
            return "none"
        if not failed:
            return "all"
        return "some" if self.tally.wrote else "none"

    def _history(self, noted: _Noted) -> tuple[list[ColumnChange], Cause]:
        """Return what changed in the SIS since it was last recorded, and why."""
        changes = [
            find_change(self.stored.get(key), entry, noted.origins.get(key, {}))
            for key, entry in noted.entries.items()
        ]
        sync = self.sync
        approver = sync.requester if sync.approve else None
        mode, reason = ("undo", sync.reason or sync.undo["reason"]) if sync.undo else (sync.mode, sync.reason)
        cause = Cause(sync.id, mode, sync.planned_by or sync.requester, approver, reason)
        return [change for change in changes if change is not None], cause


def still_ours(settled: Sync | None) -> Sync:
    """Return a sync that was ours to settle. Raises `LeaseLost`."""
    if settled is None:
        raise LeaseLost("the sync is no longer this worker's")
    return settled
