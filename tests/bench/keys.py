"""Measure the memory that a district takes in Redis while it is busy."""

from bench.measure import Measure
from gradesync.access.tokens import Limits
from gradesync.redis_client.pool import open_redis
from gradesync.settings import Settings
from gradesync.upstream.call_budget import CallBudget
from gradesync.upstream.limits import per_window
from gradesync.wakeup import Wakeup
from harness.known_districts import mark_budgets_known

TEACHERS = 4


async def keys(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Fill budgets, wake-ups that no worker takes, and the rate limits of a few teachers."""
    assert settings.redis_url is not None
    districts = 100 if quick else 1000
    async with open_redis(
        settings.redis_url.get_secret_value(), patience_seconds=settings.redis_patience_seconds
    ) as redis:
        await mark_budgets_known(redis)
        before = (await redis.info("memory"))["used_memory"]
        budget = per_window(15, 600)
        wakeup, limits = Wakeup(redis, limit=8), Limits(redis)
        for number in range(districts):
            account = CallBudget(redis, f"schoology:{number:016}", budget)
            for _ in range(budget.limit):
                assert await account.try_reserve(1)
            await account.report(False)
            for _ in range(8):
                await wakeup.notify(f"district-{number}")
            for teacher in range(TEACHERS):
                await limits.wait("request", f"district-{number}:teacher:{teacher}", 60)
        after = (await redis.info("memory"))["used_memory"]
    return [Measure("Redis, bytes a busy district", None, (after - before) / districts)]
