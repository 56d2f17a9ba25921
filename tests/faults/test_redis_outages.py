"""Test that a Redis that cannot be used costs a sync next to nothing, whatever ails it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from gradesync.access.tokens import PAGE, PAGE_LIFETIME, Caller, Scope
from gradesync.db.session import Database
from gradesync.redis_client import pool
from gradesync.settings import Settings
from gradesync_sandbox import world
from gradesync_sandbox.lti.basic import basic_launch
from harness.contexts import REDIS_SECONDS
from harness.environment import open_environment
from harness.lti import TOOL, LtiHarness, open_lti
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


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", WEAKNESSES)
async def test_redis_that_fails_makes_no_request_fail(settings: Settings, tmp_path: Path, name: str) -> None:
    async with weak_redis(tmp_path) as weak:
        weakened = settings.model_copy(
            update={"redis_url": SecretStr(weak.url), "redis_patience_seconds": REDIS_SECONDS}
        )
        async with open_lti(weakened, world.build(7, 1, 1, 1, ideal=True)) as tool:
            asked = [tool.authorization_request(await tool.login()) for _ in range(2)]
            await WEAKNESSES[name].begin(weak)
            answers = [answer async for answer in ask_everything(tool, asked)]
    for answer in answers:
        waits = answer.status_code == 503 and int(answer.headers["retry-after"])
        assert answer.status_code < 500 or waits, answer.text
    assert answers[-1].status_code == 202  # a sync needs no Redis


async def ask_everything(tool: LtiHarness, asked: list[dict[str, str]]) -> AsyncIterator[httpx.Response]:
    """Yield the answers of what asks Redis, and at last of a teacher who starts a sync."""
    room, http = tool.room, tool.browser
    yield await http.get("/lti/login", params=tool.initiation())
    yield await tool.post(tool.forge(asked[0]))
    yield await tool.post(basic_launch(tool.world.lti, room.teacher, room.section, f"{TOOL}/lti/launch"))
    http.cookies.clear()
    yield await tool.post(tool.forge(asked[1]))
    yield await http.post("/lti/confirm", json={"ticket": "1", "value": "2"}, headers={"origin": TOOL})
    yield await http.get("/console/sign-in", params={"district": tool.district.id})
    yield await http.get(f"/console/callback-{tool.district.id}", params={"state": "1", "code": "2"})
    yield await http.post("/console/setup/session", json={"link": f"{tool.district.id}.{'x' * 43}"})
    yield await http.get("/readyz")
    section = str(room.section.id)
    scopes = frozenset({Scope.SYNCS_READ, Scope.SYNCS_WRITE})
    caller = Caller(tool.district.id, PAGE, str(room.teacher.uid), scopes, section)
    bearer = {"authorization": f"Bearer {tool.runtime.tokens.issue(caller, PAGE_LIFETIME)}"}
    yield await http.get(f"/sections/{section}/syncs", headers=bearer)
    yield await http.post(f"/sections/{section}/syncs", headers=bearer, json={"dry_run": True})


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
