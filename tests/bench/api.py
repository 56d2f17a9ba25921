"""Measure API requests against a bare FastAPI route with the same token check and statements."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from http.client import HTTPConnection
from itertools import count
from time import perf_counter

from sqlalchemy import text

from bench.environment import register_districts
from bench.measure import Measure, ratio
from gradesync.access.tokens import Caller, Scope
from gradesync.core.district import District, SchoologyAccess, SisAccess
from gradesync.db import clients, syncs
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from harness.ports import free_port

DISTRICT = District(
    id="riverside",
    name="Riverside",
    timezone="America/Los_Angeles",
    schoology=SchoologyAccess("http://127.0.0.1:9/v1", "key", "secret"),
    sis=SisAccess("powerschool", "http://127.0.0.1:9", "id", "secret"),
)
SECTION, LOG = "7900000001", 20
"""Name the section whose log is read, and the number of its syncs."""
SETTLED = text("UPDATE sync SET status = 'complete', stage = 'settled' WHERE status = 'processing'")

Ask = Callable[[HTTPConnection, int], None]


async def api(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Send one request at a time, in turns: ours, bare, ours, bare. No worker runs."""
    rounds = 60 if quick else 400
    busy = settings.model_copy(update={"requests_per_minute": 1_000_000})
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(open_runtime(settings, name="bench"))
        await register_districts(runtime, DISTRICT, [DISTRICT.id])
        await _fill_log(runtime)
        token = await issue_token(runtime, DISTRICT.id)
        ours, _ = await stack.enter_async_context(serve(busy, "gradesync", "serve", "--port"))
        bare, _ = await stack.enter_async_context(serve(busy, "bench.bare"))
        return await asyncio.to_thread(_measured, ours, bare, token, rounds)


def _measured(ours: int, bare: int, token: str, rounds: int) -> list[Measure]:
    numbers = count(7_900_000_002)
    starts = _pairs(ours, bare, _starting(token, numbers), rounds)
    reads = _pairs(ours, bare, _reading(token), rounds)
    middle = sorted(one for one, _ in starts)[rounds // 2], sorted(one for one, _ in reads)[rounds // 2]
    return [
        Measure("POST …/syncs ÷ bare route", 1.2, ratio(starts)),
        Measure("GET …/syncs ÷ bare route", 1.03, ratio(reads)),
        Measure("POST …/syncs, ms", None, middle[0] * 1000),
        Measure("GET …/syncs, ms", None, middle[1] * 1000),
    ]


def _pairs(ours: int, bare: int, ask: Ask, rounds: int) -> Sequence[tuple[float, float]]:
    one, other = HTTPConnection("127.0.0.1", ours), HTTPConnection("127.0.0.1", bare)
    for number in range(10):  # connections, plans and caches are warm
        ask(one, -number)
        ask(other, -number)
    return [(_timed(ask, one, number), _timed(ask, other, number)) for number in range(rounds)]


def _timed(ask: Ask, connection: HTTPConnection, number: int) -> float:
    began = perf_counter()
    ask(connection, number)
    return perf_counter() - began


def _starting(token: str, numbers: Iterator[int]) -> Ask:
    """Start a sync in a section of its own: one that has a sync takes no other."""

    def ask(connection: HTTPConnection, _: int) -> None:
        _ask(connection, "POST", f"/sections/{next(numbers)}/syncs", token, 202)

    return ask


def _reading(token: str) -> Ask:
    def ask(connection: HTTPConnection, _: int) -> None:
        _ask(connection, "GET", f"/sections/{SECTION}/syncs", token, 200)

    return ask


def _ask(connection: HTTPConnection, method: str, path: str, token: str, status: int) -> None:
    connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == status, body


async def _fill_log(runtime: Runtime) -> None:
    """Settle syncs of one section, for its log to be read."""
    async with runtime.context.database.district(DISTRICT.id) as db:
        for _ in range(LOG):
            await syncs.insert(
                db, section_id=SECTION, requested_by_kind="teacher", requested_by_id="1", settles_in=900
            )
            await db.execute(SETTLED)


async def issue_token(runtime: Runtime, district_id: str) -> str:
    """Return a token of a district's client, which may do more than a teacher's."""
    async with runtime.context.database.district(district_id) as db:
        client_id, _ = await clients.create(
            db, [Scope.SYNCS_READ, Scope.SYNCS_WRITE], created_by="operator:test"
        )
    scopes = frozenset({Scope.SYNCS_READ, Scope.SYNCS_WRITE})
    return runtime.tokens.issue(Caller(district_id, client_id, client_id, scopes), timedelta(hours=1))


@asynccontextmanager
async def serve(settings: Settings, *command: str) -> AsyncIterator[tuple[int, int]]:
    """Run an application in a process of its own, and yield its port and its pid once it listens."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command, str(port)), env={**os.environ, **settings.environment()}
    )
    try:
        async with asyncio.timeout(30):
            while not await _listens(port):
                await asyncio.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
