"""Let Valkey fail over under load: its primary is killed, and sentinels promote the replica."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic

from redis.exceptions import RedisError

from engines.figures import Figures
from engines.load import loaded, settings_of_drill, small_district
from engines.valkey import running_sentinels
from gradesync import embedded
from gradesync.db import migrate
from gradesync.redis_client.pool import RedisClient, open_redis
from harness.contexts import REDIS_SECONDS
from harness.killable_servers import urls_of
from harness.processes import start_processes

WHAT = "Valkey's primary killed (SIGKILL)"
STEADY = 5.0
EVERY = 0.02
PATIENCE = 60
LATE_MAX = 10.0


def lacks() -> str:
    """Return what is not installed: nothing, Valkey comes with the tests."""
    return ""


async def drill(folder: Path) -> AsyncIterator[Figures]:
    """Kill the primary while the load runs."""
    async with AsyncExitStack() as stack:
        watched = stack.enter_context(running_sentinels(folder))
        servers = embedded.start(folder / "servers", durable=False)
        stack.callback(servers.stop)
        urls = replace(urls_of(servers), redis_url=watched.url)
        await migrate.upgrade(urls.migrate_database_url, urls.app_role)
        settings = settings_of_drill(urls).model_copy(update={"redis_patience_seconds": REDIS_SECONDS})
        processes = await stack.enter_async_context(start_processes(settings))
        redis = await stack.enter_async_context(open_redis(watched.url, patience_seconds=REDIS_SECONDS))
        async with processes.serve(small_district()) as here:
            async with loaded(here) as load:
                await asyncio.sleep(STEADY)
                began = monotonic()
                watched.primary.kill()
                ended = await until_written(redis)
                await asyncio.sleep(STEADY)
            broken, late = await load.settle(), load.late(ended)
        broken += [f"the API answered {kind}" for kind in load.answers if kind not in {"200", "202"}]
        if late > LATE_MAX:
            broken.append(f"a sync was settled {late:.1f} s after Valkey was back")
        yield Figures(WHAT, ended - began, late, load, tuple(f"{WHAT}: {line}" for line in broken))


async def until_written(redis: RedisClient) -> float:
    """Write until a write succeeds; return when it did."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(RedisError):
                await redis.set("gradesync:drill", 1)
                return monotonic()
            await asyncio.sleep(EVERY)
