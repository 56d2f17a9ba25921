"""Stream the progress of a sync as server-sent events until it is settled."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import Header, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, format_sse_event

from gradesync.access.tokens import TokenRefused
from gradesync.api import schemas
from gradesync.api.auth import TEACHERS_PER_CLIENT, SectionContext, SyncReader, client_exists
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.routes.syncs import SyncId, find_sync
from gradesync.api.schemas.render import render_sync
from gradesync.errors import DatabaseAway, RequestRefused
from gradesync.runtime import Runtime

router = Router("Syncs")

POLL_SECONDS = 0.5
POLLS_PER_HEARTBEAT = 20
RETRY_MS = 2000
# Of one person in one process: a stream holds a connection for as long as a sync waits.
STREAMS = 10
BUSY = {"retry-after": "5"}
EXAMPLE = (
    'event: progress\ndata: {"id": "0199…", "status": "processing", "stage": "writing", …}\nid: 3f9a\n\n'
)


@router.get(
    "/sections/{section_id}/syncs/{sync_id}/events",
    summary="Follow a sync live",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"example": EXAMPLE}}},
        204: {"description": "The sync is settled and its last event was received: an EventSource stops."},
        **problem_responses("section-not-found", "sync-not-found", "too-many-requests"),
    },
)
async def follow_sync(
    *,
    context: SyncReader,
    sync_id: SyncId,
    request: Request,
    last_event_id: Annotated[
        str | None,
        Header(max_length=64, description="The last event received; the stream continues after it"),
    ] = None,
) -> Response:
    """Stream a `progress` event for every change, and a `settled` event as the last one.

    The data of every event is the sync. A comment is sent every ten seconds. The stream also ends when the
    token expires and when the server restarts: an EventSource then reconnects and continues. A person can
    have ten streams open at a server, and a client 200.
    """
    sync = render_sync(await find_sync(context, sync_id), context.caller)
    if sync.status != "processing" and last_event_id == _version(sync):
        return Response(status_code=204)
    open_streams: Counter[str] = request.app.state.open_streams
    who = f"{context.caller.district_id}:{context.by.actor}"
    if open_streams[who] >= STREAMS * (TEACHERS_PER_CLIENT if context.caller.kind == "client" else 1):
        raise RequestRefused("too-many-requests", "So many streams are open already.", headers=BUSY)
    token = request.headers["authorization"].partition(" ")[2]
    events = _count_stream(open_streams, who, _stream(context, sync_id, token, last_event_id))
    return EventSourceResponse(events, headers={"x-accel-buffering": "no"})


async def _count_stream(
    open_streams: Counter[str], who: str, events: AsyncGenerator[bytes, None]
) -> AsyncIterator[bytes]:
    open_streams[who] += 1
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    finally:
        open_streams[who] -= 1
        if not open_streams[who]:
            del open_streams[who]


async def _stream(
    context: SectionContext, sync_id: UUID, token: str, seen: str | None
) -> AsyncGenerator[bytes, None]:
    polls = 0
    stopping = context.runtime.stopping
    while not stopping.is_set():
        try:
            if not await _is_valid(context.runtime, token):
                return
            sync = render_sync(await find_sync(context, sync_id), context.caller)
        except DatabaseAway:  # the stream stays: an EventSource gives up after a refused request
            yield format_sse_event(comment="keep-alive")
            await _pause(stopping)
            continue
        version, settled = _version(sync), sync.status != "processing"
        if version != seen or settled:
            seen = version
            yield format_sse_event(
                event="settled" if settled else "progress",
                data_str=sync.model_dump_json(),
                id=version,
                retry=RETRY_MS,
            )
        elif polls % POLLS_PER_HEARTBEAT == 0:
            yield format_sse_event(comment="keep-alive")
        if settled:
            return
        polls += 1
        await _pause(stopping)


async def _pause(stopping: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(POLL_SECONDS):
            await stopping.wait()


async def _is_valid(runtime: Runtime, token: str) -> bool:
    """Return true while the token would still open the stream."""
    try:
        return await client_exists(runtime, runtime.tokens.verify(token))
    except TokenRefused:
        return False


def _version(sync: schemas.Sync) -> str:
    return sha256(sync.model_dump_json().encode()).hexdigest()[:16]
