"""Test for how long a decision about an edit in the SIS holds, and what syncs do with it."""

from dataclasses import replace
from itertools import product
from typing import Literal, get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from gradesync.core.decide import NEVER_SENT, NOT_READ, Live, decide
from gradesync.core.decisions import drop_void, has_pending, settle_written
from gradesync.core.history import CellChange, Origin, find_change, find_origins
from gradesync.core.ledger import Decision, Doubtful, LedgerAssignment, Owed, Value, reassign_columns
from gradesync.core.plan import AssignmentPlan
from gradesync.core.planner import update_ledger
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import DriftPolicy, LiveGradebook, Policy
from gradesync.core.writes import NO_WRITES, ScoreWrite
from harness.gradebooks import (
    ANN,
    BEN,
    EIGHT,
    KEYS,
    NINE,
    SEVEN,
    SIX,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    only,
    outcome_of,
    plan_of,
    quiz,
    rulebook,
    spec,
    write,
)

KEY = KEYS[ANN]
POLICIES: tuple[DriftPolicy, ...] = get_args(DriftPolicy)
ChoiceName = Literal["put-back", "take", "stop"]


def decided(choice: ChoiceName, sent: Value = EIGHT, saw: Value = SEVEN) -> LedgerAssignment:
    """Return an entry of which Schoology has 8, and a person decided when the SIS held `saw`."""
    return entry({ANN: sent}, decisions={KEY: Decision(choice, ANN, EIGHT, saw, EIGHT)})


def planned(known: LedgerAssignment, held: Value, cell: Value = EIGHT) -> AssignmentPlan:
    """Plan a sync of changes: its cell is among them where it is not 8."""
    cells = {ANN: cell} if cell != EIGHT else {}
    shown = replace(live(listed()), scores={"r1": {KEY: held}})
    return only(plan_of(gradebook(cells, full=False), ledger(known), shown))


def written(item: AssignmentPlan) -> ScoreWrite:
    found = write(item)
    assert found is not None
    return found


def test_what_is_put_back_is_written_over_the_edit_that_was_seen() -> None:
    row = written(planned(decided("put-back"), SEVEN))
    assert (row.value, row.before, row.edit, row.warnings) == (EIGHT, SEVEN, (SEVEN,), ())
    assert settle_written(decided("put-back").decisions, KEY, EIGHT) == {}


@pytest.mark.parametrize("choice", ["put-back", "take"])
def test_a_decision_does_nothing_to_a_later_edit(choice: ChoiceName) -> None:
    known = decided(choice)
    item = planned(known, SIX)
    outcome = outcome_of(item)
    assert (item.writes, outcome.reason, outcome.held) == (NO_WRITES, Reason.DRIFT_UNDECIDED, SIX)
    after = update_ledger(known, item)
    assert after.decisions == {KEY: Decision("reopened", ANN, EIGHT, SIX, EIGHT)}
    assert after.sent == known.sent
    assert not has_pending(after)


@pytest.mark.parametrize("choice", ["put-back", "take"])
def test_a_decision_ends_once_the_edit_is_gone(choice: ChoiceName) -> None:
    known = decided(choice)
    item = planned(known, EIGHT)
    assert (item.writes, outcome_of(item).result) == (NO_WRITES, Result.UNCHANGED)
    after = update_ledger(known, item)
    assert (after.decisions, after.sent) == ({}, known.sent)
    assert find_origins(known, item.settled, "s-1") == {KEY: Origin(found=True, edit=(SEVEN,))}


@pytest.mark.parametrize(("choice", "warned"), [("put-back", False), ("take", True)])
def test_schoology_overtakes_a_decision(choice: ChoiceName, *, warned: bool) -> None:
    row = written(planned(decided(choice), SEVEN, NINE))
    assert (row.value, row.edit) == (NINE, (SEVEN,))
    assert (Reason.EDITED_IN_SIS in row.warnings) is warned
    assert settle_written(decided(choice).decisions, KEY, NINE) == {}


@pytest.mark.parametrize("choice", ["put-back", "take"])
def test_a_decision_waits_until_the_sis_is_read(choice: ChoiceName) -> None:
    known = decided(choice)
    item = only(plan_of(gradebook({}, full=False), ledger(known)))
    assert (item.writes, item.settled) == (NO_WRITES, ())
    assert update_ledger(known, item).decisions == known.decisions


