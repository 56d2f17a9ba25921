"""Test the edits of a plan to an assignment that the SIS has, field by field."""

from datetime import date
from decimal import Decimal

import pytest

from gradesync.core.plan import Action, AssignmentPlan, Edit
from gradesync.core.sis import Ref, Spec

BEFORE = Spec("Essay", Decimal("20.0"), date(2026, 9, 1), Ref("11"))


@pytest.mark.parametrize(
    ("after", "edit"),
    [
        (BEFORE._replace(name="Essay 1"), Edit("name", "Essay", "Essay 1")),
        (BEFORE._replace(points=Decimal("22.5")), Edit("points", "20.0", "22.5")),
        (BEFORE._replace(due=date(2026, 9, 2)), Edit("due", "2026-09-01", "2026-09-02")),
        (BEFORE._replace(category=Ref("12")), Edit("category", "11", "12")),
        (BEFORE._replace(counts=False), Edit("counts", "yes", "no")),
    ],
)
def test_an_update_names_the_field_that_changes(after: Spec, edit: Edit) -> None:
    assert AssignmentPlan("5", "Essay", Action.UPDATE, spec=after, before=BEFORE).edits == (edit,)


@pytest.mark.parametrize(
    ("action", "before"),
    [(Action.CREATE, None), (Action.RECREATE, BEFORE), (Action.ADOPT, None), (Action.FAIL, BEFORE)],
)
def test_what_is_not_written_over_has_no_edits(action: Action, before: Spec | None) -> None:
    assert AssignmentPlan("5", "Essay", action, spec=BEFORE._replace(name="x"), before=before).edits == ()


def test_an_assignment_that_does_not_go_has_no_edits() -> None:
    assert AssignmentPlan("5", "Essay", Action.UPDATE, before=BEFORE).edits == ()
