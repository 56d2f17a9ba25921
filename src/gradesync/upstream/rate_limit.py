"""Define how many calls an upstream may be sent in how long, and a process's own count of them."""

import time
from collections import deque
from dataclasses import dataclass

REUSE_SECONDS = 0.05
TRAVEL_SECONDS = 0.05  # how much longer one call may travel than the one before it, at least
LOCAL_SHARES = 4


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Allow at most `limit` calls in any `window` seconds.

    `reuse_seconds`: for so long a reserved slot is as good as one that is taken when the call is sent.
    """

    limit: int
    window: float
    reuse_seconds: float = 0.0


def per_window(limit: int, seconds: float) -> RateLimit:
    """Return a rate limit 10 % below an upstream's own."""
    # The longer window covers the way to the upstream, and how long ago a slot may have been reserved.
    longer = max(0.03 * seconds, TRAVEL_SECONDS + REUSE_SECONDS)
    return RateLimit(max(1, limit * 9 // 10), seconds + longer, REUSE_SECONDS)


def minimum_interval(milliseconds: int) -> RateLimit | None:
    """Return the rate limit of an upstream with a minimum interval between calls; None where it has none."""
    return RateLimit(1, milliseconds / 1000 * 1.1) if milliseconds else None


class LocalFallback:
    """Count this process's own calls against a part of a rate limit, while Redis is away."""

    def __init__(self, rate: RateLimit | None) -> None:
        self.limit = max(1, rate.limit // LOCAL_SHARES) if rate else 0
        self._window = rate.window if rate else 0.0
        self._sent: deque[float] = deque(maxlen=self.limit or 1)
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """Allow no calls for so many seconds."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def wait(self, cost: int) -> float:
        """Return the seconds until `cost` slots are free; 0 where they are taken now."""
        now = time.monotonic()
        cost = min(cost, self.limit)
        free = self.limit - len(self._sent)
        oldest = self._sent[cost - free - 1] if cost > free else float("-inf")
        wait = max(self._paused_until, oldest + self._window) - now
        if wait <= 0:
            self._sent.extend([now] * cost)
        return max(wait, 0.0)

    def remaining(self) -> float:
        """Return the seconds until the last call that Redis doesn't know of has left the window."""
        if not self._sent:
            return 0.0
        wait = self._sent[-1] + self._window - time.monotonic()
        if wait <= 0:
            self._sent.clear()
        return max(wait, 0.0)
