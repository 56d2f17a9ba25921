"""Test that HEAD is answered as GET, without the body."""

from harness.api import ApiClient, ApiHarness, expect_problem

OPEN = ("/healthz", "/readyz", "/metrics", "/problems/sync-in-progress", "/openapi.json")
CHANGING = {"date", "x-request-id", "content-length"}


async def ask_both(who: ApiClient, path: str) -> None:
    got, head = await who.get(path), await who.ask("HEAD", path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert {name: value for name, value in head.headers.items() if name not in CHANGING} == {
        name: value for name, value in got.headers.items() if name not in CHANGING
    }
    assert int(head.headers["content-length"])


async def test_a_monitor_may_send_head(api: ApiHarness) -> None:
    for path in OPEN:
        await ask_both(api.anonymous, path)


async def test_head_needs_the_token_that_get_needs(api: ApiHarness) -> None:
    office = await api.office()
    for path in ("/syncs", f"{api.path}/syncs", f"{api.path}/syncs/nothing", "/nowhere"):
        await ask_both(office, path)
    assert (await api.anonymous.ask("HEAD", "/syncs")).status_code == 401


async def test_head_opens_no_stream_and_changes_nothing(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    before = await api.rows()
    events = await office.ask("HEAD", sync["links"]["events"])
    assert (events.status_code, events.headers["allow"]) == (405, "GET")
    assert (await office.ask("HEAD", "/oauth/token")).headers["allow"] == "POST"
    refused = await office.ask("DELETE", f"{api.path}/syncs")
    expect_problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"] == "GET, HEAD, POST"
    assert await api.rows() == before
