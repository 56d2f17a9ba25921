"""Compare the gradebook with the SIS on the teacher's page, decide about edits, and explain the totals."""

import re
from decimal import Decimal

from playwright.async_api import expect

from gradesync_sandbox.faults import Fault, Status
from harness.browser import BrowserSession, CourseTab


async def count_differing(opened: CourseTab) -> int:
    """Return how many totals differ by the headline."""
    differing = re.search(r"([\d,]+) of", await opened.tool.locator(".totals h3").inner_text())
    assert differing is not None
    return int(differing[1])


async def read_legend(opened: CourseTab) -> dict[str, int]:
    """Return the numbers of the legend by its words."""
    items = await opened.tool.locator(".compared .legend li").all_inner_texts()
    found = [re.fullmatch(r"\s*(\D+?)\s*([\d,]+)\s*", item) for item in items]
    return {match[1]: int(match[2].replace(",", "")) for match in found if match}


async def test_numbers_of_a_comparison_match_their_lists(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await opened.sync()
        item, uid = session.edit_in_sis("Homework 1:", Decimal("0.5"))
        others = (
            title for title, column in session.sis().items() if any(column.values()) and title != item.title
        )
        off, _ = session.edit_in_sis(next(others), Decimal("0.5"))
        session.rescale_in_sis(item.title, Decimal(77))
        await opened.tab("Assignments").click()
        await opened.switch(off.title).click()
        await expect(opened.switch(off.title)).not_to_be_checked()
        await opened.tab("Compare").click()
        await opened.button("Compare now").click()
        await expect(opened.text("Both edits are in the scores of one student.")).to_be_visible()
        await expect(opened.tool.locator("#announcement")).to_have_text(
            "Both edits are in the scores of one student."
        )
        legend = await read_legend(opened)
        cells = opened.tool.locator(".compared").get_by_role("gridcell")
        compared = await opened.tool.get_by_text("Compared today").inner_text()
        assert legend["Changed in PowerSchool"] == 2
        assert sum(legend.values()) == await cells.count()
        total = sum(legend.values()) - legend.get("No score", 0)
        assert f": {total:,} scores" in compared

        differing = opened.tool.locator(".fields li")
        await expect(differing).to_have_count(1)
        await expect(differing).to_contain_text("77 in PowerSchool")
        rows = opened.tool.locator(".decisions li")
        await expect(rows).to_have_count(1)  # a sync sends nothing of the other assignment
        await expect(opened.text("What a sync leaves alone isn't listed.")).to_be_visible()
        name = session.world.schoology.users[uid].display
        await opened.button(f"Put Schoology's score back: {name}, {item.title}").press("Enter")
        await expect(opened.text("The next sync puts Schoology's score back.")).to_be_visible()
        await opened.tab("Sync to SIS").click()
        await opened.button("Sync to SIS").click()
        await expect(opened.text("1 score sent.")).to_be_visible()
        await opened.tab("Compare").click()
        await expect(opened.text("None that a sync would change.")).to_be_visible()
        await expect(rows).to_have_count(0)


async def test_a_failed_comparison_hides_no_earlier_one(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await opened.tab("Compare").click()
        await opened.button("Compare now").click()
        await expect(opened.text("Compared today")).to_be_visible()
        session.sandbox.faults.add(Fault("schoology", "*", Status(403), times=None))
        await opened.button("Compare now").click()
        alert = opened.tool.get_by_role("alert").filter(
            has_text="Schoology doesn't allow your district's key"
        )
        await expect(alert).to_be_visible()
        session.sandbox.faults.rules.clear()
        again = await session.open()
        await again.tab("Compare").click()
        await expect(again.text("Compared today")).to_be_visible()


async def test_an_edit_in_the_sis_is_shown_and_decided(session: BrowserSession) -> None:
    async with session.worker():
        opened = await session.open()
        await opened.sync()
        item, uid = session.edit_in_sis("Homework 1:", Decimal("0.5"))
        name = session.world.schoology.users[uid].display
        await opened.tab("Compare").click()
        await opened.button("Compare now").click()
        await expect(opened.text(f"The 1 edit is in {item.title}.")).to_be_visible()
        row = opened.tool.get_by_role("row", name=name)
        edited = row.get_by_role("gridcell", name=re.compile("Changed in PowerSchool, 0.5 in PowerSchool"))
        await edited.hover()
        await expect(opened.tool.locator(".compared .cell-note")).to_contain_text("0.5 in PowerSchool")

        back = opened.button(f"Put Schoology's score back: {name}, {item.title}")
        await back.click()
        await expect(back).to_have_attribute("aria-pressed", "true")
        await expect(back).to_be_focused()
        await opened.tool.get_by_label("Totals of").select_option(str(item.period))
        await opened.button("Explain the totals").click()
        await expect(opened.tool.locator(".totals h3")).to_contain_text("differ")
        assert await opened.tool.locator(".students").first.locator("li").count() == await count_differing(
            opened
        )
        student = opened.tool.locator(".students li").filter(has_text=name)
        await student.locator("summary").click()
        await expect(student).to_contain_text(f"{item.title}:")
        await opened.tool.get_by_label("calculates grades by").select_option("category-weights")
        await expect(opened.text("Press Explain the totals to see them for this choice.")).to_be_visible()
        await expect(opened.tool.locator(".totals h3")).to_have_count(0)

        await opened.tab("Sync to SIS").click()
        await opened.button("Sync to SIS").click()
        await expect(opened.text("1 score sent.")).to_be_visible()
    assert session.sis()[item.title][session.room.students[uid].dcid] != "0.5"
