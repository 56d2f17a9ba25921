"""Test that differing totals are explained from both systems, and that nothing is written for that."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gradesync_sandbox.faults import Fault, Status
from gradesync_sandbox.schoology.model import Item
from harness.api import ApiClient, ApiHarness, expect_problem
from harness.sis_edits import type_in_sis

WEIGHTED = {"formula": "category-weights"}


async def explain(who: ApiClient, api: ApiHarness, **body: Any) -> dict[str, Any]:
    response = await who.post(f"{api.path}/totals", {"sis": WEIGHTED, **body})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def add_up(total: Mapping[str, Any]) -> Decimal:
    return sum((Decimal(cause["worth"]) for cause in total["causes"]), Decimal(0))


def find_scored(api: ApiHarness) -> tuple[Item, int, Decimal]:
    """Return a synced item, and a student who has points of it in the SIS."""
    gradebook = api.world.powerschool.gradebook
    for item in api.room.section.standing():
        for assignment in gradebook.named(api.room.sis, item.title.strip()):
            held = gradebook.scores[assignment.section(api.room.sis.dcid).assignmentsectionid]
            for uid, student in api.room.students.items():
                entered = held[student.dcid].actualscoreentered if student.dcid in held else None
                if entered is not None:
                    return item, uid, Decimal(entered)
    raise AssertionError("nothing was synced")


async def test_totals_name_an_edit_in_the_sis(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    item, uid, points = find_scored(api)
    period = {"period": str(item.period)} if item.period else {}
    type_in_sis(api, item, uid, points + 2)
    before = await api.rows()
    api.world.powerschool.log.clear()
    found = await explain(office, api, student=str(uid), **period)
    (student,) = found["students"]
    (total,) = student["totals"]
    edits = [cause for cause in total["causes"] if cause["code"] == "changed-in-sis"]
    assert [cell["assignment"] for cause in edits for cell in cause["cells"]] == [str(item.id)]
    assert (
        add_up(total) == Decimal(total["difference"]) == Decimal(total["sis"]) - Decimal(total["schoology"])
    )
    assert "sis-category-weights" in {each["code"] for each in found["assumed"]}
    assert all(call.method == "GET" for call in api.world.powerschool.log.calls if call.kind != "token")
    assert {table for table, rows in (await api.rows()).items() if rows != before[table]} == {"audit"}


async def test_totals_of_the_class_have_names_for_teachers(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    found = await explain(teacher, api, sis={})
    assert len(found["students"]) == len({each["student"]["id"] for each in found["students"]}) > 2
    for each in found["students"]:
        assert each["student"]["name"]
        assert [total["formula"] for total in each["totals"]] == ["total-points", "category-weights"]
        for total in each["totals"]:
            assert total["difference"] is None or add_up(total) == Decimal(total["difference"])


async def test_totals_of_unknown_students_are_refused(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    response = await office.post(f"{api.path}/totals", {"student": "999"})
    expect_problem(response, 404, "student-not-found")
    response = await office.post(f"{api.path}/totals", {"period": "999"})
    expect_problem(response, 404, "period-not-found")
    response = await office.post(f"{api.path}/totals", {"sis": {"first": "2026-05-01", "last": "2026-01-01"}})
    expect_problem(response, 422, "request-not-valid")


async def test_totals_wait_while_schoology_is_away(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    api.sandbox.faults.add(Fault("schoology", "*", Status(503), times=None))
    response = await office.post(f"{api.path}/totals", {})
    expect_problem(response, 503, "upstream-unavailable")
    assert response.json()["detail"] == "Schoology isn't available right now."
