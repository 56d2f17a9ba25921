"""Let call budgets count on the real Redis, by the virtual time and under names of their own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from gradesync.upstream.call_budget import KNOWN_SINCE, READ_TIME

# The time is the last key of a script: a text for each time would fill the server's memory.
GIVEN_TIME = """
local micros = tonumber(KEYS[#KEYS])
local time = {math.floor(micros / 1000000), micros % 1000000}
"""
EPOCH = 1_000_000_000  # virtual seconds begin after every window


@dataclass(slots=True)
class RehearsalRedis:
    """Stand between a budget on a virtual loop and Redis on `loop`, that of another thread.

    Has the methods of `Redis` that a budget without failures calls. Each waits, in real time, for the answer.
    """

    redis: Redis
    loop: asyncio.AbstractEventLoop
    prefix: str = field(default_factory=lambda: f"gradesync:rehearsal:{uuid4().hex}:")
    _used: set[str] = field(default_factory=set)

    def register_script(self, text: str) -> Callable[..., Awaitable[Any]]:
        """Return a script that reads the virtual time."""
        script = self.redis.register_script(text.replace(READ_TIME, GIVEN_TIME))

        async def call(*, keys: Sequence[str], args: Sequence[Any]) -> Any:
            named = [self.prefix + key for key in keys]
            self._used.update(named)
            micros = int((EPOCH + asyncio.get_running_loop().time()) * 1_000_000)
            # The script deletes slots by the time that it is given, and the server keys by its own.
            return self._wait(script(keys=[*named, str(micros)], args=args))

        return call

    def open(self) -> None:
        """Let the budgets be known since long ago: nothing waits for calls of before."""
        known = self.prefix + KNOWN_SINCE
        self._used.add(known)
        self._wait(self.redis.set(known, 0, ex=3600))

    def close(self) -> None:
        """Remove what was counted."""
        self._wait(self.redis.unlink(*self._used))

    async def exists(self, *_: str) -> int:
        """Report no open circuit."""
        return 0

    async def zrem(self, key: str, *names: str) -> int:
        """Give slots back."""
        removed: int = self._wait(self.redis.zrem(self.prefix + key, *names))
        return removed

    async def zadd(self, *_: Any) -> int:
        """Keep a skipped district out of the metrics."""
        return 0

    def _wait(self, answer: Awaitable[Any]) -> Any:
        async def receive() -> Any:
            return await answer

        return asyncio.run_coroutine_threadsafe(receive(), self.loop).result()
