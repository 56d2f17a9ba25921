"""Claims the next sync: fairly by district, and only where its systems may be called now."""

from dataclasses import dataclass
from time import monotonic

from gradesync.core.district import District
from gradesync.db import districts, queue
from gradesync.db.crypto import SecretUnreadable
from gradesync.db.districts import Facts
from gradesync.db.syncs import Sync
from gradesync.observability.periodic import tell
from gradesync.sync.context import SyncContext
from gradesync.sync.lease import Lease
from gradesync.sync.metrics import record_claimed


@dataclass(frozen=True, slots=True)
class Claimed:
    """A sync that this worker holds, and its district as it was just before."""

    district: District
    facts: Facts
    sync: Sync
    lease: Lease


async def claim(engine: SyncContext) -> Claimed | None:
    """The next sync and its lease; districts that may not call their systems now are passed over.

    So is one whose secrets our keys do not open, as where another process has a newer one: told, and left.
    """
    async with engine.database.without_tenant() as db:
        waiting = await queue.waiting_districts(db, takeover_wait_seconds=engine.bounds.call_timeout)
    for district_id in waiting:
        try:
            claimed = await claim_of(engine, district_id)
        except SecretUnreadable as error:
            tell("claim", error)
            continue
        if claimed is not None:
            return claimed
    return None


async def claim_of(engine: SyncContext, district_id: str) -> Claimed | None:
    """The next sync of one district, where it may call its systems now."""
    bounds = engine.bounds
    async with engine.database.district(district_id) as db:
        known = await districts.known(db)
        room = await queue.has_room(
            db, takeover_wait_seconds=bounds.call_timeout, per_district=bounds.per_district
        )
    # Asked last: what is reserved for a sync that cannot be claimed is lost to those that can.
    if known is None or not room or not await engine.systems.reserve_sync(known.district):
        return None
    granted = monotonic()
    async with engine.database.alone(district_id, queue.CLAIMS) as db:
        sync = await queue.claim(
            db,
            lease_seconds=bounds.lease,
            takeover_wait_seconds=bounds.call_timeout,
            per_district=bounds.per_district,
        )
    if sync is None or sync.lease_token is None:
        return None
    record_claimed(sync, bounds.lease)
    lease = Lease(engine.database, district_id, sync.id, sync.lease_token, bounds.lease, granted)
    return Claimed(known.district, known.facts, sync, lease)
