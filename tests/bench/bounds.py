"""Measure what a short sync takes at least, and what it would take if its calls took nothing.

In turns: a sync; its calls, statements, scripts and responses by the bare libraries; and a sync that has the
responses of an earlier one from memory.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from statistics import median, quantiles
from time import process_time
from typing import Any, NamedTuple, TypeAlias

import asyncpg
import httpx
from redis.asyncio import Redis

from bench.environment import register_districts, request, simulate_district
from bench.measure import Measure, ratio
from bench.statements import RecordedRedis, Statements, send_commands, send_statements
from bench.whole_sync import (
    ASSIGNMENTS,
    BATCH,
    CHANGED,
    CHANGES,
    DISTRICT,
    IDLE,
    LIMITS,
    STUDENTS,
    Bench,
    Recorder,
)
from gradesync.runtime import open_runtime
from gradesync.settings import Settings
from gradesync.systems import UpstreamSystems
from gradesync.upstream.egress import PooledTransport
from gradesync.upstream.response import decode

ROUNDS, WARM = 40, 4
LOW, HIGH = 0, -1  # of tenths
SYNC, LOWEST, HIGHEST = "a sync", "a sync, the lowest tenth", "a sync, the highest tenth"
STATEMENTS, SCRIPTS, DECODING = "its statements on asyncpg", "its scripts on redis-py", "its JSON decoded"
LEAST = "all of these"
FROM_MEMORY = "a sync with responses from memory"
OF_REPLAY = "{} ÷ the bare replay of its calls"


Kept: TypeAlias = defaultdict[tuple[str, str], deque[tuple[httpx.Response, bytes]]]


@dataclass(slots=True)
class Memory(httpx.AsyncBaseTransport):
    """Forward calls and keep their responses, or give kept ones: in their order, for each path."""

    inner: httpx.AsyncBaseTransport
    kept: Kept = field(default_factory=lambda: defaultdict(deque))
    given: Kept | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        place = request.method, request.url.path
        if self.given is not None:
            response, body = self.given[place].popleft()
        else:
            response = await self.inner.handle_async_request(request)
            body = await response.aread()
            self.kept[place].append((response, body))
        return httpx.Response(response.status_code, headers=response.headers, content=body)

    @contextmanager
    def remembering(self, kept: Kept) -> Iterator[None]:
        """Send nothing, and give these responses."""
        self.given = kept
        yield
        self.given = None

    async def aclose(self) -> None:
        await self.inner.aclose()


class Round(NamedTuple):
    """Hold the processor seconds of a sync, of the bare replay of its calls, and of the rest."""

    sync: float
    calls: float
    statements: float
    scripts: float
    decoding: float
    from_memory: float

    @property
    def least(self) -> float:
        return self.calls + self.statements + self.scripts + self.decoding


@dataclass(frozen=True, slots=True)
class Bounds:
    """Hold what is needed to run a sync, and what it did, again."""

    here: Bench
    memory: Memory
    statements: Statements
    scripts: RecordedRedis
    connection: asyncpg.Connection
    redis: Redis

    async def measure(self, number: int, changes: int) -> Round:
        """Run a sync, what it did by bare libraries, and a sync with the responses of the one before it."""
        await self._grade(2 * number, changes)
        await self.sync()
        before = self.memory.kept
        await self._grade(2 * number + 1, changes)
        sync = await self.sync()
        calls = list(self.here.recorder.calls)
        statements, scripts = list(self.statements.sent), list(self.scripts.sent)
        _, replayed = await self.here.replay(calls)
        await send_statements(self.connection, statements)  # which are prepared now
        began = process_time()
        await send_statements(self.connection, statements)
        stated = process_time()
        await send_commands(self.redis, scripts)
        scripted = process_time()
        for call in calls:
            decode(call.answer or b"null")
        decoded = process_time()
        with self.memory.remembering(before):
            from_memory = await self.sync()
        assert len(self.here.recorder.calls) == len(calls)  # the same was to be done
        return Round(sync, replayed, stated - began, scripted - stated, decoded - scripted, from_memory)

    async def _grade(self, number: int, changes: int) -> None:
        """Change the same scores each time."""
        if changes:
            await self.here.school.grade(self._section["id"], number * ASSIGNMENTS, changes)

    async def sync(self) -> float:
        """Run a sync and return its processor seconds; what it sent is recorded."""
        await request(self.here.context, DISTRICT, self._section["id"], self._section["teacher_uid"])
        self.here.recorder.calls, self.memory.kept = [], defaultdict(deque)
        self.statements.sent, self.scripts.sent = [], []
        self.statements.on = True
        _, _, spent = await self.here.run_one()
        self.statements.on = False
        return spent

    @property
    def _section(self) -> Mapping[str, Any]:
        return self.here.school.sections[0]


async def bounds(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure syncs without changes and with some, and the least that these take."""
    rounds = 5 if quick else ROUNDS
    async with (
        simulate_district(sections=1, assignments=ASSIGNMENTS, students=STUDENTS) as served,
        open_runtime(settings, name="bench") as runtime,
        Memory(PooledTransport(limits=LIMITS)) as memory,
        Recorder(memory) as recorder,
        Redis.from_url(_redis_url(settings)) as redis,
    ):
        await register_districts(runtime, served.district, [DISTRICT])
        scripts, statements = RecordedRedis(runtime.redis), Statements()
        statements.listen(runtime.context.database.engine)
        systems = UpstreamSystems(recorder, scripts, runtime.clock, 30.0, BATCH)
        here = Bench(replace(runtime.context, systems=systems), recorder, served)
        connection = await asyncpg.connect(_plain(settings))
        these = Bounds(here, memory, statements, scripts, connection, redis)
        found = []
        for _ in range(WARM):
            await these.sync()
        for name, changes in ((IDLE, 0), (CHANGED, CHANGES)):
            taken = [await these.measure(number, changes) for number in range(rounds)]
            found += _list(name, taken)
        await connection.close()
    return found


def _list(name: str, taken: Sequence[Round]) -> list[Measure]:
    ratios = [each.sync / each.calls for each in taken]
    tenths = quantiles(ratios, n=10)
    figures = {
        SYNC: median(ratios),
        LOWEST: tenths[LOW],
        HIGHEST: tenths[HIGH],
        STATEMENTS: ratio((each.statements, each.calls) for each in taken),
        SCRIPTS: ratio((each.scripts, each.calls) for each in taken),
        DECODING: ratio((each.decoding, each.calls) for each in taken),
        LEAST: ratio((each.least, each.calls) for each in taken),
        FROM_MEMORY: ratio((each.from_memory, each.calls) for each in taken),
    }
    return [Measure(f"{name}: {OF_REPLAY.format(what)}", None, figure) for what, figure in figures.items()]


def _plain(settings: Settings) -> str:
    """Return the address of the database as asyncpg itself takes it."""
    assert settings.database_url is not None
    return settings.database_url.get_secret_value().replace("+asyncpg", "")


def _redis_url(settings: Settings) -> str:
    assert settings.redis_url is not None
    return settings.redis_url.get_secret_value()
