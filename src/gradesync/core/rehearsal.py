"""Describe the load of a district's busiest hours, and judge how it was carried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil


@dataclass(frozen=True, slots=True)
class Writing:
    """Describe how a SIS takes writes: so many scores in a call, and so many calls at once.

    `is_shared`: by all syncs of the district in a worker; each sync has its own otherwise.
    """

    scores_per_call: int
    at_once: int = 1
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class SectionLoad:
    """Hold what a sync of a section writes, by its stored syncs: assignments and scores."""

    section_id: str
    assignments: float
    scores: float

    def writes(self, writing: Writing) -> tuple[int, int]:
        """Return the calls to the SIS that a sync writes with: for assignments, then for scores."""
        return round(self.assignments), ceil(self.scores / writing.scores_per_call)


@dataclass(frozen=True, slots=True)
class Resources:
    """Hold what carries a load.

    `requests_per_window` is the Schoology key's allowance; `latency` the seconds until a call is answered.
    `processor`: the seconds that a call, with what a sync does beside it, takes of its worker's processor.
    `slots`: syncs that one worker runs at once, `per_district` those of one district over all workers.
    `looking`: the seconds until a worker knows whom it claims for; `claiming`: those of the claim itself, for
    which the other claims of the district wait. Workers and servers may share a machine of `cores`
    processors, of which the servers take `beside` seconds for a call; no `cores` are always enough.
    `sis_limit`: how many times the SIS's own limit of calls is allowed, 0 where it has none. `connections`:
    calls to the SIS at once of all syncs of a worker together, 0 where each sync has its own. A scene
    decides both.
    """

    requests_per_window: int
    workers: int
    slots: int
    per_district: int
    latency: float
    processor: float = 0.0
    looking: float = 0.0
    claiming: float = 0.0
    cores: int = 0
    beside: float = 0.0
    sis_limit: int = 0
    connections: int = 0


# By which resource a finish can be sooner, in the order in which equals are named.
DOUBLED: Mapping[str, str] = {
    "allowance": "the Schoology key's allowance",
    "sis_limit": "the SIS's own limit of calls",
    "connections": "the calls to the SIS that a worker makes at once (the profile's connections)",
    "per_district": "the syncs of one district at once (GRADESYNC_PER_DISTRICT)",
    "processor": "the worker's processor",
    "claiming": "the claims of one district, one after another",
    "cores": "the processors of the machine that workers and servers share",
    "workers": "the workers",
    "latency": "the latency of both systems",
}
SECONDS = frozenset({"processor", "claiming", "latency"})  # are better the fewer they are
NOTICEABLE = 0.95  # of the finish: what saves less is no bottleneck


def improve(resources: Resources, what: str) -> Resources:
    """Return resources with one of `DOUBLED` twice as good."""
    name = "requests_per_window" if what == "allowance" else what
    value = getattr(resources, name)
    return replace(resources, **{name: value / 2 if what in SECONDS else 2 * value})


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

    `allowances`: by the factor of the key's allowance. `left_out`: known sections whose load nothing shows.
    """

    sections: int
    resources: Resources
    now: Played
    improved: Mapping[str, Played]
    allowances: Mapping[int, Played]
    left_out: int = 0

    @property
    def bottleneck(self) -> str | None:
        """Return the resource that saves the most when it is doubled; None where none saves much."""
        best = min(played.finish for played in self.improved.values())
        if best >= NOTICEABLE * self.now.finish:
            return None
        equals = (what for what in DOUBLED if NOTICEABLE * self.improved[what].finish <= best)
        return DOUBLED[next(equals)]
