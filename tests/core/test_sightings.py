"""Check what a comparison adds to the history: each edit once, and again where it may be another one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gradesync.core.decide import NEVER_SENT
from gradesync.core.history import SIGHTING, Cause, CellChange, ColumnChange, Event
from gradesync.core.ledger import LedgerAssignment, Value
from gradesync.core.sightings import find_sightings
from gradesync.core.sis import LiveGradebook, Ref

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
ENTRY = LedgerAssignment("a", Ref("r-1"), sent={"1": Decimal(8), "2": None})
LEDGER = {"a": ENTRY}


def live(**held: Value) -> LiveGradebook:
    """Return a SIS that holds scores by student: `s1`, `s2`, `s3`."""
    return LiveGradebook((), scores={"r-1": {name[1:]: value for name, value in held.items()}})


def seen(columns: tuple[ColumnChange, ...], hour: int = 1) -> Event:
    return Event(FIRST + timedelta(hours=hour), Cause("c-1", SIGHTING, "teacher:1"), columns)


def test_scores_as_recorded_are_no_news() -> None:
    assert find_sightings(LEDGER, live(s1=Decimal(8)), [], FIRST) == ()


def test_each_edit_is_news_once() -> None:
    """See a changed score, an emptied one, and one that was never sent."""
    ledger = {"a": ENTRY._replace(sent={**ENTRY.sent, "4": Decimal(7)})}
    edited = live(s1=Decimal(4), s3=Decimal(5))
    (column,) = find_sightings(ledger, edited, [], FIRST)
    assert column.cells == (
        CellChange("1", Decimal(8), Decimal(4), found=True),
        CellChange("3", NEVER_SENT, Decimal(5), found=True),
        CellChange("4", Decimal(7), None, found=True),
    )
    assert find_sightings(ledger, edited, [seen((column,))], FIRST) == ()


def test_edit_is_news_again_after_a_write() -> None:
    """Take an edit that stands after the history changed for another one."""
    first = find_sightings(LEDGER, live(s1=Decimal(4)), [], FIRST)
    written = FIRST + timedelta(hours=2)
    assert find_sightings(LEDGER, live(s1=Decimal(4)), [seen(first)], written) == (
        ColumnChange("a", "r-1", (CellChange("1", Decimal(8), Decimal(4), found=True),)),
    )


def test_score_that_is_as_recorded_again_is_news() -> None:
    first = find_sightings(LEDGER, live(s1=Decimal(4), s3=Decimal(5)), [], FIRST)
    written = FIRST + timedelta(hours=2)
    back = find_sightings(LEDGER, live(s1=Decimal(8)), [seen(first)], written)
    assert back == (
        ColumnChange(
            "a",
            "r-1",
            (
                CellChange("1", Decimal(4), Decimal(8), found=True),
                CellChange("3", Decimal(5), None, found=True),
            ),
        ),
    )
    assert find_sightings(LEDGER, live(s1=Decimal(8)), [seen(first), seen(back, 3)], written) == ()


def test_what_was_not_read_is_not_claimed() -> None:
    """Claim a blank of a deleted SIS assignment alone, and nothing of one that nobody could read."""
    assert find_sightings(LEDGER, LiveGradebook(()), [], FIRST) == ()
    assert find_sightings({"b": LedgerAssignment("b")}, live(s1=Decimal(4)), [], None) == ()
    (column,) = find_sightings(LEDGER, LiveGradebook((), gone=frozenset({"r-1"})), [], FIRST)
    assert column.cells == (CellChange("1", Decimal(8), None, found=True),)
