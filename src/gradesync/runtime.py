"""Build everything that an API or a worker process runs on, from its settings: the composition root."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import httpx
import structlog

from gradesync.access.platform_keys import PlatformKeys
from gradesync.access.tokens import Cache, Limits, Tokens
from gradesync.core.ports import Clock, Systems
from gradesync.db import districts
from gradesync.db.codec import Secrets
from gradesync.db.retention import purge_all
from gradesync.db.session import Database
from gradesync.errors import DatabaseAway, GradeSyncError
from gradesync.observability.periodic import run_periodically
from gradesync.redis_client.pool import RedisClient, open_redis
from gradesync.settings import PREFIX, Settings
from gradesync.sync.context import SyncContext, SyncLimits
from gradesync.sync.gauges import observe_partitions, observe_queue
from gradesync.sync.schedules import begin_scheduled
from gradesync.sync.sweep import sweep
from gradesync.systems import UpstreamSystems, observe_circuits, utc_now
from gradesync.upstream import call_budget
from gradesync.upstream.egress import load_authorities, open_client
from gradesync.wakeup import Wakeup

T = TypeVar("T")

PURGE_SECONDS = 3600.0
READY_SECONDS = 3  # that `/readyz` waits for the database, or for Redis
# Anybody may ask for `/readyz`: all who do share one check, so that nobody can load the servers with it.
READY_KEPT_SECONDS = 1.0
CIRCUITS_SECONDS = 5.0
QUEUE_SECONDS = 10.0
PARTITIONS_SECONDS = 300.0
DATABASE_SECONDS = 1.0
SIS_NAME_SECONDS = 60.0  # that the name of a district's SIS is kept

log = structlog.get_logger(__name__)


class SettingMissing(GradeSyncError):
    """Report that a required setting is missing."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Hold what one process opens once. `context` has the database, systems, clock and limits.

    `sis_names` is by district id. `stopping` is set when the process is to end: then streamed responses
    end too.
    """

    settings: Settings
    context: SyncContext
    redis: RedisClient
    wakeup: Wakeup
    client: httpx.AsyncClient
    tokens: Tokens
    platform_keys: PlatformKeys
    request_limits: Limits
    sis_names: Cache[str, str]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def systems(self) -> Systems:
        """Return the systems of the districts."""
        return self.context.systems

    @property
    def clock(self) -> Clock:
        """Return the clock of the process."""
        return self.context.clock


def _open_secrets(settings: Settings) -> Secrets:
    keys = _required(settings.secret_keys, "SECRET_KEYS")
    return Secrets([key.get_secret_value() for key in keys])


async def _read_sis_name(database: Database, district_id: str) -> str:
    async with database.district(district_id) as db:
        return await districts.get_sis_name(db)


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, name: str, clock: Clock = utc_now, stop: asyncio.Event | None = None
) -> AsyncIterator[Runtime]:
    """Open a process's connections; `name` is how PostgreSQL lists it.

    Redis may be away. With `stop`, waits for a database that is away until that is set. Raises
    `SettingMissing`, `RoleRefused`, `DatabaseAway`.
    """
    secrets = _open_secrets(settings)
    async with AsyncExitStack() as stack:
        database = Database.open(
            _required(settings.database_url, "DATABASE_URL").get_secret_value(),
            secrets,
            application_name=f"gradesync {name}",
            pool_size=settings.database_pool,
        )
        stack.push_async_callback(database.close)
        _required(settings.redis_url, "REDIS_URL")
        loading = asyncio.create_task(asyncio.to_thread(load_authorities))  # while the database is asked
        await _check_role(database, stop)
        await loading
        yield await stack.enter_async_context(open_runtime_on(database, settings, clock))


@asynccontextmanager
async def open_runtime_on(database: Database, settings: Settings, clock: Clock) -> AsyncIterator[Runtime]:
    """Open what a process uses beside its database, which the caller closes. Raises `SettingMissing`."""
    async with AsyncExitStack() as stack:
        redis_url = _required(settings.redis_url, "REDIS_URL").get_secret_value()
        redis = open_redis(redis_url, patience_seconds=settings.redis_patience_seconds)
        stack.push_async_callback(redis.aclose)
        client = open_client(allow_private_network=settings.allow_private_network)
        await stack.enter_async_context(client)
        await call_budget.initialize(redis)
        wakeup = Wakeup(redis, limit=2 * settings.per_district)
        systems = UpstreamSystems(
            client.transport, redis, clock, settings.call_timeout_seconds, settings.score_batch
        )
        context = SyncContext(database, systems, wakeup, clock, _sync_limits(settings))
        yield Runtime(
            settings=settings,
            context=context,
            redis=redis,
            wakeup=wakeup,
            client=client,
            tokens=Tokens.of(database.secrets.signing_keys(), clock),
            platform_keys=PlatformKeys(client),
            request_limits=Limits(redis),
            sis_names=Cache(partial(_read_sis_name, database), seconds=SIS_NAME_SECONDS),
        )


@asynccontextmanager
async def run_maintenance(runtime: Runtime) -> AsyncIterator[None]:
    """Sweep lost and overdue syncs, begin scheduled runs, purge old rows and update the gauges meanwhile.

    Every process does so: one of them is enough.
    """
    context, seconds = runtime.context, runtime.settings.sweep_seconds
    purge = partial(purge_all, context.database, context.rotations.purges)
    async with (
        run_periodically("sweep", lambda: sweep(context), seconds=seconds),
        run_periodically("schedules", lambda: begin_scheduled(context), seconds=seconds),
        run_periodically("purge", purge, seconds=PURGE_SECONDS),
        run_periodically("circuits", lambda: observe_circuits(runtime.redis), seconds=CIRCUITS_SECONDS),
        run_periodically("queue", lambda: observe_queue(context), seconds=QUEUE_SECONDS),
        run_periodically("partitions", lambda: observe_partitions(context), seconds=PARTITIONS_SECONDS),
    ):
        yield


async def _check_role(database: Database, stop: asyncio.Event | None) -> None:
    """Check the role, once the database is there; without `stop` at once. Raises `DatabaseAway`."""
    waiting = False
    while True:
        try:
            return await database.check_role()
        except DatabaseAway as error:
            if stop is None or stop.is_set() or error.refused:
                raise
            if not waiting:
                log.warning("database.awaited", error=error.cause)
        waiting = True
        with suppress(TimeoutError):
            async with asyncio.timeout(DATABASE_SECONDS):
                await stop.wait()


def _sync_limits(settings: Settings) -> SyncLimits:
    return SyncLimits(
        lease=settings.lease_seconds,
        call_timeout=settings.call_timeout_seconds,
        slice=settings.slice_seconds,
        per_district=settings.per_district,
    )


def _required(value: T | None, name: str) -> T:
    if not value:
        raise SettingMissing(f"{PREFIX}{name} is not set.")
    return value
