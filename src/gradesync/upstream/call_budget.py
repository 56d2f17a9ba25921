"""One call budget per upstream, shared by all workers through Redis, and a circuit that opens when it fails.

The budget is a sliding window on Redis's own clock, decided in one script: limiters that count up to the
client's clock let two workers pass that ask in the same millisecond.
"""

import asyncio
import time
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gradesync.errors import Retriable
from gradesync.upstream.budget import Budget

PREFIX = "gradesync:pace:"
BORN = f"{PREFIX}born"
OPENED = f"{PREFIX}opened"
"""The circuits that opened lately: where to look, not whether they are open."""
SHARES = 4
OUTAGE_SECONDS = 15.0
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 30.0
FAILURES_KEPT_SECONDS = 600

# KEYS: places, pause, born, failures. ARGV: limit (0: none), window in µs, cost, a unique name, and the names
# of reserved places that are given back for it. Answers the µs to wait (0: the places are taken, by that name
# and a number) and the failures of the circuit.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local failures = tonumber(redis.call('GET', KEYS[4]) or 0)
local wait = tonumber(redis.call('GET', KEYS[2]) or 0) - now
if limit > 0 then
  local born = redis.call('GET', KEYS[3])
  if not born then
    born = now
    redis.call('SET', KEYS[3], string.format('%.0f', now))
  end
  wait = math.max(wait, born + window - now)
  for i = 5, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
  local over = redis.call('ZCARD', KEYS[1]) + cost - limit
  if over > 0 then
    local blocking = redis.call('ZRANGE', KEYS[1], over - 1, over - 1, 'WITHSCORES')
    wait = math.max(wait, blocking[2] + window - now)
  end
end
if wait > 0 then return {wait, failures} end
if limit > 0 then
  for i = 1, cost do redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[4] .. ':' .. i) end
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1000)
end
return {0, failures}
"""

# KEYS: pause. ARGV: µs. A pause never shortens another.
PAUSE = """
local time = redis.call('TIME')
local ends = time[1] * 1000000 + time[2] + tonumber(ARGV[1])
if ends > tonumber(redis.call('GET', KEYS[1]) or 0) then
  redis.call('SET', KEYS[1], string.format('%.0f', ends), 'PX', math.ceil(ARGV[1] / 1000) + 1)
