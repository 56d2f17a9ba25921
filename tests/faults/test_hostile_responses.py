"""Return hostile responses: each ends as a clear error for the smallest part that it concerns."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Body, Effect, Status, System
from harness.assertions import find_false_claims
from harness.contexts import HURRIED, LIMITS
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import edit_json

JSON = {"content-type": "application/json"}
HTML = "<html><body>Scheduled maintenance</body></html>"


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide five assignments and six students; Schoology refuses multiget, so each response is its own."""
    async with environment.open_district(world.build(7, 1, 6, 5, ideal=True)) as harness:
        harness.world.schoology.switches.multiget_refused = 405
        yield harness


WHOLE: dict[str, Effect] = {
    "HTML with 200": Body(HTML),
    "no JSON": Body("{", headers=JSON),
    "another wrapper": Body('{"unexpected":[]}', headers=JSON),
    "an array": Body("[1,2,3]", headers=JSON),
    "a number": Body("17", headers=JSON),
    "nothing": Body("", headers=JSON),
    "too deep": Body("[" * 100_000, headers=JSON),
    "gigantic": Body(" " * 1024 * 1024, headers=JSON, repeat=40),
    "a slow drip": Body("[" * 200, headers=JSON, drip=0.05),
    "another host": Status(302, "", {"location": "http://192.0.2.7/elsewhere"}),
    "in a circle": Status(302, "", {"location": "."}),
    "NULs": Body("\x00" * 100, headers=JSON),
    "a word for numbers": Body('{"grades":{"grade":[NaN]}}', headers=JSON),
}
READS: list[tuple[System, str]] = [
    ("schoology", "section"),
    ("schoology", "enrollments"),
    ("schoology", "grade_items"),
    ("schoology", "grades"),
    ("schoology", "grading_categories"),
    ("schoology", "grading_periods"),
    ("powerschool", "token"),
    ("powerschool", "schema.sections"),
    ("powerschool", "assignment.list"),
    ("powerschool", "teacher_category"),
]
ERROR_CODES = {
    "upstream-answer-unexpected",
    "upstream-unavailable",
    "sis-unreadable",
    "sis-section-not-found",
    "section-not-from-sis",
    "section-not-found",
    "not-course-admin",
    "sis-credentials-refused",
}


@pytest.mark.sample(4)
@pytest.mark.parametrize("response", WHOLE)
async def test_hostile_response_fails_cleanly_or_changes_nothing(
    harness: DistrictHarness, response: str
) -> None:
    if response == "a slow drip":
        harness.restart(replace(HURRIED, call_timeout=0.2))
    for system, kind in READS:
        harness.fault(system, kind, WHOLE[response], times=None)
        sync = await harness.sync()
        assert await find_false_claims(harness, sync) == []
        if sync.error_code is not None:
            assert sync.error_code in ERROR_CODES, (kind, sync.error_code)
        assert HTML not in sync.error_detail
        written = {row.value for row in harness.world.powerschool.log.score_rows()}
        assert not written & {None, "0"}
        harness.faults.clear()
        await harness.pass_time()
        harness.restart()
    harness.restart(LIMITS)
    assert (await harness.sync()).error_code is None
    assert harness.differences() == []


async def test_endless_pages_are_given_up(harness: DistrictHarness) -> None:
    path = f"/sections/{harness.section}/enrollments"

    def again(content: Any) -> None:
        content["links"] = {"self": "x", "next": f"{harness.sandbox.schoology_url}{path}?start=1"}

    harness.fault("schoology", "enrollments", edit_json(again), times=None)
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "upstream-answer-unexpected")
    assert len(harness.world.schoology.log.of("enrollments")) < 20


async def test_next_page_on_another_host_is_not_requested(harness: DistrictHarness) -> None:
    def elsewhere(content: Any) -> None:
        content["links"]["next"] = "http://192.0.2.7/v1/sections/1/enrollments?start=1"

    harness.fault("schoology", "enrollments", edit_json(elsewhere), times=None)
    assert (await harness.sync()).error_code == "upstream-answer-unexpected"


def rows(content: Any) -> list[Any]:
    grades: list[Any] = content["grades"]["grade"]
    return grades


def spoil(**fields: object) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        rows(content)[0].update(fields)

    return change


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "fields",
    [
        {"grade": "1e400"},
        {"grade": "9" * 400},
        {"grade": -5},
        {"grade": {"nested": 1}},
        {"grade": "\u202e\u0000"},
        {"exception": "what"},
        {"exception": -1},
        {"grade": [1]},
        {"timestamp": "yesterday"},
    ],
    ids=lambda fields: json.dumps(fields)[:30],
)
async def test_malformed_grade_fails_alone(harness: DistrictHarness, fields: dict[str, object]) -> None:
    harness.fault("schoology", "grades", edit_json(spoil(**fields)), times=None)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    assert sync.error_code is None
    assert sync.scores["written"] >= 29
    harness.faults.clear()
    assert (await harness.sync(mode="full")).status == "complete"
    assert harness.differences() == []


