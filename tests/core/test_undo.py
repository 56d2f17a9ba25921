"""Check that an undo puts back the state before, that its own undo changes nothing, and what it leaves."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from hypothesis import assume, given
from hypothesis import strategies as st

from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.history import SIGHTING, Cause, CellChange, ColumnChange, Event, Origin, find_change, fold
from gradesync.core.ledger import (
    Decision,
    LedgerAssignment,
    Owed,
    Value,
    find_reassigned,
)
from gradesync.core.sis import Ref
from gradesync.core.undo import Undo, UndoTarget, UndoTargets, decide_next, find_targets, spare_debts

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
VALUES: st.SearchStrategy[Value] = st.none() | st.sampled_from([Decimal(n) for n in range(4)])
CHANGES = st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from("123")), VALUES, min_size=1)
SYNCS = st.lists(CHANGES, min_size=1, max_size=5)
Cells = dict[tuple[str, str], Value]


class Section:
    """Hold a section's ledger and history, and run syncs that write what they are given."""

    def __init__(self) -> None:
        self.ledger: dict[str, LedgerAssignment] = {}
        self.events: list[Event] = []

    def sync(
        self,
        name: str,
        cells: Mapping[tuple[str, str], Value],
        typed: Mapping[tuple[str, str], Value] = MappingProxyType({}),
    ) -> None:
        """Write cells, also over what was `typed` in the SIS; a value that stands there is not written."""
        columns = []
        for assignment_id in sorted({key[0] for key in cells}):
            entry = self.ledger.get(assignment_id)
            new = {student: value for (a, student), value in cells.items() if a == assignment_id}
            base = entry or LedgerAssignment(assignment_id, Ref(f"r-{assignment_id}"))
            written = base._replace(sent={**base.sent, **new})
            edits = {student: value for (a, student), value in typed.items() if a == assignment_id}
            origins = {
                student: Origin(edit=(edits[student],))
                for student, value in new.items()
                if edits.get(student, value) != value
            }
            if change := find_change(entry, written, origins):
                columns.append(change)
            self.ledger[assignment_id] = written
        at = FIRST + timedelta(hours=len(self.events))
        self.events.append(Event(at, Cause(name, "changes", "teacher:1"), tuple(columns)))

    def undo(self, name: str, of: str) -> UndoTargets:
        """Write what an undo puts back, and leave what was touched since."""
        targets = find_targets(self.events, Undo(sync_id=of), name)
        back = {
            (a, key): None if target.before is NEVER_SENT else target.before
            for a, column in targets.items()
            for key, target in column.items()
            if not target.touched
        }
        self.sync(name, back)
        return targets

    @property
    def held(self) -> Cells:
        """Return what the SIS holds: a blank is as good as nothing."""
        sent = {(a, key): value for a, entry in self.ledger.items() for key, value in entry.sent.items()}
        return {key: value for key, value in sent.items() if value is not None}


@given(SYNCS, st.data())
def test_undo_puts_back_the_state_before(syncs: Sequence[Cells], data: st.DataObject) -> None:
    section = Section()
    states: list[Cells] = [{}]
    for number, cells in enumerate(syncs):
        section.sync(f"s-{number}", cells)
        states.append(section.held)
    chosen = data.draw(st.integers(0, len(syncs) - 1))
    latest = section.held
    later = {
        (column.assignment_id, cell.student)
        for event in section.events[chosen + 1 :]
        for column in event.columns
        for cell in column.cells
    }
    section.undo("undo", f"s-{chosen}")
    for key in {(a, s) for a in "ab" for s in "123"}:
        expected = latest if key in later else states[chosen]
        assert section.held.get(key) == expected.get(key), key


@given(SYNCS, CHANGES, CHANGES)
def test_undo_puts_back_what_was_typed(syncs: Sequence[Cells], typed: Cells, last: Cells) -> None:
    section = Section()
    for number, cells in enumerate(syncs):
        section.sync(f"s-{number}", cells)
    before = {**section.held, **{key: typed[key] for key in typed.keys() & last.keys()}}
    last = {key: value for key, value in last.items() if key not in typed or typed[key] != value}
    section.sync("last", last, typed)
    section.undo("undo", "last")
    for key in last:
        assert section.held.get(key) == before.get(key), key


@given(SYNCS)
def test_undo_of_undo_changes_nothing(syncs: Sequence[Cells]) -> None:
    section = Section()
    for number, cells in enumerate(syncs):
        section.sync(f"s-{number}", cells)
    before = section.held
    section.undo("undo", f"s-{len(syncs) - 1}")
    section.undo("redo", "undo")
    assert section.held == before


