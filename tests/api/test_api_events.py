"""Test the live progress of a sync on a real socket."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, NamedTuple

import httpx
from sqlalchemy import make_url, text

from gradesync.api.routes.events import STREAMS
from gradesync.db import clients
from gradesync_sandbox.serving import Served
from harness.api import ApiClient, ApiHarness, expect_problem


class Event(NamedTuple):
    name: str
    id: str
    sync: dict[str, Any]


@asynccontextmanager
async def on_a_socket(api: ApiHarness) -> AsyncIterator[httpx.AsyncClient]:
    served = Served(api.app, "127.0.0.1")
    await served.start()
    async with httpx.AsyncClient(base_url=served.url, timeout=20) as http:
        yield http
    await served.stop()


async def follow(client: ApiClient, path: str, seen: str | None = None) -> AsyncGenerator[Event, None]:
    headers = {"authorization": f"Bearer {client.token}"} | ({"last-event-id": seen} if seen else {})
    async with client.http.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if name and value:
                fields[name] = value
            elif "data" in fields:
                yield Event(fields["event"], fields["id"], json.loads(fields["data"]))
                fields = {}


async def test_a_stream_outlives_an_outage_of_the_database(api: ApiHarness) -> None:
    database = api.runtime.context.database
    name = make_url(api.urls.database_url).database
    async with on_a_socket(api) as http, api.urls.owner() as owner:
        teacher = ApiClient(http, (await api.teacher()).token)
        sync = (await teacher.post(f"{api.path}/syncs")).json()
        bearer = {"authorization": f"Bearer {teacher.token}"}
        async with http.stream("GET", sync["links"]["events"], headers=bearer) as response:
            lines = response.aiter_lines()
            assert await anext(lines) == "event: progress"
            await owner.execute(text(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0'))
            await database.close()  # its pool connects anew
            while not (await anext(lines)).startswith(":"):
                pass
            await owner.execute(text(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1'))
            await api.run_queued()
            assert "event: settled" in [line async for line in lines]


async def test_events_report_progress_until_the_sync_is_settled(api: ApiHarness) -> None:
    async with on_a_socket(api) as http:
        teacher = ApiClient(http, (await api.teacher()).token)
        sync = (await teacher.post(f"{api.path}/syncs")).json()
        events = follow(teacher, sync["links"]["events"])
        first = await anext(events)
        assert (first.name, first.sync["stage"]) == ("progress", "queued")
        running = asyncio.create_task(api.run_queued())
        rest = [event async for event in events]
        await running
    assert {event.name for event in rest[:-1]} <= {"progress"}
    assert (rest[-1].name, rest[-1].sync["stage"]) == ("settled", "settled")
    assert len({event.id for event in (first, *rest)}) == len(rest) + 1
    assert rest[-1].sync["links"] == sync["links"]


async def test_a_reconnected_stream_continues_after_the_last_event(api: ApiHarness) -> None:
    async with on_a_socket(api) as http:
        teacher = ApiClient(http, (await api.teacher()).token)
        path = (await teacher.post(f"{api.path}/syncs")).json()["links"]["events"]
        async with aclosing(follow(teacher, path)) as events:
            seen = (await anext(events)).id
        await api.run_queued()
        (last,) = [event async for event in follow(teacher, path, seen)]
        assert last.name == "settled"
        headers = {"authorization": f"Bearer {teacher.token}", "last-event-id": last.id}
        response = await http.get(path, headers=headers)
        assert (response.status_code, response.content) == (204, b"")


async def test_a_settled_sync_sends_one_event(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office, dry_run=True)
    response = await office.get(sync["links"]["events"])
    assert response.text.count("event: ") == 1
    assert "event: settled" in response.text


async def test_the_stream_ends_with_the_token(api: ApiHarness) -> None:
    credentials = await api.client("syncs:read")
    token = (await api.grant(credentials, grant_type="client_credentials")).json()["access_token"]
    office = await api.office()
    path = (await office.post(f"{api.path}/syncs")).json()["links"]["events"]
    async with on_a_socket(api) as http:
        events = follow(ApiClient(http, token), path)
        assert (await anext(events)).name == "progress"
        async with api.runtime.context.database.district(api.district.id) as db:
            await clients.revoke(db, credentials[0])
        assert [event async for event in events] == []


async def test_a_person_has_a_limit_of_open_streams(api: ApiHarness) -> None:
    async with on_a_socket(api) as http, AsyncExitStack() as streams:
        teacher, office = (ApiClient(http, one.token) for one in (await api.teacher(), await api.office()))
        path = (await teacher.post(f"{api.path}/syncs")).json()["links"]["events"]
        for _ in range(STREAMS):
            opened = await streams.enter_async_context(aclosing(follow(teacher, path)))
            await anext(opened)
        expect_problem(await teacher.get(path), 429, "too-many-requests")
        async with aclosing(follow(office, path)) as others:
            await anext(others)
        await streams.aclose()
        while api.app.state.open_streams:  # the server sees later that a stream was closed
            await asyncio.sleep(0)
        async with aclosing(follow(teacher, path)) as again:
            assert (await anext(again)).sync["status"] == "processing"


async def test_an_unknown_sync_has_no_events(api: ApiHarness) -> None:
    office = await api.office()
    path = "/syncs/01890000-0000-7000-8000-000000000000/events"
    expect_problem(await office.get(api.path + path), 404, "sync-not-found")
