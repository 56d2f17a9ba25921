"""Test what an office makes of a pre-flight report: by school and teacher, as a sheet, as messages."""

import csv
import io
from typing import Any

from gradesync.sync import preflight
from harness.api import ApiClient, ApiHarness, expect_problem

LATER_IS_NOW = "UPDATE preflight SET not_before = now()"
LONG = "An essay about everything that we have read since the summer"


async def make_report(api: ApiHarness, office: ApiClient) -> dict[str, Any]:
    """Report on both sections, which a sync has read before; each has a name that is too long."""
    for room in api.world.classrooms:
        next(iter(room.section.standing())).title = LONG
        await api.sync(office, str(room.section.id))
    path = (await office.post("/preflight")).headers["location"]
    report: dict[str, Any] = {"status": "processing"}
    while report["status"] == "processing":
        await preflight.advance(api.runtime.context)
        await api.change_rows(LATER_IS_NOW)
        report = (await office.get(path)).json()
    assert report["status"] == "complete"
    return report


async def test_a_report_is_read_by_school_and_teacher(api: ApiHarness) -> None:
    office, (first, second) = await api.office(), api.world.classrooms
    report = await make_report(api, office)
    path = report["links"]["sections"]
    everything = (await office.get(path)).json()["items"]
    assert {one["section_id"] for one in everything} == {str(first.section.id), str(second.section.id)}
    assert [one["school"] for one in everything] == sorted(one["school"] for one in everything)
    assert sum(one["findings"] for one in everything) == report["findings"]
    page = (await office.get(path, limit=1)).json()
    rest = (await office.get(path, limit=1, cursor=page["next_cursor"])).json()
    assert page["items"] + rest["items"] == everything
    (hers,) = (await office.get(path, teacher=str(second.teacher.uid))).json()["items"]
    assert (hers["section_id"], hers["teachers"][0]["name"]) == (
        str(second.section.id),
        second.teacher.display,
    )
    assert hers["message"].startswith(f"Hello {second.teacher.display},")
    assert LONG in hers["message"]
    assert not any(student.last_name in hers["message"] for student in second.students.values())
    expect_problem(await office.get(path, teacher="Robin"), 422, "request-not-valid")


async def test_a_sheet_names_section_teacher_and_category(api: ApiHarness) -> None:
    office, room = await api.office(), api.world.classrooms[1]
    report = await make_report(api, office)
    answer = await office.ask(
        "GET",
        report["links"]["findings"],
        params={"teacher": str(room.teacher.uid), "reason": "title-too-long"},
        headers={"accept": "text/csv"},
    )
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows
    for row in rows:
        assert (row["section id"], row["teachers"]) == (str(room.section.id), room.teacher.display)
        assert all(row[name] for name in ("section", "school", "assignment", "category"))
