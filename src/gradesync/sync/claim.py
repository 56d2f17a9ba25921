"""Claim the next sync, fairly by district, keep its lease, and open an attempt at it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import TypeVar
from uuid import uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import District
from gradesync.core.plan import Selection
from gradesync.core.ports import Source, Systems, Target
from gradesync.core.reasons import Reason
from gradesync.db import outcomes, queue, syncs
from gradesync.db.districts import Facts, KnownDistrict
from gradesync.db.links import Pair, SectionLink
from gradesync.db.session import DATABASE_AWAY, Database
from gradesync.db.syncs import Sync
from gradesync.errors import LeaseLost, SyncStopped, name_cause
from gradesync.sync.context import CALL_LIVES, DistrictQueue, Release, SyncContext, SyncLimits
from gradesync.sync.counts import Tally, record_claimed
from gradesync.sync.journal import Journal

log = structlog.get_logger()

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Claimed:
    """Hold a claimed sync, and its district before.

    `claiming`: the seconds from when other claims of the district had to wait until this one was known
    durable.
    """

    district: District
    facts: Facts
    sync: Sync
    lease: Lease
    claiming: float

    def calls_until(self, limits: SyncLimits) -> datetime:
        """Return until when calls to the SIS may start."""
        return self.sync.settles_by - timedelta(seconds=CALL_LIVES * limits.call_timeout)


async def claim(context: SyncContext) -> Claimed | None:
    """Claim the next sync of the district that was served longest ago; None where nothing can run now.

    Skips districts that may not call their systems now, and those whose claims failed lately.
    """
    after, rests = queue.FIRST_TURN, context.rotations.claims
    while turns := await _list_turns(context, after):
        waiting = [turn.district_id for turn in turns]
        for district_id in rests.order(waiting) if rests.failures else waiting:
            try:
                claimed = await claim_from(context, district_id)
            except Exception as error:
                # Another process may have a newer key: this one goes on with other districts.
                rests.note_failure(district_id, error)
                continue
            if rests.failures:
                rests.note_success(district_id)
            if claimed is not None:
                return claimed
        after = turns[-1]
    return None


async def _list_turns(context: SyncContext, after: queue.Turn) -> list[queue.Turn]:
    """List the next districts with a sync to claim: most claims need no more than the first of them."""
    async with context.database.for_statement() as db:
        return await queue.list_waiting_districts(
            db,
            takeover_wait_seconds=context.limits.call_timeout,
            per_district=context.limits.per_district,
            after=after,
        )


async def claim_within_limits(waiting: DistrictQueue[T], systems: Systems) -> T | None:
    """Claim the next sync of a district that has room for it, and may call its systems now."""
    district = await waiting.find_room()
    if district is None or not await systems.reserve_sync(district):
        return None
    claimed = None
    try:
        claimed = await waiting.claim_next()
    finally:
        if claimed is None:
            # Of two that saw the same room, one finds it taken. The next must not lose what it reserved.
            await systems.give_back_sync(district)
    return claimed


async def claim_from(context: SyncContext, district_id: str) -> Claimed | None:
    """Claim the next sync of one district; None where there is none, or it may not call its systems now."""
    return await claim_within_limits(_StoredQueue(context, district_id), context.systems)


@dataclass(slots=True)
class _StoredQueue:
    """Claim from the database. `known` is the district as it was when it had room."""

    context: SyncContext
    district_id: str
    known: KnownDistrict | None = None

    async def find_room(self) -> District | None:
        limits = self.context.limits
        async with self.context.database.for_statement() as db:
            self.known = await queue.find_room(
                db,
                self.district_id,
                takeover_wait_seconds=limits.call_timeout,
                per_district=limits.per_district,
            )
        return self.known.district if self.known else None

    async def claim_next(self) -> Claimed | None:
        context, limits = self.context, self.context.limits
        granted, token = monotonic(), str(uuid4())
        try:
            async with context.database.for_statement() as db:
                granted = monotonic()
                found = await queue.claim(
                    db,
                    self.district_id,
                    token,
                    lease_seconds=limits.lease,
                    takeover_wait_seconds=limits.call_timeout,
                    per_district=limits.per_district,
                )
            committed = monotonic()
        except BaseException:
            # The answer may be lost and the lease granted: nobody would know of it.
            context.unreleased.add(Release(self.district_id, token, ready_at=granted))
            raise
        if found is None or self.known is None:
            return None
        sync, claiming = found.sync, committed - granted - found.waited
        record_claimed(sync, limits.lease)
        lease = Lease(context.database, self.district_id, sync.id, token, limits.lease, granted)
        if sync.lease_until is not None:
            # By the database's clock alone: this process's may differ.
            lease.ends = granted + limits.lease + (sync.settles_by - sync.lease_until).total_seconds()
        return Claimed(self.known.district, self.known.facts, sync, lease, claiming)


@dataclass(slots=True)
class Attempt:
    """Hold what one worker's attempt at one sync works with.

    `spanning`: a batch of scores may cover several assignments.
    """

    context: SyncContext
    district: District
    sync: Sync
    source: Source
    target: Target
    journal: Journal
    link: SectionLink
    pairs: Mapping[str, Pair]
    selection: Selection | None
    spanning: bool

    @property
    def whole(self) -> bool:
        """Return True where the sync covers everything in the section."""
        return self.selection is None

    @property
    def full(self) -> bool:
        """Return True where everything is compared, and what was changed in the SIS is put right."""
        return self.sync.mode == "full" or self.district.policy.drift == "restore"

    def database(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open one transaction in the district."""
        return self.context.database.district(self.district.id)


async def open_attempt(context: SyncContext, claimed: Claimed) -> Attempt:
    """Take what is stored of the section, and open both systems."""
    district, sync, lease = claimed.district, claimed.sync, claimed.lease
    async with context.database.for_statement() as db:
        stored = await queue.load_section(db, district.id, sync.section_id)
    if stored.ledger.is_outdated:
        stored = await stored.refresh(context.database, sync, lease.token)
    tally = Tally()
    if sync.attempt > 1:
        async with context.database.district(district.id) as session:
            tally = await Tally.of(outcomes.read_recorded(session, sync.id))
    requester = sync.requested_by_id if sync.requested_by_kind == "teacher" else None
    return Attempt(
        context=context,
        district=district,
        sync=sync,
        source=context.systems.source(district, requester=requester, until=sync.settles_by),
        target=context.systems.target(district, permit=lease, until=claimed.calls_until(context.limits)),
        journal=Journal(context.database, sync, lease, tally, stored.ledger.entries, context.limits.slice),
        link=stored.link,
        pairs=stored.pairs,
        selection=sync.selection or None,
        spanning=not claimed.facts.non_spanning,
    )
