"""Test how periodic tasks end, and how their failures are counted."""

import asyncio

import structlog.testing
from prometheus_client import REGISTRY

from gradesync.observability.periodic import cancel_all, run_periodically


async def lose(cancellations: int) -> None:
    """Lose so many cancellations, as some libraries lose one."""
    for _ in range(cancellations):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def test_task_that_loses_a_cancellation_is_canceled_again() -> None:
    task = asyncio.create_task(lose(2))
    await asyncio.sleep(0)
    await cancel_all([task], again_after=0.01)
    assert task.done()


async def test_task_that_never_ends_is_logged_and_abandoned() -> None:
    task = asyncio.create_task(lose(1000))
    await asyncio.sleep(0)
    with structlog.testing.capture_logs() as lines:
        await cancel_all([task], again_after=0.01)
    assert not task.done()
    assert [(line["event"], line["task"]) for line in lines] == [("task does not end", task.get_name())]
    assert "test_periodic.py" in lines[0]["stack"][0]
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)


def failures(task: str) -> float:
    return REGISTRY.get_sample_value("gradesync_periodic_failures_total", {"task": task}) or 0.0


async def test_failure_is_counted_by_task() -> None:
    # With PostgreSQL away nothing else is counted: no sync settles, and the gauges of the queue stand still.
    tried, before = asyncio.Event(), failures("sweep")

    async def fail() -> None:
        tried.set()
        raise ConnectionRefusedError

    async with run_periodically("sweep", fail, seconds=60):
        await tried.wait()
    assert failures("sweep") == before + 1
