"""Open Redis with short patience, and remember in one place that it cannot be used."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import structlog
from arq.connections import ArqRedis
from prometheus_client import Counter
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.exceptions import TimeoutError as NoAnswer

from gradesync.observability.descriptors import limit_share
from gradesync.observability.periodic import cancel_all
from gradesync.redis_client import sentinel
from gradesync.redis_client.problems import RedisAway, TooSlow, find_problem

T = TypeVar("T")

CONNECTIONS = 50
SLOT_SECONDS = 5.0  # that a command of a busy process waits for a connection to be free: not for Redis
CLOSE_SECONDS = 5.0  # for a connection to close
PROBE_COMMANDS = 3
PROBE_KEY = "gradesync:probe"
PROBE_KEPT_SECONDS = 60
SLOWEST = 0.1  # of the patience: a sync asks about thirty times, and the sum counts
PROBE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 15.0
# A timer that fires so late shows that this process was busy: an answer may be there, not yet read.
LATE_SECONDS = 0.02
MORE_ROUNDS = 2

OUTAGES = Counter(
    "gradesync_redis_outages_total", "Times that Redis became unusable, by problem.", ["problem"]
)

log = structlog.get_logger(__name__)


def limit_connections() -> int:
    """Return how many connections to Redis a process opens at most."""
    return limit_share(CONNECTIONS, 16)


class Patience:
    """Raise `TimeoutError` after so many seconds, but not for those in which this process was too busy."""

    def __init__(self, seconds: float) -> None:
        self._loop, self._seconds, self._rounds = asyncio.get_running_loop(), seconds, MORE_ROUNDS
        self._deadline = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._deadline.__aenter__()
        self._arm()

    async def __aexit__(self, *raised: Any) -> None:
        self._timer.cancel()
        await self._deadline.__aexit__(*raised)

    def _arm(self) -> None:
        due = self._loop.time() + self._seconds
        self._timer = self._loop.call_at(due, self._check, due)

    def _check(self, due: float) -> None:
        if self._loop.time() - due > LATE_SECONDS and self._rounds:
            self._rounds -= 1
            self._arm()
        else:
            self._deadline.reschedule(self._loop.time())


class Availability:
    """Remember for all callers of one client why Redis cannot be used, until a probe finds that it can.

    `problem` is None while it can. Probes run in the background: no caller waits for them. `hang_up` closes
    idle connections.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[None]],
        hang_up: Callable[[], Awaitable[None]],
    ) -> None:
        self.problem: str | None = None
        self._probe = probe
        self._hang_up = hang_up
        self._watching: asyncio.Task[None] | None = None
        self._checked = self._back = float("-inf")
        self._pause = PROBE_SECONDS

    def require(self) -> None:
        """Raise `RedisAway` while Redis cannot be used."""
        if self.problem is not None:
            raise RedisAway(self.problem)

    def note_failure(self, error: Exception) -> None:
        """Let nobody ask Redis for a while, where the error shows that it cannot be used."""
        problem = find_problem(error)
        if problem is not None and self.problem is None:
            self._begin(problem)
            self._watch(self._wait_until_back())

    def suspect(self) -> None:
        """Probe Redis where a command takes long: it may be slow, or only this process busy."""
        now = time.monotonic()
        if self._watching is None and now - self._checked > PROBE_SECONDS:
            self._checked = now
            self._watch(self._check())

    async def stop(self) -> None:
        """End the probes."""
        if self._watching is not None:
            await cancel_all([self._watching])

    def _begin(self, problem: str) -> None:
        log.warning("redis.away", problem=problem)
        OUTAGES.labels(problem).inc()
        self.problem = problem
        # One that comes and goes is left alone for longer each time.
        again = time.monotonic() - self._back < LONGEST_PAUSE_SECONDS
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS) if again else PROBE_SECONDS

    def _watch(self, watching: Coroutine[Any, Any, None]) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._watching = asyncio.create_task(watching)
        self._watching.add_done_callback(self._forget)

    def _forget(self, watching: asyncio.Task[None]) -> None:
        if self._watching is watching:
            self._watching = None

    async def _check(self) -> None:
        problem = await self._find_problem()
        if problem is not None:
            self._begin(problem)
            await self._wait_until_back()

    async def _wait_until_back(self) -> None:
        began, pause = time.monotonic(), self._pause
        await self._hang_up()  # each of them may be as dead as the one that failed
        while self.problem is not None:
            await asyncio.sleep(pause)
            self.problem, pause = await self._find_problem(), PROBE_SECONDS
        self._back = time.monotonic()
        log.info("redis.back", seconds=round(self._back - began, 1))

    async def _find_problem(self) -> str | None:
        try:
            await self._probe()
        except (RedisError, OSError) as error:
            return find_problem(error) or "failing"
        return None


@contextmanager
def redis_optional(operation: str) -> Iterator[None]:
    """Log, and go on, where Redis is away: that never fails what does without it."""
    try:
        yield
    except RedisAway:
        return  # it was logged when it began
    except (RedisError, OSError) as error:
        log.warning("Redis is not reachable", operation=operation, error=type(error).__name__)


