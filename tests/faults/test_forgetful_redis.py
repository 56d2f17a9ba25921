"""Test that a Redis which loses all it holds, at any command of a sync, loses and delays no sync."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count, product
from pathlib import Path

import pytest
from pydantic import SecretStr

from gradesync.db import syncs
from gradesync.settings import Settings
from gradesync.worker.pool import run_worker
from gradesync_sandbox import world
from harness.api import ApiClient, ApiHarness, open_api
from harness.forgetful_redis import LOSSES, ForgetfulRedis, forgetful_redis
from harness.independent_oracle import expected_columns, sis_columns
from harness.servers import Urls

PATIENCE = 30  # a sync without Redis waits a second for a worker's own look, and a window of its budget
EACH = 9  # a sample strikes each ninth command of a sync; with `--all` every one is struck


@pytest.fixture(params=product(LOSSES, ["before", "after"]), ids="-".join)
async def redis(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ForgetfulRedis]:
    async with forgetful_redis(tmp_path, *request.param) as forgetful:
        yield forgetful


@pytest.fixture
async def api(settings: Settings, servers: Urls, redis: ForgetfulRedis) -> AsyncIterator[ApiHarness]:
    """Serve the API and run a worker, both with the same Redis."""
    built = world.build(7, 1, 3, 2, ideal=True)
    built.schoology.switches.credits, built.schoology.switches.window_seconds = 1_000, 0.1
    behind = settings.model_copy(update={"redis_url": SecretStr(redis.url), "requests_per_minute": 100_000})
    async with open_api(behind, servers, built) as opened, run_worker(opened.runtime):
        yield opened


async def test_redis_that_forgets_at_any_command_delays_no_sync(
    api: ApiHarness, redis: ForgetfulRedis, run_all: bool
) -> None:
    teacher = await api.teacher()
    for nth in count(1, 1 if run_all else EACH):
        grade(api, nth)
        redis.arm(nth)
        assert await sync(teacher, api) == "complete"
        assert sis_columns(api.world, api.room) == expected_columns(api.world, api.room)
        if not redis.struck.is_set():
            break
    assert nth > 1, "no command was struck"


def grade(api: ApiHarness, number: int) -> None:
    """Grade the first assignment anew."""
    item = next(iter(api.room.section.items.values()))
    for uid in api.room.students:
        api.world.schoology.grade(api.room.section.id, item.id, uid, 1 + number % 9)


async def sync(teacher: ApiClient, api: ApiHarness) -> str:
    """Request a sync, wait until it is settled, and return its status. Only the request asks Redis."""
    async with asyncio.timeout(PATIENCE):
        answer = await teacher.post(f"{api.path}/syncs")
        assert answer.status_code == 202, answer.text
        sync_id = answer.json()["id"]
        while True:
            async with api.runtime.context.database.district(api.district.id) as db:
                found = await syncs.get(db, sync_id)
            assert found is not None
            if found.status != "processing":
                return found.status
            await asyncio.sleep(0.02)
