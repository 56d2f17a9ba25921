"""Test that every response and log line has the id of its request."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from gradesync_sandbox.faults import Fault, Status
from harness.api import ApiHarness

HEADER = "x-request-id"


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """Capture the log lines of a test."""
    with capture_logs(processors=[merge_contextvars]) as logged:
        yield logged
    structlog.contextvars.clear_contextvars()


async def test_every_response_has_a_unique_id(api: ApiHarness) -> None:
    paths = ("/healthz", "/syncs", "/nowhere", "/lti/jwks", "/sections/1/syncs")
    ids = [(await api.http.get(path)).headers[HEADER] for path in paths]
    too_large = await api.http.post("/sections/1/syncs", content=b"x" * 2_000_000)
    assert too_large.status_code == 413
    ids.append(too_large.headers[HEADER])
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{32}", id_) for id_ in ids)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("0199f2c4-7b1e-7c55-9a39-1f2d3c4b5a69", True),
        ("a.gateway_1", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("two words", False),
        ('"quoted"', False),
        ("a\tb", False),
        ("", False),
    ],
)
async def test_a_well_formed_request_id_is_adopted(api: ApiHarness, given: str, taken: bool) -> None:
    response = await api.http.get("/healthz", headers={HEADER: given})
    assert (response.headers[HEADER] == given) == taken


async def test_log_lines_of_a_request_have_its_id_and_district(api: ApiHarness, lines: list[Any]) -> None:
    teacher = await api.teacher()
    api.sandbox.faults.add(Fault("schoology", "*", Status(503)))
    lines.clear()
    response = await teacher.ask("GET", f"{api.path}/assignments", headers={HEADER: "the-one"})
    await teacher.ask("POST", f"{api.path}/syncs", headers={HEADER: "the-other"})
    assert response.status_code == 200
    logged = {(line["event"], line["request_id"], line["district"]) for line in lines}
    assert {request for _, request, _ in logged} == {"the-one", "the-other"}
    assert {district for _, _, district in logged} == {api.district.id}
    assert {"upstream call", "sync.requested"} <= {event for event, _, _ in logged}


async def test_log_lines_of_a_sync_have_its_id_and_district(api: ApiHarness, lines: list[Any]) -> None:
    teacher = await api.teacher()
    response = await teacher.post(f"{api.path}/syncs")
    api.sandbox.faults.add(Fault("powerschool", "assignment.list", Status(503)))
    structlog.contextvars.clear_contextvars()  # a worker has no request
    lines.clear()
    await api.run_queued()
    assert {"upstream call", "sync.settled"} <= {line["event"] for line in lines}
    logged = {(line.get("sync"), line.get("district"), line.get("request_id")) for line in lines}
    assert logged == {(response.json()["id"], api.district.id, None)}
