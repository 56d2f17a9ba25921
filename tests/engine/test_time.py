"""Days on which clocks change, the edges of terms, and upstreams whose clocks differ from ours."""

import asyncio
from datetime import date, datetime, time, timedelta

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Hold
from harness.assertions import untrue
from harness.district import Stage
from harness.environment import Theatre

TIMES = (time(0), time(1, 30), time(2, 30), time(23, 59, 59))
"""Two that come twice or never on the days on which the clocks change, and the ends of the day."""
A_WHILE = 300
"""Seconds between syncs: more than what a sync of changes reads again in any case."""
ROUNDS = 3


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("America/Los_Angeles", (date(2026, 11, 1), date(2027, 3, 14))),
        ("Pacific/Auckland", (date(2026, 9, 27), date(2027, 4, 4))),
    ],
)
async def test_R13_a_due_date_stays_on_its_day_when_the_clocks_change(
    theatre: Theatre, zone: str, changes: tuple[date, date]
) -> None:
    built = world.build(7, 1, 2, 1, ideal=True)
    built.timezone = built.powerschool.timezone = zone
    async with theatre.stage(built) as stage:
        moments = [datetime.combine(day, at) for day in changes for at in TIMES]
        items = [stage.add(f"Due {moment}", due=moment) for moment in moments]
        assert (await stage.sync()).status == "complete"
        assert [stage.part(item).duedate for item in items] == [moment.date() for moment in moments]
        stage.forget_calls()
        assert (await stage.sync(mode="full")).status == "complete"
        assert stage.writes == []


async def test_R14_the_first_and_the_last_day_of_a_term_belong_to_it(theatre: Theatre) -> None:
    async with theatre.stage(world.build(7, 1, 2, 1, ideal=True)) as stage:
        term, day = stage.room.term, timedelta(days=1)
        term.firstday, term.lastday = date(2026, 11, 1), date(2027, 3, 14)  # the clocks change on both
        stage.edit(stage.items[0], due=datetime.combine(date(2026, 12, 1), time(12)))
        within = [
            stage.add("First moment", due=datetime.combine(term.firstday, time(0))),
            stage.add("Last moment", due=datetime.combine(term.lastday, time(23, 59, 59))),
        ]
        outside = [
            stage.add("Just before", due=datetime.combine(term.firstday - day, time(23, 59, 59))),
            stage.add("Just after", due=datetime.combine(term.lastday + day, time(0))),
        ]
        told = await stage.told(await stage.sync())
        assert [told[item.id, None] for item in within] == [("created", None)] * 2
        assert [told[item.id, None] for item in outside] == [("failed", "due-date-outside-term")] * 2
        assert [stage.part(item).duedate for item in within] == [term.firstday, term.lastday]
        assert stage.created == 3


@pytest.mark.parametrize("minutes", [-7, 7], ids=["behind", "ahead"])
async def test_schoologys_clock_may_differ_by_minutes_and_no_change_is_lost(
    theatre: Theatre, minutes: int
) -> None:
    built = world.build(7, 1, 3, ROUNDS, ideal=True)
    clock = built.schoology.switches
    clock.clock_skew = minutes * 60 - (A_WHILE * (ROUNDS + 1) if minutes < 0 else 0)
    async with theatre.stage(built) as stage:
        assert (await stage.sync()).status == "complete"
        for points, item in enumerate(stage.items, 1):
            clock.clock_skew += A_WHILE
            stage.grade(item, stage.students[0], points)
            await _sync_meanwhile_graded(stage, points)
        clock.clock_skew += A_WHILE
        sync = await stage.sync()
        assert (sync.mode, sync.status) == ("changes", "complete")
        assert await untrue(stage, sync) == []
        assert stage.differences() == []


async def _sync_meanwhile_graded(stage: Stage, points: int) -> None:
    """A sync during which, after it has read the section, a teacher enters another score."""
    stage.fault("powerschool", "score.write", Hold("before"))
    sync = await stage.request()
    carrying = asyncio.create_task(stage.carry())
    held = asyncio.create_task(stage.faults.until_held())
    await asyncio.wait({carrying, held}, return_when=asyncio.FIRST_COMPLETED)
    assert held.done(), "the sync read the score that was entered before it"
    stage.grade(stage.items[points - 1], stage.students[1], points)
    stage.faults.release()
    await carrying
    assert (await stage.get(sync)).status == "complete"


@pytest.mark.parametrize("hours", [-30, 30], ids=["behind", "ahead"])
async def test_powerschools_clock_does_not_matter(stage: Stage, hours: int) -> None:
    stage.world.powerschool.switches.clock_skew = hours * 3600
    assert (await stage.sync()).status == "complete"
    stage.grade(stage.items[0], stage.students[0], 3)
    stage.delete_in_sis(stage.items[1])
    sync = await stage.sync()
    assert (sync.status, await untrue(stage, sync), stage.differences()) == ("complete", [], [])
    stage.forget_calls()
    assert (await stage.sync()).status == "complete"
    assert (stage.writes, stage.world.powerschool.log.of("token")) == ([], [])
