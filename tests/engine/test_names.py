"""Names that move from one assignment to another: the SIS takes no name twice on one due date (R29)."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import LoseAfter, RefuseBefore, Status
from gradesync_sandbox.schoology.model import Item
from harness.assertions import untrue, well
from harness.district import Stage
from harness.environment import Theatre


@pytest.fixture
async def stage(theatre: Theatre) -> AsyncIterator[Stage]:
    """Three assignments A, B and C of one due date and three students, all of it synced."""
    async with theatre.stage(world.build(7, 1, 3, 3, ideal=True)) as stage:
        for item, title in zip(stage.items, "ABC", strict=True):
            stage.edit(item, title=title, due=stage.items[0].due)
        await well(stage)
        stage.forget_calls()
        yield stage


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
    assert await stage.warnings(stopped) == {(stage.items[0].id, None): ["name-set-aside"]}
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
    sync = await stage.sync()
    told = await stage.told(sync)
    assert told[one.id, None] == told[other.id, None] == ("failed", "duplicate-name")
    assert (set(ids(stage)), await stage.warnings(sync)) == ({"A", "B", "C"}, {})
    await well(stage)


NOT_ACCEPTED = Status(400, '{"message":"no","errors":[{"field":"assignmentcategoryassocid"}]}')


@pytest.mark.parametrize(("titles", "turns"), [("BAC", 2), ("BCA", 3)])
async def test_who_stepped_aside_for_nothing_has_its_name_back(stage: Stage, titles: str, turns: int) -> None:
    before = ids(stage)
    rename(stage.items, stage, titles)
    stage.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=2)
    sync = await stage.sync()
    told = await stage.told(sync)
    assert sorted(told[item.id, None] for item in stage.items[:turns]) == [
        ("failed", "assignment-not-accepted"),
        *[("failed", "duplicate-name")] * (turns - 1),
    ]
    assert (ids(stage), await stage.warnings(sync)) == (before, {})
    # Aside, back, and the refusals by the SIS itself: the ordered one never came so far.
    assert stage.writes == ["assignment.update"] * (turns + 1)
    await well(stage)


@pytest.mark.parametrize("effect", [RefuseBefore(), LoseAfter()], ids=["never came", "came"])
async def test_it_has_its_name_back_though_an_answer_is_lost(
    stage: Stage, effect: RefuseBefore | LoseAfter
) -> None:
    before = ids(stage)
    rename(stage.items, stage, "BAC")
    stage.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=2)
    stage.fault("powerschool", "assignment.update", effect, nth=4)
    sync = await stage.sync()
    assert (ids(stage), await stage.warnings(sync)) == (before, {})
    await well(stage)


@pytest.mark.parametrize(("titles", "nth"), [("BAC", 3), ("BCA", 3), ("BCA", 4)])
async def test_whose_name_another_has_by_now_says_that_it_stands_aside(
    stage: Stage, titles: str, nth: int
) -> None:
    one = stage.items[0]
    before = ids(stage)
    rename(stage.items, stage, titles)
    stage.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=nth)
    sync = await stage.sync()
    assert await untrue(stage, sync) == []
    assert ids(stage)[f"A ({one.id})"] == before["A"]
    assert await stage.warnings(sync) == {(one.id, None): ["name-set-aside"]}
    await well(stage)


async def test_it_says_so_again_for_as_long_as_it_stands_aside(stage: Stage) -> None:
    one, other, _ = stage.items
    rename(stage.items, stage, "BAC")
    stage.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=2)
    stage.fault("powerschool", "assignment.update", NOT_ACCEPTED, nth=4)
    aside = {(one.id, None): ["name-set-aside"]}
    assert await stage.warnings(await stage.sync()) == aside
    await stage.opt_out(one)
    assert await stage.warnings(await stage.sync()) == aside
    await stage.opt_out(one, False)
    await well(stage)
    assert stage.part(other).name == "A"
