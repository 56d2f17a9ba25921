"""Records what happened to one sync: outcomes, ledger and progress, while the lease is ours."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic

from gradesync.core.ledger import LedgerAssignment
from gradesync.core.plan import Action, Plan, Result
from gradesync.core.reasons import Reason
from gradesync.db import ledger, outcomes, syncs
from gradesync.db.links import SectionLink, save
from gradesync.db.outcomes import Outcome
from gradesync.db.session import Database
from gradesync.db.syncs import Sync
from gradesync.errors import LeaseLost
from gradesync.sync.lease import Lease
from gradesync.sync.metrics import record_settled
from gradesync.sync.tally import Tally

CHECKPOINT_SECONDS = 1.0


class SliceOver(Exception):
    """The sync has worked long enough for now: others wait, and it goes on when its turn comes again."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a sync ends: its error, if one stopped it, and what a whole application lets us remember."""

    reason: Reason | None = None
    detail: str = ""
    link: SectionLink | None = None
    read_through: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Journal:
    """The memory of one attempt at one sync.

    `entries` is the section's ledger as it stands now; `note` and `keep` gather what the next `record` or
    `settle` writes. A dry run keeps nothing. After `slice` seconds of applying a record ends the attempt, but
    not before it took as long as reading did: the next attempt reads again. `settled`: as it ended.
    """

    database: Database
    sync: Sync
    lease: Lease
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
    noted: dict[str, set[str]] = field(default_factory=dict)
    _rows: list[Outcome] = field(default_factory=list)
    _kept: set[str] = field(default_factory=set)

    def entry(self, assignment_id: str) -> LedgerAssignment:
        return self.entries.get(assignment_id) or LedgerAssignment(id=assignment_id)

    def is_noted(self, assignment_id: str, student_id: str = "") -> bool:
        return student_id in self.noted.get(assignment_id, ())

    def keep(self, entry: LedgerAssignment) -> None:
        """Change the ledger."""
        self.entries[entry.id] = entry
        self._kept.add(entry.id)

    def note(self, outcome: Outcome) -> None:
        """Add an outcome. An assignment that is left out or fails keeps the reason as its last problem."""
        self.noted.setdefault(outcome.assignment_id, set()).add(outcome.student_id)
        self.tally.add(outcome.key, outcome.result)
        self.tally.warnings.update(outcome.warnings)
        self._rows.append(outcome)
        if not outcome.student_id and not self.sync.dry_run:
            self._remember_problem(outcome)

    def _remember_problem(self, outcome: Outcome) -> None:
        stopped = outcome.result in {Result.SKIPPED, Result.FAILED}
        problem = outcome.reason if stopped else None
        entry = self.entry(outcome.assignment_id)
        if entry.problem != problem:
            self.keep(replace(entry, problem=problem))

    def begin(self, plan: Plan) -> None:
        """Say what will be done: the progress and the counts are measured against it."""
        self.plan = plan
        self.slice_ends = monotonic() + max(self.slice, monotonic() - self.started)
        self.noted.clear()
        self.done = 0
        told = [item for item in plan.assignments if item.action is not Action.KEEP]
        everything = plan.assignments + plan.strays
        writes = sum(len(item.writes) for item in plan.assignments)
        self.total = sum(item.spec is not None for item in told) + writes
        assignments, scores = self.tally.assignments, self.tally.scores
        assignments.read, assignments.pending = len(plan.assignments), len(told)
        scores.read = sum(item.read for item in everything)
        scores.pending = writes + sum(len(item.settled) for item in everything)

    async def start_over(self) -> None:
        """Record what this attempt noted, before it plans again."""
        await self._write("reading")
        async with self.database.district(self.sync.district_id) as db:
            earlier = await outcomes.results(db, self.sync.id)
        self.tally = Tally.of(earlier, self.tally.warnings)

    async def record(self, stage: str) -> None:
        """Write everything gathered. Raises `LeaseLost` where the sync is not ours any more; `SliceOver`."""
        await self._write(stage)
        if monotonic() > self.slice_ends:
            raise SliceOver

    async def checkpoint(self, stage: str) -> None:
        """Record, unless that was done within the last second: for what is found again where it is lost."""
        if monotonic() > min(self.recorded + CHECKPOINT_SECONDS, self.slice_ends):
            await self.record(stage)

    async def _write(self, stage: str) -> None:
        self.recorded = monotonic()
        async with self.database.district(self.sync.district_id) as db:
            ours = await syncs.progress(
                db,
                self.sync.id,
                self.lease.token,
                stage=stage,
                done=self.done,
                total=self.total,
                assignments=self.tally.assignments.told(),
                scores=self.tally.scores.told(),
                warnings=dict(self.tally.warnings),
                fingerprint=self.plan.fingerprint if self.plan else None,
                guard=self.plan.guard if self.plan else None,
            )
            if not ours:
                raise LeaseLost("the sync is no longer this worker's")
            await outcomes.record(db, self.sync.id, self._rows)
            await ledger.save(db, self.sync.section_id, self._changed())
        self._rows.clear()
        self._kept.clear()

    async def settle(self, end: Settlement) -> None:
        """Write everything gathered and the final status, in one transaction. Raises `LeaseLost`."""
        failed = end.reason is not None or self.tally.failed
        async with self.database.district(self.sync.district_id) as db:
            await outcomes.record(db, self.sync.id, self._rows)
            await ledger.save(db, self.sync.section_id, self._changed(), end.read_through)
            if end.link is not None:
                await save(db, end.link)
            settled = await syncs.settle(
                db,
                self.sync.id,
                self.lease.token,
                status="failed" if failed else "complete",
                applied=self._applied(failed),
                done=self.done,
                total=self.total if self.total is not None else self.done,
                assignments=self.tally.assignments.told(),
                scores=self.tally.scores.told(),
                warnings=dict(self.tally.warnings),
                fingerprint=self.plan.fingerprint if self.plan else None,
                guard=self.plan.guard if self.plan else None,
                error_code=end.reason,
                error_detail=end.detail,
            )
            self.settled = _ours(settled)
        record_settled(self.settled)
        self._rows.clear()
        self._kept.clear()

    def _applied(self, failed: bool) -> str:
        if self.sync.dry_run:
            return "none"
        if not failed:
            return "all"
        return "some" if self.tally.wrote else "none"

    def _changed(self) -> Iterable[LedgerAssignment]:
        return [self.entries[assignment_id] for assignment_id in sorted(self._kept)]


def _ours(settled: Sync | None) -> Sync:
    """A sync that was ours to settle. Raises `LeaseLost`."""
    if settled is None:
        raise LeaseLost("the sync is no longer this worker's")
    return settled
