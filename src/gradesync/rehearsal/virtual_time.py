"""Run coroutines on a clock that jumps: what would wait for a time is there at once."""

import asyncio
import concurrent.futures
import selectors
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Never wait for a time, and note how long one would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; where nothing is, let the time pass."""
        events = super().select(None if timeout is None else 0)
        if not events and timeout:
            self.now += timeout
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Jump to the next timer whenever nothing can run. Its coroutines may wait for timers alone."""

    def __init__(self) -> None:
        self._clock = _Jumping()
        super().__init__(self._clock)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._clock.now


def run_virtually(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a clock of its own. Needs a thread that has no running loop."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


async def run_beside(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine like `run_virtually`, in a thread. Canceled, cancel it too, and wait for its end."""
    begun: concurrent.futures.Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]]
    begun = concurrent.futures.Future()

    async def begin() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a runner runs a task
        begun.set_result((asyncio.get_running_loop(), task))
        return await coroutine

    thread = asyncio.create_task(asyncio.to_thread(run_virtually, begin()))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        loop, task = await asyncio.wrap_future(begun)
        with suppress(RuntimeError):  # by now it is over
            loop.call_soon_threadsafe(task.cancel)
        await asyncio.wait([thread])
        raise
