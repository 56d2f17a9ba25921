"""Answers that no honest system gives: each ends as a clear error for the smallest part that it concerns."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Body, Change, Effect, Status, System
from harness.assertions import untrue
from harness.district import Stage
from harness.environment import Theatre

JSON = {"content-type": "application/json"}
HTML = "<html><body>Scheduled maintenance</body></html>"


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Five assignments, six students; Schoology refuses multiget, so that each answer stands alone."""
    async with theatre.stage(world.build(7, 1, 6, 5, ideal=True)) as stage:
        stage.world.schoology.switches.multiget_refused = 405
        yield stage


def changed(change: Callable[[Any], None]) -> Change:
    """An answer whose JSON is changed in place."""

    def edit(body: bytes) -> bytes:
        content = json.loads(body)
        change(content)
        return json.dumps(content).encode()

    return Change(edit)


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
SAID = {
    "upstream-answer-unexpected",
    "upstream-unavailable",
    "sis-unreadable",
    "sis-section-not-found",
    "section-not-from-sis",
    "section-not-found",
    "not-course-admin",
    "sis-credentials-refused",
}


@pytest.mark.parametrize("answer", WHOLE)
async def test_a_hostile_answer_ends_the_sync_with_an_error_or_changes_nothing(
    stage: Stage, answer: str
) -> None:
    for system, kind in READS:
        stage.fault(system, kind, WHOLE[answer], times=None)
        sync = await stage.sync()
        assert await untrue(stage, sync) == []
        if sync.error_code is not None:
            assert sync.error_code in SAID, (kind, sync.error_code)
        assert HTML not in sync.error_detail
        written = {row.value for row in stage.world.powerschool.log.score_rows()}
        assert not written & {None, "0"}
        stage.faults.clear()
        await stage.time_passes()
        stage.restart()
    assert (await stage.sync()).error_code is None
    assert stage.differences() == []


async def test_pages_that_never_end_are_given_up(stage: Stage) -> None:
    path = f"/sections/{stage.section}/enrollments"

    def again(content: Any) -> None:
        content["links"] = {"self": "x", "next": f"{stage.sandbox.schoology_url}{path}?start=1"}

    stage.fault("schoology", "enrollments", changed(again), times=None)
    sync = await stage.sync()
    assert (sync.status, sync.error_code) == ("failed", "upstream-answer-unexpected")
    assert len(stage.world.schoology.log.of("enrollments")) < 20


async def test_a_next_page_on_another_host_is_not_asked(stage: Stage) -> None:
    def elsewhere(content: Any) -> None:
        content["links"]["next"] = "http://192.0.2.7/v1/sections/1/enrollments?start=1"

    stage.fault("schoology", "enrollments", changed(elsewhere), times=None)
    assert (await stage.sync()).error_code == "upstream-answer-unexpected"


def rows(content: Any) -> list[Any]:
    found: list[Any] = content["grades"]["grade"]
    return found


def spoil(**fields: object) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        rows(content)[0].update(fields)

    return change


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
async def test_one_malformed_grade_costs_itself_alone(stage: Stage, fields: dict[str, object]) -> None:
    stage.fault("schoology", "grades", changed(spoil(**fields)), times=None)
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    assert sync.error_code is None
    assert sync.scores["written"] >= 29
    stage.faults.clear()
    assert (await stage.sync(mode="full")).status == "complete"
    assert stage.differences() == []


async def test_duplicate_rows_count_once(stage: Stage) -> None:
    stage.fault("schoology", "grades", changed(lambda content: rows(content).extend(rows(content)[:3])))
    sync = await stage.sync()
    assert (sync.status, sync.scores["written"]) == ("complete", 30)


async def test_grades_of_unknown_assignments_and_students_fail_alone(stage: Stage) -> None:
    def strangers(content: Any) -> None:
        first = rows(content)[0]
        rows(content).append({**first, "assignment_id": 999_999_999})
        rows(content).append({**first, "enrollment_id": 888_888_888})

    stage.fault("schoology", "grades", changed(strangers), times=None)
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    assert sync.scores["written"] == 30
    reasons = {row.reason for row in await stage.outcomes(sync) if row.reason}
    assert reasons == {"assignment-unknown", "student-not-enrolled"}
    assert stage.differences() == []


