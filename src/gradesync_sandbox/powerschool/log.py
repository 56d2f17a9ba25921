"""Log every call to the simulator, and every score row with its effect."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Effect = Literal["written", "unchanged", "cleared", "refused", "dropped"]


@dataclass(slots=True)
class WrittenScore:
    """Record one row of a score write. `value` is the text as sent, None for a blank."""

    assignmentid: int | None
    assignmentsectionid: int
    studentsdcid: int
    value: str | None
    effect: Effect


@dataclass(slots=True)
class Call:
    """Record one request.

    `at` is the arrival on the monotonic clock; `status` None means not answered yet.
    """

    at: float
    kind: str
    method: str
    path: str
    query: str
    status: int | None = None
    rows: list[WrittenScore] = field(default_factory=list)
    created: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)


@dataclass
class RequestLog:
    """Record calls in the order of their arrival, and how many were under way at once."""

    calls: list[Call] = field(default_factory=list)
    in_flight: int = 0
    max_in_flight: int = 0

    def arrive(self, call: Call) -> None:
        """Record an arrival."""
        self.calls.append(call)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def leave(self) -> None:
        """Record that a call was answered, or its connection ended."""
        self.in_flight -= 1

    def of(self, *kinds: str) -> list[Call]:
        """Return the calls of these kinds."""
        return [call for call in self.calls if call.kind in kinds]

    def counts(self) -> dict[str, int]:
        """Count calls by kind."""
        return dict(Counter(call.kind for call in self.calls))

    def score_rows(self) -> list[WrittenScore]:
        """Return every score row that was sent, in order."""
        return [row for call in self.calls for row in call.rows]

    def effects(self) -> dict[str, int]:
        """Count score rows by effect."""
        return dict(Counter(row.effect for row in self.score_rows()))

    def max_in_window(self, seconds: float) -> int:
        """Return the most calls that arrived within any `seconds`."""
        return most_in_window((call.at for call in self.calls), seconds)

    def clear(self) -> None:
        """Forget past calls, but not those under way."""
        self.calls.clear()
        self.max_in_flight = self.in_flight


def most_in_window(arrivals: Iterable[float], seconds: float) -> int:
    """Return the most of these ascending moments that lie less than `seconds` apart."""
    window: deque[float] = deque()
    most = 0
    for at in arrivals:
        window.append(at)
        while at - window[0] >= seconds:
            window.popleft()
        most = max(most, len(window))
    return most
