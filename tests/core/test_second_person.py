"""Test which plans wait for a second person after a term's end, and who that may be."""

from datetime import date, timedelta

import pytest

from gradesync.core.plan import Danger
from gradesync.core.second_person import hold_late, is_second_person
from harness.gradebooks import LAST, entry, gradebook, ledger, plan_of


@pytest.mark.parametrize(("days", "danger"), [(0, None), (1, Danger.LATE)])
def test_changes_wait_from_the_day_after_the_term(days: int, danger: Danger | None) -> None:
    made = plan_of(gradebook({}), {})
    held = hold_late(made, LAST, LAST + timedelta(days=days))
    assert held.guard.danger is danger
    assert held.fingerprint == made.fingerprint
    assert held.needs_approval is (danger is not None)


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
