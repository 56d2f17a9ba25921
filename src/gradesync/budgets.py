"""How many calls an upstream may be sent in how long."""

from dataclasses import dataclass

FRESH_SECONDS = 0.05
"""So long a reserved place is as good as one that is taken when the call is sent."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` calls in any `window` seconds."""

    limit: int
    window: float


def per_window(limit: int, seconds: float) -> Budget:
    """A budget 10 % below an upstream's limit.

    The longer window covers the way from here to there, and how long ago a place may have been reserved.
    """
    return Budget(max(1, limit * 9 // 10), seconds + max(0.03 * seconds, 0.05 + FRESH_SECONDS))


def apart(milliseconds: int) -> Budget | None:
    """A budget for an upstream with a minimum interval between calls; None where it asks for none."""
    return Budget(1, milliseconds / 1000 * 1.1) if milliseconds else None