@given(SYNCS, CHANGES)
def test_undo_leaves_what_a_later_sync_changed(syncs: Sequence[Cells], later: Cells) -> None:
    section = Section()
    for number, cells in enumerate(syncs):
        section.sync(f"s-{number}", cells)
    before = section.held
    section.sync("later", later)
    changed = {key for key in later if section.held.get(key) != before.get(key)}
    targets = section.undo("undo", f"s-{len(syncs) - 1}")
    for assignment_id, student in changed:
        assert section.held.get((assignment_id, student)) == later[assignment_id, student]
        target = targets.get(assignment_id, {}).get(student)
        assert target is None or target.touched


@given(SYNCS)
def test_undo_that_is_repeated_writes_nothing_twice(syncs: Sequence[Cells]) -> None:
    section = Section()
    for number, cells in enumerate(syncs):
        section.sync(f"s-{number}", cells)
    section.undo("undo", f"s-{len(syncs) - 1}")
    section.undo("undo", f"s-{len(syncs) - 1}")
    assert section.events[-1].columns == ()


@given(SYNCS, st.integers(0, 4))
def test_undo_goes_back_to_a_moment(syncs: Sequence[Cells], steps: int) -> None:
    assume(steps < len(syncs))
    section, states = Section(), []
    for number, cells in enumerate(syncs):
        section.sync(f"s-{number}", cells)
        states.append(section.held)
    undo = Undo(student="u", as_of=FIRST + timedelta(hours=steps))
    targets = find_targets(section.events, undo, "undo", "1")
    now = {key: known for a in fold(section.events).items() for key, known in a[1].items()}
    assert {key for column in targets.values() for key in column} <= {"1"} & now.keys()
    for assignment_id, column in targets.items():
        assert _value(column["1"].before) == states[steps].get((assignment_id, "1"))
        assert _value(column["1"].after) == section.held.get((assignment_id, "1"))


def _value(sent: Sent) -> Value:
    return None if sent is NEVER_SENT else sent


def test_undone_score_waits_until_schoology_changes() -> None:
    section = Section()
    section.sync("s-1", {("a", "1"): Decimal(8)})
    section.sync("s-2", {("a", "1"): Decimal(9)})
    targets = section.undo("undo", "s-2")
    waits = Decision("take", "u-1", Decimal(8), Decimal(8), Decimal(9))
    assert decide_next(targets, section.ledger, {"1": "u-1"}) == {("a", "1"): waits}
    section.ledger["a"] = section.ledger["a"]._replace(decisions={"1": waits})
    again = section.undo("redo", "undo")
    assert decide_next(again, section.ledger, {"1": "u-1"}) == {("a", "1"): None}


def test_R40_undo_leaves_a_key_of_another_student() -> None:
    """Go back nowhere where record 1 was another student's."""
    section = Section()
    section.sync("s-0", {("a", "1"): Decimal(5)})
    section.sync("s-1", {("a", "1"): Decimal(9)})
    moment = FIRST + timedelta(minutes=1)
    since = {"1": FIRST + timedelta(minutes=30)}
    for undo in (Undo(sync_id="s-1"), Undo(assignment="a", as_of=moment)):
        assert find_targets(section.events, undo, "undo", reassigned=since)["a"]["1"].touched
        assert not find_targets(section.events, undo, "undo")["a"]["1"].touched


def test_undo_takes_back_nothing_that_was_found() -> None:
    """Leave what somebody made in the SIS: a sync that took it over wrote nothing."""
    found = ColumnChange("a", "r-a", (CellChange("1", NEVER_SENT, Decimal(9), found=True),))
    events = [Event(FIRST, Cause("s-1", "changes", "teacher:1"), (found,))]
    assert find_targets(events, Undo(sync_id="s-1"), "undo") == {}
    before = Undo(assignment="a", as_of=FIRST - timedelta(hours=1))
    assert find_targets(events, before, "undo")["a"]["1"].touched


def test_undo_to_before_the_history_restores_what_stood_there() -> None:
    """Take what stood before the first change that is kept."""
    kept = ColumnChange("a", "r-a", (CellChange("1", Decimal(9), Decimal(8)),))
    events = [Event(FIRST, Cause("s-1", "changes", "teacher:1"), (kept,))]
    earlier = Undo(assignment="a", as_of=FIRST - timedelta(days=1))
    assert find_targets(events, earlier, "undo") == {"a": {"1": UndoTarget(Decimal(9), Decimal(8))}}


