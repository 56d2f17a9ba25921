"""How what runs in rounds ends, and what is counted of it."""

import asyncio

import structlog.testing
from prometheus_client import REGISTRY

from gradesync.observability.periodic import cancel_all, run_periodically


async def holds_on(cancellations: int) -> None:
    """A task that loses so many cancellations, as some libraries lose one."""
    for _ in range(cancellations):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    task = asyncio.create_task(holds_on(2))
    await asyncio.sleep(0)
    await cancel_all([task], again_after=0.01)
    assert task.done()


async def test_a_task_that_never_ends_is_told_and_left_behind() -> None:
    task = asyncio.create_task(holds_on(1000))
    await asyncio.sleep(0)
    with structlog.testing.capture_logs() as told:
        await cancel_all([task], again_after=0.01)
    assert not task.done()
    assert [(line["event"], line["what"]) for line in told] == [("does not end", task.get_name())]
    assert "test_rounds.py" in told[0]["stands"][0]
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)


def failures(what: str) -> float:
    return REGISTRY.get_sample_value("gradesync_periodic_failures_total", {"what": what}) or 0.0


async def test_a_round_that_fails_is_counted_by_what_it_does() -> None:
    """With PostgreSQL away nothing else is: no sync settles, and the gauges of the queue stand still."""
    tried, before = asyncio.Event(), failures("sweep")

    async def fail() -> None:
        tried.set()
        raise ConnectionRefusedError

    async with run_periodically("sweep", fail, seconds=60):
        await tried.wait()
    assert failures("sweep") == before + 1
