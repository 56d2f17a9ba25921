"""Keep the clock of a simulated district: it stands still until a test moves it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class Calendar:
    """Hold the time of both simulators and of gradesync."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        """Return unix seconds, as the simulators' clocks do."""
        return self.moment.timestamp()

    def advance(self, *, days: float = 0, seconds: float = 0) -> None:
        self.moment += timedelta(days=days, seconds=seconds)


def first_day() -> Calendar:
    """Return a calendar that begins in the first week of a school year, at noon in the west of America."""
    return Calendar(datetime(2026, 8, 24, 19, tzinfo=UTC))
