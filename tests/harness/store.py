"""Provide the store's tests with an invented district, and syncs in its queue."""

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

from sqlalchemy import text

from gradesync.core.district import (
    District,
    Lti11Registration,
    LtiRegistration,
    SchoologyAccess,
    SisAccess,
)
from gradesync.core.sis import Policy
from gradesync.db import queue, syncs
from gradesync.db.session import Database
from gradesync.db.syncs import Sync

RIVERSIDE = District(
    id="riverside",
    name="Riverside Unified",
    timezone="America/Los_Angeles",
    schoology=SchoologyAccess(
        base_url="https://api.example.com/v1",
        consumer_key="a key",
        consumer_secret="a consumer's secret",
        window_seconds=Decimal("2.5"),
    ),
    sis=SisAccess(
        kind="powerschool",
        base_url="https://sis.example.org",
        client_id="a client",
        client_secret="a client's secret",
    ),
    lti=LtiRegistration(
        issuer="https://lti.example.com",
        client_id="77",
        deployment_id="d1",
        jwks_url="https://lti.example.com/jwks",
        authorization_url="https://lti.example.com/authorize",
    ),
    lti11=Lti11Registration("an old key", "an old secret"),
    policy=Policy(shorten_titles=True, guard_share=Decimal("0.25")),
)
HILLTOP = replace(RIVERSIDE, id="hilltop", name="Hilltop", lti=None, lti11=None)

LOCK_IS_WANTED = text("""
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
""")
TEN_THOUSAND = text("""
    INSERT INTO sync (district_id, id, section_id, status, stage, applied, mode, dry_run, requested_by_kind,
                      requested_by_id, settles_by)
    SELECT 'riverside', gen_random_uuid(), n::text, 'processing', 'queued', 'none', 'changes', false,
           'teacher', '1', now() + interval '1 hour'
    FROM generate_series(1, 10000) n
""")


async def enqueue(
    database: Database,
    section_id: str,
    district_id: str = "riverside",
    *,
    settles_in: float = 900,
    dry_run: bool = False,
) -> Sync:
    async with database.district(district_id) as db:
        sync = await syncs.insert(
            db,
            section_id=section_id,
            requested_by_kind="teacher",
            requested_by_id="5790000",
            settles_in=settles_in,
            dry_run=dry_run,
        )
        await queue.mark_waiting(db)
    assert sync is not None
    return sync


async def claim(
    database: Database, district_id: str = "riverside", *, lease: float = 60, per_district: int = 4
) -> Sync | None:
    """Claim a sync. A takeover waits 30 seconds; a negative lease has ended already."""
    async with database.for_statement() as db:
        granted = await queue.claim(
            db,
            district_id,
            str(uuid4()),
            lease_seconds=lease,
            takeover_wait_seconds=30,
            per_district=per_district,
        )
    return granted and granted.sync


async def take_lease(database: Database, sync: Sync, *, seconds: float = 60) -> str:
    """Claim the one queued sync and return the lease's token."""
    claimed = await claim(database, sync.district_id, lease=seconds)
    assert claimed is not None
    assert claimed.id == sync.id
    assert claimed.lease_token is not None
    return claimed.lease_token


async def list_waiting(database: Database, *, limit: int = 20, per_district: int = 4) -> list[str]:
    """List all districts with a sync to claim, page by page, in the order in which they are served."""
    found: list[queue.Turn] = []
    async with database.without_tenant() as db:
        while page := await queue.list_waiting_districts(
            db,
            takeover_wait_seconds=30,
            per_district=per_district,
            after=found[-1] if found else queue.FIRST_TURN,
            limit=limit,
        ):
            found += page
    return [turn.district_id for turn in found]
