"""Sync on days on which clocks change, at the edges of terms, and with upstreams whose clocks differ."""

import asyncio
from datetime import date, datetime, time, timedelta

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Hold
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment

# Two that come twice or never on the days on which the clocks change, and the ends of the day.
TIMES = (time(0), time(1, 30), time(2, 30), time(23, 59, 59))
PAUSE_SECONDS = 300  # between syncs: more than what a sync of changes reads again in any case
ROUNDS = 3


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("America/Los_Angeles", (date(2026, 11, 1), date(2027, 3, 14))),
        ("Pacific/Auckland", (date(2026, 9, 27), date(2027, 4, 4))),
    ],
)
async def test_R13_due_date_keeps_its_day_when_clocks_change(
    environment: Environment, zone: str, changes: tuple[date, date]
) -> None:
    built = world.build(7, 1, 2, 1, ideal=True)
    built.timezone = built.powerschool.timezone = zone
    async with environment.open_district(built) as harness:
        moments = [datetime.combine(day, at) for day in changes for at in TIMES]
        items = [harness.add(f"Due {moment}", due=moment) for moment in moments]
        assert (await harness.sync()).status == "complete"
        assert [harness.part(item).duedate for item in items] == [moment.date() for moment in moments]
        harness.forget_calls()
        assert (await harness.sync(mode="full")).status == "complete"
        assert harness.writes == []


async def test_R14_first_and_last_day_belong_to_the_term(environment: Environment) -> None:
    async with environment.open_district(world.build(7, 1, 2, 1, ideal=True)) as harness:
        term, day = harness.room.term, timedelta(days=1)
        term.firstday, term.lastday = date(2026, 11, 1), date(2027, 3, 14)  # the clocks change on both
        harness.edit(harness.items[0], due=datetime.combine(date(2026, 12, 1), time(12)))
        within = [
            harness.add("First moment", due=datetime.combine(term.firstday, time(0))),
            harness.add("Last moment", due=datetime.combine(term.lastday, time(23, 59, 59))),
        ]
        outside = [
            harness.add("Just before", due=datetime.combine(term.firstday - day, time(23, 59, 59))),
            harness.add("Just after", due=datetime.combine(term.lastday + day, time(0))),
        ]
        outcomes = await harness.outcomes_by_cell(await harness.sync())
        assert [outcomes[item.id, None] for item in within] == [("created", None)] * 2
        assert [outcomes[item.id, None] for item in outside] == [("failed", "due-date-outside-term")] * 2
        assert [harness.part(item).duedate for item in within] == [term.firstday, term.lastday]
        assert harness.created == 3


@pytest.mark.parametrize("minutes", [-7, 7], ids=["behind", "ahead"])
async def test_schoology_clock_minutes_apart_loses_no_change(environment: Environment, minutes: int) -> None:
    built = world.build(7, 1, 3, ROUNDS, ideal=True)
    clock = built.schoology.switches
    clock.clock_skew = minutes * 60 - (PAUSE_SECONDS * (ROUNDS + 1) if minutes < 0 else 0)
    async with environment.open_district(built) as harness:
        assert (await harness.sync()).status == "complete"
        for points, item in enumerate(harness.items, 1):
            clock.clock_skew += PAUSE_SECONDS
            harness.grade(item, harness.students[0], points)
            await _sync_while_graded(harness, points)
        clock.clock_skew += PAUSE_SECONDS
        sync = await harness.sync()
        assert (sync.mode, sync.status) == ("changes", "complete")
        assert await find_false_claims(harness, sync) == []
        assert harness.differences() == []


async def _sync_while_graded(harness: DistrictHarness, points: int) -> None:
    """Run a sync during which, after it has read the section, a teacher enters another score."""
    harness.fault("powerschool", "score.write", Hold("before"))
    sync = await harness.request()
    running = asyncio.create_task(harness.run_queued())
    struck = asyncio.create_task(harness.faults.until_held())
    await asyncio.wait({running, struck}, return_when=asyncio.FIRST_COMPLETED)
    assert struck.done(), "the sync read the score that was entered before it"
    harness.grade(harness.items[points - 1], harness.students[1], points)
    harness.faults.release()
    await running
    assert (await harness.get(sync)).status == "complete"


@pytest.mark.parametrize("hours", [-30, 30], ids=["behind", "ahead"])
async def test_powerschool_clock_does_not_matter(harness: DistrictHarness, hours: int) -> None:
    harness.world.powerschool.switches.clock_skew = hours * 3600
    assert (await harness.sync()).status == "complete"
    harness.grade(harness.items[0], harness.students[0], 3)
    harness.delete_in_sis(harness.items[1])
    sync = await harness.sync()
    assert (sync.status, await find_false_claims(harness, sync), harness.differences()) == (
        "complete",
        [],
        [],
    )
    harness.forget_calls()
    assert (await harness.sync()).status == "complete"
    assert (harness.writes, harness.world.powerschool.log.of("token")) == ([], [])


@pytest.mark.parametrize("minutes", [-7, 7])
async def test_clocks_minutes_apart_lose_nothing(harness: DistrictHarness, minutes: int) -> None:
    await assert_synced_well(harness)
    harness.world.schoology.switches.clock_skew += minutes * 60
    harness.grade(harness.items[0], harness.students[0], 2)
    await assert_synced_well(harness)
    harness.grade(harness.items[1], harness.students[1], 2)
    await assert_synced_well(harness)
