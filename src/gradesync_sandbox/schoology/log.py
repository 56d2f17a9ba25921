"""Log calls to the simulated Schoology in the order of arrival."""

from collections import Counter, deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Call:
    """Record one request.

    `at` is its arrival on the monotonic clock; `status` None means not answered yet.
    """

    at: float
    kind: str
    method: str
    path: str
    query: str
    key: str = ""
    cost: int = 1
    status: int | None = None
    inner: list[str] = field(default_factory=list)


@dataclass
class RequestLog:
    calls: list[Call] = field(default_factory=list)

    def arrive(self, call: Call) -> None:
        self.calls.append(call)

    def of(self, *kinds: str) -> list[Call]:
        """Return the calls of these kinds."""
        return [call for call in self.calls if call.kind in kinds]

    def counts(self) -> dict[str, int]:
        """Count calls by kind."""
        return dict(Counter(call.kind for call in self.calls))

    def max_in_window(self, seconds: float, key: str | None = None) -> int:
        """Return the most credits that arrived within any `seconds`, of one key or of all together."""
        window: deque[Call] = deque()
        spent = most = 0
        for call in self.calls:
            if key not in (None, call.key):
                continue
            window.append(call)
            spent += call.cost
            while call.at - window[0].at >= seconds:
                spent -= window.popleft().cost
            most = max(most, spent)
        return most

    def clear(self) -> None:
        self.calls.clear()