class _Patient(Retry):
    """Run each command with patience, and once more where its connection broke. Note how it went."""

    def __init__(self, availability: Availability, seconds: float) -> None:
        super().__init__(NoBackoff(), 1, supported_errors=(ConnectionError,))
        self._availability = availability
        self._seconds, self._slow_seconds = seconds, SLOWEST * seconds

    def __deepcopy__(self, _: object) -> "_Patient":
        return self  # connections copy it, but it has no state of theirs

    async def call_with_retry(self, do: Callable[[], Awaitable[T]], fail: Callable[[RedisError], Any]) -> T:
        suspicion = asyncio.get_running_loop().call_later(self._slow_seconds, self._availability.suspect)
        try:
            async with Patience(self._seconds):
                return await super().call_with_retry(do, fail)
        except TimeoutError as error:
            self._availability.note_failure(error)
            raise NoAnswer(f"no answer in {self._seconds:g} s") from error
        except (RedisError, OSError) as error:
            self._availability.note_failure(error)
            raise
        finally:
            suspicion.cancel()


class Pool(BlockingConnectionPool):
    """Connect to Redis, each connection for itself, and not at all while it is known to be away.

    `patience_seconds`: how long a command may take, or a connection to open.
    """

    def __init__(self, *, patience_seconds: float, **options: Any) -> None:
        self._seconds, self._slow_seconds = patience_seconds, SLOWEST * patience_seconds
        self.availability = Availability(
            self._probe,
            lambda: BlockingConnectionPool.disconnect(self, inuse_connections=False),
        )
        usual: dict[str, Any] = {
            "max_connections": limit_connections(),
            "timeout": SLOT_SECONDS,
            # redis-py has one limit to open and to close. While one opens, patience ends it first.
            "socket_connect_timeout": CLOSE_SECONDS + (1 + MORE_ROUNDS) * patience_seconds,
            "retry": _Patient(self.availability, patience_seconds),
            "retry_on_error": [ConnectionError],
        }
        super().__init__(**usual | options)

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        self.availability.require()
        try:
            async with Patience(self._seconds):
                await super().ensure_connection(connection)
        except TimeoutError as error:
            self.availability.note_failure(error)
            raise NoAnswer(f"no connection in {self._seconds:g} s") from error
        except (RedisError, OSError) as error:
            self.availability.note_failure(error)
            raise

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await self.availability.stop()
        await super().disconnect(inuse_connections)

    async def _probe(self) -> None:
        """Write a few times on a new connection: a Redis that is full or read-only still answers reads."""
        connection: Any = self.connection_class(**self.connection_kwargs)  # its methods have no types
        connected = False
        try:
            async with Patience(self._seconds):
                await connection.connect()
            connected = True
            async with Patience(PROBE_COMMANDS * self._slow_seconds):
                for _ in range(PROBE_COMMANDS):
                    await connection.send_command("SET", PROBE_KEY, 1, "EX", PROBE_KEPT_SECONDS)
                    await connection.read_response()
        except TimeoutError as error:
            raise TooSlow if connected else NoAnswer from error
        finally:
            await connection.disconnect(nowait=True)


class RedisClient(ArqRedis):
    """Ask Redis with short patience. Commands raise `RedisAway` at once while it is known to be away."""

    async def find_problem(self) -> str | None:
        """Write to Redis, and return in a word why it cannot be used; None where it can."""
        try:
            await self.set(PROBE_KEY, 1, ex=PROBE_KEPT_SECONDS)
        except (RedisError, OSError) as error:
            return self.problem or find_problem(error) or "failing"
        return self.problem

    @property
    def problem(self) -> str | None:
        """Return why Redis cannot be used, as far as is known; None while it can."""
        return cast("Pool", self.connection_pool).availability.problem


def is_away(redis: Redis) -> bool:
    """Return whether a client knows that Redis cannot be used; others find out each time."""
    return isinstance(redis, RedisClient) and redis.problem is not None


def open_redis(url: str, *, patience_seconds: float) -> RedisClient:
    """Return a client that connects when it is first used. Jobs are JSON.

    `url` names a server, or (`redis+sentinel://…`) sentinels that know it. `patience_seconds`: how long a
    command may take before Redis counts as away. The name in a certificate is checked, unless the URL asks
    `ssl_check_hostname=false`.
    """
    options: dict[str, Any] = {"patience_seconds": patience_seconds}
    if sentinel.is_sentinel_url(url):
        pool = Pool(**options, **sentinel.parse_url(url, **options))
    else:
        checks = {"ssl_check_hostname": True} if url.startswith("rediss://") else {}
        pool = Pool.from_url(url, **options, **checks)
    redis = cast("RedisClient", RedisClient.from_pool(pool))
    redis.job_serializer, redis.job_deserializer = to_bytes, json.loads
    return redis


def to_bytes(job: dict[str, Any]) -> bytes:
    """Serialize an arq job as JSON."""
    # arq would pickle by default, and anybody who writes to Redis could then run code in a worker. Only the
    # error of a job that arq gave up is not JSON; its text will do.
    return json.dumps(job, default=str).encode()
