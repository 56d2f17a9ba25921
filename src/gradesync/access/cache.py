"""Cache values in this process for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Load values with `load`, and keep each for `seconds`, at most `limit` of them.

    Callers who need the same value at the same time share one load. Errors are never kept.
    """

    def __init__(self, load: Callable[[K], Awaitable[V]], *, seconds: float, limit: int = 1000) -> None:
        self._load = load
        self._seconds = seconds
        self._limit = limit
        self._entries: OrderedDict[K, tuple[float, asyncio.Future[V]]] = OrderedDict()

    async def get(self, key: K) -> V:
        """Return the value of `key`. Raises what `load` raises."""
        entry = self._entries.get(key)
        if entry is None or monotonic() - entry[0] >= self._seconds or _has_failed(entry[1]):
            entry = self._start(key)
        return await asyncio.shield(entry[1])

    def forget(self, key: K) -> None:
        """Drop the value of `key`."""
        self._entries.pop(key, None)

    def _start(self, key: K) -> tuple[float, asyncio.Future[V]]:
        entry = (monotonic(), asyncio.ensure_future(self._load(key)))
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)
        return entry


def _has_failed(value: "asyncio.Future[V]") -> bool:
    return value.done() and (value.cancelled() or value.exception() is not None)
