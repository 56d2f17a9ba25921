"""The composition root: settings in, everything that an API or a worker process works with out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import httpx
from arq.connections import ArqRedis

from gradesync.access.platform_keys import PlatformKeys
from gradesync.access.request_limits import Limits
from gradesync.access.tokens import Tokens
from gradesync.db.crypto import Secrets
from gradesync.db.retention import purge_all
from gradesync.db.session import Database
from gradesync.errors import GradeSyncError
from gradesync.observability.periodic import repeated
from gradesync.settings import PREFIX, Settings
from gradesync.sync.context import SyncContext, SyncLimits
from gradesync.sync.metrics import observe_queue
from gradesync.sync.ports import Clock, Systems
from gradesync.sync.sweep import sweep
from gradesync.systems import UpstreamSystems, observe_circuits
from gradesync.upstream import call_budget
from gradesync.upstream.egress import open_client
from gradesync.wakeup import Wakeup, open_redis

T = TypeVar("T")

PURGE_SECONDS = 3600.0
CIRCUITS_SECONDS = 5.0
QUEUE_SECONDS = 10.0


class SettingMissing(GradeSyncError):
    """A setting without which nothing works is not set."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What one process holds open, once. `engine` carries database, systems, bell and clock.

    `stopping` is set when the process is to end: an answer that lasts is then over.
    """

    settings: Settings
    engine: SyncContext
    redis: ArqRedis
    bell: Wakeup
    client: httpx.AsyncClient
    tokens: Tokens
    platform_keys: PlatformKeys
    request_limits: Limits
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def database(self) -> Database:
        return self.engine.database

    @property
    def systems(self) -> Systems:
        return self.engine.systems

    @property
    def clock(self) -> Clock:
        return self.engine.clock


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, name: str, clock: Clock = lambda: datetime.now(UTC)
) -> AsyncIterator[Runtime]:
    """Open a process's connections; `name` is how PostgreSQL lists it.

    Redis may be away. Raises `SettingMissing`, `RoleRefused`, and what the database raises where it is away.
    """
    keys = _present(settings.secret_keys, "SECRET_KEYS")
    secrets = Secrets([key.get_secret_value() for key in keys])
    async with AsyncExitStack() as stack:
        database = Database.open(
            _present(settings.database_url, "DATABASE_URL").get_secret_value(),
            secrets,
            application_name=f"gradesync {name}",
            pool_size=settings.database_pool,
        )
        stack.push_async_callback(database.close)
        redis = open_redis(_present(settings.redis_url, "REDIS_URL").get_secret_value())
        stack.push_async_callback(redis.aclose)
        client = open_client(allow_private_network=settings.allow_private_network)
        await stack.enter_async_context(client)
        await database.check_role()
        await call_budget.begin(redis)
        bell = Wakeup(redis, most=2 * settings.per_district)
        engine = SyncContext(
            database=database,
            systems=UpstreamSystems(
                client, redis, clock, settings.call_timeout_seconds, settings.score_batch
            ),
            bell=bell,
            clock=clock,
            bounds=_bounds(settings),
        )
        yield Runtime(
            settings=settings,
            engine=engine,
            redis=redis,
            bell=bell,
            client=client,
            tokens=Tokens.of(secrets.signing_keys(), clock),
            platform_keys=PlatformKeys(client),
            request_limits=Limits(redis),
        )


@asynccontextmanager
async def sweeping(runtime: Runtime) -> AsyncIterator[None]:
    """Look for lost and overdue syncs while the block lasts: in every process, so that one is enough.

    What is past its time is forgotten meanwhile, and the metrics of open circuits and of the queue kept.
    """
    seconds = runtime.settings.sweep_seconds
    async with (
        repeated("sweep", lambda: sweep(runtime.engine), seconds=seconds),
        repeated("purge", lambda: purge_all(runtime.database), seconds=PURGE_SECONDS),
        repeated("circuits", lambda: observe_circuits(runtime.redis), seconds=CIRCUITS_SECONDS),
        repeated("queue", lambda: observe_queue(runtime.engine), seconds=QUEUE_SECONDS),
    ):
        yield


def _bounds(settings: Settings) -> SyncLimits:
    return SyncLimits(
        lease=settings.lease_seconds,
        call_timeout=settings.call_timeout_seconds,
        slice=settings.slice_seconds,
        per_district=settings.per_district,
    )


def _present(value: T | None, name: str) -> T:
    if not value:
        raise SettingMissing(f"{PREFIX}{name} is not set.")
    return value
