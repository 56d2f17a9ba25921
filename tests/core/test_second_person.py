"""Test which plans wait for a second person after a term's end, and who that may be."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gradesync.core.plan import Danger, Guard, Plan
from gradesync.core.reasons import Reason
from gradesync.core.second_person import find_stop, hold_late, is_second_person, may_approve
from harness.gradebooks import LAST, entry, gradebook, ledger, plan_of

AFTER = LAST + timedelta(days=1)


@pytest.mark.parametrize(("days", "late"), [(0, 0), (1, 1)])
def test_changes_wait_from_the_day_after_the_term(days: int, late: int) -> None:
    made = plan_of(gradebook({}), {})
    held = hold_late(made, LAST, LAST + timedelta(days=days))
    assert held.guard.late == late
    assert held.fingerprint == made.fingerprint
    assert held.needs_approval is (late > 0)


def test_a_late_plan_keeps_its_danger_and_names_both() -> None:
    mass = Guard(sent=60, cleared=60, danger=Danger.SCORES)
    held = hold_late(replace(plan_of(gradebook({}), {}), guard=mass), LAST, AFTER)
    assert held.guard == replace(mass, late=1, term_ended="2026-06-12")
    assert held.guard.describe() == (
        "The term ended on Jun 12, 2026, so a second person has to review 1 change. "
        "Of 60 scores in PowerSchool, 60 would be cleared."
    )


def test_one_of_a_kind_is_not_several() -> None:
    assert Guard(sent=1, cleared=1, danger=Danger.SCORES).describe() == (
        "Of 1 score in PowerSchool, 1 would be cleared."
    )
    assert Guard(known=1, recreated=1, danger=Danger.ASSIGNMENTS).describe() == (
        "Of 1 assignment in PowerSchool, 1 is deleted there and would be created again."
    )


@pytest.mark.parametrize("danger", [None, Danger.SCORES])
@pytest.mark.parametrize("late", [0, 1])
def test_a_second_person_approves_late_and_dangerous_plans(late: int, danger: Danger | None) -> None:
    made = Plan((), (), Guard(danger=danger, late=late), "plan")
    first = Reason.LATE_CHANGE if late else Reason.MASS_CHANGE if danger else None
    assert find_stop(made, None, by_second=False) == first
    assert find_stop(made, "plan", by_second=False) == (Reason.LATE_CHANGE if late else None)
    assert find_stop(made, "plan", by_second=True) is None
    assert find_stop(made, "other", by_second=True) == Reason.PLAN_CHANGED


def test_only_who_has_not_asked_may_approve_late_changes() -> None:
    ann, ben = "teacher:1", "teacher:2"
    late = Guard(late=1)
    assert not may_approve(Reason.LATE_CHANGE, late, ann, ann)
    assert may_approve(Reason.LATE_CHANGE, late, ann, ben)
    assert not may_approve(None, late, ann, ben)  # a preview asked for nothing
    assert not may_approve(Reason.PLAN_CHANGED, late, ann, ben)
    assert may_approve(Reason.MASS_CHANGE, Guard(danger=Danger.SCORES), ann, ann)


def test_a_plan_without_changes_never_waits() -> None:
    made = plan_of(gradebook({}), ledger(entry({})))
    assert hold_late(made, LAST, date(2030, 1, 1)) is made


def test_one_id_is_one_person() -> None:
    assert not is_second_person("teacher:5790000", "admin:5790000")
    assert not is_second_person("run:5790000", "teacher:5790000")
    assert not is_second_person(None, "teacher:5790000")
    assert is_second_person("teacher:5790000", "teacher:5790001")
    assert is_second_person("teacher:5790000", "client:gs_5790000")


def test_a_provider_subject_may_be_any_schoology_user() -> None:
    assert not is_second_person("client:oidc:ann", "teacher:5790000")
    assert not is_second_person("teacher:5790000", "client:oidc:ann")
    assert is_second_person("client:oidc:ann", "client:oidc:ben")
    assert is_second_person("client:oidc:ann", "client:gs_5790000")
