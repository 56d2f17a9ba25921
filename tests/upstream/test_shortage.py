"""Test calls for which this process has no descriptor or connection left: the upstream is not to blame."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from gradesync.errors import Retriable
from gradesync.observability import descriptors
from gradesync.upstream import client, limits
from gradesync.upstream.egress import open_client
from harness.scripted_upstream import Rig, drip, respond

OK = respond(200, b"fine")
SOON = 0.01


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SHORTAGE_PAUSE", timedelta(seconds=SOON))


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_call_without_a_descriptor_opens_no_circuit(rig: Rig) -> None:
    upstream = rig.upstream(OK)
    with no_descriptor_left(), pytest.raises(Retriable) as raised:
        await upstream.call("make", "POST", "/thing", content=b"{}", repeatable=False)
    assert raised.value.retry_at is not None
    assert (rig.server.seen, rig.budget.reports, rig.permit.lost) == ([], [], [])
    assert (await upstream.call("make", "POST", "/thing", content=b"{}", repeatable=False)).status == 200


async def test_call_without_a_connection_opens_no_circuit(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_client(allow_private_network=True, connections=1) as client_of_one:
        upstream = replace(rig.upstream(drip(0.01)), transport=client_of_one.transport)
        taking = asyncio.create_task(upstream.call("read", "GET", "/thing", repeatable=True))
        while not rig.server.seen:
            await asyncio.sleep(0)
        monkeypatch.setattr(limits, "CONNECT_SECONDS", SOON)
        with pytest.raises(Retriable) as raised:
            await upstream.call("make", "POST", "/thing", content=b"{}", repeatable=False)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
    assert raised.value.retry_at is not None
    assert (len(rig.server.seen), rig.budget.reports) == (1, [])


@pytest.mark.parametrize(
    ("allowed", "share"), [(256, 64), (1024, 100), (resource.RLIM_INFINITY, 100), (2, 1)]
)
def test_share_of_few_descriptors_is_small(monkeypatch: pytest.MonkeyPatch, allowed: int, share: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
    assert descriptors.limit_share(100, 4) == share
