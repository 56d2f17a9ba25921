"""Test calls to an upstream: which are retried, which are doubtful, which are refused."""

import asyncio
import gzip
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client import REGISTRY

from gradesync.core.reasons import Reason
from gradesync.errors import AnswerLost, LeaseLost, Retriable, SyncStopped
from gradesync.upstream.client import Upstream
from gradesync.upstream.response import CALLS, UpstreamResponse
from harness.errors import expect_stop
from harness.scripted_upstream import AT_ONCE, Act, RecordingPermit, Rig, cut, drip, flood, raw, respond

OK = respond(200, b"fine")
LOST: list[Act] = [cut, respond(500), respond(502), respond(503), respond(504), raw(b"nonsense\r\n\r\n")]


async def read(upstream: Upstream) -> UpstreamResponse:
    return await upstream.call("thing", "GET", "/thing", repeatable=True)


async def write(upstream: Upstream) -> UpstreamResponse:
    return await upstream.call("make", "POST", "/thing", content=b"{}", repeatable=False)


async def test_call_waits_for_its_slot_then_is_signed_and_permitted(rig: Rig) -> None:
    response = await rig.upstream(OK).call(
        "thing", "GET", "/thing", params={"q": "a b"}, repeatable=True, cost=3
    )
    assert (response.status, response.body) == (200, b"fine")
    assert rig.server.events == ["turn", "acquire 3", "permit 5", "sent"]
    assert rig.server.seen[0].line == "GET /v1/thing?q=a+b HTTP/1.1"
    assert rig.server.seen[0].headers["authorization"] == "signature 1"
    assert rig.budget.reports == [True]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 418])
async def test_4xx_is_an_answer(rig: Rig, status: int) -> None:
    assert (await write(rig.upstream(respond(status, b"why")))).body == b"why"
    assert rig.budget.reports == [True]


@pytest.mark.parametrize("lost", LOST)
async def test_read_without_a_response_is_signed_and_sent_again(rig: Rig, lost: Act) -> None:
    assert (await read(rig.upstream(lost, OK))).status == 200
    assert [seen.headers["authorization"] for seen in rig.server.seen] == ["signature 1", "signature 2"]


@pytest.mark.parametrize("lost", LOST)
async def test_read_that_never_gets_a_response_is_retriable(rig: Rig, lost: Act) -> None:
    with pytest.raises(Retriable):
        await read(rig.upstream(lost))
    assert len(rig.server.seen) == AT_ONCE.attempts
    assert (rig.budget.reports, rig.permit.lost) == ([False], [])


@pytest.mark.parametrize("lost", [*LOST, respond(302, location="/v1/thing")])
async def test_write_without_a_response_is_doubtful_and_sent_once(rig: Rig, lost: Act) -> None:
    with pytest.raises(AnswerLost):
        await write(rig.upstream(lost))
    assert len(rig.server.seen) == 1
    assert rig.permit.lost == [5]


async def test_canceled_write_may_still_take_effect(rig: Rig) -> None:
    writing = asyncio.create_task(write(rig.upstream(drip(0.01))))
    while not rig.server.seen:
        await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert rig.permit.lost == [5]


async def test_throttled_write_is_always_sent_again(rig: Rig) -> None:
    assert (await write(rig.upstream(respond(429, retry_after="0"), OK))).status == 200
    assert rig.budget.pauses == [0.0]


async def test_retry_after_pauses_everybody_and_sets_retry_at(rig: Rig) -> None:
    before = datetime.now(UTC)
    with pytest.raises(Retriable) as refused:
        await write(rig.upstream(respond(429, retry_after="90"), OK))
    assert rig.budget.pauses == [90.0]
    assert refused.value.retry_at is not None
    assert refused.value.retry_at >= before + timedelta(seconds=90)
    assert rig.budget.reports == []
    assert len(rig.server.seen) == 1


async def test_retry_after_may_be_a_date_by_the_upstreams_clock(rig: Rig) -> None:
    dated = respond(503, date="Mon, 07 Sep 2026 10:00:00 GMT", retry_after="Mon, 07 Sep 2026 10:02:00 GMT")
    await read(rig.upstream(dated, OK))
    assert rig.budget.pauses == [120.0]


