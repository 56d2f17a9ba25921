"""How many calls an upstream may be sent in how long."""

from dataclasses import dataclass

FRESH_SECONDS = 0.05
WAY_SECONDS = 0.05
"""How much longer a call may be on its way than the one before it, at least."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` calls in any `window` seconds.

    `fresh`: so many seconds a reserved place is as good as one that is taken when the call is sent.
    """

    limit: int
    window: float
    fresh: float = 0.0


def per_window(limit: int, seconds: float) -> Budget:
    """A budget 10 % below an upstream's limit.

    The longer window covers the way from here to there, and how long ago a place may have been reserved.
    """
    longer = max(0.03 * seconds, WAY_SECONDS + FRESH_SECONDS)
    return Budget(max(1, limit * 9 // 10), seconds + longer, FRESH_SECONDS)


def apart(milliseconds: int) -> Budget | None:
    """A budget for an upstream with a minimum interval between calls; None where it asks for none."""
    return Budget(1, milliseconds / 1000 * 1.1) if milliseconds else None
