"""Hold the rules whose cases elsewhere use PowerSchool's calls, in the calls of OneRoster.

`test_rules_over_oneroster.py` tries each on every server. Most begin with a class that never synced.
"""

import json
from collections.abc import Callable
from typing import Any

from engine import test_name_forms
from engine.rules import test_scores_by_number
from gradesync_sandbox.faults import Change, RefuseBefore, Status
from harness.assertions import assert_synced_well, find_false_claims, sync_checked
from harness.district import DistrictHarness
from harness.faults import edit_json
from harness.previews import compare
from harness.sis_kinds import face_of

SCORES = ("result.put", "result.post")
WORDS = "Too many requests, wait 600 sec; unknownobject, server_busy"


def edit_rows(name: str, change: Callable[[dict[str, Any]], object]) -> Change:
    """Return a fault that changes each row of a list."""

    def change_rows(content: dict[str, Any]) -> None:
        for row in content.get(name, []):
            change(row)

    return edit_json(change_rows)


async def test_R2_missing_is_a_zero_whatever_its_grade_reads(harness: DistrictHarness) -> None:
    for reads_zero in (True, False):
        await test_scores_by_number.test_R2_missing_is_a_zero_whatever_its_grade_reads(harness, reads_zero)
        harness.grade(harness.items[0], harness.students[0], 5)
        await sync_checked(harness)


async def test_R16_only_sections_of_the_sis_sync(harness: DistrictHarness) -> None:
    harness.world.schoology.set_synced(harness.room.section.id, synced=False)
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("failed", "section-not-from-sis")
    assert harness.world.powerschool.log.calls == []


async def test_R20_missing_from_the_list_alone_proves_nothing(harness: DistrictHarness) -> None:
    await sync_checked(harness)
    harness.fault("oneroster", "lineItem.list", Change(lambda _: b'{"lineItems":[]}'), times=None)
    face_of(harness).switches.totals = False
    harness.grade(harness.items[0], harness.students[0], 6)
    harness.forget_calls()
    assert await sync_checked(harness) == {(harness.items[0].id, harness.students[0]): ("written", None)}
    assert set(harness.writes) == {"result.put"}


async def test_R30_a_closed_window_is_named(harness: DistrictHarness) -> None:
    await sync_checked(harness)
    sis, term = harness.world.powerschool, harness.room.term
    sis.lock_term(term)
    harness.grade(harness.items[0], harness.students[0], 5)
    sync = await harness.sync()
    # OneRoster has no code of its own for it.
    assert (sync.status, sync.error_code) == ("failed", "sis-permission-missing")
    assert await find_false_claims(harness, sync) == []
    sis.lock_term(term, locked=False)
    await sync_checked(harness)
    assert harness.sis_text(harness.items[0], harness.students[0]) == "5"


async def test_R41_a_score_that_the_answer_contradicts_is_read_back(harness: DistrictHarness) -> None:
    await sync_checked(harness)
    first, (ann, ben, *_) = harness.items[0], harness.students
    for uid in (ann, ben):
        harness.grade(first, uid, 3)
    other = Status(200, '{"result":{"sourcedId":"another"}}')  # it stores nothing
    harness.fault("oneroster", "result.put", other)
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    cells = await harness.outcomes_by_cell(sync)
    ends = {cells[first.id, uid] for uid in (ann, ben)}
    assert ends == {("failed", "score-not-kept"), ("written", None)}
    await sync_checked(harness)
    assert [harness.sis_text(first, uid) for uid in (ann, ben)] == ["3", "3"]


async def test_R42_words_of_a_refusal_steer_nothing(harness: DistrictHarness) -> None:
    first, *others = harness.items
    info = {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_description": WORDS}
    harness.fault("oneroster", "lineItem.put", Status(422, json.dumps(info)))
    sync = await harness.sync()
    cells = await harness.outcomes_by_cell(sync)
    refused = [item for item in (first, *others) if cells[item.id, None] != ("created", None)]
    assert [cells[item.id, None] for item in refused] == [("failed", "assignment-not-accepted")]
    assert sync.attempt == 1
    assert not any(WORDS[:8] in row.detail for row in await harness.outcomes(sync))
    await sync_checked(harness)
    assert harness.differences() == []


async def test_R46_an_item_with_a_scale_takes_no_points(harness: DistrictHarness) -> None:
    await sync_checked(harness)
    first, uid = harness.items[0], harness.students[0]
    key = face_of(harness).id_of_item(find_assignment(harness, first.title))

    def set_scale(row: dict[str, Any]) -> None:
        if row["sourcedId"] == key:
            del row["resultValueMax"]
            row["scoreScale"] = {"href": "https://sis.example/s/1", "sourcedId": "1", "type": "scoreScale"}

    harness.fault("oneroster", "lineItem.list", edit_rows("lineItems", set_scale), times=None)
    harness.grade(first, uid, 3)
    before = harness.sis_text(first, uid)
    cells = await sync_checked(harness)
    assert cells[first.id, None] == ("failed", "sis-score-type")
    assert cells[first.id, uid] == ("failed", "assignment-failed")
    assert harness.sis_text(first, uid) == before


def find_assignment(harness: DistrictHarness, title: str) -> Any:
    """Return the assignment of the SIS with this name."""
    section = harness.room.sis
    listed = harness.world.powerschool.gradebook.of_section(section)
    return next(one for one in listed if one.section(section.dcid).name == title.strip())


async def test_R50_a_name_that_the_sis_cut_is_no_edit(harness: DistrictHarness) -> None:
    harness.world.powerschool.switches.name_cut = 11
    harness.world.powerschool.switches.name_form = {"cut"}
    harness.edit(harness.items[0], title="Essay about the harvest")
    await sync_checked(harness)
    assert "Essay about" in harness.table()
    await test_name_forms.assert_quiet(harness)


async def test_R51_a_lost_first_write_is_no_edit(harness: DistrictHarness) -> None:
    for call in SCORES:
        harness.fault("oneroster", call, RefuseBefore(), times=None)
    assert (await harness.sync()).status == "failed"
    await harness.end_faults()
    sync = await harness.sync()
    assert (sync.status, harness.differences()) == ("complete", [])
    assert "edited-in-sis" not in sync.warnings


async def test_R52_a_preview_of_changes_is_kept(harness: DistrictHarness) -> None:
    await compare(harness)
    first, second, *_ = harness.items
    ann, ben, cam, *_ = harness.students
    harness.grade(first, ann, 3)
    harness.clear(first, ben)
    harness.edit(second, title="Renamed")
    harness.add("New work")
    harness.world.powerschool.drop(harness.room.students[cam], harness.room.sis)
    harness.grade(second, cam, 2)
    await compare(harness)


async def test_R54_unchanged_scores_are_one_row_an_assignment(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    sync = await harness.sync(mode="full")
    listed = [(row.kind, row.assignment_id, row.count) for row in await harness.list_outcomes(sync)]
    scores = [("score", str(item.id), len(harness.students)) for item in harness.items]
    assert listed == [("assignment", "", len(harness.items)), *scores]
