"""Run whole syncs against every SIS: what the rules demand stands there afterwards."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gradesync_sandbox.schoology.model import Item, Mark
from gradesync_sandbox.world import build
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import lose_ledger
from harness.sis_kinds import ROSTER_KINDS, Kind, face_of, open_kind


async def sync(harness: DistrictHarness, kind: Kind, *, left: int = 0, **wanted: Any) -> dict[Any, Any]:
    """Sync, expect no false claim and so many differences that the SIS leaves; return outcomes by cell."""
    done = await harness.sync(**wanted)
    rows = [(row.result, row.reason, row.detail) for row in await harness.outcomes(done) if row.reason]
    assert (done.error_code, done.status) == (None, "complete"), rows
    assert await find_false_claims(harness, done) == []
    assert len(found := kind.find_differences(harness)) == left, found
    return await harness.outcomes_by_cell(done)


async def expect_nothing_to_do(harness: DistrictHarness) -> None:
    """Plan again, also from all that the SIS holds: nothing is written."""
    harness.forget_calls()
    for mode in (None, "full"):
        await harness.sync(mode=mode)
    assert harness.writes == []


async def test_first_sync_sends_everything_once(harness: DistrictHarness, kind: Kind) -> None:
    await sync(harness, kind)
    await expect_nothing_to_do(harness)


async def test_classes_of_several_teachers_share_no_category(environment: Environment, kind: Kind) -> None:
    async with open_kind(environment, kind, build(7, 2, 1, 1, ideal=True)) as harness:
        first, second = harness.world.classrooms
        assert first.sis_teacher is not second.sis_teacher
        for room in (first, second):
            done = await harness.sync(room)
            assert (done.error_code, done.result) == (None, "all-sent")


async def test_R44_scores_go_on_where_a_category_is_deleted(harness: DistrictHarness, kind: Kind) -> None:
    await sync(harness, kind)
    sis, room = harness.world.powerschool, harness.room
    for category in sis.categories_of(room.sis_teacher.dcid):
        sis.delete_category(category)
    harness.grade(harness.items[0], harness.students[0], 4)
    assert (await harness.sync(mode="full")).status == "complete"
    assert harness.sis_text(harness.items[0], harness.students[0]) == "4"


async def test_every_change_of_a_score_arrives(harness: DistrictHarness, kind: Kind) -> None:
    first, second = harness.items
    ann, ben, cam = harness.students
    await sync(harness, kind)
    harness.forget_calls()
    harness.grade(first, ann, "9.5")
    harness.clear(first, ben)
    harness.mark(first, cam, Mark.MISSING)
    harness.mark(second, ann, Mark.EXCUSED)
    harness.mark(second, ben, Mark.INCOMPLETE)
    cells = await sync(harness, kind, left=0 if kind.clears else 1)
    cleared = ("cleared", None) if kind.clears else ("skipped", "cannot-clear")
    assert [cells[first.id, uid] for uid in (ann, ben, cam)] == [
        ("written", None),
        cleared,
        ("written", None),
    ]
    excused = [cells[second.id, uid] for uid in (ann, ben)]
    assert excused == [("cleared", None), ("skipped", "incomplete-not-sent")]
    await expect_nothing_to_do(harness)
    for item, uid in ((first, ben), (first, cam), (second, ann), (second, ben)):
        harness.grade(item, uid, 7)
    await sync(harness, kind)
    await expect_nothing_to_do(harness)


def find_status(harness: DistrictHarness, item: Item, uid: int) -> str | None:
    """Return the status of a result that a OneRoster SIS shows; None where there is none."""
    pair = harness.part(item).assignmentsectionid, harness.room.students[uid].dcid
    return dict(face_of(harness).result_fields.get(pair, {})).get("scoreStatus")


@pytest.mark.sample(3)
@pytest.mark.parametrize("kind", [each for each in ROSTER_KINDS if each.excuses], ids=str, indirect=True)
async def test_R3_excused_takes_the_place_of_a_score(harness: DistrictHarness, kind: Kind) -> None:
    (first, second), (ann, ben, cam) = harness.items, harness.students
    harness.mark(first, cam, Mark.EXCUSED)
    await sync(harness, kind)
    for item, uid in ((first, ann), (first, ben), (second, ann)):
        harness.mark(item, uid, Mark.EXCUSED)
    await sync(harness, kind)
    shown = [find_status(harness, first, uid) for uid in (ann, ben, cam)]
    assert shown == ["exempt", "exempt", None]  # nothing was ever sent for the third
    await expect_nothing_to_do(harness)
    await lose_ledger(harness)
    cells = await sync(harness, kind, mode="full")
    assert (cells[first.id, ann], harness.writes) == (("adopted", None), [])
    harness.clear(first, ann)
    harness.grade(first, ben, 6)
    harness.mark(second, ann, Mark.MISSING)
    cells = await sync(harness, kind)
    assert cells[first.id, ann] == (("cleared", None) if kind.clears else ("skipped", "cannot-clear"))
    assert find_status(harness, first, ann) == (None if kind.clears else "exempt")
    assert [harness.sis_text(first, ben), harness.sis_text(second, ann)] == ["6", "0"]
    await expect_nothing_to_do(harness)


async def test_every_change_of_an_assignment_arrives(harness: DistrictHarness, kind: Kind) -> None:
    first, second = harness.items
    await sync(harness, kind)
    assert first.due is not None
    harness.edit(first, title="Another name", max_points=Decimal(40), due=first.due + timedelta(days=3))
    harness.edit(second, category=first.category)
    third = harness.add("A new one")
    harness.grade(third, harness.students[0], 3)
    cells = await sync(harness, kind)
    assert cells[third.id, None] == ("created", None)
    assert cells[first.id, None] == ("updated", None)
    await expect_nothing_to_do(harness)


async def test_what_is_deleted_in_the_sis_is_created_again(harness: DistrictHarness, kind: Kind) -> None:
    first, _ = harness.items
    await sync(harness, kind)
    harness.delete_in_sis(first)
    cells = await sync(harness, kind)
    assert cells[first.id, None] == ("recreated", None)
    await expect_nothing_to_do(harness)


async def test_lost_ledger_writes_nothing(harness: DistrictHarness, kind: Kind) -> None:
    await sync(harness, kind)
    await lose_ledger(harness)
    harness.forget_calls()
    cells = await sync(harness, kind, mode="full")
    assert {result for result, _ in cells.values()} == {"adopted"}
    assert harness.writes == []


async def test_marks_arrive_and_are_taken_back(harness: DistrictHarness, kind: Kind) -> None:
    first, _ = harness.items
    ann, ben, _ = harness.students
    await harness.change_policy(exception_flags=True)
    await sync(harness, kind)
    harness.mark(first, ann, Mark.EXCUSED)
    harness.mark(first, ben, Mark.MISSING)
    await sync(harness, kind)
    await expect_nothing_to_do(harness)
    for uid in (ann, ben):
        harness.grade(first, uid, 4)
    await sync(harness, kind)
    await expect_nothing_to_do(harness)


async def test_edits_in_the_sis_stay_until_a_full_sync(harness: DistrictHarness, kind: Kind) -> None:
    first, ann = harness.items[0], harness.students[0]
    await sync(harness, kind)
    harness.type_in_sis(first, ann, 1)
    harness.forget_calls()
    await harness.sync()
    assert harness.writes == []
    done = await harness.sync(mode="full")
    reason = (await harness.outcomes_by_cell(done))[first.id, ann]
    locked = kind.demands is not None and kind.demands.keeps_entries
    assert reason == (("failed", "entered-in-sis") if locked else ("written", None))
