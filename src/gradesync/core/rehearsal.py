"""Describe the load of a district's busiest hours, and judge how it was carried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil


@dataclass(frozen=True, slots=True)
class SectionLoad:
    """Hold what a sync of a section writes, by its stored syncs: assignments and scores."""

    section_id: str
    assignments: float
    scores: float

    def writes(self, rows_per_write: int) -> int:
        """Return the calls to the SIS that a sync writes with, one after another."""
        return round(self.assignments) + ceil(self.scores / rows_per_write)


@dataclass(frozen=True, slots=True)
class Resources:
    """Hold what carries a load.

    `requests_per_window` is the Schoology key's allowance; `latency` the seconds until a call is answered.
    `processor`: the seconds that a call, with what a sync does beside it, takes of its worker's processor.
    `slots`: syncs that one worker runs at once, `per_district` those of one district over all workers.
    """

    requests_per_window: int
    workers: int
    slots: int
    per_district: int
    latency: float
    processor: float = 0.0


# By which resource a finish can be sooner, in the order in which equals are named.
DOUBLED: Mapping[str, str] = {
    "allowance": "the Schoology key's allowance",
    "per_district": "the syncs of one district at once (GRADESYNC_PER_DISTRICT)",
    "processor": "the worker's processor",
    "workers": "the workers",
    "latency": "the latency of both systems",
}
NOTICEABLE = 0.95  # of the finish: what saves less is no bottleneck


def improve(resources: Resources, what: str) -> Resources:
    """Return resources with one of `DOUBLED` twice as good."""
    match what:
        case "allowance":
            return replace(resources, requests_per_window=2 * resources.requests_per_window)
        case "per_district":
            return replace(resources, per_district=2 * resources.per_district)
        case "processor":
            return replace(resources, processor=resources.processor / 2)
        case "workers":
            return replace(resources, workers=2 * resources.workers)
        case _:
            return replace(resources, latency=resources.latency / 2)


@dataclass(frozen=True, slots=True)
class Played:
    """Hold when each sync ended, in seconds from the beginning.

    `late`: syncs that would have ended at their time limit instead. `sliced`: those that work for longer than
    a slice, and go back to the queue in between.
    """

    ends: Sequence[float]
    late: int
    sliced: int

    @property
    def finish(self) -> float:
        """Return the seconds until the last section is in."""
        return max(self.ends, default=0.0)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Hold how a load was carried: as things are, and with one resource at a time improved.

    `allowances`: by the factor of the key's allowance.
    """

    sections: int
    resources: Resources
    now: Played
    improved: Mapping[str, Played]
    allowances: Mapping[int, Played]

    @property
    def bottleneck(self) -> str | None:
        """Return the resource that saves the most when it is doubled; None where none saves much."""
        best = min(played.finish for played in self.improved.values())
        if best >= NOTICEABLE * self.now.finish:
            return None
        equals = (what for what in DOUBLED if NOTICEABLE * self.improved[what].finish <= best)
        return DOUBLED[next(equals)]
