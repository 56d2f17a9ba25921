"""Test what API, page and processes do while the database fails over, is full or locked."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from gradesync.access.tokens import Caller
from gradesync.cli.serving import application
from gradesync.console.sign_in import KIND, SignIn
from gradesync.db import migrate
from gradesync.db.session import Database
from gradesync.lti import browser
from gradesync.lti.logins import save_record
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from harness.api import expect_problem
from harness.apps import lend_app
from harness.commands import run_gradesync
from harness.database_outages import OUTAGES, hanging, open_database, starting_server
from harness.ports import free_port
from harness.processes import start_gradesync, wait_until_ready
from harness.servers import Urls

Outage = Callable[[Urls], AbstractAsyncContextManager[Database]]
TOOL = "http://gradesync.test"
PATIENCE = 30  # far less than the minute that one statement may take
INITIATION = {"iss": "https://nobody.example", "login_hint": "1", "target_link_uri": f"{TOOL}/lti/launch"}


LAUNCH = {"lti_message_type": "basic-lti-launch-request", "lti_version": "LTI-1p0", "oauth_consumer_key": "k"}
LINK = f"riverside.{'x' * 43}"
SETUP = "/console/setup"


def bearer(runtime: Runtime) -> dict[str, str]:
    caller = Caller("riverside", "gs_office", "gs_office", frozenset({"syncs:read"}))
    return {"authorization": f"Bearer {runtime.tokens.issue(caller, timedelta(hours=1))}"}


async def ask_api(http: httpx.AsyncClient, runtime: Runtime) -> list[httpx.Response]:
    form = {"grant_type": "client_credentials"}
    return [
        await http.get("/syncs", headers=bearer(runtime)),
        await http.post("/oauth/token", data=form, auth=("gs_office", "secret")),
    ]


async def ask_pages(http: httpx.AsyncClient, runtime: Runtime) -> list[httpx.Response]:
    key = browser.new_key()
    begun = SignIn("riverside", "https://id.example", "nonce", "verifier", browser.digest(key))
    answer = {"code": "c", "state": await save_record(runtime.redis, KIND, begun, 60)}
    cookie = {"cookie": f"{browser.COOKIE}={key}"}
    return [
        await http.get("/lti/login", params=INITIATION),
        await http.post("/lti/launch", data=LAUNCH),
        await http.get("/lti/jwks"),
        await http.get("/console/sign-in", params={"district": "riverside"}),
        await http.get("/console/callback-riverside", params=answer, headers=cookie),
    ]


async def ask_setup(http: httpx.AsyncClient) -> list[httpx.Response]:
    session = {"authorization": f"Bearer {LINK}"}
    return [
        await http.post(f"{SETUP}/session", json={"link": LINK}),
        await http.get(f"{SETUP}/district", headers=session),
        await http.put(f"{SETUP}/district", json={}, headers=session),
        await http.post(f"{SETUP}/check", json={}, headers=session),
    ]


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.__name__)
async def test_database_that_cannot_be_used_is_503_everywhere(
    settings: Settings, servers: Urls, outage: Outage
) -> None:
    at_home = settings.filled(public_url=TOOL)
    async with (
        open_runtime(at_home, name="tests") as opened,
        outage(servers) as database,
        asyncio.timeout(PATIENCE),
    ):
        runtime = replace(opened, context=replace(opened.context, database=database))
        with lend_app(application, runtime) as app:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=TOOL) as http:
                answers = await ask_api(http, runtime)
                pages = await ask_pages(http, runtime)
                scripts = await ask_setup(http)
    for answer in answers:
        expect_problem(answer, 503, "service-unavailable")
    for kind, found in (("text/html", pages), ("application/json", scripts)):
        kinds = {(each.status_code, each.headers["content-type"].partition(";")[0]) for each in found}
        assert kinds == {(503, kind)}
    assert all(int(answer.headers["retry-after"]) for answer in (*answers, *pages, *scripts))


async def test_process_without_an_answering_database_is_not_ready(settings: Settings, servers: Urls) -> None:
    async with open_runtime(settings, name="tests") as opened, hanging(servers) as database:
        runtime = replace(opened, context=replace(opened.context, database=database))
        with lend_app(application, runtime) as app:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=TOOL) as http:
                assert (await http.get("/readyz")).status_code == 503


async def test_all_who_ask_for_readiness_share_a_check(settings: Settings, servers: Urls) -> None:
    async with (
        open_runtime(settings, name="tests") as opened,
        starting_server(servers.database_url) as server,
        open_database(server.address) as database,
    ):
        runtime = replace(opened, context=replace(opened.context, database=database))
        with lend_app(application, runtime) as app:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=TOOL) as http:
                assert (await http.get("/readyz")).status_code == 503
                once = server.asked
                await asyncio.gather(*(http.get("/readyz") for _ in range(20)))
    assert server.asked <= 2 * once


async def test_process_waits_for_a_database_that_starts(
    settings: Settings, servers: Urls, capsys: pytest.CaptureFixture[str]
) -> None:
    async with starting_server(servers.database_url, times=2) as database:
        address = f"http://127.0.0.1:{free_port()}"
        waiting = settings.model_copy(
            update={"database_url": SecretStr(database.address), "public_url": address}
        )
        words = "serve", "--port", address.rpartition(":")[2]
        async with (
            start_gradesync(waiting.environment(), *words) as api,
            httpx.AsyncClient(base_url=address) as http,
        ):
            await wait_until_ready(http, api)
    logged = capsys.readouterr().err
    assert logged.count("database.awaited") == 1
    assert "Traceback" not in logged


@pytest.mark.long
async def test_waiting_process_ends_on_a_signal(
    settings: Settings, servers: Urls, capsys: pytest.CaptureFixture[str]
) -> None:
    async with starting_server(servers.database_url) as database:
        waiting = settings.model_copy(update={"database_url": SecretStr(database.address)})
        async with start_gradesync(waiting.environment(), "worker"):
            while database.asked < 2:
                await asyncio.sleep(0.05)
    assert "Traceback" not in capsys.readouterr().err


async def test_migration_waits_for_a_database_that_starts(servers: Urls) -> None:
    async with starting_server(servers.migrate_database_url, times=1) as database:
        await migrate.upgrade(database.address, servers.app_role)
        assert database.asked == 2


@pytest.mark.parametrize("outage", OUTAGES[:4], ids=lambda outage: outage.__name__)
async def test_command_without_a_database_reports_it(
    settings: Settings, servers: Urls, outage: Outage
) -> None:
    async with outage(servers) as database:
        url = database.engine.url.render_as_string(hide_password=False)
        environment = settings.model_copy(update={"database_url": SecretStr(url)}).environment()
        result = await run_gradesync("district", "list", environment=environment)
    assert result.code == 1
    assert "The database does not respond" in result.err
