"""Test score rows as they go to PowerTeacher Pro: exact numbers, clears and marks."""

import json
from decimal import Decimal
from typing import Any

import pytest

from gradesync.core.gradebook import EXCUSED, INCOMPLETE, MISSING, Mark
from gradesync.core.ledger import Value
from gradesync.core.sis import Ref
from gradesync.core.writes import ScoreRow, ScoreWrite
from gradesync.powerschool.scores import build_score_body
from gradesync.upstream.response import encode


@pytest.mark.parametrize(
    ("points", "literal"),
    [("9.50", "9.5"), ("1E+2", "100"), ("0", "0"), ("0.000001", "0.000001"), ("999999999999.999999", None)],
)
def test_R26_points_are_plain_literals_in_text_and_number(points: str, literal: str | None) -> None:
    row = a_row(Decimal(points))
    body = encode(build_score_body([row], "nulls")).decode()
    literal = literal or points
    assert f'"actualscoreentered":"{literal}"' in body
    assert f'"scorepoints":{literal}' in body


def a_row(value: Value, before: Value = None) -> ScoreRow:
    ref = Ref("1", {"assignmentid": "1", "assignmentsectionid": "77010"})
    return ScoreRow("a", ref, ScoreWrite("u", "81001", value, before))


def sent(row: ScoreRow) -> dict[str, Any]:
    (only,) = json.loads(encode(build_score_body([row], "nulls")))["assignment_scores"]
    assert isinstance(only, dict)
    return only


def test_a_score_row_has_the_proven_form() -> None:
    assert sent(a_row(Decimal("9.5"))) == {
        "_assignmentsection": {"assignmentsectionid": 77010},
        "studentsdcid": 81001,
        "actualscoreentered": "9.5",
        "actualscorekind": "REAL_SCORE",
        "scoretype": "POINTS",
        "scorepoints": 9.5,
    }


def test_R3_the_form_of_a_clear_is_switchable() -> None:
    cleared = sent(a_row(None))
    assert (cleared["actualscoreentered"], cleared["scorepoints"]) == (None, None)
    (other,) = json.loads(encode(build_score_body([a_row(None)], "empty")))["assignment_scores"]
    assert (other["actualscoreentered"], other["scorepoints"]) == ("", None)


@pytest.mark.parametrize(
    ("value", "before", "flags"),
    [
        (Decimal(1), None, {}),
        (Mark(MISSING, Decimal(0)), None, {"isexempt": False, "ismissing": True}),
        (Mark(EXCUSED), None, {"isexempt": True, "ismissing": False}),
        (Mark(INCOMPLETE), None, {}),
        (Decimal(1), Mark(EXCUSED), {"isexempt": False, "ismissing": False}),
        (Mark(MISSING, Decimal(0)), Mark(EXCUSED), {"isexempt": False, "ismissing": True}),
        (Mark(EXCUSED), Mark(EXCUSED), {"isexempt": True, "ismissing": False}),
        (None, Mark(MISSING, Decimal(0)), {"isexempt": False, "ismissing": False}),
    ],
)
def test_marks_are_set_and_taken_back(value: Value, before: Value, flags: dict[str, bool]) -> None:
    row = sent(a_row(value, before))
    assert {name: row[name] for name in row if name.startswith("is")} == flags
