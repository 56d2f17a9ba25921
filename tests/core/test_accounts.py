"""Test what is carried over to another account of the same student (R40), and what is not."""

from decimal import Decimal

import pytest

from gradesync.core.accounts import Accounts
from gradesync.core.ledger import Decision, Owed
from gradesync.core.reasons import Reason
from harness.gradebooks import ANN, BEN, EIGHT, KEYS, NINE, entry, ledger

NEW = "u-new"
KEY, OTHER = KEYS[ANN], KEYS[BEN]
REMEMBERED = {ANN: KEY, BEN: OTHER}
STOP = Decision("stop", ANN, EIGHT, NINE, EIGHT)


@pytest.mark.parametrize(
    ("keys", "remembered", "student"),
    [
        ({NEW: KEY, BEN: OTHER}, REMEMBERED, NEW),
        ({NEW: KEY}, {}, NEW),  # a selection, which kept no link, or what waits
        ({NEW: KEY, ANN: OTHER}, REMEMBERED, ANN),  # it was a mistaken key
        ({BEN: KEY}, REMEMBERED, ANN),
        ({NEW: KEY, BEN: KEY}, REMEMBERED, ANN),  # nobody knows whose it is
        ({BEN: OTHER}, REMEMBERED, ANN),
        ({ANN: KEY, BEN: OTHER}, REMEMBERED, ANN),
    ],
)
def test_decisions_follow_the_record_alone(
    keys: dict[str, str], remembered: dict[str, str], student: str
) -> None:
    known = ledger(entry({ANN: EIGHT}, decisions={KEY: STOP}))
    (after,) = Accounts.of(keys, remembered).follow_ledger(known).values()
    assert after.decisions == {KEY: STOP._replace(student=student)}


@pytest.mark.parametrize(("owed", "left"), [(EIGHT, False), (NINE, True)])
def test_a_debt_ends_where_its_very_value_was_sent(owed: Decimal, left: bool) -> None:
    debt = {ANN: Owed(Reason.STUDENT_NOT_ENROLLED, owed), BEN: Owed(Reason.SCORE_NOT_KEPT, EIGHT)}
    known = ledger(entry({ANN: EIGHT, BEN: EIGHT}, owed=debt))
    accounts = Accounts.of({NEW: KEY, BEN: OTHER}, REMEMBERED)
    (after,) = accounts.follow_ledger(known).values()
    assert set(after.owed) == ({ANN, BEN} if left else {BEN})
    assert Accounts.of(REMEMBERED, REMEMBERED).follow_ledger(known) is known


def test_a_selection_names_the_accounts_of_now() -> None:
    accounts = Accounts.of({NEW: KEY, BEN: OTHER}, REMEMBERED)
    assert accounts.follow_selection({"a": frozenset({ANN, BEN}), "b": None}) == {
        "a": frozenset({NEW, BEN}),
        "b": None,
    }
