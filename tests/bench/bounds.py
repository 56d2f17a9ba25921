"""Measure what a short sync would take if its calls took nothing, and what it takes by the bare libraries.

In turns: a sync; its calls, statements, scripts and JSON by the bare libraries; a sync whose calls nobody
records; and one whose responses are in memory.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from statistics import median, quantiles
from time import process_time
from typing import Any, NamedTuple, TypeAlias

import asyncpg
import httpx
from redis.asyncio import Redis

from bench.calls import LIMITS, Call, send_in_order
from bench.environment import request, simulate_district
from bench.measure import Measure, ratio
from bench.statements import RecordedRedis, Statements, send_commands, send_statements
from bench.whole_sync import (
    ASSIGNMENTS,
    BATCH,
    CHANGED,
    CHANGES,
    DISTRICT,
    IDLE,
    SCORES,
    STUDENTS,
    Bench,
    recording,
)
from gradesync.db import syncs
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from gradesync.systems import UpstreamSystems
from gradesync.upstream.auth import OAuth1
from gradesync.upstream.egress import PooledTransport
from gradesync.upstream.response import decode

ROUNDS, WARM = 40, 3
SYNC, LOWEST, HIGHEST = "a sync", "a sync, the lowest tenth", "a sync, the highest tenth"
CALLS, STATEMENTS = "its calls over the transport alone", "its statements on asyncpg"
SCRIPTS, DECODING, ALL = "its scripts on redis-py", "the JSON of its responses decoded", "these four"
OF_REPLAY = "{} ÷ the bare replay of its calls"
SAVED = "of a sync, saved where its responses are in memory, %"

Responses: TypeAlias = defaultdict[tuple[str, str], deque[httpx.Response]]


@dataclass(slots=True)
class Memory(httpx.AsyncBaseTransport):
    """Give responses that are there, in their order for each path. While it has an `inner`, forward calls."""

    inner: httpx.AsyncBaseTransport | None
    responses: Responses = field(default_factory=lambda: defaultdict(deque))

    def prepare(self, calls: Sequence[Call]) -> None:
        """Have the responses to these calls ready."""
        for call in calls:
            response = httpx.Response(call.status, headers=call.headers, content=call.answer)
            self.responses[call.request.method, call.request.url.path].append(response)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.inner is not None:
            return await self.inner.handle_async_request(request)
        return self.responses[request.method, request.url.path].popleft()


class Bare(NamedTuple):
    """Hold the processor seconds of what a sync did, by the bare libraries."""

    calls: float
    statements: float
    scripts: float
    decoding: float


class Round(NamedTuple):
    """Hold the processor seconds of three syncs, and of the replay and the parts of the first.

    Of these syncs one is `recorded`; nobody records `sync`; the responses of `from_memory` are in memory.
    """

    recorded: float
    replay: float
    bare: Bare
    sync: float
    from_memory: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """Run syncs of one section in three ways, and what one of them did by the bare libraries."""

    recorded: Bench
    unrecorded: Bench
    remembering: Bench
    memory: Memory
    statements: Statements
    scripts: RecordedRedis
    transport: PooledTransport
    connection: asyncpg.Connection
    redis: Redis

    async def measure(self, number: int, changes: int) -> Round:
        """Measure a round. Each of its syncs finds as much changed in Schoology, or nothing.

        The one from memory has the responses of the recorded one. Other scores were sent since, so that it
        sends these again.
        """
        await self._grade(2 * number, changes)
        self.recorded.recorder.calls, self.statements.sent, self.scripts.sent = [], [], []
        recorded = await self.sync(self.recorded)
        calls = list(self.recorded.recorder.calls)
        _, replay = await self.recorded.replay(calls)
        bare = await self._do_again(calls)
        await self._grade(2 * number + 1, changes)
        sync = await self.sync(self.unrecorded)
        self.memory.prepare(calls)
        from_memory = await self.sync(self.remembering)
        assert not any(self.memory.responses.values())  # the same calls were made
        return Round(recorded, replay, bare, sync, from_memory)

    async def _do_again(self, calls: Sequence[Call]) -> Bare:
        """Do again by the bare libraries what a sync did."""
        send = partial(_send_alone, self.transport, self.recorded.signature)
        await send_statements(self.connection, self.statements.sent)  # they are prepared now
        times = [process_time()]
        await send_in_order(calls, send)
        times.append(process_time())
        await send_statements(self.connection, self.statements.sent)
        times.append(process_time())
        await send_commands(self.redis, self.scripts.sent)
        times.append(process_time())
        for call in calls:
            decode(call.answer or b"null")
        times.append(process_time())
        return Bare(*(after - before for before, after in pairwise(times)))

    async def _grade(self, number: int, changes: int) -> None:
        """Give the same scores other points each time."""
        if changes:
            await self.recorded.school.grade(self._section["id"], number * SCORES, changes)

    async def sync(self, way: Bench) -> float:
        """Run a sync and return its processor seconds."""
        requested = await request(way.context, DISTRICT, self._section["id"], self._section["teacher_uid"])
        self.statements.on = way is self.recorded
        _, _, spent = await way.run_one()
        await asyncio.sleep(0)  # the last statement is recorded only now
        self.statements.on = False
        async with way.context.database.district(DISTRICT) as db:
            settled = await syncs.get(db, requested.id)
        assert settled is not None
        assert settled.status == "complete", settled.error_code
        return spent

    @property
    def _section(self) -> Mapping[str, Any]:
        return self.recorded.school.sections[0]


async def _send_alone(transport: httpx.AsyncBaseTransport, signature: OAuth1, call: Call) -> None:
    sent = call.request
    again = httpx.Request(sent.method, sent.url, headers=sent.headers, content=sent.content)
    if call.kind == "schoology":
        next(iter(signature.auth_flow(again)))
    response = await transport.handle_async_request(again)
    await response.aread()


async def bounds(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure syncs without changes and with some."""
    rounds = 5 if quick else ROUNDS
    async with (
        simulate_district(sections=1, assignments=ASSIGNMENTS, students=STUDENTS) as served,
        open_runtime(settings, name="bench") as runtime,
        recording(runtime, served) as recorded,
        PooledTransport(limits=LIMITS) as transport,
        Redis.from_url(_redis_url(settings)) as redis,
    ):
        memory, statements, scripts = Memory(transport), Statements(), RecordedRedis(runtime.redis)
        statements.listen(runtime.context.database.engine)
        connection = await asyncpg.connect(_plain_url(settings))
        over = partial(_replace_systems, recorded, runtime)
        ways = over(recorded.recorder, scripts), over(transport, runtime.redis), over(memory, runtime.redis)
        these = Bounds(*ways, memory, statements, scripts, transport, connection, redis)
        for way in ways * WARM:
            await these.sync(way)  # and fetch a token
        memory.inner = None
        found = []
        for name, changes in ((IDLE, 0), (CHANGED, CHANGES)):
            found += _list(name, [await these.measure(number, changes) for number in range(rounds)])
        await connection.close()
    return found


