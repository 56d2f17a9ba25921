"""Define what every sync runs on: the database, the systems, the clock, the limits and a lease."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

import structlog

from gradesync.core.ports import Clock, Systems, Wakeup
from gradesync.core.reasons import Reason
from gradesync.db import syncs
from gradesync.db.session import DATABASE_AWAY, Database
from gradesync.errors import LeaseLost, SyncStopped, name_cause

log = structlog.get_logger()

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


@dataclass(slots=True)
class Lease:
    """Keep the lease on one sync, renewed while a worker runs it and checked before every call to the SIS.

    All times are this process's monotonic ones. `granted`: just before the claim was sent. `ends`: the sync
    has to end then. `lands`: until then, a write that was given up may still take effect.
    """

    database: Database
    district_id: str
    sync_id: str
    token: str
    seconds: float
    granted: float = field(default_factory=monotonic)
    ends: float = float("inf")
    lands: float = float("-inf")

    @property
    def remaining(self) -> float:
        """Return the seconds that the lease certainly lasts: counted from before the database granted it."""
        return self.granted + self.seconds - monotonic()

    async def wait_turn(self) -> None:
        """Go at once: whoever holds a lease has its turn."""

    async def __call__(self, seconds: float) -> None:
        """Permit a call that may take `seconds`, and as many again to take effect.

        Raises `LeaseLost`, and `SyncStopped("timed-out")` where it would outlast the sync: the next one of
        the section may begin then, and must find all that this one did.
        """
        if self.remaining < seconds:
            await self.renew()
        if self.remaining < seconds:
            raise LeaseLost(f"the lease has {self.remaining:.1f} s left and the call may take {seconds:g} s")
        if self.ends - monotonic() < CALL_LIVES * seconds:  # after the renewal, which takes its time
            raise SyncStopped(Reason.TIMED_OUT)

    def note_lost(self, seconds: float) -> None:
        """Keep until when a write that was given up may take effect: no sync of the section begins before."""
        self.lands = max(self.lands, monotonic() + seconds)

    @property
    def lands_in(self) -> float:
        """Return the seconds until no write that was given up can take effect any more."""
        return max(0.0, self.lands - monotonic())

    async def renew(self) -> None:
        """Extend the lease. Raises `LeaseLost` where another worker has the sync, or it is settled."""
        asked = monotonic()
        async with self.database.district(self.district_id) as db:
            ours = await syncs.renew(db, self.sync_id, self.token, self.seconds)
        if not ours:
            self.granted = float("-inf")
            raise LeaseLost("another worker has this sync, or it is settled")
        self.granted = asked

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """Renew in the background while the body runs."""
        over = asyncio.Event()
        renewal = asyncio.create_task(self._renew_until(over))
        try:
            yield
        finally:
            over.set()  # a library may lose the cancellation
            renewal.cancel()
            await asyncio.wait([renewal])

    async def _renew_until(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(self.seconds / 3)
            try:
                await self.renew()
            except LeaseLost:
                return
            except DATABASE_AWAY as error:
                # The database may be restarting; the permit refuses calls once the lease is too short.
                log.warning("lease.not-renewed", sync=self.sync_id, error=name_cause(error))
