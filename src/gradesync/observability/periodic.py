"""What a process does again and again for as long as it lives, and survives when it goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Counter
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

FAILED = Counter(
    "gradesync_periodic_failures_total", "What a process does again and again and could not.", ["what"]
)

log = structlog.get_logger(__name__)

MOST_DOUBLINGS = 3
CANCEL_AGAIN_SECONDS = 3.0
MOST_CANCELS = 5


@asynccontextmanager
async def repeated(name: str, do: Callable[[], Awaitable[object]], *, seconds: float) -> AsyncIterator[None]:
    """Do something every so many seconds while the block lasts. After failures it takes longer pauses."""
    task = asyncio.create_task(_rounds(name, do, seconds), name=name)
    try:
        yield
    finally:
        await end([task])


async def end(tasks: Iterable[asyncio.Task[None]], *, again_after: float = CANCEL_AGAIN_SECONDS) -> None:
    """Cancel tasks until they have ended: libraries lose a cancellation that meets a timeout of their own.

    What has not ended by the last time is told, with where it stands, and left behind.
    """
    ending = left = set(tasks)
    for _ in range(MOST_CANCELS):
        if not left:
            break
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_after)
    for task in left:
        stands = [f"{frame.f_code.co_filename}:{frame.f_lineno}" for frame in task.get_stack()]
        log.error("does not end", what=task.get_name(), stands=stands)
    await asyncio.gather(*(ending - left), return_exceptions=True)


async def _rounds(name: str, do: Callable[[], Awaitable[object]], seconds: float) -> None:
    failures = 0
    while True:
        try:
            await do()
            failures = 0
        except Exception as error:
            failures += 1
            tell(name, error)
        await asyncio.sleep(seconds * 2 ** min(failures, MOST_DOUBLINGS))


def tell(what: str, error: Exception) -> None:
    """Tell a failure that the process survives: in full, unless a server or the network was away.

    `what` is one of the names that our own code gives to rounds.
    """
    FAILED.labels(what).inc()
    if isinstance(error, DBAPIError | RedisError | OSError | TimeoutError):
        log.warning("failed", what=what, error=type(error).__name__)
    else:
        log.error("failed", what=what, exc_info=error)
