"""Bells wake a worker, never flood one, and never fail their caller."""

import socket

from arq.connections import ArqRedis
from prometheus_client import REGISTRY

from gradesync.wakeup import THERE_IS_WORK, Wakeup, open_redis


async def waiting(redis: ArqRedis) -> list[tuple[str, tuple[str, ...]]]:
    return [(bell.function, tuple(bell.args)) for bell in await redis.queued_jobs()]


async def test_a_bell_says_that_there_is_work_and_for_whom(redis_url: str) -> None:
    async with open_redis(redis_url) as redis:
        await Wakeup(redis, limit=8).notify("riverside")
        assert await waiting(redis) == [(THERE_IS_WORK, ("riverside",))]


async def test_a_flood_of_one_district_leaves_room_for_another(redis_url: str) -> None:
    async with open_redis(redis_url) as redis:
        bell = Wakeup(redis, limit=3)
        for _ in range(50):
            await bell.notify("riverside")
        await bell.notify("lakeside")
        assert [args for _, args in await waiting(redis)] == [("riverside",)] * 3 + [("lakeside",)]


async def test_what_is_asked_for_after_a_bell_was_heard_rings_again(redis_url: str) -> None:
    async with open_redis(redis_url) as redis:
        bell = Wakeup(redis, limit=1)
        await bell.notify("riverside")
        await bell.notify("riverside")
        assert len(await waiting(redis)) == 1
        await bell.heard("riverside")
        await bell.notify("riverside")
        assert len(await waiting(redis)) == 2


async def test_jobs_are_json_for_nobody_to_run_code_through(redis_url: str) -> None:
    async with open_redis(redis_url) as redis:
        await Wakeup(redis, limit=8).notify("riverside")
        (key,) = await redis.keys("arq:job:*")
        stored = await redis.get(key)
        assert stored is not None
        assert stored.startswith(b"{")


def lost() -> float:
    return REGISTRY.get_sample_value("gradesync_wakeups_total", {"answer": "lost"}) or 0


async def test_ringing_without_redis_neither_raises_nor_waits_long() -> None:
    before = lost()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with open_redis(f"redis://127.0.0.1:{port}/0") as redis:
        await Wakeup(redis, limit=8).notify("riverside")
    assert lost() == before + 1


async def test_a_redis_that_never_answers_does_not_hold_its_caller() -> None:
    before = lost()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with open_redis(f"redis://127.0.0.1:{silent.getsockname()[1]}/0") as redis:
            await Wakeup(redis, limit=8).notify("riverside")
    assert lost() == before + 1
