"""Run what a process does again and again until it ends; a failure doesn't end it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from prometheus_client import Counter
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from gradesync.errors import DatabaseAway, name_cause

FAILURES = Counter("gradesync_periodic_failures_total", "Failed runs of periodic tasks.", ["task"])

log = structlog.get_logger(__name__)

MAX_DOUBLINGS = 3
CANCEL_AGAIN_SECONDS = 3.0
MAX_CANCELS = 5


@asynccontextmanager
async def run_periodically(
    name: str, action: Callable[[], Awaitable[object]], *, seconds: float, overlapping: bool = False
) -> AsyncIterator[None]:
    """Run an action every so many seconds while the block lasts. After failures the pauses are longer.

    `overlapping`: begin it anew also while it is under way, for actions that leave out what is.
    """
    rounds: set[asyncio.Task[bool]] = set()
    task = asyncio.create_task(_repeat(name, action, seconds, rounds, overlapping), name=name)
    try:
        yield
    finally:
        await cancel_all([task])
        await cancel_all(rounds)


async def cancel_all(
    tasks: Iterable[asyncio.Task[Any]], *, again_after: float = CANCEL_AGAIN_SECONDS
) -> None:
    """Cancel tasks until they have ended. A task that never ends is logged with its stack, and abandoned."""
    # Libraries lose a cancellation that meets a timeout of their own: hence more than once.
    canceled = running = set(tasks)
    for _ in range(MAX_CANCELS):
        if not running:
            break
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=again_after)
    for task in running:
        stack = [f"{frame.f_code.co_filename}:{frame.f_lineno}" for frame in task.get_stack()]
        log.error("task does not end", task=task.get_name(), stack=stack)
    await asyncio.gather(*(canceled - running), return_exceptions=True)


async def _repeat(
    name: str,
    action: Callable[[], Awaitable[object]],
    seconds: float,
    rounds: set[asyncio.Task[bool]],
    overlapping: bool,
) -> None:
    failures = 0
    while True:
        rounds.add(asyncio.create_task(_survive(name, action), name=name))
        ended, _ = await asyncio.wait(rounds, timeout=seconds if overlapping else None)
        rounds -= ended
        failures = 0 if all(each.result() for each in ended) else failures + 1
        await asyncio.sleep(seconds * 2 ** min(failures, MAX_DOUBLINGS))


async def _survive(name: str, action: Callable[[], Awaitable[object]]) -> bool:
    """Run an action; False where it failed, which is logged."""
    try:
        await action()
    except Exception as error:
        log_failure(name, error)
        return False
    return True


def log_failure(task: str, error: Exception) -> None:
    """Log and count a failure that the process survives: in full, unless a server or the network was away.

    `task` is one of the names that our own code gives to periodic tasks.
    """
    FAILURES.labels(task).inc()
    if isinstance(error, DatabaseAway | DBAPIError | RedisError | OSError):
        log.warning("periodic task failed", task=task, error=name_cause(error))
    else:
        log.error("periodic task failed", task=task, exc_info=error)