async def test_duplicate_rows_count_once(harness: DistrictHarness) -> None:
    harness.fault("schoology", "grades", edit_json(lambda content: rows(content).extend(rows(content)[:3])))
    sync = await harness.sync()
    assert (sync.status, sync.scores["written"]) == ("complete", 30)


async def test_grades_of_unknown_items_and_students_fail_alone(harness: DistrictHarness) -> None:
    def strangers(content: Any) -> None:
        first = rows(content)[0]
        rows(content).append({**first, "assignment_id": 999_999_999})
        rows(content).append({**first, "enrollment_id": 888_888_888})

    harness.fault("schoology", "grades", edit_json(strangers), times=None)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    assert sync.scores["written"] == 30
    reasons = {row.reason for row in await harness.outcomes(sync) if row.reason}
    assert reasons == {"assignment-unknown", "student-not-enrolled"}
    assert harness.differences() == []


@pytest.mark.parametrize("title", ["a\u0000b", "a\u202eb", "\u2066x\u2069", "  ", "\ud83d"])
async def test_unprintable_title_fails_its_assignment_alone(harness: DistrictHarness, title: str) -> None:
    spoilt = harness.items[0]

    def rename(content: Any) -> None:
        content["assignment"][0]["title"] = title

    harness.fault("schoology", "grade_items", edit_json(rename), times=None)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    outcomes = await harness.outcomes_by_cell(sync)
    assert outcomes[spoilt.id, None][0] == "failed"
    assert sync.assignments["created"] == 4


async def test_malformed_item_fails_alone(harness: DistrictHarness) -> None:
    def spoil_item(content: Any) -> None:
        content["assignment"][0]["max_points"] = {"no": "number"}
        content["assignment"][1]["due"] = "some day"

    harness.fault("schoology", "grade_items", edit_json(spoil_item), times=None)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    assert (sync.error_code, sync.assignments["created"], sync.assignments["failed"]) == (None, 3, 2)


async def test_broken_entries_of_a_sis_list_are_ignored(harness: DistrictHarness) -> None:
    assert (await harness.sync()).status == "complete"
    harness.forget_calls()

    def litter(content: Any) -> None:
        content[:0] = [None, 7, "x", {}, {"assignmentid": "?"}, {"assignmentid": 1, "_assignmentsections": 3}]

    harness.fault("powerschool", "assignment.list", edit_json(litter), times=None)
    sync = await harness.sync()
    assert (sync.status, harness.writes) == ("complete", [])


# --- partial reads


async def test_missing_student_is_read_again_and_not_cleared(
    harness: DistrictHarness,
) -> None:
    assert (await harness.sync()).status == "complete"
    before = harness.table()
    enrollment = harness.room.section.enrollment_of(harness.students[0]).id

    def without(content: Any) -> None:
        content["grades"]["grade"] = [row for row in rows(content) if row["enrollment_id"] != enrollment]

    harness.fault("schoology", "grades", edit_json(without), times=None)
    sync = await harness.sync(mode="full")
    assert await find_false_claims(harness, sync) == []
    assert harness.table() == before
    warned = [codes for codes in (await harness.warnings(sync)).values() if "partial-read" in codes]
    assert len(warned) == 5


async def test_matrix_that_lacks_a_fifth_stops_the_sync(harness: DistrictHarness) -> None:
    assert (await harness.sync()).status == "complete"
    harness.forget_calls()

    def half(content: Any) -> None:
        del rows(content)[::2]

    harness.fault("schoology", "grades", edit_json(half), times=None)
    sync = await harness.sync(mode="full")
    assert (sync.status, sync.error_code) == ("failed", "upstream-answer-unexpected")
    assert harness.writes == []


async def test_lost_roster_page_clears_nothing(harness: DistrictHarness) -> None:
    assert (await harness.sync()).status == "complete"
    before = harness.table()

    def fewer(content: Any) -> None:
        del content["enrollment"][3:]

    harness.fault("schoology", "enrollments", edit_json(fewer), times=None)
    await harness.sync()
    await harness.sync(mode="full")
    assert harness.table() == before
    harness.faults.clear()
    harness.grade(harness.items[0], harness.students[5], 1)
    assert (await harness.sync()).status == "complete"
    assert harness.differences() == []


async def test_lost_item_page_deletes_and_recreates_nothing(harness: DistrictHarness) -> None:
    assert (await harness.sync()).status == "complete"
    before = harness.table()
    harness.forget_calls()

    def fewer(content: Any) -> None:
        del content["assignment"][2:]

    harness.fault("schoology", "grade_items", edit_json(fewer), times=None)
    await harness.sync()
    assert (harness.table(), harness.writes) == (before, [])
    harness.faults.clear()
    assert (await harness.sync()).status == "complete"
    assert (harness.table(), harness.writes) == (before, [])