def test_undo_leaves_a_score_that_is_owed() -> None:
    section = Section()
    section.sync("s-1", {("a", "1"): Decimal(8), ("a", "2"): Decimal(8)})
    section.sync("s-2", {("a", "1"): Decimal(9), ("a", "2"): Decimal(9)})
    owed = {"u-1": Owed("upstream-unavailable", Decimal(7))}
    ledger = {"a": section.ledger["a"]._replace(owed=owed)}
    targets = find_targets(section.events, Undo(sync_id="s-2"), "undo")
    spared = spare_debts(targets, ledger, {"1": "u-1", "2": "u-2"})
    assert {key: target.touched for key, target in spared["a"].items()} == {"1": True, "2": False}
    assert spare_debts(targets, ledger, {}) == {}


def test_keys_of_other_students_are_found() -> None:
    remembered = {"ann": "1", "ben": "2", "cam": "3"}
    assert find_reassigned(remembered, remembered) == frozenset()
    assert find_reassigned(remembered, {"ann": "1", "dee": "2"}) == {"2"}
    assert find_reassigned(remembered, {"ann": "4"}) == {"4"}
    assert find_reassigned(remembered, {"dee": "4"}) == frozenset()


def test_undo_puts_back_the_edit_that_a_sync_replaced() -> None:
    sent = ColumnChange("a", "r-a", (CellChange("1", NEVER_SENT, Decimal(8)),))
    restored = ColumnChange("a", "r-a", (CellChange("1", Decimal(3), Decimal(8)),))
    events = [
        Event(FIRST + timedelta(hours=n), Cause(f"s-{n}", "full", "teacher:1"), (column,))
        for n, column in enumerate((sent, restored))
    ]
    assert find_targets(events, Undo(sync_id="s-1"), "undo") == {
        "a": {"1": UndoTarget(Decimal(3), Decimal(8))}
    }


def test_undo_puts_back_the_edit_that_a_comparison_saw() -> None:
    """Sync over an edit without reading it, and put back what stood at each moment."""

    def events_of(mode: str, at: int, ref: str, *cells: CellChange) -> Event:
        column = ColumnChange("a", ref, cells)
        return Event(FIRST + timedelta(hours=at), Cause(f"s-{at}", mode, "teacher:1"), (column,))

    sent = events_of("changes", 0, "r-a", CellChange("1", NEVER_SENT, Decimal(8)))
    typed = CellChange("2", NEVER_SENT, Decimal(5), found=True)
    seen = events_of(SIGHTING, 2, "r-a", CellChange("1", Decimal(8), Decimal(4), found=True), typed)
    nine = Decimal(9)
    over = events_of(
        "changes", 4, "r-a", CellChange("1", Decimal(8), nine), CellChange("2", NEVER_SENT, nine)
    )
    edits = {"a": {"1": UndoTarget(Decimal(4), nine), "2": UndoTarget(Decimal(5), nine)}}
    assert find_targets([sent, seen, over], Undo(sync_id="s-4"), "undo") == edits
    assert find_targets([sent, seen], Undo(sync_id="s-2"), "undo") == {}
    for hours, before in ((1, Decimal(8)), (3, Decimal(4))):
        undo = Undo(assignment="a", as_of=FIRST + timedelta(hours=hours))
        assert find_targets([sent, seen, over], undo, "undo")["a"]["1"] == UndoTarget(before, nine)
    read = events_of("full", 4, "r-a", CellChange("1", Decimal(3), nine))
    assert find_targets([sent, seen, read], Undo(sync_id="s-4"), "undo")["a"]["1"].before == Decimal(3)
    elsewhere = events_of(SIGHTING, 2, "r-b", CellChange("1", Decimal(8), Decimal(4), found=True))
    targets = find_targets([sent, elsewhere, over], Undo(sync_id="s-4"), "undo")
    assert targets["a"]["1"].before == Decimal(8)


def test_R51_undo_finds_a_write_whose_answer_was_lost() -> None:
    """Put back what a sync wrote although only a later one saw it: of that one nothing."""
    lost = ColumnChange("a", "r-a", (CellChange("1", Decimal(7), Decimal(8), sent_by="s-1"),))
    events = [Event(FIRST, Cause("s-2", "changes", "teacher:1"), (lost,))]
    assert find_targets(events, Undo(sync_id="s-1"), "undo") == {
        "a": {"1": UndoTarget(Decimal(7), Decimal(8))}
    }
    assert find_targets(events, Undo(sync_id="s-2"), "undo") == {}
