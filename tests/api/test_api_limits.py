"""Test request limits, headers for browsers, and the docs page."""

import asyncio
import socket
import time

import httpx
import pytest
from fastapi import APIRouter
from redis.asyncio import Redis

from gradesync.access.tokens import PREFIX, Limits
from gradesync.redis_client.pool import open_redis
from gradesync.settings import Settings
from harness.api import ApiClient, ApiHarness, expect_oauth_error, expect_problem
from harness.contexts import BUSY_REDIS_SECONDS, REDIS_SECONDS

FEW = 3
PATIENCE, BUSY = 1.0, 1.2
A_DAY = 86_400


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.filled(requests_per_minute=FEW, token_requests_per_minute=2 * FEW)


def at(api: ApiHarness, client: ApiClient, address: str) -> ApiClient:
    """Return the same caller at another address."""
    transport = httpx.ASGITransport(api.app, client=(address, 1))
    return ApiClient(httpx.AsyncClient(transport=transport, base_url="http://gradesync.test"), client.token)


async def start_preview(client: ApiClient, api: ApiHarness) -> httpx.Response:
    return await client.post(f"{api.path}/syncs", {"dry_run": True})


async def test_a_teachers_excess_requests_get_a_retry_after(api: ApiHarness) -> None:
    teacher, colleague = await api.teacher(), await api.teacher(api.world.classrooms[1])
    assert [(await start_preview(teacher, api)).status_code for _ in range(FEW)] == [202] * FEW
    response = await start_preview(teacher, api)
    expect_problem(response, 429, "too-many-requests")
    assert 1 <= int(response.headers["retry-after"]) <= 60 / FEW
    response = await teacher.ask("PATCH", f"{api.path}/assignments/1", json={"sync_to_sis": False})
    expect_problem(response, 429, "too-many-requests")
    assert (await teacher.get(f"{api.path}/syncs")).status_code == 200
    other_path = f"/sections/{api.world.classrooms[1].section.id}/syncs"
    assert (await colleague.post(other_path, {"dry_run": True})).status_code == 202


async def test_costly_reads_count_like_changes(api: ApiHarness) -> None:
    teacher = await api.teacher()
    assert [(await teacher.get(f"{api.path}/history")).status_code for _ in range(FEW)] == [200] * FEW
    for path in ("history", "statement"):
        expect_problem(await teacher.get(f"{api.path}/{path}"), 429, "too-many-requests")
    expect_problem(await start_preview(teacher, api), 429, "too-many-requests")
    operator = await api.operator()
    path, query = "/students/5790000/scores", {"section": api.section}
    assert {(await operator.get(path, **query)).status_code for _ in range(FEW)} == {404}
    expect_problem(await operator.get(path, **query), 429, "too-many-requests")


async def test_another_address_or_launch_has_the_same_limit(
    api: ApiHarness,
) -> None:
    teacher = await api.teacher()
    for _ in range(FEW):
        await start_preview(teacher, api)
    expect_problem(await start_preview(at(api, teacher, "192.0.2.9"), api), 429, "too-many-requests")
    expect_problem(await start_preview(await api.teacher(), api), 429, "too-many-requests")


async def test_a_districts_client_has_the_limit_of_many_teachers(api: ApiHarness) -> None:
    office = await api.office()
    responses = [await office.post("/connections/check/nothing") for _ in range(2 * FEW)]
    assert {response.status_code for response in responses} == {404}
    assert {(await start_preview(office, api)).status_code for _ in range(2 * FEW)} == {202}


async def test_token_requests_are_limited_by_client_and_address(api: ApiHarness) -> None:
    client, other_client = await api.client("syncs:read"), await api.client("syncs:read")

    async def ask(credentials: tuple[str, str], address: str) -> httpx.Response:
        client = at(api, api.anonymous, address)
        return await client.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=credentials
        )

    responses = [await ask(client, f"192.0.2.{number}") for number in range(2 * FEW)]
    assert {response.status_code for response in responses} == {200}
    response = await ask(client, "192.0.2.99")
    expect_oauth_error(response, 429, "temporarily_unavailable", "too-many-token-requests")
    assert int(response.headers["retry-after"]) >= 1
    for _ in range(2 * FEW):
        assert (await ask(("gs_nobody", "x"), "198.51.100.1")).status_code == 401
    response = await ask(other_client, "198.51.100.1")
    expect_oauth_error(response, 429, "temporarily_unavailable", "too-many-token-requests")
    assert (await ask(other_client, "198.51.100.2")).status_code == 200


async def test_without_redis_a_process_limits_by_itself() -> None:
    limits = Limits(Redis.from_url("redis://127.0.0.1:1"))
    waits = [await limits.wait("request", "somebody", FEW) for _ in range(FEW + 2)]
    assert waits[:FEW] == [0.0] * FEW
    assert all(waits[FEW:])
    assert await limits.wait("request", "somebody else", FEW) == 0.0


