"""Judge one cell: compare what was sent, what the SIS holds live, and what Schoology wants there."""

from enum import Enum, StrEnum
from typing import Final, Literal, TypeAlias

from gradesync.core.decide import NEVER_SENT, NOT_READ, Live, Sent, Unknown
from gradesync.core.ledger import Doubtful, Value, holds


class CellState(StrEnum):
    """Name how the two systems stand to each other in one cell.

    `SAME`: nothing changed since the last write. `PENDING`: only Schoology changed. `DRIFT`: only the SIS
    changed. `CONFLICT`: both changed, to different values. `CONVERGED`: both changed, to the same value.
    `UNREADABLE`: one of the two could not be read, so nothing is claimed.
    """

    SAME = "same"
    PENDING = "pending"
    DRIFT = "drift"
    CONFLICT = "conflict"
    CONVERGED = "converged"
    UNREADABLE = "unreadable"


EDITED = frozenset({CellState.DRIFT, CellState.CONFLICT})  # somebody else wrote to the SIS


class Silence(Enum):
    """Stand for a cell of which Schoology has nothing to send: what was sent before still holds."""

    NO_WISH = "no wish"


NO_WISH: Final = Silence.NO_WISH

Wanted: TypeAlias = Value | Literal[Silence.NO_WISH, Unknown.NOT_READ]


def judge_cell(sent: Sent, live: Live, wanted: Wanted) -> CellState:
    """Judge one cell, as a merge of three values does: what was sent is the common ancestor of the two.

    Before the first write that ancestor is a blank.
    """
    if live is NOT_READ or wanted is NOT_READ:
        return CellState.UNREADABLE
    ancestor = None if sent is NEVER_SENT else sent
    ours = ancestor if wanted is NO_WISH else wanted
    if holds(live, ancestor, ours):
        return CellState.SAME if ours == ancestor else CellState.PENDING
    if ours == ancestor:
        return CellState.DRIFT
    return CellState.CONVERGED if holds(live, ours, ancestor) else CellState.CONFLICT


def judge_field(sent: str | None, live: str | None, wanted: str | None) -> CellState:
    """Judge one field of an assignment alike; None where it was not sent, not read, or has no wish.

    What stands where nothing was sent is nobody's change.
    """
    if live is None:
        return CellState.UNREADABLE
    ancestor = live if sent is None else sent
    ours = ancestor if wanted is None else wanted
    if live == ancestor:
        return CellState.SAME if ours == ancestor else CellState.PENDING
    if ours == ancestor:
        return CellState.DRIFT
    return CellState.CONVERGED if live == ours else CellState.CONFLICT


def settle_doubt(sent: Sent, doubt: Doubtful | None, live: Live) -> Sent:
    """Return what was sent last: a write in doubt happened where the SIS holds its value (R51)."""
    if doubt is None or live is NOT_READ:
        return sent
    return doubt.value if holds(live, doubt.value, None if sent is NEVER_SENT else sent) else sent