@pytest.mark.parametrize("title", ["a\u0000b", "a\u202eb", "\u2066x\u2069", "  "])
async def test_a_title_that_no_sis_shows_as_typed_costs_its_assignment_alone(
    stage: Stage, title: str
) -> None:
    spoilt = stage.items[0]

    def rename(content: Any) -> None:
        content["assignment"][0]["title"] = title

    stage.fault("schoology", "grade_items", changed(rename), times=None)
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    told = await stage.told(sync)
    assert told[spoilt.id, None][0] == "failed"
    assert sync.assignments["created"] == 4


async def test_half_a_character_makes_an_answer_no_answer(stage: Stage) -> None:
    def rename(content: Any) -> None:
        content["assignment"][0]["title"] = "\ud83d"

    stage.fault("schoology", "grade_items", changed(rename), times=None)
    assert (await stage.sync()).error_code == "upstream-answer-unexpected"


async def test_a_malformed_item_costs_itself_alone(stage: Stage) -> None:
    def spoil_item(content: Any) -> None:
        content["assignment"][0]["max_points"] = {"no": "number"}
        content["assignment"][1]["due"] = "some day"

    stage.fault("schoology", "grade_items", changed(spoil_item), times=None)
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    assert (sync.error_code, sync.assignments["created"], sync.assignments["failed"]) == (None, 3, 2)


async def test_a_sis_list_with_foreign_and_broken_entries_is_read_around(stage: Stage) -> None:
    assert (await stage.sync()).status == "complete"
    stage.forget_calls()

    def litter(content: Any) -> None:
        content[:0] = [None, 7, "x", {}, {"assignmentid": "?"}, {"assignmentid": 1, "_assignmentsections": 3}]

    stage.fault("powerschool", "assignment.list", changed(litter), times=None)
    sync = await stage.sync()
    assert (sync.status, stage.writes) == ("complete", [])


# --- partial reads


async def test_a_student_missing_from_the_answer_is_asked_for_again_and_nothing_is_cleared(
    stage: Stage,
) -> None:
    assert (await stage.sync()).status == "complete"
    before = stage.table()
    enrollment = stage.room.section.enrollment_of(stage.students[0]).id

    def without(content: Any) -> None:
        content["grades"]["grade"] = [row for row in rows(content) if row["enrollment_id"] != enrollment]

    stage.fault("schoology", "grades", changed(without), times=None)
    sync = await stage.sync(mode="full")
    assert await untrue(stage, sync) == []
    assert stage.table() == before
    warned = [codes for codes in (await stage.warnings(sync)).values() if "partial-read" in codes]
    assert len(warned) == 5


async def test_a_matrix_that_lacks_more_than_a_fifth_is_not_believed(stage: Stage) -> None:
    assert (await stage.sync()).status == "complete"
    stage.forget_calls()

    def half(content: Any) -> None:
        del rows(content)[::2]

    stage.fault("schoology", "grades", changed(half), times=None)
    sync = await stage.sync(mode="full")
    assert (sync.status, sync.error_code) == ("failed", "upstream-answer-unexpected")
    assert stage.writes == []


async def test_a_lost_page_of_the_roster_clears_nothing(stage: Stage) -> None:
    assert (await stage.sync()).status == "complete"
    before = stage.table()

    def fewer(content: Any) -> None:
        del content["enrollment"][3:]

    stage.fault("schoology", "enrollments", changed(fewer), times=None)
    await stage.sync()
    await stage.sync(mode="full")
    assert stage.table() == before
    stage.faults.clear()
    stage.grade(stage.items[0], stage.students[5], 1)
    assert (await stage.sync()).status == "complete"
    assert stage.differences() == []


async def test_a_lost_page_of_items_deletes_and_recreates_nothing(stage: Stage) -> None:
    assert (await stage.sync()).status == "complete"
    before = stage.table()
    stage.forget_calls()

    def fewer(content: Any) -> None:
        del content["assignment"][2:]

    stage.fault("schoology", "grade_items", changed(fewer), times=None)
    await stage.sync()
    assert (stage.table(), stage.writes) == (before, [])
    stage.faults.clear()
    assert (await stage.sync()).status == "complete"
    assert (stage.table(), stage.writes) == (before, [])