async def test_a_silent_redis_opens_no_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with open_redis(
            f"redis://127.0.0.1:{silent.getsockname()[1]}/0", patience_seconds=REDIS_SECONDS
        ) as redis:
            limits = Limits(redis)
            waits = await asyncio.gather(*(limits.wait("request", "somebody", FEW) for _ in range(400)))
    assert waits.count(0.0) == FEW


async def test_a_busy_process_opens_no_limit(redis_url: str) -> None:
    def block() -> None:
        time.sleep(BUSY)

    async with open_redis(redis_url, patience_seconds=PATIENCE) as redis:
        limits, loop = Limits(redis), asyncio.get_running_loop()
        loop.call_later(0.0, block)
        # So few a minute that none more comes due while the process is busy; one may be due in a millisecond.
        waits = await asyncio.gather(*(limits.wait("request", "somebody", FEW) for _ in range(400)))
        assert 0 < waits.count(0.0) <= FEW
        assert redis.problem is None


async def test_processes_share_a_limit(redis_url: str) -> None:
    async with (
        open_redis(redis_url, patience_seconds=BUSY_REDIS_SECONDS) as redis,
        open_redis(redis_url, patience_seconds=BUSY_REDIS_SECONDS) as other,
    ):
        waits = [await Limits(one).wait("request", "somebody", FEW) for one in (redis, other) * FEW]
    assert waits.count(0.0) == FEW


@pytest.mark.parametrize("shared", [True, False])
async def test_clock_that_goes_back_locks_nobody_out(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    tomorrow = time.time() + A_DAY
    url = redis_url if shared else "redis://127.0.0.1:1"
    async with open_redis(url, patience_seconds=BUSY_REDIS_SECONDS) as redis:
        limits = Limits(redis)
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: tomorrow)
            waits = [await limits.wait("request", "somebody", FEW) for _ in range(FEW + 1)]
        assert (waits.count(0.0), 0 < waits[-1] <= 60 / FEW) == (FEW, True)
        for one in (limits, Limits(redis)):
            assert await one.wait("request", "somebody", FEW) <= 60 / FEW


async def test_clock_of_redis_that_goes_back_locks_nobody_out(redis_url: str) -> None:
    async with open_redis(redis_url, patience_seconds=BUSY_REDIS_SECONDS) as redis:
        await Limits(redis).wait("request", "somebody", FEW)
        (key,) = await redis.keys(f"{PREFIX}*")
        move_on = redis.register_script("redis.call('HINCRBY', KEYS[1], 'tat1', ARGV[1])")
        await move_on(keys=[key], args=[A_DAY * 1_000_000])
        waits = [await Limits(redis).wait("request", "somebody", FEW) for _ in range(FEW + 1)]
    assert (waits.count(0.0), 0 < waits[-1] <= 60 / FEW) == (FEW, True)


async def test_every_kind_of_response_has_safe_headers(api: ApiHarness) -> None:
    broken = APIRouter()

    @broken.get("/broken")
    async def fail() -> None:
        raise ZeroDivisionError("5790000")

    api.app.router.routes[0:0] = broken.routes
    transport = httpx.ASGITransport(api.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gradesync.test") as http:
        responses = {
            "page": await http.get("/docs"),
            "found": await http.get("/healthz"),
            "document": await http.get("/openapi.json"),
            "not found": await http.get("/nowhere"),
            "refused": await http.get("/syncs"),
            "not allowed": await http.delete("/syncs"),
            "too large": await http.post("/oauth/token", data={"scope": "x" * 1_100_000}),
            "crashed": await http.get("/broken"),
        }
    expect_problem(responses["crashed"], 500, "internal-error")
    expect_problem(responses["too large"], 413, "body-too-large")
    for name, response in responses.items():
        assert response.headers["x-content-type-options"] == "nosniff", name
        assert response.headers["referrer-policy"] == "no-referrer", name
        assert response.headers["cache-control"] == "no-store", name
        assert "max-age" in response.headers["strict-transport-security"], name
        assert "default-src 'none'" in response.headers["content-security-policy"], name
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"], name


async def test_the_docs_page_loads_only_its_own_files(api: ApiHarness) -> None:
    page = await api.http.get("/docs")
    assert "//" not in page.text.replace("<!doctype html>", "")
    script = next(
        part for part in page.headers["content-security-policy"].split("; ") if part.startswith("script-src")
    )
    assert script == "script-src 'self'"
    assert "<script>" not in page.text
    for name, media_type in (
        ("start.js", "text/javascript"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
    ):
        assert f"docs/{name}" in page.text
        asset = await api.http.get(f"/docs/{name}")
        assert (asset.status_code, asset.headers["content-type"].partition(";")[0]) == (200, media_type)
    expect_problem(await api.http.get("/docs/redoc.standalone.js"), 404, "not-found")
