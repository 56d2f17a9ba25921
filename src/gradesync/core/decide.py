"""Decide one score, from its desired value, the value last sent and what the SIS holds live."""

from enum import Enum
from typing import Final, Literal, TypeAlias

from gradesync.core.ledger import Doubtful, Value, holds


class Unknown(Enum):
    """Stand for a value where there is none to compare with."""

    NEVER_SENT = "never sent"
    NOT_READ = "not read"


# An enum's members are slow to look up by attribute, and millions of scores do.
NEVER_SENT: Final = Unknown.NEVER_SENT
NOT_READ: Final = Unknown.NOT_READ

Sent: TypeAlias = Value | Literal[Unknown.NEVER_SENT]
Live: TypeAlias = Value | Literal[Unknown.NOT_READ]
# To restore is to write over an edit made in the SIS.
Choice: TypeAlias = Literal["keep", "adopt", "write", "restore"]


def decide(
    desired: Value,
    sent: Sent,
    live: Live,
    *,
    doubt: Doubtful | None = None,
    full: bool = False,
    may_hold: bool = False,
) -> Choice:
    """Decide one score.

    `live` is what the SIS holds. `doubt`: a write of that value may have happened. `full`: put right what
    someone changed in the SIS. `may_hold`: the SIS may hold something although nothing was ever sent.
    A blank that was never anything else is kept whatever the SIS holds (R6), so that absence never clears.
    """
    if desired is None and sent is NEVER_SENT and doubt is None and not may_hold:
        return "keep"
    certain = doubt is None and sent == desired
    if certain and (live is NOT_READ or not full):
        return "keep"
    if live is NOT_READ:
        return "write"
    ours = _possible_writes(sent, doubt)
    if holds(live, desired, *ours):
        return "keep" if certain else "adopt"
    return "restore" if ours and not any(holds(live, value, desired, *ours) for value in ours) else "write"


def _possible_writes(sent: Sent, doubt: Doubtful | None) -> list[Value]:
    """Return the values that we wrote or may have written; a blank before the first write is ours too."""
    if doubt is None:
        return [] if sent is NEVER_SENT else [sent]
    return [None if sent is NEVER_SENT else sent, doubt.value]
