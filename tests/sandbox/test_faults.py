"""Ordered faults, as httpx sees them over a real socket."""

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
    """An app whose only effect is to count."""

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
class Place:
    """A served counter, the faults around it and a client to it. The call's kind is its path."""

    app: Counter
    faults: Faults
    http: httpx.AsyncClient

    def order(self, effect: Effect, call: str = "*", nth: int | None = None, times: int | None = 1) -> None:
        self.faults.add(Fault("powerschool", call, effect, nth, times))

    async def call(self, kind: str = "write") -> httpx.Response:
        return await self.http.post(f"/{kind}", json={"some": "body"})


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    app, faults = Counter(), Faults()
    faulty = with_faults(app, "powerschool", faults, lambda method, path, query: path.strip("/"))
    served = Served(faulty, "127.0.0.1")
    await served.start()
    async with httpx.AsyncClient(base_url=served.url) as http:
        yield Place(app, faults, http)
    await served.stop()


async def test_without_faults_calls_go_through(place: Place) -> None:
    assert (await place.call()).content == ANSWER
    assert (place.app.done, place.faults.struck) == (1, [])


@pytest.mark.parametrize(("effect", "done"), [(RefuseBefore(), 0), (LoseAfter(), 1)])
async def test_a_cut_connection_is_no_answer_at_all(place: Place, effect: Effect, done: int) -> None:
    place.order(effect)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await place.call()
    assert place.app.done == done
    assert (await place.call()).status_code == 200


async def test_an_answer_can_be_replaced_and_nothing_is_done(place: Place) -> None:
    place.order(Status(503, "busy", {"retry-after": "7", "content-type": "text/plain"}))
    answer = await place.call()
    assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (503, "busy", "7")
    assert answer.headers["content-type"] == "text/plain"
    assert place.app.done == 0


async def test_an_answer_that_breaks_off_is_a_protocol_error(place: Place) -> None:
    place.order(Truncate(keep=5))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        await place.call()
    assert place.app.done == 1


async def test_an_answer_that_ends_early_honestly_is_merely_broken(place: Place) -> None:
    place.order(Truncate(keep=5, honest=True))
    assert (await place.call()).content == ANSWER[:5]


async def test_a_body_can_be_html_with_200_gigantic_or_slow(place: Place) -> None:
    place.order(Body("<html>down for maintenance</html>"))
    answer = await place.call()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    assert answer.text.startswith("<html>")
    place.order(Body("x" * 1000, repeat=5000, headers={"content-type": "application/json"}))
    assert len((await place.call()).content) == 5_000_000
    place.order(Body("drop", drip=0.001, done=False))
    assert (await place.call()).text == "drop"
    assert place.app.done == 2


@pytest.mark.parametrize(("done", "expected"), [("before", 1), ("after", 0)])
async def test_a_held_call_is_done_before_or_after_the_wait(place: Place, done: str, expected: int) -> None:
    place.order(Hold(done=done))  # type: ignore[arg-type]
    call = asyncio.create_task(place.call())
    await place.faults.until_held()
    assert (place.app.done, call.done()) == (expected, False)
    place.faults.release()
    assert (await call).content == ANSWER
    assert place.app.done == 1


@pytest.mark.parametrize("done", ["before", "after"])
async def test_a_late_call_answers_in_the_end(place: Place, done: str) -> None:
    place.order(Delay(0.001, done=done))  # type: ignore[arg-type]
    assert (await place.call()).content == ANSWER
    assert place.app.done == 1


async def test_a_late_call_is_done_even_if_the_caller_gave_up(place: Place) -> None:
    place.order(Hold(done="after"))
    with pytest.raises(httpx.ReadTimeout):
        await place.http.post("/write", timeout=httpx.Timeout(5, read=0.01))
    assert place.app.done == 0
    place.faults.release()
    await place.app.happened.wait()
    assert place.app.done == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_process_can_be_killed_around_a_call_which_then_goes_on(place: Place, when: str) -> None:
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
    place.order(Kill(victim.pid, when=when))  # type: ignore[arg-type]
    assert (await place.call()).content == ANSWER
    assert await victim.wait() == -signal.SIGKILL
    assert place.app.done == 1


async def test_a_signal_can_be_one_that_a_process_survives(place: Place) -> None:
    place.order(Kill(os.getpid(), signal=0))
    assert (await place.call()).status_code == 200


async def test_rules_count_from_now_strike_so_often_and_match_by_kind(place: Place) -> None:
    await place.call()
    place.order(Status(500), call="write", nth=2, times=2)
    place.order(Status(404), call="schema.*", times=None)
    kinds = ["write", "read", "write", "write", "write", "schema.cc", "schema.terms"]
    statuses = [(await place.call(kind)).status_code for kind in kinds]
    assert statuses == [200, 200, 500, 500, 200, 404, 404]
    assert [hit.kind for hit in place.faults.struck] == ["write", "write", "schema.cc", "schema.terms"]


async def test_every_rule_counts_and_the_first_that_strikes_decides(place: Place) -> None:
    place.order(Status(500))
    place.order(Status(503), nth=2)
    assert [(await place.call()).status_code for _ in range(3)] == [500, 503, 200]


async def test_rules_of_another_system_do_not_strike_and_cleared_ones_are_gone(place: Place) -> None:
    place.faults.add(Fault("schoology", "*", Status(500), times=None))
    assert (await place.call()).status_code == 200
    place.order(Hold(), times=None)
    call = asyncio.create_task(place.call())
    await place.faults.until_held()
    place.faults.clear()
    assert (await call).status_code == 200
    assert (await place.call()).status_code == 200


@pytest.mark.parametrize("effect", [RefuseBefore(), Truncate(keep=3)])
async def test_in_process_the_same_error_stands_in_for_the_cut(effect: Effect) -> None:
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


async def test_powerschool_loses_the_answer_to_a_create_that_it_made() -> None:
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
