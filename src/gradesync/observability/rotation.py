"""Serve districts in turns: the failure of one, again and again, takes nothing from the others."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import NamedTuple

from redis.exceptions import RedisError
from structlog.contextvars import bound_contextvars

from gradesync.errors import DatabaseAway
from gradesync.observability.periodic import log_failure

FIRST_REST_SECONDS = 2.0
LONGEST_REST_SECONDS = 60.0


class Failure(NamedTuple):
    """Count a district's failures in a row. `until`: when it may be served again, by the backoff's clock."""

    times: int
    until: float


class Backoff:
    """Let districts rest that failed at a task: for seconds at first, and for a minute at most.

    `failures` is empty where none failed lately.
    """

    def __init__(self, task: str, clock: Callable[[], float] = monotonic) -> None:
        self.failures: dict[str, Failure] = {}
        self._task = task
        self._clock = clock

    def order(self, waiting: Iterable[str]) -> list[str]:
        """Return those that wait and don't rest, in their order; at last those that failed before."""
        now = self._clock()
        ready = [id_ for id_ in waiting if id_ not in self.failures or self.failures[id_].until <= now]
        return sorted(ready, key=self._failed_at)

    def note_success(self, district_id: str) -> None:
        """Forget that the district failed."""
        self.failures.pop(district_id, None)

    def note_failure(self, district_id: str, error: Exception) -> None:
        """Log a failure, after which the district rests.

        Raises the error where others fail too: a server is away. Nobody rests then, but another comes first.
        """
        times, now = self.failures.get(district_id, Failure(0, 0.0)).times, self._clock()
        if concerns_all(error):
            self.failures[district_id] = Failure(times, now)
            raise error
        rest = min(FIRST_REST_SECONDS * 2.0**times, LONGEST_REST_SECONDS)
        self.failures[district_id] = Failure(times + 1, now + rest)
        with bound_contextvars(district=district_id):
            log_failure(self._task, error)

    def _failed_at(self, district_id: str) -> float:
        return self.failures[district_id].until if district_id in self.failures else float("-inf")


class Rotation:
    """Serve all districts that wait, each once a round, and at most `at_once` at the same time.

    Rounds may overlap: a later one leaves out the districts that an earlier one still serves.
    """

    def __init__(self, task: str, at_once: int = 1, clock: Callable[[], float] = monotonic) -> None:
        self._backoff = Backoff(task, clock)
        self._at_once = at_once
        self._busy: set[str] = set()

    async def serve(self, waiting: Iterable[str], act: Callable[[str], Awaitable[int]]) -> int:
        """Serve a round; return the sum of what `act` returned.

        Raises the error of a server that is away, once what is under way has ended: no other district is
        begun then.
        """
        served: list[int] = []
        away: list[Exception] = []
        queue = iter(self._backoff.order(waiting))

        async def serve_next() -> None:
            for district_id in queue:
                if away:
                    return
                if district_id in self._busy:
                    continue
                try:
                    served.append(await self._serve_one(district_id, act))
                except Exception as error:
                    away.append(error)

        await asyncio.gather(*(serve_next() for _ in range(self._at_once - len(self._busy))))
        if away:
            raise away[0]
        return sum(served)

    async def _serve_one(self, district_id: str, act: Callable[[str], Awaitable[int]]) -> int:
        """Serve a district. Raises the errors that concern all."""
        self._busy.add(district_id)
        try:
            with bound_contextvars(district=district_id):
                done = await act(district_id)
        except Exception as error:
            self._backoff.note_failure(district_id, error)
            return 0
        finally:
            self._busy.discard(district_id)
        self._backoff.note_success(district_id)
        return done


def concerns_all(error: Exception) -> bool:
    """Return whether an error shows a server that is away, and not what only one district meets."""
    if isinstance(error, DatabaseAway):
        return error.concerns_all
    return isinstance(error, RedisError | OSError)
