"""What a process does again and again for as long as it lives, and survives when it goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger(__name__)

MOST_DOUBLINGS = 3
CANCEL_AGAIN_SECONDS = 3.0


@asynccontextmanager
async def repeated(name: str, do: Callable[[], Awaitable[object]], *, seconds: float) -> AsyncIterator[None]:
    """Do something every so many seconds while the block lasts. After failures it takes longer pauses."""
    task = asyncio.create_task(_rounds(name, do, seconds), name=name)
    try:
        yield
    finally:
        await end([task])


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: libraries lose a cancellation that meets a timeout of their own."""
    ending = left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_SECONDS)
    await asyncio.gather(*ending, return_exceptions=True)


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
    """Log a failure that the process survives: in full, unless a server or the network was away."""
    if isinstance(error, DBAPIError | RedisError | OSError | TimeoutError):
        log.warning("failed", what=what, error=type(error).__name__)
    else:
        log.error("failed", what=what, exc_info=error)