@pytest.mark.parametrize("value", ["", "soon", "-5", "nan", "inf", "1e400"])
async def test_invalid_retry_after_means_one_second(rig: Rig, value: str) -> None:
    with pytest.raises(Retriable):
        await read(rig.upstream(respond(429, retry_after=value), OK, seconds=0.5))
    assert rig.budget.pauses == [1.0]


async def test_pause_is_never_longer_than_an_hour(rig: Rig) -> None:
    with pytest.raises(Retriable):
        await read(rig.upstream(respond(429, retry_after="999999999")))
    assert rig.budget.pauses == [3600.0]


async def test_refused_connection_is_retriable(rig: Rig) -> None:
    upstream = replace(rig.upstream(OK), base_url="http://127.0.0.1:1")
    with pytest.raises(Retriable):
        await write(upstream)
    assert rig.server.events.count("acquire 1") == AT_ONCE.attempts


async def test_slow_response_is_limited_as_a_whole(rig: Rig) -> None:
    assert (await read(rig.upstream(drip(0.01), OK, timeout=0.2))).status == 200
    with pytest.raises(AnswerLost):
        await write(rig.upstream(drip(0.01), timeout=0.2))


@pytest.mark.parametrize("repeatable", [True, False])
async def test_endless_response_is_cut(rig: Rig, repeatable: bool) -> None:
    with pytest.raises(SyncStopped if repeatable else AnswerLost):
        await rig.upstream(flood(200)).call(
            "thing", "GET", "/thing", repeatable=repeatable, max_bytes=1 << 20
        )
    assert len(rig.server.seen) == 1


async def test_endless_refusal_is_a_refusal(rig: Rig) -> None:
    assert len((await write(rig.upstream(flood(409)))).body) == 1 << 20


async def test_compression_does_not_hide_the_size(rig: Rig) -> None:
    body = gzip.compress(b"0" * 8_000_000)
    with expect_stop(Reason.UPSTREAM_ANSWER_UNEXPECTED):
        await rig.upstream(respond(200, body, content_encoding="gzip")).call(
            "thing", "GET", "/thing", repeatable=True, max_bytes=1_000_000
        )


async def test_body_that_does_not_unpack_is_a_lost_answer(rig: Rig) -> None:
    assert (await read(rig.upstream(respond(200, b"no gzip", content_encoding="gzip"), OK))).body == b"fine"


