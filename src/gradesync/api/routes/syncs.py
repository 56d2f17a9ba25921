"""Syncs of a section: start one, list them, look at one."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Response

from gradesync.api import pagination, schemas
from gradesync.api.auth import SyncReader, SyncWriter
from gradesync.api.context import RequestContext, SectionContext
from gradesync.api.paths import sync_path
from gradesync.api.problems import answers
from gradesync.api.schemas import render
from gradesync.db import syncs
from gradesync.db.syncs import Sync, Which
from gradesync.errors import RequestRefused
from gradesync.sync.request import Request, SyncOptions, request_sync
from gradesync.sync.sweep import settle_overdue

router = APIRouter(tags=["Syncs"])

SyncId = Annotated[UUID, Path(description="The id of a sync")]


@dataclass(frozen=True, slots=True)
class LogQuery:
    """How a sync log is asked for."""

    dry_run: Annotated[bool, Query(description="List the previews instead of the syncs")] = False
    limit: pagination.Limit = 50
    cursor: pagination.Cursor = None


Log = Annotated[LogQuery, Depends()]


@router.post(
    "/sections/{section_id}/syncs",
    status_code=202,
    summary="Sync to SIS",
    responses={
        202: {"headers": {"Location": {"description": "The sync", "schema": {"type": "string"}}}},
        **answers(
            "section-not-found",
            "sync-in-progress",
            "service-sync-off",
            "retry-not-possible",
            "approval-not-possible",
            "idempotency-key-reused",
        ),
    },
)
async def start_sync(
    *,
    context: SyncWriter,
    response: Response,
    wanted: Annotated[schemas.WantedSync | None, Body()] = None,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            description="Same key, same body: same answer, for 24 hours",
        ),
    ] = None,
) -> schemas.Sync:
    """Carry the section's assignments and scores to the SIS, or plan to (`dry_run`).

    The answer comes at once; follow `Location`, or its `events`, until `status` is `complete` or `failed`.
    """
    request = _request(context, wanted or schemas.WantedSync(), idempotency_key)
    sync = await request_sync(context.service.engine, request)
    response.headers["location"] = sync_path(context.section_id, sync.id)
    return render.sync(sync)


def _request(context: SectionContext, wanted: schemas.WantedSync, key: str | None) -> Request:
    return Request(
        district_id=context.caller.district_id,
        section_id=context.section_id,
        asker_kind=context.caller.kind,
        asker_id=context.caller.subject,
        wanted=SyncOptions(
            mode=wanted.mode if "mode" in wanted.model_fields_set else None,
            dry_run=wanted.dry_run,
            assignments=wanted.assignments,
            retry_of=str(wanted.retry_of) if wanted.retry_of else None,
            approve=wanted.approve,
        ),
        settles_after=context.service.settings.settle_seconds,
        key=key,
        source_ip=context.source_ip,
    )


@router.get(
    "/sections/{section_id}/syncs",
    summary="The sync log",
    responses=answers("section-not-found", "cursor-not-valid", "upstream-refused", "upstream-unavailable"),
)
async def list_syncs(*, context: SyncReader, log: Log, response: Response) -> schemas.Page[schemas.Sync]:
    """The syncs of the last 30 days, newest first."""
    page = await sync_page(context, f"{context.path}/syncs", log, response, section_id=context.section_id)
    if not page.items and log.cursor is None:
        await context.must_be_known()
    return page


async def sync_page(
    context: RequestContext,
    path: str,
    log: LogQuery,
    response: Response,
    *,
    section_id: str | None = None,
    which: Which | None = None,
    filters: Mapping[str, str] = MappingProxyType({}),
) -> schemas.Page[schemas.Sync]:
    """One page of the log of a section, or of the whole district. `filters` are `which` as it was asked."""
    listing = context.listing(path, {**filters, "dry_run": "true"} if log.dry_run else filters)
    before = listing.position(log.cursor)
    async with context.database() as db:
        found = await syncs.page(
            db,
            section_id=section_id,
            dry_run=log.dry_run,
            which=which,
            before=before[0] if before else None,
            limit=log.limit + 1,
        )
    items, cursor = listing.cut(response, found, log.limit, lambda sync: (sync.id,))
    return schemas.Page(items=[render.sync(one) for one in items], next_cursor=cursor)


@router.get(
    "/sections/{section_id}/syncs/{sync_id}",
    summary="One sync",
    responses=answers("section-not-found", "sync-not-found"),
)
async def get_sync(*, context: SyncReader, sync_id: SyncId) -> schemas.Sync:
    """How far it is, what became of it, and why it failed where it did."""
    return render.sync(await find_sync(context, sync_id))


async def find_sync(context: SectionContext, sync_id: UUID) -> Sync:
    """The sync as it stands; one past its bound is settled first, so that nobody waits for nothing."""
    found = await _find(context, sync_id)
    if found.status == "processing" and context.service.clock() >= found.settles_by:
        await settle_overdue(context.service.engine, context.caller.district_id, found.id)
        return await _find(context, sync_id)
    return found


async def _find(context: SectionContext, sync_id: UUID) -> Sync:
    async with context.database() as db:
        found = await syncs.get(db, str(sync_id))
    if found is None or found.section_id != context.section_id:
        raise RequestRefused("sync-not-found", "This section has no such sync.")
    return found
