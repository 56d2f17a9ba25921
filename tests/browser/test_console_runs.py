"""Run many sections from the console, and let runs begin by themselves."""

from dataclasses import replace

from playwright.async_api import expect

from gradesync.core.district import ConsoleAccess
from gradesync.core.sis import Policy
from harness.accessibility import find_violations
from harness.browser import BrowserSession, change_district


async def test_operator_runs_sections_and_schedules_them(session: BrowserSession) -> None:
    policy = replace(Policy(), runs=True, schedules=True)
    await change_district(session, console=ConsoleAccess("operator"), policy=policy)
    async with session.worker():
        course = await session.open()
        await course.sync()
        opened = await session.open(session.world.admin)
        await opened.tool.get_by_role("link", name="Runs", exact=True).click()
        await opened.tool.get_by_label("Only these sections").fill(f"{session.room.section.id},")
        await opened.button("Sync them now").click()
        runs = opened.tool.get_by_role("table", name="Runs of the last 30 days")
        await expect(runs.get_by_role("row").nth(1)).to_contain_text("Complete")
        await expect(runs).to_contain_text("1 need attention")
        await expect(runs).to_contain_text("1 section, chosen ones")
        reason = opened.tool.get_by_label("Only sections whose last sync has this reason")
        await expect(reason.locator("option").nth(1)).to_contain_text("(1 section)")
        await reason.select_option(index=1)
        await opened.tool.get_by_label("Only these sections").fill("")
        await opened.button("Preview them").click()
        await expect(runs.get_by_role("row").nth(1)).to_contain_text("1 section, with “")
        await expect(runs.get_by_role("row").nth(1)).to_contain_text("Complete")
        await opened.tool.get_by_label("Monday").check()
        await opened.button("Add the schedule").click()
        schedules = opened.tool.get_by_role("table", name="Schedules")
        await expect(schedules).to_contain_text("Monday, 01:00 to 05:00")
        await expect(schedules).to_contain_text("1 section, done by")
        assert await find_violations(opened) == []
        await schedules.get_by_role("button", name="Remove").click()
        await expect(opened.text("Nothing begins by itself.")).to_be_visible()
        await opened.button("Add the schedule").click()
        await expect(opened.text("The schedule has no day.")).to_be_visible()


async def test_runs_are_offered_where_the_policy_has_them(session: BrowserSession) -> None:
    await change_district(session, console=ConsoleAccess("operator"), policy=Policy())
    opened = await session.open(session.world.admin)
    await opened.tool.get_by_role("link", name="Runs", exact=True).click()
    await expect(opened.text("The district's policy has runs off, so nobody can start one.")).to_be_visible()
    await expect(
        opened.text("The district's policy has schedules off, so none begins a run.")
    ).to_be_visible()
    for name in ("Sync them now", "Add the schedule"):
        await expect(opened.button(name)).to_be_hidden()


async def test_refused_run_is_worded_for_the_console(session: BrowserSession) -> None:
    await change_district(session, console=ConsoleAccess("operator"), policy=replace(Policy(), runs=True))
    opened = await session.open(session.world.admin)
    await opened.tool.get_by_role("link", name="Runs", exact=True).click()
    await opened.tool.get_by_label("Only sections of this school").fill("1")
    await opened.button("Sync them now").click()
    await expect(opened.tool.get_by_role("alert")).to_contain_text("the page Sections lists them")