@pytest.mark.parametrize(
    ("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
)
async def test_redirects_on_the_same_host_are_signed_anew(rig: Rig, status: int, method: str) -> None:
    upstream = rig.upstream(respond(status, location="/v1/other?page=2"), OK)
    await upstream.call("thing", "POST", "/thing", content=b"{}", repeatable=True)
    assert [seen.line.split()[:2] for seen in rig.server.seen] == [
        ["POST", "/v1/thing"],
        [method, "/v1/other?page=2"],
    ]
    assert rig.server.seen[1].headers["authorization"] == "signature 2"
    assert rig.server.seen[1].body == (b"{}" if method == "POST" else b"")
    assert rig.server.events.count("permit 5") == 2


@pytest.mark.parametrize(
    "location",
    ["https://127.0.0.1/v1", "http://elsewhere.example/v1", "http://127.0.0.1:1/v1"],
)
async def test_redirects_to_another_host_stop_the_sync(rig: Rig, location: str) -> None:
    with expect_stop(Reason.UPSTREAM_ANSWER_UNEXPECTED) as stopped:
        await read(rig.upstream(respond(302, location=location)))
    assert location not in stopped.value.detail


async def test_redirects_in_a_circle_stop_the_sync(rig: Rig) -> None:
    with expect_stop(Reason.UPSTREAM_ANSWER_UNEXPECTED):
        await read(rig.upstream(respond(302, location="/v1/thing")))
    assert len(rig.server.seen) == 4


async def test_links_are_followed_on_the_upstreams_host_only(rig: Rig) -> None:
    upstream = rig.upstream(OK)
    await upstream.call("thing", "GET", f"{rig.server.url}/v1/next?start=20&limit=20", repeatable=True)
    assert rig.server.seen[0].line == "GET /v1/next?start=20&limit=20 HTTP/1.1"
    for elsewhere in ("https://elsewhere.example/v1", "http://a:b/"):
        with expect_stop(Reason.UPSTREAM_ANSWER_UNEXPECTED):
            await upstream.call("thing", "GET", elsewhere, repeatable=True)


async def test_cookies_of_one_call_are_not_sent_with_another(rig: Rig) -> None:
    upstream = rig.upstream(respond(200, set_cookie="JSESSIONID=1; Path=/"))
    for _ in range(2):
        await read(upstream)
    assert "cookie" not in rig.server.seen[1].headers


async def test_short_lease_sends_nothing(rig: Rig) -> None:
    class Refusal(RecordingPermit):
        async def __call__(self, seconds: float) -> None:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        await write(replace(rig.upstream(OK), permit=Refusal(rig.server)))
    assert rig.server.seen == []


async def test_retries_stop_at_until(rig: Rig) -> None:
    with pytest.raises(Retriable):
        await read(rig.upstream(cut, OK, seconds=-1))
    assert len(rig.server.seen) == 1


def counted(kind: str) -> dict[str, float]:
    """Return the number of calls of that kind by status."""
    labels = {"system": "school", "kind": kind}
    return {
        sample.labels["status"]: sample.value
        for sample in next(iter(CALLS.collect())).samples
        if sample.name.endswith("_total") and labels.items() <= sample.labels.items()
    }


async def test_calls_are_counted_by_system_kind_and_status(rig: Rig) -> None:
    await rig.upstream(respond(503), cut, respond(299)).call("counted", "GET", "/thing", repeatable=True)
    assert counted("counted") == {"503": 1, "lost": 1, "other": 1}
    labels = {"system": "school", "kind": "counted"}
    assert REGISTRY.get_sample_value("gradesync_upstream_retries_total", labels) == 2
    assert REGISTRY.get_sample_value("gradesync_upstream_call_seconds_count", labels) == 3


async def test_call_without_a_response_is_counted_by_its_cause(rig: Rig) -> None:
    async def call(upstream: Upstream, max_bytes: int = 100) -> None:
        with suppress(AnswerLost, SyncStopped, Retriable):
            await upstream.call("unanswered", "POST", "/thing", repeatable=False, max_bytes=max_bytes)

    await call(rig.upstream(drip(0.01), timeout=1))
    await call(rig.upstream(OK), max_bytes=1)
    await call(replace(rig.upstream(OK), base_url="http://127.0.0.1:1"))
    before = len(rig.server.seen)
    given_up = asyncio.create_task(call(rig.upstream(drip(0.01))))
    while len(rig.server.seen) == before:
        await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert counted("unanswered").keys() == {"timeout", "too-large", "unsent", "cancelled"}


async def test_logs_have_no_query_no_body_and_no_signature(
    rig: Rig, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "gradesync.upstream.response")
    await rig.upstream(cut, respond(200, b"a-secret-body")).call(
        "thing", "GET", "/thing", params={"token": "a-secret-query"}, repeatable=True
    )
    output = capsys.readouterr()
    shown = (
        output.out
        + output.err
        + "".join(r.getMessage() for r in caplog.records if r.name == "gradesync.upstream.response")
    )
    assert "thing" in shown
    assert "secret" not in shown
    assert "signature" not in shown


async def test_transport_without_trace_events_leaves_doubt(rig: Rig) -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    with pytest.raises(AnswerLost):
        await write(replace(rig.upstream(OK), transport=httpx.MockTransport(slow)))


class ForgetfulTransport(httpx.AsyncHTTPTransport):
    """Lose a cancellation, as libraries do where it meets a timeout of their own."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sending = asyncio.ensure_future(super().handle_async_request(request))
        with suppress(asyncio.CancelledError):
            return await asyncio.shield(sending)
        return await sending


async def test_call_ends_though_its_cancellation_is_lost(rig: Rig) -> None:
    never = asyncio.Event()

    async def stay_silent(_: asyncio.StreamWriter) -> None:
        await never.wait()

    async with ForgetfulTransport() as transport, asyncio.timeout(30):
        with pytest.raises(AnswerLost):
            await write(replace(rig.upstream(stay_silent, timeout=0.05), transport=transport))
