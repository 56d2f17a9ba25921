"""Answers kept in this process for a while, so that one question is asked once."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Asks `ask` for what it does not know, keeps the answer for `seconds`, and holds at most `most`.

    Those who want the same thing at the same time share one question. Errors are never kept.
    """

    def __init__(self, ask: Callable[[K], Awaitable[V]], *, seconds: float, most: int = 1000) -> None:
        self._ask = ask
        self._seconds = seconds
        self._most = most
        self._known: OrderedDict[K, tuple[float, asyncio.Future[V]]] = OrderedDict()

    async def get(self, key: K) -> V:
        """What `ask` answers for `key`. Raises what `ask` raises."""
        known = self._known.get(key)
        if known is None or monotonic() - known[0] >= self._seconds or _useless(known[1]):
            known = self._start(key)
        return await asyncio.shield(known[1])

    def forget(self, key: K) -> None:
        self._known.pop(key, None)

    def _start(self, key: K) -> tuple[float, asyncio.Future[V]]:
        known = (monotonic(), asyncio.ensure_future(self._ask(key)))
        self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return known


def _useless(answer: "asyncio.Future[V]") -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)