end
"""

log = structlog.get_logger(__name__)


async def begin(redis: Redis) -> None:
    """Note the time on a Redis that knows of no budgets yet, so that the first sync need not wait for it."""
    async with _forgiven("begin"):
        seconds, micros = await redis.time()
        await redis.set(BORN, seconds * 1_000_000 + micros, nx=True)


async def open_circuits(redis: Redis) -> Counter[str] | None:
    """How many circuits are open now, by the first part of their keys; None while Redis is away."""
    async with _forgiven("open circuits"):
        names = [name.decode() async for name in redis.sscan_iter(OPENED)]
        opened = await redis.mget(names) if names else []
        found = (name for name, is_open in zip(names, opened, strict=True) if is_open)
        return Counter(name.removeprefix(PREFIX).partition(":")[0] for name in found)
    return None


class _Place(NamedTuple):
    """A reserved place, and the monotonic time before which it was taken."""

    name: str
    at: float


class Pace:
    """The budget and the circuit of one upstream of one district. Every worker opens its own, by one key.

    `budget` None: no bound, only pauses and the circuit. Where the budgets of Redis are lost, everybody
    waits one window first, for what was sent before; while Redis is away, each process goes on with a
    fourth of the budget.
    """

    def __init__(
        self,
        redis: Redis,
        key: str,
        budget: Budget | None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._redis = redis
        self._budget = budget
        self._clock = clock
        names = ("places", "pause", "failures", "open")
        self._places, self._pause, self._failures, self._open = (f"{PREFIX}{key}:{name}" for name in names)
        self._take = redis.register_script(TAKE)
        self._extend = redis.register_script(PAUSE)
        self._turn = asyncio.Lock()
        self._local = _Share(budget)
        self._redis_away_until = 0.0
        self._paused_at = float("-inf")
        self._failing = False
        self._reserved: deque[_Place] = deque()

    async def acquire(self, cost: int = 1, until: datetime | None = None) -> None:
        """Wait for `cost` places, first come first served; `Retriable` where they come after `until`."""
        if reserved := self._reserved_for(cost):
            if len(reserved) == cost and self._are_fresh(reserved):
                return
            if not await self._wait(cost, [place.name for place in reserved]):
                return
        async with self._in_turn(until):
            while wait := await self._wait(cost):
                ready = self._clock() + timedelta(seconds=wait)
                if until is not None and ready > until:
                    raise Retriable("the call budget is spent", retry_at=ready)
                await asyncio.sleep(wait)

    async def try_reserve(self, cost: int, *, leaving: int = 0) -> bool:
        """Take places for calls that follow soon, without waiting; False where there are too few.

        `leaving`: so many must stay for others, as far as the budget holds both. A call that does not follow
        at once gives its place back and takes one at its own time: the window stays exact.
        """
        name, asked = uuid.uuid4().hex, time.monotonic()
        if self._turn.locked() or await self._wait(cost, name=name, leaving=leaving):
            return False
        if self._budget is not None:
            limit = self._local.limit if self._redis_is_away() else self._budget.limit
            places = range(1, min(cost, limit) + 1)
            self._reserved.extend(_Place(f"{name}:{place}", asked) for place in places)
        return True

    async def pause(self, seconds: float) -> None:
        """Nobody calls this upstream for so many seconds."""
        self._paused_at = time.monotonic()
        self._local.pause(seconds)
        async with _forgiven("pause"):
            await self._extend(keys=[self._pause], args=[int(seconds * 1_000_000)])

    async def report(self, ok: bool) -> None:
        """Count a failure, or forget the ones before a success."""
        if ok and not self._failing:
            return
        self._failing = not ok
        async with _forgiven("report"):
            await (self._close() if ok else self._fail())

    async def open(self) -> bool:
        """True while the circuit is open: no new sync should call this upstream now.

        After `OPEN_SECONDS` it is half open: one more failure opens it again, one success closes it.
        """
        async with _forgiven("open"):
            return bool(await self._redis.exists(self._open))
        return False

    async def _close(self) -> None:
        await self._redis.delete(self._failures, self._open)

    async def _fail(self) -> None:
        async with self._redis.pipeline() as pipe:
            pipe.incr(self._failures)
            pipe.expire(self._failures, FAILURES_KEPT_SECONDS)
            count, _ = await pipe.execute()
        if count >= FAILURES_TO_OPEN:
            async with self._redis.pipeline() as pipe:
                pipe.set(self._open, 1, px=int(OPEN_SECONDS * 1000))
                pipe.sadd(OPENED, self._open)
                pipe.expire(OPENED, FAILURES_KEPT_SECONDS)
                await pipe.execute()

    @asynccontextmanager
    async def _in_turn(self, until: datetime | None) -> AsyncIterator[None]:
        left = None if until is None else max((until - self._clock()).total_seconds(), 0.0)
        try:
            async with asyncio.timeout(left):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Retriable("the call budget is spent", retry_at=until) from error
        try:
            yield
        finally:
            self._turn.release()

    async def _wait(
        self, cost: int, given_back: Sequence[str] = (), *, name: str = "", leaving: int = 0
    ) -> float:
        """The seconds until there is room, 0 where the places are taken."""
        if not self._redis_is_away():
            try:
                return self._local.remaining() or await self._shared_wait(cost, given_back, name, leaving)
            except (RedisError, OSError) as error:
                self._redis_away_until = time.monotonic() + OUTAGE_SECONDS
                log.warning("redis is away, pacing by a local share", error=type(error).__name__)
        return self._local.wait(cost)

    async def _shared_wait(self, cost: int, given_back: Sequence[str], name: str, leaving: int) -> float:
        limit, window = (self._budget.limit, self._budget.window) if self._budget else (0, 0.0)
        limit -= max(0, min(leaving, limit - cost))
        micros: int
        failures: int
        micros, failures = await self._take(
            keys=[self._places, self._pause, BORN, self._failures],
            args=[limit, int(window * 1_000_000), self._clamped(cost), name or uuid.uuid4().hex, *given_back],
        )
        self._failing = failures > 0
        return micros / 1_000_000

    def _redis_is_away(self) -> bool:
        return time.monotonic() < self._redis_away_until

    def _clamped(self, cost: int) -> int:
        return min(cost, self._budget.limit) if self._budget else cost

    def _reserved_for(self, cost: int) -> Sequence[_Place]:
        """Reserved places for one call; those of a past window are gone by themselves."""
        window = self._budget.window if self._budget else 0.0
        while self._reserved and self._reserved[0].at + window < time.monotonic():
            self._reserved.popleft()
        return [self._reserved.popleft() for _ in range(min(cost, len(self._reserved)))]

    def _are_fresh(self, places: Sequence[_Place]) -> bool:
        """Whether places may be used as they are: a pause since then may be for their calls too."""
        fresh = self._budget.fresh if self._budget else 0.0
        since = max(time.monotonic() - fresh, self._paused_at)
        return all(place.at > since for place in places)


class _Share:
    """This process's part of a budget, for as long as Redis is away."""

    def __init__(self, budget: Budget | None) -> None:
        self.limit = max(1, budget.limit // SHARES) if budget else 0
        self._window = budget.window if budget else 0.0
        self._sent: deque[float] = deque(maxlen=self.limit or 1)
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def wait(self, cost: int) -> float:
        now = time.monotonic()
        cost = min(cost, self.limit)
        free = self.limit - len(self._sent)
        oldest = self._sent[cost - free - 1] if cost > free else float("-inf")
        wait = max(self._paused_until, oldest + self._window) - now
        if wait <= 0:
            self._sent.extend([now] * cost)
        return max(wait, 0.0)

    def remaining(self) -> float:
        """Seconds until the last call that Redis does not know of has left the window."""
        if not self._sent:
            return 0.0
        wait = self._sent[-1] + self._window - time.monotonic()
        if wait <= 0:
            self._sent.clear()
        return max(wait, 0.0)


@asynccontextmanager
async def _forgiven(what: str) -> AsyncIterator[None]:
    """Redis being away never fails a call to an upstream."""
    try:
        yield
    except (RedisError, OSError) as error:
        log.warning("redis is away", pace=what, error=type(error).__name__)