def test_what_is_taken_is_recorded_as_found() -> None:
    known = decided("take")
    item = planned(known, SEVEN)
    after = update_ledger(known, item)
    assert (outcome_of(item).result, after.sent[KEY]) == (Result.ADOPTED, SEVEN)
    change = find_change(known, after, find_origins(known, item.settled, "s-1"))
    assert change is not None
    assert change.cells == (CellChange(KEY, EIGHT, SEVEN, found=True),)
    assert update_ledger(after, planned(after, SEVEN)) == after


@pytest.mark.parametrize("drift", POLICIES)
def test_what_was_taken_stays_until_schoology_changes(drift: DriftPolicy) -> None:
    taken = Decision("take", ANN, SEVEN, SEVEN, EIGHT)
    unread_or_taken: tuple[Live, ...] = (NOT_READ, SEVEN)
    for held, full in product(unread_or_taken, (False, True)):
        assert decide(EIGHT, SEVEN, held, full=full, drift=drift, decision=taken) == "keep"
        assert decide(NINE, SEVEN, held, full=full, drift=drift, decision=taken) == "write"
    assert decide(EIGHT, SEVEN, EIGHT, full=True, drift=drift, decision=taken) == "adopt"
    edited = {"report": "restore", "restore": "restore", "ask": "ask", "yield": "keep"}
    assert decide(EIGHT, SEVEN, NINE, full=True, drift=drift, decision=taken) == edited[drift]
    if drift != "ask":
        assert decide(EIGHT, SEVEN, NINE, drift=drift, decision=taken) == "keep"


def test_what_was_taken_can_be_put_back() -> None:
    known = entry({ANN: SEVEN}, decisions={KEY: Decision("put-back", ANN, SEVEN, SEVEN, EIGHT)})
    assert written(planned(known, SEVEN)).value == EIGHT


def test_what_is_left_stays_in_mind_with_its_newest_score() -> None:
    outcome = outcome_of(planned(decided("stop"), SEVEN, NINE))
    assert (outcome.result, outcome.reason, outcome.left_out) == (Result.SKIPPED, Reason.LEFT_TO_SIS, NINE)


def test_a_decision_ends_once_something_was_sent() -> None:
    for choice in ("put-back", "take"):
        assert drop_void(decided(choice, sent=NINE)).decisions == {}
    assert drop_void(decided("stop", sent=NINE)).decisions != {}


@pytest.mark.parametrize("choice", ["put-back", "take"])
def test_R40_a_decision_is_not_the_next_student_s(choice: ChoiceName) -> None:
    """Send nothing of Ann's to the record that is Ben's by now."""
    shown = replace(live(listed()), scores={"r1": {KEY: SEVEN}})
    keys = {BEN: KEY}
    item = only(plan_of(gradebook({}, full=False), ledger(decided(choice)), shown, students=keys))
    assert (item.writes, item.settled) == (NO_WRITES, ())


def test_an_undo_in_doubt_holds_what_it_decided() -> None:
    """Finish an undo whose answer was lost: from 8, which Schoology has still, back to 7."""
    undone = Decision("take", ANN, SEVEN, SEVEN, EIGHT)
    doubt = Doubtful(SEVEN)
    cases: list[tuple[Live, str]] = [
        (SEVEN, "take"),
        (EIGHT, "resend"),
        (NINE, "leave"),
        (NOT_READ, "resend"),
    ]
    for held, choice in cases:
        assert decide(EIGHT, EIGHT, held, doubt=doubt, decision=undone) == choice
    set_aside = doubt._replace(looks=0)
    assert decide(EIGHT, EIGHT, NOT_READ, doubt=set_aside, decision=undone) == "keep"
    known = entry({ANN: EIGHT}, doubtful={ANN: doubt}, decisions={KEY: undone})
    assert drop_void(known) == known
    assert written(planned(known, EIGHT)).value == SEVEN
    assert update_ledger(known, planned(known, SEVEN)).sent == {KEY: SEVEN}


def test_R51_a_lost_write_that_is_found_is_its_own_sync_s() -> None:
    known = entry({ANN: SEVEN}, doubtful={ANN: Doubtful(EIGHT, sync="s-1")})
    item = planned(known, EIGHT)
    origins = find_origins(known, item.settled, "s-2")
    change = find_change(known, update_ledger(known, item), origins)
    assert change is not None
    assert change.cells == (CellChange(KEY, SEVEN, EIGHT, sent_by="s-1"),)


def test_R45_decisions_move_with_the_column() -> None:
    """Keep what was decided about a column that a re-imported assignment takes over."""
    known = decided("stop")
    book = gradebook(assignments=(quiz("2"),), columns={"2": {}})
    moved = reassign_columns(book, {"2": spec()}, ledger(known), LiveGradebook((listed(),)))
    assert (moved["2"].decisions, moved["1"].decisions) == (known.decisions, {})


