"""Test the state of one cell against a table that was written from what the states mean."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import product

import pytest

from gradesync.core.cell_state import NO_WISH, CellState, Wanted, judge_cell, settle_doubt
from gradesync.core.decide import NEVER_SENT, NOT_READ, Live, Sent, decide
from gradesync.core.gradebook import EXCUSED, MISSING, Mark
from gradesync.core.ledger import Doubtful
from harness.gradebooks import EIGHT, NINE, SEVEN

EXEMPT, ZEROED = Mark(EXCUSED), Mark(MISSING, Decimal(0))
SENT: dict[str, Sent] = {"never": NEVER_SENT, "blank": None, "8": EIGHT, "exempt": EXEMPT, "missing": ZEROED}
LIVE: dict[str, Live] = {
    "unread": NOT_READ,
    "blank": None,
    "7": SEVEN,
    "8": EIGHT,
    "9": NINE,
    "0": Decimal(0),
    "exempt": EXEMPT,
    "missing": ZEROED,
}
WANTED: dict[str, Wanted] = {
    "nothing": NO_WISH,
    "blank": None,
    "8": EIGHT,
    "9": NINE,
    "exempt": EXEMPT,
    "missing": ZEROED,
    "unread": NOT_READ,
}
LETTERS = {
    "=": CellState.SAME,
    "p": CellState.PENDING,
    "d": CellState.DRIFT,
    "x": CellState.CONFLICT,
    "c": CellState.CONVERGED,
    "?": CellState.UNREADABLE,
}
# A mark that somebody made in the SIS is compared only where one of ours is there, or is to go there.
TABLE = """
sent    live    | nothing blank 8 9 exempt missing unread
never   unread  | ?       ?     ? ? ?      ?       ?
never   blank   | =       =     p p p      p       ?
never   7       | d       d     x x x      x       ?
never   8       | d       d     c x x      x       ?
never   9       | d       d     x c x      x       ?
never   0       | d       d     x x x      x       ?
never   exempt  | =       =     p p c      x       ?
never   missing | d       d     x x x      c       ?
blank   unread  | ?       ?     ? ? ?      ?       ?
blank   blank   | =       =     p p p      p       ?
blank   7       | d       d     x x x      x       ?
blank   8       | d       d     c x x      x       ?
blank   9       | d       d     x c x      x       ?
blank   0       | d       d     x x x      x       ?
blank   exempt  | =       =     p p c      x       ?
blank   missing | d       d     x x x      c       ?
8       unread  | ?       ?     ? ? ?      ?       ?
8       blank   | d       c     d x x      x       ?
8       7       | d       x     d x x      x       ?
8       8       | =       p     = p p      p       ?
8       9       | d       x     d c x      x       ?
8       0       | d       x     d x x      x       ?
8       exempt  | d       c     d x c      x       ?
8       missing | d       x     d x x      c       ?
exempt  unread  | ?       ?     ? ? ?      ?       ?
exempt  blank   | d       c     x x d      x       ?
exempt  7       | d       x     x x d      x       ?
exempt  8       | d       x     c x d      x       ?
exempt  9       | d       x     x c d      x       ?
exempt  0       | d       x     x x d      x       ?
exempt  exempt  | =       p     p p =      p       ?
exempt  missing | d       x     x x d      c       ?
missing unread  | ?       ?     ? ? ?      ?       ?
missing blank   | d       c     x x x      d       ?
missing 7       | d       x     x x x      d       ?
missing 8       | d       x     c x x      d       ?
missing 9       | d       x     x c x      d       ?
missing 0       | d       x     x x x      d       ?
missing exempt  | d       x     x x c      d       ?
missing missing | =       p     p p p      =       ?
"""


def oracle() -> Iterator[tuple[str, str, str, CellState]]:
    """Yield sent, live, wanted and the state of each cell of the table."""
    head, *lines = TABLE.strip().splitlines()
    wishes = head.partition("|")[2].split()
    for line in lines:
        left, _, states = line.partition("|")
        sent, live = left.split()
        for wish, letter in zip(wishes, states.split(), strict=True):
            yield sent, live, wish, LETTERS[letter]


def test_the_table_has_every_combination_once() -> None:
    rows = [row[:3] for row in oracle()]
    assert sorted(rows) == sorted(product(SENT, LIVE, WANTED))


def test_every_cell_has_the_state_of_the_table() -> None:
    found = {row[:3]: judge_cell(SENT[row[0]], LIVE[row[1]], WANTED[row[2]]) for row in oracle()}
    assert found == {row[:3]: row[3] for row in oracle()}


def test_equal_numbers_are_the_same_score() -> None:
    assert judge_cell(Decimal("9.50"), Decimal("9.5"), Decimal("9.500")) is CellState.SAME


def test_a_full_sync_does_what_the_state_names() -> None:
    for sent, live, wish, state in oracle():
        wanted = WANTED[wish]
        if state is CellState.UNREADABLE or wanted is NO_WISH or wanted is NOT_READ:
            continue
        choice = decide(wanted, SENT[sent], LIVE[live], full=True)
        overwrites = "write" if sent == "never" else "restore"
        if wanted is None and sent == "never":  # absence clears nothing (R6)
            overwrites = "keep"
        expected = {
            CellState.SAME: "keep",
            CellState.PENDING: "write",
            CellState.CONVERGED: "adopt",
            CellState.DRIFT: overwrites,
            CellState.CONFLICT: overwrites,
        }
        assert choice == expected[state], (sent, live, wish)


@pytest.mark.parametrize(
    ("live", "sent"), [(NINE, NINE), (EIGHT, EIGHT), (SEVEN, EIGHT), (NOT_READ, EIGHT), (None, EIGHT)]
)
def test_R51_a_write_in_doubt_is_no_edit_of_somebody(live: Live, sent: Sent) -> None:
    assert settle_doubt(EIGHT, Doubtful(NINE), live) == sent
    assert settle_doubt(EIGHT, None, live) == EIGHT
