"""Plan scheduled syncs: the next window of a schedule, how its syncs spread over it, and when they end.

A window is meant in the district's time, by the rules of RFC 5545: of a time that the clocks show twice the
first counts, and one that they leave out is read by the offset before the gap.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import floor
from typing import NamedTuple

# The share of the key's budget that syncs of the district take where they are many: teachers have the rest.
SHARE = 0.5
# The time that the last sync of a window needs: none starts later than so long before its end.
LAST_SYNC = timedelta(minutes=3)
LONGEST = timedelta(days=9)  # from any moment to the end of a window on the only day of a schedule


class Window(NamedTuple):
    """Hold the beginning and the end of one occurrence, in UTC."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Times:
    """Describe when a schedule runs: on `days` (1 is Monday), by the district's clock.

    A window that ends at its beginning, or before it, ends on the next day.
    """

    days: Set[int]
    begins: time
    ends: time

    def next_window(self, after: datetime, zone: tzinfo) -> Window:
        """Return the first window that begins after that moment."""
        first = after.astimezone(zone).date()
        days = (first + timedelta(days=number) for number in range(LONGEST.days))
        windows = (self._window(day, zone) for day in days if day.isoweekday() in self.days)
        return next(window for window in windows if window.begins > after)

    def move_to(self, zone: tzinfo, begins: datetime, before: tzinfo) -> Window:
        """Return the window of that day by the clock of `zone`; it `begins` by that of `before`."""
        return self._window(begins.astimezone(before).date(), zone)

    def _window(self, day: date, zone: tzinfo) -> Window:
        last = day if self.ends > self.begins else day + timedelta(days=1)
        begins, ends = _in_utc(day, self.begins, zone), _in_utc(last, self.ends, zone)
        # Where the clocks pass over its beginning and not its end, it keeps its length.
        length = datetime.combine(last, self.ends) - datetime.combine(day, self.begins)
        return Window(begins, ends if ends > begins else begins + length)


def _in_utc(day: date, moment: time, zone: tzinfo) -> datetime:
    # With fold 0, Python reads times that exist twice, and times that do not, as RFC 5545 does.
    return datetime.combine(day, moment, tzinfo=zone).astimezone(UTC)


class Spread(NamedTuple):
    """Describe how syncs spread over a window: one `every` so many seconds, and `room` for so many.

    `finishes_by`: the time by which the last of them has ended.
    """

    every: float
    room: int
    finishes_by: datetime

    def due(self, begins: datetime, now: datetime) -> int:
        """Return how many syncs may have begun by now, of a window that begins then."""
        if now < begins:
            return 0
        passed = (now - begins).total_seconds()
        return min(self.room, 1 + floor(passed / self.every)) if self.every else self.room


def forecast(begins: datetime, sections: int, seconds_per_sync: float) -> datetime:
    """Return when a run without a window has probably ended, at the share of the key's budget."""
    return begins + timedelta(seconds=sections * seconds_per_sync / SHARE) + LAST_SYNC


def spread(window: Window, sections: int, seconds_per_sync: float) -> Spread:
    """Spread syncs evenly over a window, no faster than the share of the key's budget allows.

    `seconds_per_sync` is the time in which the whole budget has room for one. Where the window has not room
    for all, as many begin as it has room for.
    """
    usable = max(0.0, (window.ends - window.begins - LAST_SYNC).total_seconds())
    fastest = seconds_per_sync / SHARE
    every = max(fastest, usable / sections) if sections else fastest
    room = min(sections, 1 + floor(usable / every))
    last = window.begins + timedelta(seconds=every * max(0, room - 1))
    return Spread(every, room, last + LAST_SYNC)