CHOICES = st.sampled_from(["put-back", "take", "stop", "resume"])


class Deciding(RuleBasedStateMachine):
    """Change one score on both sides, decide about edits that may be stale, and sync."""

    def __init__(self) -> None:
        super().__init__()
        self.cell: Value = EIGHT
        self.sis: Value = None
        self.known = LedgerAssignment("1")
        self.seen: tuple[Value, Value, Value] | None = None
        self.changed = True

    @initialize(drift=st.sampled_from(POLICIES))
    def begin(self, drift: DriftPolicy) -> None:
        self.book = rulebook(policy=Policy(drift=drift))
        self.drift = drift
        self.known = entry({})
        self.sync(full=False, lost=None)

    @rule(points=st.sampled_from([SIX, SEVEN, EIGHT, NINE, None]))
    def grade(self, points: Value) -> None:
        self.cell, self.changed = points, True

    @rule(points=st.sampled_from([SIX, SEVEN, EIGHT, NINE, None]), choice=st.none() | CHOICES)
    def type_in_sis(self, points: Value, choice: str | None) -> None:
        """Edit the score in the SIS; with a `choice` a comparison sees the edit, and a person decides."""
        self.sis = points
        if choice is not None:
            self.seen = self.known.sent.get(KEY), points, self.cell
            self.choose(choice)

    @rule(choice=CHOICES)
    def choose(self, choice: str) -> None:
        """Decide about the edit that was seen last, which may be over."""
        if self.seen is None or self.seen[0] == self.seen[1]:
            return
        left = {key: made for key, made in self.known.decisions.items() if key != KEY}
        if choice != "resume":
            left[KEY] = Decision(choice, ANN, *self.seen)  # type: ignore[arg-type]  # one of the choices
        self.known = self.known._replace(decisions=left)

    @rule(full=st.booleans(), lost=st.sampled_from([None, None, None, True, False]))
    def sync(self, full: bool, lost: bool | None) -> None:
        """Run a sync; the answer to its write is lost where `lost` is whether the SIS took it."""
        self.known = drop_void(self.known)
        full = full or self.drift == "restore"
        looks = any(doubt.looks for doubt in self.known.doubtful.values())
        read = full or looks or self.drift == "ask" or has_pending(self.known)
        shown = replace(live(listed()), scores={"r1": {KEY: self.sis}} if read else {})
        cells = {ANN: self.cell} if full or self.changed else {}
        known, changed, self.changed = self.known, self.changed, False
        item = only(plan_of(gradebook(cells, full=full), ledger(known), shown, rules=self.book, full=full))
        after = update_ledger(known, item)
        origins = find_origins(known, item.settled, "s")
        self.check_history(known, after, origins)
        for row in item.writes:
            assert not read or row.value != self.sis
            self.check_allowed(row, full=full, changed=changed)
            after = self.send(row, after, lost)
        self.known = after

    def check_allowed(self, row: ScoreWrite, *, full: bool, changed: bool) -> None:
        """Write over an edit only where Schoology changed, by policy, or as decided about this very edit."""
        if full or changed or self.known.owed or self.known.doubtful:
            return
        decision = self.known.decisions[KEY]
        assert (decision.choice, decision.live, row.value) == ("put-back", self.sis, self.cell)

    def send(self, row: ScoreWrite, after: LedgerAssignment, lost: bool | None) -> LedgerAssignment:
        if lost is not False:
            self.sis = row.value
        if lost is not None:
            owed = {**after.owed, ANN: Owed("upstream-unavailable", row.value)}
            return after._replace(doubtful={KEY: Doubtful(row.value)}, owed=owed)
        decisions = settle_written(after.decisions, KEY, row.value)
        sent = after._replace(sent={KEY: row.value}, doubtful={}, owed={}, decisions=decisions)
        origins = {KEY: Origin(edit=row.edit)} if row.edit else {}
        self.check_history(after, sent, origins)
        return sent

    def check_history(
        self, before: LedgerAssignment, after: LedgerAssignment, origins: dict[str, Origin]
    ) -> None:
        """Record what stands in the SIS as the ledger has it, and nothing where nothing changed."""
        change = find_change(before, after, origins)
        for cell in change.cells if change else ():
            assert cell.before != cell.after
            assert cell.after is not NEVER_SENT
            assert cell.after == after.sent[KEY] == self.sis


Deciding.TestCase.settings = settings(max_examples=400, stateful_step_count=20)
TestDeciding = Deciding.TestCase
