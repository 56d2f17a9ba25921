"""Test bindings of columns that the SIS shows in another form: of another score type, by another name."""

from decimal import Decimal

import pytest

from gradesync.core.assignments import bind, select_score_reads
from gradesync.core.ledger import LedgerAssignment
from gradesync.core.plan import Action
from gradesync.core.reasons import Reason
from gradesync.core.rules import judge_assignments
from gradesync.core.sis import Policy, Ref
from gradesync.core.writes import NO_WRITES
from harness.gradebooks import (
    ANN,
    BOOK,
    NINE,
    bound,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    only,
    plan_of,
    quiz,
    spec,
)


@pytest.mark.parametrize("adopted", [True, False])
def test_R46_a_column_without_points_is_neither_read_nor_written(adopted: bool) -> None:
    known = ledger() if adopted else ledger(entry({ANN: NINE}))
    shown = live(listed(ours=True)._replace(takes_points=False))
    verdicts = judge_assignments(gradebook(assignments=[quiz()]), known, BOOK)
    bindings = bind(verdicts, known, shown, Policy())
    assert select_score_reads(bindings, known, full=True) == ()
    item = only(plan_of(gradebook({ANN: Decimal(8)}), known, shown))
    assert (item.action, item.reason, item.writes) == (Action.FAIL, Reason.SIS_SCORE_TYPE, NO_WRITES)


def test_R46_a_column_that_takes_points_again_is_in_doubt() -> None:
    known = ledger(entry({ANN: NINE})._replace(problem=Reason.SIS_SCORE_TYPE))
    bindings = bound([quiz()], known, live(listed()))
    assert select_score_reads(bindings, known, full=False) == (Ref("r1"),)


LONG = spec("Essay about the harvest")


@pytest.mark.parametrize(("ours", "action"), [(True, Action.ADOPT), (False, Action.CREATE)])
def test_R50_a_lost_create_is_found_though_its_name_was_cut(ours: bool, action: Action) -> None:
    known = ledger(LedgerAssignment("1", intent=LONG))
    shown = live(listed("r1", spec("Essay about"), ours=ours))
    item = only(plan_of(gradebook(assignments=[quiz("1", LONG.name)], columns={}), known, shown))
    assert (item.action, item.edits) == (action, ())


@pytest.mark.parametrize(
    ("shown", "stored", "action", "edited"),
    [
        (None, "Essay about", Action.KEEP, False),
        (None, "Letter", Action.KEEP, True),
        ("", "Essay about", Action.KEEP, True),
        ("", "Essay  about the harvest", Action.KEEP, False),
        ("Essay about", "Essay about", Action.KEEP, False),
        ("Essay about", "Essay", Action.KEEP, True),
        ("ESSAY", "ESSAY", Action.KEEP, False),
    ],
)
def test_R50_only_a_change_of_what_was_shown_is_an_edit(
    shown: str | None, stored: str, action: Action, edited: bool
) -> None:
    known = ledger(entry({}, spec=LONG)._replace(shown=shown))
    book = gradebook(assignments=[quiz("1", LONG.name)], columns={})
    item = only(plan_of(book, known, live(listed("r1", spec(stored)))))
    assert (item.action, Reason.EDITED_IN_SIS in item.warnings) == (action, edited)


def test_R50_a_column_that_cannot_be_read_still_has_its_name() -> None:
    known = ledger(entry({}, spec=LONG))
    shown = live(listed("r1", spec("Essay about"))._replace(spec=None))
    (binding,) = bound([quiz("1", LONG.name)], known, shown).values()
    assert binding.live is not None
    assert (binding.live.name, binding.live.spec) == (LONG.name, None)