def _replace_systems(
    here: Bench, runtime: Runtime, transport: httpx.AsyncBaseTransport, redis: Redis
) -> Bench:
    systems = UpstreamSystems(transport, redis, runtime.clock, 30.0, BATCH)
    return replace(here, context=replace(here.context, systems=systems))


def _list(name: str, taken: Sequence[Round]) -> list[Measure]:
    ratios = [each.recorded / each.replay for each in taken]
    lowest, *_, highest = quantiles(ratios, n=10)
    figures = {
        SYNC: median(ratios),
        LOWEST: lowest,
        HIGHEST: highest,
        CALLS: ratio((each.bare.calls, each.replay) for each in taken),
        STATEMENTS: ratio((each.bare.statements, each.replay) for each in taken),
        SCRIPTS: ratio((each.bare.scripts, each.replay) for each in taken),
        DECODING: ratio((each.bare.decoding, each.replay) for each in taken),
        ALL: ratio((sum(each.bare), each.replay) for each in taken),
    }
    saved = median(1 - each.from_memory / each.sync for each in taken)
    return [
        *(Measure(f"{name}: {OF_REPLAY.format(what)}", None, figure) for what, figure in figures.items()),
        Measure(f"{name}: {SAVED}", None, 100 * saved),
    ]


def _plain_url(settings: Settings) -> str:
    """Return the address of the database as asyncpg itself takes it."""
    assert settings.database_url is not None
    return settings.database_url.get_secret_value().replace("+asyncpg", "")


def _redis_url(settings: Settings) -> str:
    assert settings.redis_url is not None
    return settings.redis_url.get_secret_value()
