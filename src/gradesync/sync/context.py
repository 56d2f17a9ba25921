"""What a sync runs on: the database, the systems, the clock, and the bounds of its life."""

from dataclasses import dataclass
from typing import Protocol

from gradesync.db.session import Database
from gradesync.sync.ports import Clock, Systems


class Wakeup(Protocol):
    """Wakes a worker: there is work. Ringing never raises; a lost ring is found by the sweep."""

    async def ring(self, district_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SyncLimits:
    """Seconds and counts that bound a sync.

    `call_timeout` is the total time of one upstream call: a lease outlasts it, and a takeover waits for it.
    `slice`: a sync that works longer goes back to the queue at its next checkpoint.
    `per_district`: syncs of one district that may be worked on at once.
    """

    lease: float = 60
    call_timeout: float = 30
    slice: float = 30
    per_district: int = 4


@dataclass(frozen=True, slots=True)
class SyncContext:
    """Everything that work on syncs needs, built once by the composition root."""

    database: Database
    systems: Systems
    bell: Wakeup
    clock: Clock
    bounds: SyncLimits = SyncLimits()
