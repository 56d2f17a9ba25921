"""Names that move from one assignment to another: the SIS takes no name twice on one due date (R29)."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import LoseAfter, RefuseBefore, Status
from gradesync_sandbox.schoology.model import Item
from stage import Stage, Theatre, untrue


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Three assignments A, B and C of one due date and three students, all of it synced."""
    async with theatre.stage(world.build(7, 1, 3, 3, ideal=True)) as stage:
        for item, title in zip(stage.items, "ABC", strict=True):
            stage.edit(item, title=title, due=stage.items[0].due)
        await well(stage)
        stage.forget_calls()
        yield stage


async def well(stage: Stage) -> None:
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    assert (sync.status, sync.error_code) == ("complete", None)
    assert stage.differences() == []


def rename(items: list[Item], stage: Stage, titles: str) -> None:
    for item, title in zip(items, titles, strict=True):
        stage.edit(item, title=title)


def ids(stage: Stage) -> dict[str, int]:
    """Name -> ASSIGNMENTID."""
    dcid, there = stage.room.sis.dcid, stage.world.powerschool.gradebook.of_section(stage.room.sis)
    return {assignment.section(dcid).name: assignment.assignmentid for assignment in there}


@pytest.mark.parametrize("titles", ["BCD", "DAB"])
async def test_names_that_move_on_along_a_line_cost_no_refusal(stage: Stage, titles: str) -> None:
    rename(stage.items, stage, titles)
    await well(stage)
    assert stage.writes == ["assignment.update"] * 3


@pytest.mark.parametrize("titles", ["BAC", "BCA", "CAB"])
async def test_names_that_change_places_end_where_they_should_be(stage: Stage, titles: str) -> None:
    before = ids(stage)
    rename(stage.items, stage, titles)
    await well(stage)
    assert ids(stage) == {after: before[name] for name, after in zip("ABC", titles, strict=True)}
    stage.forget_calls()
    await well(stage)
    assert stage.writes == []


@pytest.mark.parametrize("days", [1, 2], ids=["change places", "move on"])
async def test_two_of_one_name_pass_on_their_due_dates(stage: Stage, days: int) -> None:
    one, other, _ = stage.items
    assert one.due is not None
    today, tomorrow = one.due, one.due + timedelta(days=1)
    stage.edit(other, title="A", due=tomorrow)
    await well(stage)
    stage.edit(one, due=today + timedelta(days=days))
    stage.edit(other, due=today)
    await well(stage)


async def test_a_new_assignment_gets_the_name_that_an_older_one_leaves(stage: Stage) -> None:
    stage.edit(stage.items[0], title="D")
    stage.add("A")
    await well(stage)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("effect", [RefuseBefore(), LoseAfter()], ids=["never came", "came"])
async def test_names_change_places_whichever_answer_is_lost(
    stage: Stage, nth: int, effect: RefuseBefore | LoseAfter
) -> None:
    rename(stage.items, stage, "BAC")
    stage.fault("powerschool", "assignment.update", effect, nth=nth)
    await well(stage)


async def test_a_sync_that_fails_between_two_names_is_put_right_by_the_next(stage: Stage) -> None:
    rename(stage.items, stage, "BAC")
    stage.fault("powerschool", "assignment.update", Status(503), nth=2, times=None)
    stopped = await stage.sync()
    assert stopped.status == "failed"
    assert len(stage.table()) == 3
    stage.faults.clear()
    await stage.time_passes()
    sync = await stage.sync()
    assert (sync.status, await stage.warnings(sync), stage.differences()) == ("complete", {}, [])


async def test_where_nobody_may_step_aside_both_names_clash(stage: Stage) -> None:
    one, other, _ = stage.items
    rename(stage.items, stage, "BAC")
    no = Status(409, '{"message":"no","errors":[{"field":"name"}]}')
    stage.fault("powerschool", "assignment.update", no)
    told = await stage.told(await stage.sync())
    assert told[one.id, None] == told[other.id, None] == ("failed", "duplicate-name")
    assert set(ids(stage)) == {"A", "B", "C"}
    await well(stage)
