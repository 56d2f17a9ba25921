"""Test that a Redis that cannot be used costs a sync next to nothing, whatever ails it."""

from pathlib import Path

import pytest

from gradesync.db.session import Database
from gradesync.redis_client import pool
from gradesync_sandbox import world
from harness.contexts import REDIS_SECONDS
from harness.environment import open_environment
from harness.weak_redis import WEAKNESSES, weak_redis

SECONDS = 2  # that a Redis that fails may cost a sync in sum


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", WEAKNESSES)
async def test_redis_that_fails_costs_a_sync_less_than_two_seconds(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(pool, "PROBE_SECONDS", 0.1)
    weakness, built = WEAKNESSES[name], world.build(7, 1, 3, 2, ideal=True)
    built.schoology.switches.credits = 1_000  # a fourth of them is enough for both syncs
    async with (
        weak_redis(tmp_path) as weak,
        open_environment(database, weak.url, REDIS_SECONDS) as environment,
        environment.open_district(built) as harness,
    ):
        assert await harness.redis.find_problem() is None
        await weakness.begin(weak)
        weak.asked = 0
        sync = await harness.sync()
        assert (sync.status, harness.differences()) == ("complete", [])
        assert weak.asked * weakness.seconds < SECONDS
        assert await harness.redis.find_problem() in weakness.problems
        weak.asked = 0
        assert (await harness.sync()).status == "complete"
        assert weak.asked == 0


async def test_redis_that_is_back_is_used_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PROBE_SECONDS", 0.01)
    async with (
        weak_redis(tmp_path) as weak,
        open_environment(database, weak.url, REDIS_SECONDS) as environment,
    ):
        await weak.fill()
        assert await environment.redis.find_problem() == "full"
        await weak.admin.config_set("maxmemory", 0)
        while environment.redis.problem is not None:
            await weak.admin.ping()
        assert await environment.redis.find_problem() is None
