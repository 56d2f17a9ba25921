"""The progress of a sync as server-sent events, for as long as it lasts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, format_sse_event

from gradesync.access.tokens import TokenRefused
from gradesync.api import schemas
from gradesync.api.auth import SyncReader
from gradesync.api.context import SectionContext
from gradesync.api.problems import answers
from gradesync.api.routes.syncs import SyncId, find_sync
from gradesync.api.schemas import render
from gradesync.api.service import Service

router = APIRouter(tags=["Syncs"])

LOOK_SECONDS = 0.5
HEARTBEAT_LOOKS = 20
RETRY_MS = 2000
EXAMPLE = (
    'event: progress\ndata: {"id": "0199…", "status": "processing", "stage": "writing", …}\nid: 3f9a\n\n'
)


@router.get(
    "/sections/{section_id}/syncs/{sync_id}/events",
    summary="Progress, live",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"example": EXAMPLE}}},
        204: {"description": "The sync is settled, and the caller knows: an EventSource stops asking."},
        **answers("section-not-found", "sync-not-found"),
    },
)
async def follow_sync(
    *,
    context: SyncReader,
    sync_id: SyncId,
    request: Request,
    last_event_id: Annotated[str | None, Header(max_length=64, description="Where to go on")] = None,
) -> Response:
    """`progress` whenever something changed, `settled` as the last event; then the stream ends by itself.

    The data of every event is the sync. A comment comes every ten seconds. The stream ends with the token,
    and when the server is restarted: an EventSource then comes back and goes on.
    """
    sync = render.sync(await find_sync(context, sync_id))
    if sync.status != "processing" and last_event_id == _version(sync):
        return Response(status_code=204)
    token = request.headers["authorization"].partition(" ")[2]
    return EventSourceResponse(
        _events(context, sync_id, token, last_event_id), headers={"x-accel-buffering": "no"}
    )


async def _events(
    context: SectionContext, sync_id: UUID, token: str, seen: str | None
) -> AsyncIterator[bytes]:
    looks = 0
    stopping = context.service.runtime.stopping
    while not stopping.is_set() and await _holds(context.service, token):
        sync = render.sync(await find_sync(context, sync_id))
        version, settled = _version(sync), sync.status != "processing"
        if version != seen or settled:
            seen = version
            yield format_sse_event(
                event="settled" if settled else "progress",
                data_str=sync.model_dump_json(),
                id=version,
                retry=RETRY_MS,
            )
        elif looks % HEARTBEAT_LOOKS == 0:
            yield format_sse_event(comment="still here")
        if settled:
            return
        looks += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await stopping.wait()


async def _holds(service: Service, token: str) -> bool:
    """Whether the token would still open the stream."""
    try:
        return await service.client_stands(service.tokens.verify(token))
    except TokenRefused:
        return False


def _version(sync: schemas.Sync) -> str:
    return sha256(sync.model_dump_json().encode()).hexdigest()[:16]
