"""Read on the page what needs attention, grouped by the student or the assignment that is its cause."""

import re

import pytest
from playwright.async_api import Locator, expect

from harness.browser import BrowserSession, CourseTab

HEBREW = "\u05e9\u05d9\u05e2\u05d5\u05e8 (2)"


def reason(opened: CourseTab, title: str) -> Locator:
    return opened.tool.locator(".reason").filter(has=opened.tool.get_by_role("heading", name=title))


def drop(session: BrowserSession, number: int) -> list[str]:
    """Drop students from the SIS section; return their names, sorted."""
    room, powerschool = session.room, session.world.powerschool
    gone = [uid for uid in room.students if uid not in room.odd.values()][:number]
    for uid in gone:
        powerschool.drop(room.students[uid], room.sis)
    uids = [*gone, room.odd["dropped_in_sis"]]
    return sorted(session.world.schoology.users[uid].display for uid in uids)


async def test_students_are_listed_once_by_name(session: BrowserSession) -> None:
    names = drop(session, 2)
    group = reason(await session.open_synced(), "3 students are active in Schoology but aren't enrolled")
    titles = group.locator("li .title").filter(visible=True)
    await expect(titles).to_have_count(len(names))
    listed = await titles.all_text_contents()
    assert [re.sub(r" \(.+\)$", "", name) for name in listed] == names  # equal names have an ID behind them
    await expect(group).not_to_contain_text("wrong PowerSchool section")


@pytest.mark.long
async def test_much_of_a_class_points_to_the_wrong_section(session: BrowserSession) -> None:
    drop(session, 8)
    group = reason(await session.open_synced(), "9 students are active in Schoology but aren't enrolled")
    await expect(group).to_contain_text("This is probably the wrong PowerSchool section.")


async def test_problem_of_an_assignment_is_listed_by_assignment(session: BrowserSession) -> None:
    group = reason(await session.open_synced(), "The due date is outside the term")
    await expect(group.locator("li .title")).to_have_text("Summer reading plan")


async def test_copy_names_what_an_administrator_needs(session: BrowserSession) -> None:
    section, schoology = session.room.section, session.world.schoology
    unmapped = next(item for item in section.standing() if item.title.startswith("Homework 6"))
    schoology.edit_assignment(section.id, unmapped.id, title=HEBREW)
    opened = await session.open_synced()
    await session.context.grant_permissions(["clipboard-read", "clipboard-write"])
    group = reason(opened, "The assignment's grading category doesn't map")
    await group.get_by_role("button", name="Copy for your administrator").click()
    await expect(group.get_by_role("button", name="Copied")).to_be_visible()
    assert await opened.active() == "Copied"
    copied: str = await opened.page.evaluate("navigator.clipboard.readText()")
    what, fix, code, sync, place, about = copied.split("\n")
    assert (what, code) == (
        "The assignment's grading category doesn't map to a PowerSchool category.",
        "Reason: category-unmapped",
    )
    assert "ask your administrator to map it" in fix
    assert re.fullmatch("Sync: [0-9a-f-]{36}", sync)
    assert place == f"Section: {section.id}"
    assert about.startswith(f"\u2068{HEBREW}\u2069 (assignment {unmapped.id}), ")
    assert "“Side Projects” doesn't map" in about


async def test_list_opened_twice_at_once_is_read_once(session: BrowserSession) -> None:
    drop(session, 2)
    group = reason(await session.open_synced(), "3 students are active in Schoology but aren't enrolled")
    rows = group.locator("details").first
    twice = "d => { d.open = true; for (const _ of [1, 2]) d.dispatchEvent(new Event('toggle')); }"
    await rows.evaluate(twice)
    await expect(rows.get_by_role("listitem").first).to_be_visible()
    titles = await rows.get_by_role("listitem").all_text_contents()
    assert len(titles) == len(set(titles)) > 1
