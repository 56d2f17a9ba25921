"""Test the rules that decide what becomes of a score."""

from dataclasses import replace
from decimal import Decimal

import pytest

from gradesync.core.district import Match
from gradesync.core.gradebook import EXCUSED, INCOMPLETE, MISSING, Cell, Mark, Student
from gradesync.core.ledger import Doubtful, Owed, Value
from gradesync.core.plan import Action, AssignmentPlan, ScoreOutcome
from gradesync.core.preflight import explain_absence
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import Policy
from gradesync.core.writes import ScoreWrite
from harness.gradebooks import (
    ANN,
    BEN,
    CAM,
    CAPABILITIES,
    FLAGGED,
    KEYS,
    NINE,
    STUDENTS,
    count_scores,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    only,
    plan_of,
    quiz,
    rulebook,
    settled,
    write,
)

MARKS = rulebook(capabilities=FLAGGED, policy=Policy(exception_flags=True))


def first(cell: Cell) -> AssignmentPlan:
    """Plan a first sync with one score."""
    return only(plan_of(gradebook({ANN: cell})))


def later(cell: Cell, sent: Value = NINE) -> AssignmentPlan:
    """Plan a later sync, after one score was sent."""
    return only(plan_of(gradebook({ANN: cell}), ledger(entry({ANN: sent}))))


def test_R1_a_score_sends_points() -> None:
    item = first(NINE)
    assert item.writes == (ScoreWrite(ANN, KEYS[ANN], NINE),)
    assert item.writes[0].result is Result.WRITTEN


@pytest.mark.parametrize("grade", [None, Decimal(0), Decimal(7)])
def test_R2_missing_is_a_zero_whatever_the_grade_reads(grade: Decimal | None) -> None:
    assert first(Mark(MISSING, grade)).writes == (ScoreWrite(ANN, KEYS[ANN], Decimal(0)),)


def test_R2_a_district_may_set_the_missing_mark_too() -> None:
    item = only(plan_of(gradebook({ANN: Mark(MISSING)}), rules=MARKS))
    assert item.writes == (ScoreWrite(ANN, KEYS[ANN], Mark(MISSING, Decimal(0))),)
    assert item.writes[0].result is Result.WRITTEN


def test_R3_excused_clears_what_was_sent() -> None:
    item = later(Mark(EXCUSED, NINE))
    assert item.writes == (ScoreWrite(ANN, KEYS[ANN], None, before=NINE),)
    assert item.writes[0].result is Result.CLEARED


def test_R3_excused_writes_nothing_where_nothing_was_sent() -> None:
    assert count_scores(first(Mark(EXCUSED))) == (0, 0, 1)


def test_R3_excused_clears_what_an_adopted_assignment_may_hold() -> None:
    known = ledger(entry(may_hold=True))
    made = only(plan_of(gradebook({ANN: Mark(EXCUSED), BEN: None}), known))
    assert made.writes == (ScoreWrite(ANN, KEYS[ANN], None),)
    assert len(made.unchanged) == 1


def test_R3_a_district_may_set_the_exempt_mark_too() -> None:
    item = only(plan_of(gradebook({ANN: Mark(EXCUSED)}), rules=MARKS))
    assert item.writes == (ScoreWrite(ANN, KEYS[ANN], Mark(EXCUSED)),)
    assert item.writes[0].result is Result.CLEARED


def test_R3_the_marks_are_sent_only_where_the_sis_has_them() -> None:
    rules = rulebook(policy=Policy(exception_flags=True))
    item = only(plan_of(gradebook({ANN: Mark(MISSING), BEN: Mark(EXCUSED)}), rules=rules))
    assert item.writes == (ScoreWrite(ANN, KEYS[ANN], Decimal(0)),)


def test_R4_incomplete_leaves_the_sis_as_it_is() -> None:
    item = later(Mark(INCOMPLETE, Decimal(3)))
    assert item.writes == ()
    assert settled(item) == ScoreOutcome(ANN, Result.SKIPPED, Reason.INCOMPLETE_NOT_SENT, before=NINE)


@pytest.mark.parametrize("code", [4, 5, 99])
def test_R5_an_unknown_exception_sends_its_points_with_a_warning(code: int) -> None:
    warned = (Reason.EXCEPTION_NOT_SENT,)
    assert first(Mark(code, NINE)).writes == (ScoreWrite(ANN, KEYS[ANN], NINE, warnings=warned),)


def test_R5_an_unknown_exception_without_points_is_left_as_it_is() -> None:
    assert settled(later(Mark(4))) == ScoreOutcome(
        ANN, Result.SKIPPED, Reason.UNKNOWN_EXCEPTION, before=NINE, stands=True, left_out=Mark(4)
    )


def test_R5_points_beside_an_unknown_exception_obey_the_limits() -> None:
    outcome = settled(first(Mark(4, Decimal(-1))))
    assert outcome == ScoreOutcome(ANN, Result.FAILED, Reason.SCORE_NOT_ACCEPTED, after=Decimal(-1))


def test_R6_a_blank_clears_what_was_sent() -> None:
    assert later(None).writes == (ScoreWrite(ANN, KEYS[ANN], None, before=NINE),)


