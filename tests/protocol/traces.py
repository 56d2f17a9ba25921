"""Write traces as the model reads them, and compile the model so that it follows them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.spin import compiled

KINDS = ("request", "claim", "release", "settle", "intent", "ref", "mark", "keep", "create", "write", "grade")
# Bounds of what the model follows: syncs, versions of a score, calls that come to nothing, workers that stop.
REQUESTS, GRADES, LOSSES, STOPS = 2, 3, 4, 2
BOUNDS = (f"REQUESTS={REQUESTS}", f"GRADES={GRADES}", f"LOSSES={LOSSES}", f"STOPS={STOPS}")


def encode(trace: str) -> list[int]:
    """Return the numbers of events: of each its kind, its assignment and its version."""
    numbers = []
    for event in trace.split():
        kind, which, value = (*event.split(":"), "0", "0")[:3]
        numbers.append((KINDS.index(kind) + 1) * 16 + int(which) * 8 + int(value))
    return numbers


@pytest.fixture(scope="module")
def follower() -> Iterator[Path]:
    """Compile the model so that it follows traces."""
    with compiled(("TRACE", *BOUNDS)) as program:
        yield program
