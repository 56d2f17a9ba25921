"""Start, list and get the syncs of a section."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

from fastapi import BackgroundTasks, Body, Depends, Header, Path, Query, Response

from gradesync.api import pagination, schemas
from gradesync.api.auth import RequestContext, SectionContext, SyncReader, SyncWriter
from gradesync.api.middleware import Router
from gradesync.api.names import read_names
from gradesync.api.problems import problem_responses
from gradesync.api.queries import read_query
from gradesync.api.schemas.render import render_sync, sync_path
from gradesync.db import syncs
from gradesync.db.sync_filter import SyncFilter
from gradesync.db.syncs import Sync
from gradesync.errors import RequestRefused
from gradesync.sync.request import Request, SyncOptions, request_sync
from gradesync.sync.sweep import settle_overdue

router = Router("Syncs")

NAMES_SECONDS = 2

SyncId = Annotated[UUID, Path(description="The id of a sync")]


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Choose a page of a sync log."""

    dry_run: Annotated[bool, Query(description="List the previews instead of the syncs")] = False
    limit: pagination.Limit = 50
    cursor: pagination.Cursor = None


Log = Annotated[LogQuery, Depends(read_query(LogQuery))]


@router.post(
    "/sections/{section_id}/syncs",
    status_code=202,
    summary="Start a sync",
    responses={
        202: {"headers": {"Location": {"description": "The sync", "schema": {"type": "string"}}}},
        **problem_responses(
            "section-not-found",
            "sync-in-progress",
            "syncs-paused",
            "service-sync-off",
            "not-course-admin",
            "retry-not-possible",
            "approval-not-possible",
            "second-person-needed",
            "reason-needed",
            "idempotency-key-reused",
        ),
    },
)
async def start_sync(
    *,
    context: SyncWriter,
    response: Response,
    behind: BackgroundTasks,
    wanted: Annotated[schemas.SyncRequest | None, Body()] = None,
    idempotency_key: Annotated[
        schemas.PlainText | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            description="A repeat of the same request with the same key returns the same sync, for 24 hours",
        ),
    ] = None,
) -> schemas.Sync:
    """Start a sync of the section's assignments and scores to the SIS, or a preview of it (`dry_run`).

    The response comes at once. Follow `Location`, or its `events`, until `status` is `complete` or `failed`.
    """
    request = _build_request(context, wanted or schemas.SyncRequest(), idempotency_key)
    return await accept(context, request, response, behind)


async def accept(
    context: SectionContext, request: Request, response: Response, behind: BackgroundTasks
) -> schemas.Sync:
    """Queue a sync of the section, wake a worker, and return the sync, to which `Location` leads."""
    sync = await request_sync(context.runtime.context, request)
    context.wake_worker(behind)
    response.headers["location"] = sync_path(context.section_id, sync.id)
    return render_sync(sync, context.caller)


def _build_request(context: SectionContext, wanted: schemas.SyncRequest, key: str | None) -> Request:
    return Request(
        district_id=context.caller.district_id,
        section_id=context.section_id,
        requester_kind=context.caller.kind,
        requester_id=context.caller.subject,
        options=SyncOptions(
            mode=wanted.mode if "mode" in wanted.model_fields_set else None,
            dry_run=wanted.dry_run,
            assignments=wanted.assignments,
            retry_of=str(wanted.retry_of) if wanted.retry_of else None,
            approve=wanted.approve,
            reason=wanted.reason,
        ),
        settles_after=context.runtime.settings.settle_seconds,
        key=key,
        source_ip=context.source_ip,
    )


@router.get(
    "/sections/{section_id}/syncs",
    summary="List the section's syncs",
    responses=problem_responses(
        "section-not-found", "cursor-not-valid", "upstream-refused", "upstream-unavailable"
    ),
)
async def list_syncs(*, context: SyncReader, log: Log, response: Response) -> schemas.Page[schemas.Sync]:
    """List the syncs of the last 30 days, newest first."""
    page = await list_page(context, f"{context.path}/syncs", log, response, section_id=context.section_id)
    if not page.items and log.cursor is None:
        await context.require_known()
    return await _name_requesters(context, page)


async def _name_requesters(
    context: SectionContext, page: schemas.Page[schemas.Sync]
) -> schemas.Page[schemas.Sync]:
    """Name other teachers who requested syncs, to a teacher, where that takes a moment at most."""
    requesters = {sync.requested_by.id for sync in page.items if sync.requested_by.kind == "teacher"}
    if not requesters - {context.caller.subject}:
        return page
    try:
        async with asyncio.timeout(NAMES_SECONDS):
            names = await read_names(context)
    except TimeoutError:
        return page
    items = [_name_requester(sync, names.known) for sync in page.items]
    return page.model_copy(update={"items": items})


def _name_requester(sync: schemas.Sync, names: Mapping[str, str]) -> schemas.Sync:
    named = sync.requested_by.model_copy(update={"name": names.get(sync.requested_by.id)})
    return sync.model_copy(update={"requested_by": named})


async def list_page(
    context: RequestContext,
    path: str,
    log: LogQuery,
    response: Response,
    *,
    section_id: str | None = None,
    filters: SyncFilter | None = None,
    query: Mapping[str, str] = MappingProxyType({}),
) -> schemas.Page[schemas.Sync]:
    """Return one page of the log of a section or a district. `query` holds `filters` as query parameters."""
    listing = context.listing(path, {**query, "dry_run": "true"} if log.dry_run else query)
    before = listing.position(log.cursor)
    async with context.database() as db:
        rows = await syncs.page(
            db,
            section_id=section_id,
            dry_run=log.dry_run,
            filters=filters,
            before=before[0] if before else None,
            limit=log.limit + 1,
        )
    items, cursor = listing.paginate(response, rows, log.limit, lambda sync: (sync.id,))
    return schemas.Page(items=[render_sync(sync, context.caller) for sync in items], next_cursor=cursor)


@router.get(
    "/sections/{section_id}/syncs/{sync_id}",
    summary="Get a sync",
    responses=problem_responses("section-not-found", "sync-not-found"),
)
async def get_sync(*, context: SyncReader, sync_id: SyncId) -> schemas.Sync:
    """Return the progress of a sync, its result, and why it failed if it did."""
    return render_sync(await find_sync(context, sync_id), context.caller)


async def find_sync(context: SectionContext, sync_id: UUID) -> Sync:
    """Return the current sync. One past its `settles_by` is settled first: nobody waits for a lost sync."""
    sync = await _get(context, sync_id)
    if sync.status == "processing" and context.runtime.clock() >= sync.settles_by:
        await settle_overdue(context.runtime.context, context.caller.district_id, sync.id)
        return await _get(context, sync_id)
    return sync


async def _get(context: SectionContext, sync_id: UUID) -> Sync:
    async with context.database() as db:
        sync = await syncs.get(db, str(sync_id))
    if sync is None or sync.section_id != context.section_id:
        raise RequestRefused("sync-not-found", "This section has no such sync.")
    return sync
