"""Open Redis with short patience: a command that gets no answer soon fails, and with it all others."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from arq.connections import ArqRedis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.exceptions import TimeoutError as NoAnswer

from gradesync.redis_client import sentinel
from gradesync.redis_client.availability import (
    SLOWEST,
    Availability,
    TooSlow,
    find_problem,
    patience,
)

T = TypeVar("T")

CONNECTIONS = 50
SLOT_SECONDS = 5.0  # that a command of a busy process waits for a connection to be free: not for Redis
CLOSE_SECONDS = 5.0  # for a connection to close; for one to open, patience is shorter
PROBE_COMMANDS = 3
PROBE_KEY = "gradesync:probe"
PROBE_KEPT_SECONDS = 60


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
            async with patience(self._seconds):
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
            "max_connections": CONNECTIONS,
            "timeout": SLOT_SECONDS,
            "socket_connect_timeout": CLOSE_SECONDS,
            "retry": _Patient(self.availability, patience_seconds),
            "retry_on_error": [ConnectionError],
        }
        super().__init__(**usual | options)

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        self.availability.require()
        try:
            async with patience(self._seconds):
                await super().ensure_connection(connection)
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
            async with patience(self._seconds):
                await connection.connect()
            connected = True
            async with patience(PROBE_COMMANDS * self._slow_seconds):
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
    command may take before Redis counts as away.
    """
    watched = url.startswith(f"{sentinel.SCHEME}://")
    options = {"patience_seconds": patience_seconds}
    pool = Pool(**options | sentinel.parse_url(url)) if watched else Pool.from_url(url, **options)
    redis = cast("RedisClient", RedisClient.from_pool(pool))
    redis.job_serializer, redis.job_deserializer = to_bytes, json.loads
    return redis


def to_bytes(job: dict[str, Any]) -> bytes:
    """Serialize an arq job as JSON."""
    # arq would pickle by default, and anybody who writes to Redis could then run code in a worker. Only the
    # error of a job that arq gave up is not JSON; its text will do.
    return json.dumps(job, default=str).encode()
