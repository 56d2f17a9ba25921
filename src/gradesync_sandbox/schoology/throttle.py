"""Limit the credits that one key may spend within any window."""

from collections import deque
from dataclasses import dataclass, field
from math import ceil

from gradesync_sandbox.schoology.switches import Switches


@dataclass
class Throttle:
    """Limit calls by a sliding window per key: the strictest reading of `N requests in T seconds`."""

    switches: Switches
    spent: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)

    def wait(self, key: str, cost: int, now: float) -> int | None:
        """Spend `cost` and return None; over the limit, spend nothing and return the whole seconds to wait.

        `now` is on the monotonic clock.
        """
        if self.switches.credits is None:
            return None
        window = self.spent.setdefault(key, deque())
        while window and now - window[0][0] >= self.switches.window_seconds:
            window.popleft()
        if sum(credits for _, credits in window) + cost > self.switches.credits:
            oldest = window[0][0] if window else now
            return max(1, ceil(self.switches.window_seconds - (now - oldest)))
        window.append((now, cost))
        return None
