"""Share one call budget per upstream between all workers, through Redis."""

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from redis.asyncio import Redis

from gradesync.core.ports import BudgetState
from gradesync.errors import Retriable
from gradesync.redis_client.pool import is_away, redis_optional
from gradesync.upstream.limits import CircuitBreaker, LocalFallback, RateLimit, loop_time

PREFIX = "gradesync:budget:"
KNOWN_SINCE = f"{PREFIX}known_since"
# Seconds for which a budget without a limit is taken to be clear. A pause that another process has set
# meanwhile is for calls that were on their way too.
CLEAR_SECONDS = 0.25

# A sliding window on Redis's own clock, decided in one script: limiters that count up to the client's clock
# let two workers pass that ask in the same millisecond.
#
# Where Redis knows no budgets, or times to come, as after its clock went back, everybody waits one window.
#
# KEYS: slots, pause, known since, failures; then of each budget whose circuit has to be closed: that circuit,
# pause, failures. ARGV: limit (0: none), window in µs, cost, a unique name, and the names of reserved slots
# that are given back for it. Returns the µs to wait (0: the slots are taken, by that name and a number; -1: a
# circuit is open), the failures, and then of each of those budgets the µs of its pause and its failures.
READ_TIME = "local time = redis.call('TIME')"
TAKE = (
    READ_TIME
    + """
local now = time[1] * 1000000 + time[2]
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local failures = tonumber(redis.call('GET', KEYS[4]) or 0)
local taken = {0, failures}
for i = 5, #KEYS - 2, 3 do
  if redis.call('EXISTS', KEYS[i]) > 0 then return {-1, failures} end
  taken[#taken + 1] = tonumber(redis.call('GET', KEYS[i + 1]) or 0) - now
  taken[#taken + 1] = tonumber(redis.call('GET', KEYS[i + 2]) or 0)
end
local pause = tonumber(redis.call('GET', KEYS[2]) or 0) - now
local wait = pause
if limit > 0 then
  local since = tonumber(redis.call('GET', KEYS[3]) or now + 1)
  for i = 5, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
  local over = redis.call('ZCARD', KEYS[1]) + cost - limit
  if over > 0 then
    local blocking = redis.call('ZRANGE', KEYS[1], over - 1, over - 1, 'WITHSCORES')
    wait = math.max(wait, blocking[2] + window - now)
    if tonumber(blocking[2]) > now then since = now + 1 end
  end
  if since > now then
    redis.call('DEL', KEYS[1])
    redis.call('SET', KEYS[3], string.format('%.0f', now))
    wait = math.max(pause, window)
  else
    wait = math.max(wait, since + window - now)
  end
end
if wait > 0 then return {wait, failures} end
if limit > 0 then
  for i = 1, cost do redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[4] .. ':' .. i) end
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1000)
end
return taken
"""
)

# KEYS: pause. ARGV: µs. A pause never shortens another.
PAUSE = """
local time = redis.call('TIME')
local ends = time[1] * 1000000 + time[2] + tonumber(ARGV[1])
if ends > tonumber(redis.call('GET', KEYS[1]) or 0) then
  redis.call('SET', KEYS[1], string.format('%.0f', ends), 'PX', math.ceil(ARGV[1] / 1000) + 1)
end
"""


async def initialize(redis: Redis) -> None:
    """Note the time on a Redis that knows of no budgets yet, so that the first sync need not wait for it."""
    with redis_optional("initialize budgets"):
        seconds, micros = await redis.time()
        await redis.set(KNOWN_SINCE, seconds * 1_000_000 + micros, nx=True)


class _Slot(NamedTuple):
    """Name a reserved slot, with the monotonic time before which it was taken."""

    name: str
    at: float


