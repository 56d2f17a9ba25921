"""Test ordered faults, as httpx sees them over a real socket."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from gradesync_sandbox.faults import (
    Body,
    Delay,
    Effect,
    Fault,
    Faults,
    Hold,
    Kill,
    LoseAfter,
    RefuseBefore,
    Status,
    Truncate,
)
from gradesync_sandbox.faulty import with_faults
from gradesync_sandbox.powerschool.app import create_app
from gradesync_sandbox.powerschool.kinds import kind_of
from gradesync_sandbox.serving import Served
from harness.powerschool_client import District

ANSWER = b'{"answer": "of some length"}'


@dataclass
class Counter:
    """Count calls, and do nothing else."""

    done: int = 0
    happened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        self.done += 1
        self.happened.set()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER})


@dataclass
class Target:
    """Hold a served counter, the faults around it and a client to it. The call's kind is its path."""

    app: Counter
    faults: Faults
    http: httpx.AsyncClient

    def order(self, effect: Effect, call: str = "*", nth: int | None = None, times: int | None = 1) -> None:
        self.faults.add(Fault("powerschool", call, effect, nth, times))

    async def call(self, kind: str = "write") -> httpx.Response:
        return await self.http.post(f"/{kind}", json={"some": "body"})


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    app, faults = Counter(), Faults()
    faulty = with_faults(app, "powerschool", faults, lambda method, path, query: path.strip("/"))
    served = Served(faulty, "127.0.0.1")
    await served.start()
    async with httpx.AsyncClient(base_url=served.url) as http:
        yield Target(app, faults, http)
    await served.stop()


async def test_without_faults_calls_go_through(target: Target) -> None:
    assert (await target.call()).content == ANSWER
    assert (target.app.done, target.faults.struck) == (1, [])


@pytest.mark.parametrize(("effect", "done"), [(RefuseBefore(), 0), (LoseAfter(), 1)])
async def test_cut_connection_gives_no_response(target: Target, effect: Effect, done: int) -> None:
    target.order(effect)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await target.call()
    assert target.app.done == done
    assert (await target.call()).status_code == 200


async def test_replaced_response_does_nothing(target: Target) -> None:
    target.order(Status(503, "busy", {"retry-after": "7", "content-type": "text/plain"}))
    answer = await target.call()
    assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (503, "busy", "7")
    assert answer.headers["content-type"] == "text/plain"
    assert target.app.done == 0


async def test_broken_off_response_is_a_protocol_error(target: Target) -> None:
    target.order(Truncate(keep=5))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        await target.call()
    assert target.app.done == 1


async def test_honestly_short_response_is_merely_broken(target: Target) -> None:
    target.order(Truncate(keep=5, honest=True))
    assert (await target.call()).content == ANSWER[:5]


async def test_body_can_be_html_gigantic_or_slow(target: Target) -> None:
    target.order(Body("<html>down for maintenance</html>"))
    answer = await target.call()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    assert answer.text.startswith("<html>")
    target.order(Body("x" * 1000, repeat=5000, headers={"content-type": "application/json"}))
    assert len((await target.call()).content) == 5_000_000
    target.order(Body("drop", drip=0.001, done=False))
    assert (await target.call()).text == "drop"
    assert target.app.done == 2


@pytest.mark.parametrize(("done", "expected"), [("before", 1), ("after", 0)])
async def test_held_call_is_done_before_or_after_the_wait(target: Target, done: str, expected: int) -> None:
    target.order(Hold(done=done))  # type: ignore[arg-type]
    call = asyncio.create_task(target.call())
    await target.faults.until_held()
    assert (target.app.done, call.done()) == (expected, False)
    target.faults.release()
    assert (await call).content == ANSWER
    assert target.app.done == 1


@pytest.mark.parametrize("done", ["before", "after"])
async def test_late_call_answers_in_the_end(target: Target, done: str) -> None:
    target.order(Delay(0.001, done=done))  # type: ignore[arg-type]
    assert (await target.call()).content == ANSWER
    assert target.app.done == 1


async def test_late_call_is_done_even_if_the_caller_gave_up(target: Target) -> None:
    target.order(Hold(done="after"))
    with pytest.raises(httpx.ReadTimeout):
        await target.http.post("/write", timeout=httpx.Timeout(5, read=0.01))
    assert target.app.done == 0
    target.faults.release()
    await target.app.happened.wait()
    assert target.app.done == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_process_can_be_killed_around_a_call(target: Target, when: str) -> None:
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
    target.order(Kill(victim.pid, when=when))  # type: ignore[arg-type]
    assert (await target.call()).content == ANSWER
    assert await victim.wait() == -signal.SIGKILL
    assert target.app.done == 1


async def test_signal_can_be_one_that_a_process_survives(target: Target) -> None:
    target.order(Kill(os.getpid(), signal=0))
    assert (await target.call()).status_code == 200


async def test_rules_count_strike_and_match_by_kind(target: Target) -> None:
    await target.call()
    target.order(Status(500), call="write", nth=2, times=2)
    target.order(Status(404), call="schema.*", times=None)
    kinds = ["write", "read", "write", "write", "write", "schema.cc", "schema.terms"]
    statuses = [(await target.call(kind)).status_code for kind in kinds]
    assert statuses == [200, 200, 500, 500, 200, 404, 404]
    assert [hit.kind for hit in target.faults.struck] == ["write", "write", "schema.cc", "schema.terms"]


async def test_every_rule_counts_and_the_first_strike_decides(target: Target) -> None:
    target.order(Status(500))
    target.order(Status(503), nth=2)
    assert [(await target.call()).status_code for _ in range(3)] == [500, 503, 200]


async def test_other_systems_rules_and_cleared_ones_do_not_strike(target: Target) -> None:
    target.faults.add(Fault("schoology", "*", Status(500), times=None))
    assert (await target.call()).status_code == 200
    target.order(Hold(), times=None)
    call = asyncio.create_task(target.call())
    await target.faults.until_held()
    target.faults.clear()
    assert (await call).status_code == 200
    assert (await target.call()).status_code == 200


@pytest.mark.parametrize("effect", [RefuseBefore(), Truncate(keep=3)])
async def test_cut_in_process_raises_the_same_error(effect: Effect) -> None:
    faults = Faults([Fault("powerschool", "v1.metadata", effect)])
    district = District()
    app = with_faults(create_app(district.sis), "powerschool", faults, kind_of)
    token = district.sis.tokens.issue(60)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sis.example") as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("/ws/v1/metadata")
        headers = {"authorization": f"Bearer {token}"}
        assert (await http.get("/ws/v1/metadata", headers=headers)).status_code == 200


async def test_lost_response_leaves_the_create_done() -> None:
    district = District()
    faults = Faults([Fault("powerschool", "assignment.create", LoseAfter())])
    served = Served(with_faults(create_app(district.sis), "powerschool", faults, kind_of), "127.0.0.1")
    await served.start()
    client = district.client()
    headers = client.http.headers
    async with httpx.AsyncClient(base_url=served.url, headers=headers) as client.http:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.create()
        (listed,) = (await client.list()).json()
        assert listed["createdbyplugin"] == "744"
    assert [call.status for call in district.sis.log.of("assignment.create")] == [201]
    await served.stop()
