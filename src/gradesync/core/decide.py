"""The decision on one score, from what it should be, what was last sent and what the SIS holds."""

from decimal import Decimal
from enum import Enum
from typing import Final, Literal, TypeAlias

from gradesync.core.gradebook import Mark
from gradesync.core.ledger import Doubtful, Value, points_of


class Unknown(Enum):
    """What stands for a value where there is none to compare with."""

    NEVER_SENT = "never sent"
    NOT_READ = "not read"


# An enum's members are slow to look up by attribute, and millions of scores do.
NEVER_SENT: Final = Unknown.NEVER_SENT
NOT_READ: Final = Unknown.NOT_READ

Sent: TypeAlias = Value | Literal[Unknown.NEVER_SENT]
Held: TypeAlias = Decimal | Literal[Unknown.NOT_READ] | None
Choice: TypeAlias = Literal["keep", "adopt", "write", "restore"]
"""What to do with one score. To restore is to write over an edit made in the SIS."""


def decide(
    desired: Value,
    sent: Sent,
    held: Held,
    *,
    doubt: Doubtful | None = None,
    full: bool = False,
    may_hold: bool = False,
) -> Choice:
    """Decide one score.

    `held` is what the SIS holds. `doubt`: a write of that value may have happened. `full`: put right what
    someone changed in the SIS. `may_hold`: the SIS may hold something although nothing was ever sent.
    A blank that was never anything else is kept whatever the SIS holds (R6), so that absence never clears.
    """
    if desired is None and sent is NEVER_SENT and doubt is None and not may_hold:
        return "keep"
    certain = doubt is None and sent == desired
    if certain and (held is NOT_READ or not full):
        return "keep"
    if held is NOT_READ:
        return "write"
    if held == points_of(desired):
        return "keep" if certain else _take(desired, sent, doubt)
    ours = [points_of(value) for value in _written(sent, doubt)]
    return "restore" if ours and held not in ours else "write"


def _take(desired: Value, sent: Sent, doubt: Doubtful | None) -> Choice:
    """Adopt equal points, unless an exception is in play: a mark beside the points is not read back."""
    marked = any(isinstance(value, Mark) for value in (desired, *_written(sent, doubt)))
    return "write" if marked else "adopt"


def _written(sent: Sent, doubt: Doubtful | None) -> list[Value]:
    """The values that we wrote or may have written."""
    written: list[Value] = [] if sent is NEVER_SENT else [sent]
    return written if doubt is None else [*written, doubt.value]
