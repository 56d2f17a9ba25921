"""Read the answers to score writes: a score counts where the answer or the SIS bears it out (R41)."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Body
from gradesync_sandbox.powerschool.switches import ScoreFault, ScoreFaultKind
from harness.assertions import assert_synced_well, sync_checked
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import scores_are_unreadable

NOT_KEPT = ("failed", "score-not-kept")
WRITTEN = ("written", None)


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide two assignments and three students, all of it synced."""
    async with environment.open_district(world.build(7, 1, 3, 2, ideal=True)) as harness:
        await assert_synced_well(harness)
        harness.forget_calls()
        yield harness


def bend(
    harness: DistrictHarness, kind: ScoreFaultKind, points: int | None = None, times: int | None = 1
) -> int:
    """Bend the answer for the second student; return the uid."""
    uid = harness.students[1]
    held = None if points is None else Decimal(points)
    student = None if kind == "empty" else harness.room.students[uid].dcid
    harness.world.powerschool.switches.score_faults.append(
        ScoreFault(kind, student=student, points=held, times=times)
    )
    return uid


async def details(harness: DistrictHarness) -> list[str]:
    """Sync, and return the details of what failed."""
    return [row.detail for row in await harness.outcomes(await harness.sync()) if row.reason]


async def test_R41_rows_that_the_answer_leaves_out_are_looked_up(harness: DistrictHarness) -> None:
    item = harness.items[0]
    for uid in harness.students:
        harness.grade(item, uid, 3)
    lost = bend(harness, "omit")
    assert await sync_checked(harness) == {
        (item.id, uid): NOT_KEPT if uid == lost else WRITTEN for uid in harness.students
    }
    assert await sync_checked(harness) == {(item.id, lost): WRITTEN}
    assert harness.differences() == []


async def test_R41_a_contradicted_value_fails_and_is_named(harness: DistrictHarness) -> None:
    item = harness.items[0]
    uid = bend(harness, "alter", 10, times=None)
    harness.grade(item, uid, 12)
    for mode in ("changes", "full"):
        sync = await harness.sync(mode=mode)
        assert await harness.outcomes_by_cell(sync) == {(item.id, uid): NOT_KEPT}
        assert [row.detail for row in await harness.outcomes(sync)] == ["PowerSchool holds 10"]
        assert await harness.warnings(sync) == {}
    harness.world.powerschool.switches.score_faults.clear()
    await assert_synced_well(harness)


@pytest.mark.parametrize("kind", ["mute", "misreport", "extra", "empty"])
async def test_R41_what_the_sis_holds_is_written(harness: DistrictHarness, kind: ScoreFaultKind) -> None:
    uid = bend(harness, kind, 4)
    harness.grade(harness.items[0], uid, 12)
    assert await sync_checked(harness) == {(harness.items[0].id, uid): WRITTEN}
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes == []


async def test_R41_a_clear_that_the_sis_did_not_do_is_sent_again(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], bend(harness, "omit")
    harness.clear(item, uid)
    assert await sync_checked(harness) == {(item.id, uid): NOT_KEPT}
    assert await sync_checked(harness) == {(item.id, uid): ("cleared", None)}
    assert harness.differences() == []


async def test_R41_a_retry_brings_what_was_not_kept(harness: DistrictHarness) -> None:
    uid = bend(harness, "alter", 10)
    harness.grade(harness.items[0], uid, 12)
    failed = await harness.sync()
    assert await sync_checked(harness, retry_of=failed.id) == {(harness.items[0].id, uid): WRITTEN}


async def test_R41_an_unread_row_that_is_left_out_fails(harness: DistrictHarness) -> None:
    scores_are_unreadable(harness)
    uid = bend(harness, "omit")
    harness.grade(harness.items[0], uid, 12)
    assert await sync_checked(harness) == {(harness.items[0].id, uid): NOT_KEPT}
    assert (await harness.ledger())[str(harness.items[0].id)].doubtful
    await assert_synced_well(harness)


async def test_R41_an_empty_answer_is_looked_up_when_it_can_be(harness: DistrictHarness) -> None:
    item = harness.items[0]
    scores_are_unreadable(harness)
    uid = bend(harness, "empty", times=None)
    harness.grade(item, uid, 12)
    assert await sync_checked(harness) == {(item.id, uid): WRITTEN}
    assert (await harness.ledger())[str(item.id)].doubtful
    assert await sync_checked(harness) == {(item.id, uid): WRITTEN}  # the one look that is left
    assert await sync_checked(harness) == {}


async def test_R41_an_answer_without_rows_bears_nothing_out(harness: DistrictHarness) -> None:
    uid, item = harness.students[0], harness.items[0]
    harness.grade(item, uid, 12)
    harness.fault("powerschool", "score.write", Body('{"assignment_scores":[]}', done=False))
    before = harness.sis_text(item, uid)
    assert await details(harness) == [f"PowerSchool holds {before}"]
