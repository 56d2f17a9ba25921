"""Test that requests which make work wake a worker behind their response, and before they are over."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradesync.wakeup import Wakeup
from harness.api import ApiClient, ApiHarness, expect_problem

PAUSED = {"section": "1", "reason": "Term ends."}


@dataclass(frozen=True)
class RecordedWakeup(Wakeup):
    """Record a wake-up, and send none."""

    events: list[str]

    async def notify(self, district_id: str) -> None:
        self.events.append(f"wake-up of {district_id}")


def record(app: ASGIApp, events: list[str]) -> ASGIApp:
    """Record when the application has sent a response, and when it ends."""

    async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_recorded(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                events.append("response")

        await app(scope, receive, send_recorded)
        events.append("over")

    return recorded


@contextmanager
def recording(api: ApiHarness) -> Iterator[tuple[httpx.AsyncClient, list[str]]]:
    events: list[str] = []
    api.app.state.runtime = replace(api.runtime, wakeup=RecordedWakeup(api.runtime.wakeup.redis, 8, events))
    transport = httpx.ASGITransport(record(api.app, events))
    yield httpx.AsyncClient(transport=transport, base_url=str(api.http.base_url)), events
    api.app.state.runtime = api.runtime


async def _prepare(api: ApiHarness, who: ApiClient, route: str) -> tuple[str, str, object]:
    if route == "undo":
        settled = await api.sync(who)
        return "POST", f"{api.path}/undo", {"sync": settled["id"], "dry_run": True}
    if route == "pause":
        paused = await who.post("/pause", PAUSED)
        return "DELETE", f"/pause/{paused.json()['id']}", None
    return "POST", f"{api.path}/syncs", {}


@pytest.mark.parametrize("route", ["syncs", "undo", "pause"])
async def test_worker_is_woken_behind_the_response(api: ApiHarness, route: str) -> None:
    office = await api.office()
    method, path, body = await _prepare(api, office, route)
    with recording(api) as (http, events):
        answer = await ApiClient(http, office.token).ask(method, path, json=body)
    assert answer.is_success, answer.text
    assert events == ["response", f"wake-up of {api.district.id}", "over"]


async def test_refused_requests_wake_nobody(api: ApiHarness) -> None:
    office = await api.office()
    await office.post(f"{api.path}/syncs", {})
    with recording(api) as (http, events):
        client = ApiClient(http, office.token)
        expect_problem(await client.post(f"{api.path}/syncs", {}), 409, "sync-in-progress")
        gone = "/pause/01980000-0000-7000-8000-000000000000"
        expect_problem(await client.ask("DELETE", gone), 404, "pause-not-found")
    assert events == ["response", "over"] * 2
