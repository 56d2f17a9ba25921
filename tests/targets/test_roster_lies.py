"""Let a OneRoster SIS answer falsely: what it concerns fails by name, and nothing is cleared or claimed."""

from typing import Any

import pytest

from gradesync_sandbox.faults import Body, Change, Status
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.faults import edit_json
from harness.sis_kinds import STANDARD, Kind

HTML = "<html>Sign in</html>"


@pytest.fixture
def kind() -> Kind:
    """Let the SIS speak OneRoster 1.2."""
    return STANDARD


def spoil_first(field: str, value: object) -> Change:
    return edit_json(lambda content: content["results"][0].update({field: value}))


@pytest.mark.parametrize(("field", "value"), [("score", "NaN"), ("student", None)])
async def test_a_result_not_understood_is_no_edit(
    harness: DistrictHarness, field: str, value: object
) -> None:
    await harness.sync()
    harness.forget_calls()
    harness.fault("oneroster", "result.list", spoil_first(field, value), times=None)
    done = await harness.sync(mode="full")
    assert (done.error_code, done.warnings, harness.writes) == (None, {}, [])


async def test_a_result_without_student_stops_its_item(harness: DistrictHarness) -> None:
    await harness.sync()
    first, second = sorted(harness.items, key=lambda item: harness.part(item).assignmentsectionid)
    for item in (first, second):
        harness.grade(item, harness.students[0], 3)
    harness.forget_calls()
    harness.fault("oneroster", "result.list", spoil_first("student", {}), times=None)
    done = await harness.sync()
    cells = await harness.outcomes_by_cell(done)
    found = {cells[item.id, harness.students[0]] for item in (first, second)}
    assert found == {("failed", "sis-unreadable"), ("written", None)}
    assert await find_false_claims(harness, done) == []


@pytest.mark.parametrize("call", ["lineItem.put", "result.put"])
async def test_a_page_instead_of_a_write_is_no_write(harness: DistrictHarness, call: str) -> None:
    harness.fault("oneroster", call, Body(HTML, done=False))
    done = await harness.sync()
    assert await find_false_claims(harness, done) == []
    await harness.sync()
    assert harness.differences() == []


async def test_a_write_answered_with_another_is_read_back(harness: DistrictHarness) -> None:
    other = Status(200, '{"result":{"sourcedId":"another"}}')
    harness.fault("oneroster", "result.put", other)
    done = await harness.sync()
    cells = await harness.outcomes_by_cell(done)
    assert sorted(cells.values(), key=str).count(("failed", "score-not-kept")) == 1
    assert await find_false_claims(harness, done) == []


async def test_a_lost_score_is_not_found_in_another(harness: DistrictHarness) -> None:
    await harness.sync()
    harness.grade(harness.items[0], harness.students[0], 3)
    harness.fault("oneroster", "result.put", Status(500), times=None)
    harness.fault(
        "oneroster", "result.get", Status(200, '{"result":{"sourcedId":"another","score":3}}'), times=None
    )
    done = await harness.sync()
    assert done.status == "failed"
    assert await find_false_claims(harness, done) == []


async def test_a_delete_of_nothing_is_read_back(harness: DistrictHarness) -> None:
    await harness.sync()
    first, ann = harness.items[0], harness.students[0]
    harness.clear(first, ann)
    harness.fault("oneroster", "result.delete", Status(404), times=None)
    done = await harness.sync()
    assert (await harness.outcomes_by_cell(done))[first.id, ann] == ("failed", "score-not-kept")
    assert await find_false_claims(harness, done) == []


async def test_what_was_taken_stands_in_a_later_failure(harness: DistrictHarness) -> None:
    await harness.sync()
    first, (ann, ben, _) = harness.items[0], harness.students
    for student in (ann, ben):
        harness.grade(first, student, 3)
    harness.fault("oneroster", "result.put", Status(404))
    harness.fault("oneroster", "lineItem.get", Status(200, HTML), times=None)
    done = await harness.sync()
    assert await find_false_claims(harness, done) == []
    written = list((await harness.outcomes_by_cell(done)).values()).count(("written", None))
    assert written == 1


@pytest.mark.parametrize("call", ["class.get", "term.get"])
async def test_another_class_or_term_is_not_taken(harness: DistrictHarness, call: str) -> None:
    name = {"class.get": "class", "term.get": "academicSession"}[call]
    another = edit_json(lambda content: content[name].update(sourcedId="another"))
    harness.fault("oneroster", call, another, times=None)
    done = await harness.sync()
    assert (done.error_code, harness.writes) == ("sis-unreadable", [])


async def test_a_class_without_a_school_is_not_written(harness: DistrictHarness) -> None:
    harness.fault(
        "oneroster", "class.get", edit_json(lambda content: content["class"].pop("school")), times=None
    )
    done = await harness.sync()
    assert (done.error_code, harness.writes) == ("sis-unreadable", [])


@pytest.mark.parametrize("lifetime", ["NaN", "Infinity", 1e300, "-1", [], None])
async def test_any_lifetime_of_a_token_is_borne(harness: DistrictHarness, lifetime: object) -> None:
    changed = edit_json(lambda content: content.update(expires_in=lifetime))
    harness.fault("oneroster", "token", changed, times=None)
    assert (await harness.sync()).status == "complete"


async def test_no_other_line_item_is_changed(harness: DistrictHarness) -> None:
    await harness.sync()
    first = harness.items[0]
    first.title = "Renamed"
    harness.forget_calls()
    another = edit_json(lambda content: content["lineItem"].update(sourcedId="another"))
    harness.fault("oneroster", "lineItem.get", another, times=None)
    done = await harness.sync()
    cells = await harness.outcomes_by_cell(done)
    assert (cells[first.id, None], harness.writes) == (("failed", "sis-unreadable"), [])


async def test_no_line_item_of_another_class_is_taken(harness: DistrictHarness) -> None:
    await harness.sync()
    first = harness.items[0]
    essay = harness.add("Essay")
    harness.grade(essay, harness.students[0], 4)

    def add_other(content: dict[str, Any]) -> None:
        rows = content["lineItems"]
        for copied in [row for row in rows if row["title"] == first.title]:
            named = {"sourcedId": "other", "title": "Essay", "class": {**copied["class"], "sourcedId": "999"}}
            rows.append({**copied, **named})

    harness.fault("oneroster", "lineItem.list", edit_json(add_other), times=None)
    done = await harness.sync()
    assert (await harness.outcomes_by_cell(done))[essay.id, None] == ("created", None)
    assert harness.differences() == []


async def test_an_error_that_is_null_refuses_no_token(harness: DistrictHarness) -> None:
    harness.fault("oneroster", "token", edit_json(lambda content: content.update(error=None)), times=None)
    assert (await harness.sync()).status == "complete"