def test_R6_a_blank_is_skipped_where_the_sis_cannot_clear() -> None:
    rules = rulebook(capabilities=replace(CAPABILITIES, clears=False))
    item = only(plan_of(gradebook({ANN: None, BEN: NINE}), ledger(entry({ANN: NINE})), rules=rules))
    assert settled(item) == ScoreOutcome(ANN, Result.SKIPPED, Reason.CANNOT_CLEAR, before=NINE, stands=True)
    assert [row.student for row in item.writes] == [BEN]


@pytest.mark.parametrize("known", [ledger(), ledger(entry()), ledger(entry({ANN: None}))])
def test_R6_a_blank_that_is_blank_already_costs_nothing(known: dict[str, object]) -> None:
    assert count_scores(only(plan_of(gradebook({ANN: None}), known))) == (0, 0, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", [None, Mark(EXCUSED), Mark(INCOMPLETE), Mark(4)])
def test_R7_no_score_is_never_a_zero(cell: Cell) -> None:
    for rules in (rulebook(), MARKS):
        for known in (ledger(), ledger(entry({ANN: NINE})), ledger(entry(may_hold=True))):
            made = only(plan_of(gradebook({ANN: cell}), known, rules=rules))
            assert all(row.value in (None, Mark(EXCUSED)) for row in made.writes)


def test_R18_only_what_changed_is_written() -> None:
    sent = {ANN: NINE, BEN: Decimal(7)}
    book = gradebook({ANN: Decimal("9.00"), BEN: Decimal(8), CAM: Decimal(6)})
    item = only(plan_of(book, ledger(entry(sent))))
    assert item.action is Action.KEEP
    assert [(row.student, row.before, row.value) for row in item.writes] == [
        (BEN, Decimal(7), Decimal(8)),
        (CAM, None, Decimal(6)),
    ]
    assert len(item.unchanged) == 1


def test_R26_scores_above_the_total_are_extra_credit() -> None:
    assert first(Decimal("12.25")).writes == (ScoreWrite(ANN, KEYS[ANN], Decimal("12.25")),)


def test_R26_points_are_exact() -> None:
    tenths = Decimal("0.1") + Decimal("0.2")
    assert first(tenths).writes[0].value == Decimal("0.3")
    assert count_scores(later(tenths, sent=Decimal("0.3"))) == (0, 0, 1)


def test_R26_points_with_too_many_decimals_are_rounded() -> None:
    warned = (Reason.SCORE_ROUNDED,)
    assert first(Decimal("6.6666665")).writes == (
        ScoreWrite(ANN, KEYS[ANN], Decimal("6.666667"), warnings=warned),
    )
    assert first(Decimal("0.0000001")).writes == (ScoreWrite(ANN, KEYS[ANN], Decimal(0), warnings=warned),)
    assert count_scores(later(Decimal("6.6666665"), sent=Decimal("6.666667"))) == (0, 0, 1)


def test_R26_a_zero_has_no_sign() -> None:
    assert str(first(Decimal("-0")).writes[0].value) == "0"


@pytest.mark.parametrize("points", ["-0.5", "1000000000", "1e30", "NaN", "Infinity"])
def test_a_score_beyond_what_the_sis_takes_fails(points: str) -> None:
    outcome = settled(first(Decimal(points)))
    assert outcome is not None
    assert (outcome.result, outcome.reason) == (Result.FAILED, Reason.SCORE_NOT_ACCEPTED)
    assert str(outcome.after) == str(Decimal(points))


def test_R27_an_absent_student_gets_the_reason_that_is_known() -> None:
    here, elsewhere = STUDENTS[ANN], STUDENTS[ANN]._replace(other_section="85002")
    assert explain_absence(here, "85001") is Reason.STUDENT_NOT_IN_SIS_SECTION
    assert explain_absence(None, "85001") is Reason.STUDENT_NOT_IN_SIS_SECTION
    assert explain_absence(here._replace(other_section="85001"), "85001") is Reason.STUDENT_NOT_IN_SIS_SECTION
    assert explain_absence(elsewhere, "85001") is Reason.STUDENT_IN_OTHER_SECTION


def test_R27_a_student_set_aside_is_tried_by_every_later_sync() -> None:
    owed = {ANN: Owed(Reason.STUDENT_NOT_IN_SIS_SECTION, NINE)}
    item = only(plan_of(gradebook({}), ledger(entry(owed=owed))))
    assert item.writes == (ScoreWrite(ANN, KEYS[ANN], NINE, owed=True),)


@pytest.mark.parametrize("cell", [NINE, None, Mark(MISSING), Mark(EXCUSED)])
@pytest.mark.parametrize("student", [None, Student(ANN, "e1", "1_501", active=False)])
def test_R27a_a_student_not_enrolled_is_neither_sent_nor_cleared(cell: Cell, student: Student | None) -> None:
    students = {BEN: STUDENTS[BEN]} | ({ANN: student} if student else {})
    item = only(plan_of(gradebook({ANN: cell}, students=students), ledger(entry({ANN: Decimal(7)}))))
    assert item.writes == ()
    assert settled(item) == ScoreOutcome(ANN, Result.SKIPPED, Reason.STUDENT_NOT_ENROLLED)


def test_R27a_a_row_of_an_unknown_enrollment_belongs_to_nobody() -> None:
    item = only(plan_of(gradebook({"enrollment:77": NINE})))
    assert item.settled == (ScoreOutcome("enrollment:77", Result.SKIPPED, Reason.STUDENT_NOT_ENROLLED),)


@pytest.mark.parametrize("school_uid", [None, ""])
def test_R35_a_student_without_a_school_id_is_not_from_the_sis(school_uid: str | None) -> None:
    students = {ANN: Student(ANN, "e1", school_uid)}
    item = only(plan_of(gradebook({ANN: NINE}, students=students), students={}))
    assert item.settled == (
        ScoreOutcome(ANN, Result.SKIPPED, Reason.STUDENT_NOT_FROM_SIS, stands=True, left_out=NINE),
    )


def test_R35_a_student_whom_the_sis_does_not_know_fails() -> None:
    item = only(plan_of(gradebook({ANN: NINE, BEN: NINE}), students={BEN: KEYS[BEN]}))
    assert settled(item) == ScoreOutcome(ANN, Result.FAILED, Reason.STUDENT_UNMATCHED, after=NINE)
    assert write(item, BEN)


@pytest.mark.parametrize("cell", [None, Mark(EXCUSED)])
def test_R35_nothing_fails_where_nothing_was_to_be_sent(cell: Cell) -> None:
    assert count_scores(only(plan_of(gradebook({ANN: cell}), students={}))) == (0, 0, 1)


def test_R35_two_students_with_one_sis_key_are_both_named() -> None:
    item = only(plan_of(gradebook({ANN: NINE, BEN: NINE, CAM: NINE}), students=KEYS | {BEN: KEYS[ANN]}))
    assert [row.student for row in item.writes] == [CAM]
    assert {row.reason for row in item.settled} == {Reason.SCHOOL_ID_SHARED}


def test_R35_an_id_that_does_not_fit_the_pattern_is_not_guessed() -> None:
    match = Match()
    assert match.student_key("1_10001") == "10001"
    for school_uid in (None, "", "10001", "2_10001", "1_", "1_10001x", "1_\uff11"):
        assert match.student_key(school_uid) is None
    assert Match(student="^S(.*)$").student_key("S") is None
    assert Match(student="^(?:A(.)|B)$").student_key("B") is None


def test_R16_a_section_code_that_does_not_fit_names_no_section() -> None:
    assert Match().section_key("85001") == "85001"
    assert Match().section_key("ALG-1") is None
    assert Match(section="^[A-Z]+-([0-9]+)$").section_key("ALG-1") == "1"
    assert Match().section_key(None) is None


@pytest.mark.parametrize(("held", "left"), [(NINE, True), (Decimal(3), False), (None, False)])
def test_R40_a_former_record_is_named_while_it_holds_ours(held: Decimal | None, left: bool) -> None:
    known = ledger(entry({ANN: NINE}, doubtful={ANN: Doubtful(NINE)}))
    shown = live(listed(), scores={"r1": {ANN: held}})
    moved = {**KEYS, ANN: "91"}
    item = only(plan_of(gradebook({ANN: NINE}), known, shown, students=moved, remembered=KEYS))
    warned = [Reason.LEFT_AT_FORMER_STUDENT in score.warnings for score in item.writes]
    assert warned == [left]


@pytest.mark.parametrize(
    ("assignment", "result", "reason"),
    [
        (quiz(category_id=None), Result.SKIPPED, Reason.ASSIGNMENT_SKIPPED),
        (quiz(max_points=None), Result.FAILED, Reason.ASSIGNMENT_FAILED),
    ],
)
def test_the_scores_of_an_assignment_that_does_not_go_do_not_go(
    assignment: object, result: Result, reason: Reason
) -> None:
    owed = {CAM: Owed(Reason.NOT_ATTEMPTED, NINE)}
    book = gradebook({ANN: NINE}, assignments=[assignment], unreadable={("1", BEN): "bad"})  # type: ignore[list-item]
    item = only(plan_of(book, ledger(entry(owed=owed))))
    assert item.settled == tuple(ScoreOutcome(uid, result, reason) for uid in (ANN, BEN, CAM))
    assert item.read == 3


def test_scores_of_an_unknown_assignment_fail_by_name() -> None:
    columns = {"1": {ANN: NINE}, "77": {ANN: NINE}}
    made = plan_of(gradebook(columns=columns, unreadable={("78", BEN): "bad"}))
    assert [item.id for item in made.assignments] == ["1"]
    assert [(item.id, item.action, item.settled) for item in made.orphans] == [
        ("77", Action.FAIL, (ScoreOutcome(ANN, Result.FAILED, Reason.ASSIGNMENT_UNKNOWN),)),
        ("78", Action.FAIL, (ScoreOutcome(BEN, Result.FAILED, Reason.ASSIGNMENT_UNKNOWN),)),
    ]
