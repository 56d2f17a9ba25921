"""Test that sentences name the facts of the assignment that they are about."""

from datetime import date
from decimal import Decimal

import pytest

from gradesync.core.catalog import CATALOG, NO_FACTS, read_detail
from gradesync.core.fit import Pairing
from gradesync.core.gradebook import Assignment
from gradesync.core.reasons import Reason
from gradesync.core.rules import Rulebook, judge
from gradesync.core.sis import Policy, Ref, SisSection
from harness.gradebooks import CAPABILITIES

SECTION = SisSection(Ref("7"), date(2026, 8, 17), date(2026, 12, 18))
PAIRING = Pairing({"1": Ref("51")}, {}, {}, titles={"2": "Warm-ups"})
BOOK = Rulebook(SECTION, PAIRING, CAPABILITIES, Policy())
ESSAY = Assignment("5001", "Essay", Decimal("9.5"), date(2026, 11, 2), "1")


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (ESSAY._replace(title="x" * 63), "The name has 63 characters, and PowerSchool accepts 50."),
        (
            ESSAY._replace(due=date(2027, 1, 5)),
            "The due date, Jan 5, 2027, is outside the term in PowerSchool: Aug 17, 2026 to Dec 18, 2026.",
        ),
        (
            ESSAY._replace(max_points=Decimal("10000.50")),
            "The assignment has 10000.5 total points. PowerSchool accepts more than 0 and at most 9,999.",
        ),
        (
            ESSAY._replace(category_id="2"),
            "The grading category “Warm-ups” doesn't map to a PowerSchool category.",
        ),
    ],
)
def test_sentence_of_a_stopped_assignment_names_its_facts(item: Assignment, sentence: str) -> None:
    verdict = judge(item, None, {}, BOOK)
    assert verdict.stop is not None
    assert CATALOG[verdict.stop.reason].describe(verdict.facts) == sentence


def test_sentence_of_a_filled_due_date_names_the_date() -> None:
    verdict = judge(ESSAY._replace(due=None), None, {}, BOOK)
    (warning,) = verdict.warnings
    assert CATALOG[warning].describe(verdict.facts).endswith("was sent: Dec 18, 2026.")


@pytest.mark.parametrize("reason", Reason)
def test_sentence_without_facts_is_the_title(reason: Reason) -> None:
    assert CATALOG[reason].describe(NO_FACTS) == CATALOG[reason].title


def test_points_that_are_no_number_are_left_out_of_the_sentence() -> None:
    entry = CATALOG[Reason.POINTS_NOT_ACCEPTED]
    for points in (None, Decimal("NaN")):
        assert entry.describe(judge(ESSAY._replace(max_points=points), None, {}, BOOK).facts) == entry.title


@pytest.mark.parametrize(
    ("detail", "sentence"),
    [
        ("PowerSchool did not answer section.read", "PowerSchool isn't available right now."),
        ("circuit open: schoology", "Schoology isn't available right now."),
        ("no response in time", "Schoology or PowerSchool isn't available right now."),
        ("Schoology and PowerSchool", "Schoology or PowerSchool isn't available right now."),
    ],
)
def test_R53_sentence_names_the_system_that_did_not_answer(detail: str, sentence: str) -> None:
    assert CATALOG[Reason.UPSTREAM_UNAVAILABLE].describe(read_detail(detail)) == sentence


@pytest.mark.parametrize(
    ("detail", "sentence"),
    [
        (
            "PowerSchool doesn't let the plugin use SECTIONS.DCID, TERMS.ID (schema.sections)",
            "PowerSchool doesn't allow the sync to use SECTIONS.DCID, TERMS.ID.",
        ),
        (
            "PowerSchool doesn't let the plugin use fields that it does not name (score.write)",
            "PowerSchool doesn't allow the sync to do this.",
        ),
    ],
)
def test_sentence_names_the_missing_permission(detail: str, sentence: str) -> None:
    assert CATALOG[Reason.SIS_PERMISSION_MISSING].describe(read_detail(detail)) == sentence
