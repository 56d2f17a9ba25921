"""Test the decision on one score over every small combination of what can be known of it."""

from decimal import Decimal
from itertools import product

import pytest

from gradesync.core.decide import NEVER_SENT, NOT_READ, Choice, Live, Sent, decide
from gradesync.core.gradebook import EXCUSED, MISSING, Mark
from gradesync.core.ledger import Doubtful, Value, holds, points_of
from harness.gradebooks import FIVE, NINE, SEVEN

VALUES: tuple[Value, ...] = (None, Decimal(0), FIVE, SEVEN, Mark(EXCUSED), Mark(MISSING, Decimal(0)))
SENT: tuple[Sent, ...] = (NEVER_SENT, *VALUES)
READ: tuple[Value, ...] = (None, Decimal(0), FIVE, SEVEN, NINE, Mark(EXCUSED), Mark(MISSING, Decimal(0)))
LIVE: tuple[Live, ...] = (NOT_READ, *READ)
DOUBTS = (None, *(Doubtful(value) for value in VALUES))
BOTH = (False, True)

COMBINATIONS = list(product(VALUES, SENT, LIVE, DOUBTS, BOTH, BOTH))
WRITES = ("write", "restore")


Known = tuple[Value, Sent, Live, Doubtful | None, bool, bool]


def choose(known: Known) -> Choice:
    desired, sent, live, doubt, full, may_hold = known
    return decide(desired, sent, live, doubt=doubt, full=full, may_hold=may_hold)


def written(sent: Sent, doubt: Doubtful | None) -> list[Value]:
    return [value for value in (sent, doubt.value if doubt else NEVER_SENT) if value is not NEVER_SENT]


def test_every_combination_has_a_decision() -> None:
    choices = {choose(combination) for combination in COMBINATIONS}
    assert choices == {"keep", "adopt", "write", "restore"}


@pytest.mark.parametrize("reads", BOTH, ids=["unreadable", "readable"])
def test_the_second_plan_is_empty(reads: bool) -> None:
    for desired, sent, live, doubt, full, may_hold in COMBINATIONS:
        choice = choose((desired, sent, live, doubt, full, may_hold))
        if choice == "keep":
            continue
        then: Live = NOT_READ
        if reads and (choice in WRITES or live is not NOT_READ):
            then = desired
        assert decide(desired, desired, then, full=full, may_hold=may_hold) == "keep"


def test_what_is_kept_was_sent_already_or_was_never_anything() -> None:
    for desired, sent, live, doubt, full, may_hold in COMBINATIONS:
        if choose((desired, sent, live, doubt, full, may_hold)) == "keep":
            assert doubt is None
            assert sent == desired or (desired is None and sent is NEVER_SENT and not may_hold)


def test_what_is_adopted_is_there() -> None:
    for desired, sent, live, doubt, full, may_hold in COMBINATIONS:
        if choose((desired, sent, live, doubt, full, may_hold)) == "adopt":
            assert live is not NOT_READ
            assert holds(live, desired, *written(sent, doubt))


def test_R18_equal_scores_are_not_written_again() -> None:
    for desired, sent, live, doubt, full, may_hold in COMBINATIONS:
        if live == desired:
            assert choose((desired, sent, live, doubt, full, may_hold)) not in WRITES


def test_equal_points_are_written_only_beside_a_mark() -> None:
    for desired, sent, live, doubt, full, may_hold in COMBINATIONS:
        if choose((desired, sent, live, doubt, full, may_hold)) in WRITES and live == points_of(desired):
            assert any(isinstance(value, Mark) for value in (desired, *written(sent, doubt)))


def test_a_sent_score_without_doubt_is_not_sent_again() -> None:
    for value, live, may_hold in product(VALUES, LIVE, BOTH):
        assert decide(value, value, live, may_hold=may_hold) == "keep"


def test_only_a_full_sync_restores_an_edit_in_the_sis() -> None:
    for value, live in product(VALUES, READ):
        expected = "keep" if holds(live, value) else "restore"
        assert decide(value, value, live, full=True) == expected


def test_only_what_we_never_wrote_is_restored() -> None:
    for desired, sent, live, doubt, full, may_hold in COMBINATIONS:
        if choose((desired, sent, live, doubt, full, may_hold)) == "restore":
            ours = written(sent, doubt)
            assert ours
            assert live not in ours


def test_absence_never_clears() -> None:
    for live, full in product(LIVE, BOTH):
        assert decide(None, NEVER_SENT, live, full=full) == "keep"


def test_a_crash_between_write_and_record_heals() -> None:
    # The SIS took the score; the ledger knows only that it may have.
    for desired, sent, full in product(VALUES, SENT, BOTH):
        doubt = Doubtful(desired)
        assert decide(desired, sent, NOT_READ, doubt=doubt, full=full) == "write"
        assert decide(desired, sent, desired, doubt=doubt, full=full) == "adopt"


def test_a_crash_before_the_write_heals() -> None:
    # The SIS still holds what was sent before.
    for desired, sent, full in product(VALUES, SENT, BOTH):
        before = None if sent is NEVER_SENT else sent
        if before != desired:
            assert decide(desired, sent, before, doubt=Doubtful(desired), full=full) != "keep"


def test_a_readable_sis_holds_what_it_should_after_any_plan() -> None:
    for desired, sent, live, doubt, may_hold in product(VALUES, SENT, READ, DOUBTS, BOTH):
        choice = choose((desired, sent, live, doubt, True, may_hold))
        blank_that_was_never_sent = desired is None and sent is NEVER_SENT and choice == "keep"
        if not blank_that_was_never_sent:
            assert choice in WRITES or holds(live, desired, *written(sent, doubt))


def test_an_excuse_clears_what_an_adopted_assignment_may_hold() -> None:
    assert decide(None, NEVER_SENT, SEVEN, may_hold=True) == "write"
    assert decide(None, NEVER_SENT, NOT_READ, may_hold=True) == "write"
    assert decide(None, NEVER_SENT, None, may_hold=True) == "adopt"


@pytest.mark.parametrize(
    ("sent", "held"), [(NEVER_SENT, None), (NEVER_SENT, NINE), (FIVE, FIVE), (FIVE, NINE)]
)
def test_R51_what_a_lost_write_may_have_left_is_no_edit(sent: Sent, held: Value) -> None:
    assert decide(SEVEN, sent, held, doubt=Doubtful(NINE)) == "write"
