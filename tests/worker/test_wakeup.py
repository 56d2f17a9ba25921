"""Test that wake-ups reach a worker, never flood one, and never fail their caller."""

import socket

from arq.connections import ArqRedis
from prometheus_client import REGISTRY

from gradesync.redis_client.pool import open_redis
from gradesync.wakeup import THERE_IS_WORK, Wakeup
from harness.contexts import BUSY_REDIS_SECONDS, REDIS_SECONDS


async def waiting(redis: ArqRedis) -> list[tuple[str, tuple[str, ...]]]:
    return [(job.function, tuple(job.args)) for job in await redis.queued_jobs()]


async def test_wakeup_names_the_district_that_has_work(redis_url: str) -> None:
    async with open_redis(redis_url, patience_seconds=BUSY_REDIS_SECONDS) as redis:
        await Wakeup(redis, limit=8).notify("riverside")
        assert await waiting(redis) == [(THERE_IS_WORK, ("riverside",))]


async def test_wakeups_of_one_district_leave_room_for_another(redis_url: str) -> None:
    async with open_redis(redis_url, patience_seconds=BUSY_REDIS_SECONDS) as redis:
        wakeup = Wakeup(redis, limit=3)
        for _ in range(50):
            await wakeup.notify("riverside")
        await wakeup.notify("lakeside")
        assert [args for _, args in await waiting(redis)] == [("riverside",)] * 3 + [("lakeside",)]


async def test_wakeup_after_a_received_one_is_sent(redis_url: str) -> None:
    async with open_redis(redis_url, patience_seconds=BUSY_REDIS_SECONDS) as redis:
        wakeup = Wakeup(redis, limit=1)
        await wakeup.notify("riverside")
        await wakeup.notify("riverside")
        assert len(await waiting(redis)) == 1
        await wakeup.received("riverside")
        await wakeup.notify("riverside")
        assert len(await waiting(redis)) == 2


async def test_jobs_are_json_and_cannot_run_code(redis_url: str) -> None:
    async with open_redis(redis_url, patience_seconds=BUSY_REDIS_SECONDS) as redis:
        await Wakeup(redis, limit=8).notify("riverside")
        (key,) = await redis.keys("arq:job:*")
        stored = await redis.get(key)
        assert stored is not None
        assert stored.startswith(b"{")


def lost() -> float:
    return REGISTRY.get_sample_value("gradesync_wakeups_total", {"result": "lost"}) or 0


async def test_notify_without_redis_neither_raises_nor_waits() -> None:
    before = lost()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with open_redis(f"redis://127.0.0.1:{port}/0", patience_seconds=REDIS_SECONDS) as redis:
        await Wakeup(redis, limit=8).notify("riverside")
    assert lost() == before + 1


async def test_notify_does_not_wait_for_a_silent_redis() -> None:
    before = lost()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with open_redis(
            f"redis://127.0.0.1:{silent.getsockname()[1]}/0", patience_seconds=REDIS_SECONDS
        ) as redis:
            await Wakeup(redis, limit=8).notify("riverside")
    assert lost() == before + 1
