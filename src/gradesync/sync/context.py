"""Define what every sync runs on: the database, the systems, the clock and the limits."""

from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from gradesync.core.district import District
from gradesync.core.ports import Clock, Systems, Wakeup
from gradesync.db.session import Database
from gradesync.observability.rotation import Backoff, Rotation

T_co = TypeVar("T_co", covariant=True)

# A call takes effect within so many times its timeout: it is given up after one (docs/reliability.md).
CALL_LIVES = 2


@dataclass(frozen=True, slots=True)
class SyncLimits:
    """Hold the seconds and counts that limit a sync.

    `call_timeout` is the total time of one upstream call: a lease outlasts it, and a takeover waits for it.
    `slice`: a sync that works longer goes back to the queue at its next checkpoint.
    `per_district`: syncs of one district that may run at once.
    """

    lease: float = 60
    call_timeout: float = 30
    slice: float = 30
    per_district: int = 4


@dataclass(frozen=True, slots=True)
class Release:
    """Identify a lease to give back. Its sync may run again from `ready_at`, in monotonic seconds."""

    district_id: str
    token: str
    ready_at: float


class DistrictQueue(Protocol[T_co]):
    """Hold the syncs of one district that wait."""

    async def find_room(self) -> District | None:
        """Return the district, where one more of its syncs may run."""
        ...

    async def claim_next(self) -> T_co | None:
        """Claim the next sync; None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Rotations:
    """Serve the districts in turns, each task for itself. What fails in one district rests."""

    claims: Backoff = field(default_factory=partial(Backoff, "claim"))
    comparisons: Rotation = field(default_factory=partial(Rotation, "comparison", 4))
    nightly: Rotation = field(default_factory=partial(Rotation, "nightly"))
    preflights: Rotation = field(default_factory=partial(Rotation, "pre-flight", 4))
    runs: Rotation = field(default_factory=partial(Rotation, "runs", 2))
    schedules: Rotation = field(default_factory=partial(Rotation, "schedules"))
    overdue: Rotation = field(default_factory=partial(Rotation, "sweep"))
    wrong_turns: Rotation = field(default_factory=partial(Rotation, "sweep"))
    purges: Rotation = field(default_factory=partial(Rotation, "purge"))


@dataclass(frozen=True, slots=True)
class SyncContext:
    """Hold everything that work on syncs needs, built once by the composition root.

    `unreleased` are leases that could not be given back because the database was away.
    """

    database: Database
    systems: Systems
    wakeup: Wakeup
    clock: Clock
    limits: SyncLimits = SyncLimits()
    unreleased: set[Release] = field(default_factory=set, compare=False)
    rotations: Rotations = field(default_factory=Rotations, compare=False)