class CallBudget:
    """Limit the calls to one upstream of one district. Every worker opens its own, by one key.

    `rate` None: no limit, only pauses and the circuit. Where Redis has lost its budgets, everybody waits one
    window first, for the calls sent before; while Redis is away, each process goes on with a fourth of the
    rate.
    """

    def __init__(
        self,
        redis: Redis,
        key: str,
        rate: RateLimit | None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.circuit = CircuitBreaker(redis, key)
        self._redis = redis
        self._rate = rate
        self._clock = clock
        self._slots_key, self._pause_key = (f"{PREFIX}{key}:{name}" for name in ("slots", "pause"))
        self._take_call = redis.register_script(TAKE)
        self._extend = redis.register_script(PAUSE)
        self._turn = asyncio.Lock()
        self._local = LocalFallback(rate)
        self._is_shared = True
        self._paused_at = self._clear_at = float("-inf")
        self._reserved: deque[_Slot] = deque()

    async def acquire(self, cost: int = 1, until: datetime | None = None) -> None:
        """Wait for `cost` slots, first come first served; `Retriable` where they come after `until`."""
        if self._is_clear():
            return
        if reserved := self._pop_reserved(cost):
            if len(reserved) == cost and self._are_reusable(reserved):
                return
            if not await self._wait(cost, [slot.name for slot in reserved]):
                return
        async with self._in_turn(until):
            # Those that waited for their turn ask no more, where the one before them was answered.
            while not self._is_clear() and (wait := await self._wait(cost)):
                ready = self._clock() + timedelta(seconds=wait)
                if until is not None and ready > until:
                    raise Retriable("the call budget is spent", retry_at=ready)
                await asyncio.sleep(wait)

    def _is_clear(self) -> bool:
        """Return True where only a pause of others could be in the way, and none was there just now."""
        return self._rate is None and self._clear_at > max(loop_time() - CLEAR_SECONDS, self._paused_at)

    async def try_reserve(self, cost: int, *, leaving: int = 0, closed: Sequence["CallBudget"] = ()) -> bool:
        """Take slots for calls that follow soon, without waiting; False where there are too few.

        `leaving`: so many must stay for others, as far as the budget has room for both. `closed`: False where
        the circuit of one of these budgets is open. A call that doesn't follow at once gives its slot back
        and takes one at its own time: the window stays exact.
        """
        name, requested_at = uuid.uuid4().hex, loop_time()
        if self._turn.locked() or await self._wait(cost, name=name, leaving=leaving, closed=closed):
            return False
        if self._rate is not None:
            limit = self._rate.limit if self._is_shared else self._local.limit
            numbers = range(1, min(cost, limit) + 1)
            self._reserved.extend(_Slot(f"{name}:{number}", requested_at) for number in numbers)
        return True

    async def give_back(self, cost: int) -> None:
        """Give back slots that `try_reserve` took: nobody will call with them."""
        slots = self._pop_newest(cost)
        if slots:
            with redis_optional("give slots back"):
                await self._redis.zrem(self._slots_key, *[slot.name for slot in slots])

    async def pause(self, seconds: float) -> None:
        """Let nobody call this upstream for so many seconds."""
        self._paused_at = loop_time()
        self._local.pause(seconds)
        with redis_optional("pause calls"):
            await self._extend(keys=[self._pause_key], args=[int(seconds * 1_000_000)])

    async def report(self, ok: bool) -> None:
        """Record in the circuit whether a call succeeded."""
        await self.circuit.record(ok)

    async def read_state(self) -> BudgetState | None:
        """Return the state that all workers share; None while Redis is away."""
        rate = self._rate or RateLimit(0, 0.0)
        with redis_optional("read a budget"):
            seconds, micros = await self._redis.time()
            now = seconds * 1_000_000 + micros
            used = await self._redis.zcount(self._slots_key, now - int(rate.window * 1_000_000), "+inf")
            paused_until = int(await self._redis.get(self._pause_key) or 0)
            return BudgetState(
                limit=rate.limit or None,
                window=rate.window,
                used=used,
                paused_seconds=max(0, paused_until - now) / 1_000_000,
                circuit_open=await self.circuit.is_open(),
            )
        return None

    @asynccontextmanager
    async def _in_turn(self, until: datetime | None) -> AsyncIterator[None]:
        timeout = None if until is None else max((until - self._clock()).total_seconds(), 0.0)
        try:
            async with asyncio.timeout(timeout):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Retriable("the call budget is spent", retry_at=until) from error
        try:
            yield
        finally:
            self._turn.release()

    async def _wait(
        self,
        cost: int,
        given_back: Sequence[str] = (),
        *,
        name: str = "",
        leaving: int = 0,
        closed: Sequence["CallBudget"] = (),
    ) -> float:
        """Return the seconds until there is room; 0 where the slots are taken, -1 where a circuit is open."""
        if not is_away(self._redis):
            with redis_optional("take a slot"):
                wait = self._local.remaining() or await self._shared_wait(
                    cost, given_back, name, leaving, closed
                )
                self._is_shared = True
                return wait
        self._is_shared = False
        return -1 if any(each.circuit.is_open_here() for each in closed) else self._local.wait(cost)

    async def _shared_wait(
        self, cost: int, given_back: Sequence[str], name: str, leaving: int, closed: Sequence["CallBudget"]
    ) -> float:
        limit, window = (self._rate.limit, self._rate.window) if self._rate else (0, 0.0)
        limit -= max(0, min(leaving, limit - cost))
        micros: int
        failures: int
        others: list[int]
        asked_at = loop_time()
        states = [key for each in closed for key in each.state_keys]
        micros, failures, *others = await self._take_call(
            keys=[self._slots_key, self._pause_key, KNOWN_SINCE, self.circuit.failures_key, *states],
            args=[limit, int(window * 1_000_000), self._clamped(cost), name or uuid.uuid4().hex, *given_back],
        )
        self._note_state(micros, failures, asked_at)
        for each, pause, failed in zip(closed, others[::2], others[1::2], strict=False):
            each._note_state(pause, failed, asked_at)
        return micros / 1_000_000

    @property
    def state_keys(self) -> tuple[str, str, str]:
        """Return the keys of the circuit, the pause and the failures."""
        return self.circuit.open_key, self._pause_key, self.circuit.failures_key

    def _note_state(self, wait: int, failures: int, asked_at: float) -> None:
        self.circuit.failing = failures > 0
        if wait <= 0:
            self._clear_at = asked_at

    def _clamped(self, cost: int) -> int:
        return min(cost, self._rate.limit) if self._rate else cost

    def _pop_reserved(self, cost: int) -> Sequence[_Slot]:
        """Take reserved slots for one call; drop those of a past window."""
        window = self._rate.window if self._rate else 0.0
        while self._reserved and self._reserved[0].at + window < loop_time():
            self._reserved.popleft()
        return self._pop_newest(cost)

    def _pop_newest(self, cost: int) -> Sequence[_Slot]:
        # The newest: slots that nobody calls with, as after a claim that failed, would be handed on for ever.
        return [self._reserved.pop() for _ in range(min(cost, len(self._reserved)))]

    def _are_reusable(self, slots: Sequence[_Slot]) -> bool:
        """Return whether slots may be used as they are: a pause since then may be for their calls too."""
        reuse_seconds = self._rate.reuse_seconds if self._rate else 0.0
        since = max(loop_time() - reuse_seconds, self._paused_at)
        return all(slot.at > since for slot in slots)
