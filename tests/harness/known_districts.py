"""Register districts that sandboxes serve, with call budgets that are open at once."""

import asyncio
from uuid import uuid4

from redis.asyncio import Redis

from gradesync.cli import district_file as districtfile
from gradesync.core.district import District
from gradesync.db import districts
from gradesync.db.session import Database
from gradesync.db.syncs import Sync
from gradesync.redis_client.pool import is_away
from gradesync.sync.context import SyncContext
from gradesync.sync.request import Request, SyncOptions, request_sync
from gradesync.upstream import call_budget, limits
from gradesync_sandbox.district import Classroom
from gradesync_sandbox.district_file import district_toml
from gradesync_sandbox.server import Sandbox

REDIS_SECONDS = 60
SETTLE_SECONDS = 900


def district_of(sandbox: Sandbox, name: str | None = None) -> District:
    """Return the district of a sandbox as its file describes it, under a unique name."""
    return districtfile.parse(district_toml(sandbox, name or f"d-{uuid4().hex[:8]}"), allow_http=True)


async def register_district(database: Database, district: District) -> None:
    async with database.district(district.id) as db:
        await districts.apply(db, district)


async def request_and_wake(context: SyncContext, request: Request) -> Sync:
    """Request a sync as the API does, and wake a worker."""
    sync = await request_sync(context, request)
    await context.wakeup.notify(request.district_id)
    return sync


async def request_as_teacher(context: SyncContext, district_id: str, room: Classroom) -> Sync:
    """Request a sync of a section in a district, as its teacher."""
    request = Request(
        district_id=district_id,
        section_id=str(room.section.id),
        requester_kind="teacher",
        requester_id=str(room.teacher.uid),
        options=SyncOptions(),
        settles_after=SETTLE_SECONDS,
    )
    return await request_and_wake(context, request)


async def mark_budgets_known(redis: Redis) -> None:
    """Record that Redis lost no budget: else the first caller waits for a window."""
    await redis.set(call_budget.KNOWN_SINCE, 0)


async def forget_pauses(redis: Redis) -> None:
    """Delete pauses, open circuits and counted failures; keep budgets. Wait for a Redis that is back."""
    async with asyncio.timeout(REDIS_SECONDS):
        while is_away(redis):
            await asyncio.sleep(0.01)
    for pattern in (f"{call_budget.PREFIX}*:pause", f"{limits.PREFIX}*"):
        if keys := [key async for key in redis.scan_iter(pattern)]:
            await redis.delete(*keys)
