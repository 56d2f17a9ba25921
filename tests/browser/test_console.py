"""Walk through the console in one launch, wide and light, then as a phone in dark colors."""

import itertools
import re
import zipfile
from decimal import Decimal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.async_api import expect

from gradesync.access.statement_check import verify
from gradesync.core.csv_line import format_line
from gradesync.core.district import ConsoleAccess
from gradesync.core.sis import Policy
from gradesync_sandbox.invented import UNMAPPED
from harness.accessibility import find_violations
from harness.browser import BrowserSession, CourseTab, change_district, open_synced_console

VIEWS = (
    *(
        "Overview",
        "Sections",
        "Categories",
        "Pre-flight",
        "Students",
        "Reports",
        "Runs",
        "Clients",
        "Settings",
    ),
)
SHOWN = {
    "Last sync": "attention",
    "Assignments": "Sort by",
    "SIS Sync Log": "need attention",
    "Comparison": "Changed in PowerSchool",
    "Totals": "Why do the totals differ?",
    "Put back": "puts back what stood at a moment",
    "Categories": "Save the categories",
    "Link": "School code",
}
WIDER = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def check(opened: CourseTab, state: str) -> None:
    """Expect nothing of axe, and no part beside the screen."""
    assert await find_violations(opened) == [], state
    assert not await opened.tool.locator("html").evaluate(WIDER), state


async def go(opened: CourseTab, view: str) -> None:
    await opened.tool.get_by_role("link", name=view, exact=True).click()
    await expect(opened.headline.first).to_have_text(view)


async def test_operator_walks_through_the_console(session: BrowserSession) -> None:
    await change_district(session, console=ConsoleAccess("operator"))
    async with session.worker():
        course = await session.open()
        await course.button("Sync to SIS").click()
        opened = await session.open(session.world.admin)
        await expect(opened.tool.get_by_role("heading", level=1)).to_be_visible()
        for view in ("Overview", "Pre-flight", "Runs", "Settings"):
            await go(opened, view)
            await check(opened, view)
        await read_a_report(session, opened)
        await expect(course.text("Last sync:")).to_be_visible()
        await decide_about_a_change(session, opened)
    await search_sections(session, opened)
    await opened.tool.locator(".view").get_by_role("link", name=session.room.section.name).click()
    for tab, shown in SHOWN.items():
        await opened.tab(tab).click()
        await expect(opened.tool.get_by_role("tabpanel").get_by_text(shown).first).to_be_visible()
    await opened.tab("Last sync").click()
    await expect(opened.button("Copy the message to the teacher").first).to_be_visible()
    await expect(opened.button("Copy for your administrator")).to_have_count(0)
    await check(opened, "section")
    await map_titles(opened)
    await look_up_a_student(session, opened)
    await make_a_statement(opened)
    await opened.page.emulate_media(color_scheme="dark")
    for width in (1920, 360):
        await opened.page.set_viewport_size({"width": width, "height": 800})
        for view in VIEWS:
            await go(opened, view)
            assert not await opened.tool.locator("html").evaluate(WIDER), (view, width)
    await go(opened, "Pre-flight")
    await opened.tool.get_by_role("table").get_by_role("link").first.click()
    await opened.text("Message to the teachers").click()
    await check(opened, "report in dark colors, on a phone")
    await opened.tool.locator("nav .course").click()
    await opened.tab("Comparison").click()
    await expect(opened.text("The next sync puts Schoology's score back.")).to_be_visible()
    await check(opened, "comparison in dark colors, on a phone")
    await go(opened, "Overview")
    await check(opened, "Overview in dark colors, on a phone")


async def search_sections(session: BrowserSession, opened: CourseTab) -> None:
    """Find no section by a title that none has, then the one behind a reason of the overview."""
    row = opened.tool.locator(".view").get_by_role("link", name=session.room.section.name)
    await go(opened, "Sections")
    await expect(row).to_be_visible()
    await check(opened, "sections")
    await opened.tool.get_by_label("Title").fill("No such section")
    await opened.button("Search").click()
    await expect(opened.text("No section was found.")).to_be_visible()
    await go(opened, "Overview")
    await opened.tool.locator(".reasons a").first.click()
    await expect(row).to_be_visible()
    reason = opened.tool.get_by_label("Reason of the last sync")
    await expect(reason).not_to_have_value("")
    await reason.select_option("")
    school = opened.tool.get_by_label("School", exact=True)
    await expect(school.locator("option").nth(1)).to_have_text(re.compile(r"^\D.* \(\d+\)$"))
    await school.select_option(index=1)
    await expect(row).to_be_visible()
    await opened.tool.locator(".view").get_by_label("Last sync", exact=True).select_option("never-synced")
    await expect(opened.text("No section was found.")).to_be_visible()
    await opened.tool.locator("body").evaluate("() => { location.hash = '#sections/123'; }")
    await expect(opened.tool.get_by_role("alert").filter(has_text="The section is unknown.")).to_be_visible()
    await expect(opened.tool.locator(".view")).to_be_empty()
    await go(opened, "Sections")
    await expect(row).to_be_visible()


async def read_a_report(session: BrowserSession, opened: CourseTab) -> None:
    """Start a report, read its findings and the message to the teachers, then those of one teacher alone."""
    await go(opened, "Pre-flight")
    await opened.button("Start a report").click()
    section = opened.tool.locator(".part").filter(has_text=session.room.section.name)
    await section.get_by_text("Message to the teachers").click()
    await expect(section.get_by_role("button", name="Copy the message")).to_be_visible()
    await section.get_by_text(re.compile(r"^\d+ findings?$")).click()
    await expect(section.get_by_role("table", name="Findings")).to_contain_text(UNMAPPED)
    await check(opened, "report")
    await section.get_by_role("definition").get_by_role("link").last.click()
    await expect(opened.tool.get_by_role("link", name="Remove the filter teacher")).to_be_visible()
    await expect(section).to_be_visible()


async def decide_about_a_change(session: BrowserSession, opened: CourseTab) -> None:
    """Change a score in the SIS, compare the section in the console, and put the score back."""
    item, uid = session.edit_in_sis("Homework 1:", Decimal("0.5"))
    session.rescale_in_sis(item.title, Decimal(77))
    await opened.tool.locator("nav .course").click()
    await opened.tab("Comparison").click()
    await opened.button("Compare now").click()
    await expect(opened.tool.locator(".fields li")).to_contain_text("77 in PowerSchool")
    await expect(opened.text(f"The 1 edit is in {item.title}.")).to_be_visible()
    await check(opened, "comparison")
    await opened.button(f"Put Schoology's score back: {item.title}, Student {uid}").click()
    await expect(opened.text("The next sync puts Schoology's score back.")).to_be_visible()


async def map_titles(opened: CourseTab) -> None:
    """Give a title that goes nowhere a rule: its preview shows that the category would then have two."""
    await go(opened, "Categories")
    unmapped = opened.tool.get_by_role("table", name="Titles that go nowhere")
    await unmapped.get_by_role("combobox", name=f"PowerSchool category of {UNMAPPED}").select_option(index=1)
    await opened.button("Show what would change").click()
    await expect(opened.tool.get_by_role("table", name="What would change")).to_contain_text(
        "None: they wouldn't sync"
    )
    await check(opened, "categories")
    await opened.button("Keep these rules").click()
    await expect(opened.button(f"Remove the rule of {UNMAPPED}")).to_be_visible()


async def look_up_a_student(session: BrowserSession, opened: CourseTab) -> None:
    """Find a student by a part of the name, then by the id, and save the sheet."""
    uid = next(iter(session.room.students))
    await go(opened, "Students")
    await opened.tool.get_by_label("Student id").fill("nobody")
    await opened.button("Show the scores").click()
    await expect(opened.tool.get_by_role("alert").filter(has_text="The student is unknown.")).to_be_visible()
    await expect(opened.text("Reading…")).to_have_count(0)
    await opened.tool.get_by_label("Section (its id in Schoology)").fill(str(session.room.section.id))
    await opened.tool.get_by_label("A part of the name").fill(session.world.schoology.users[uid].display[:4])
    await opened.button("Find the student").click()
    await opened.button(session.world.schoology.users[uid].display).click()
    await expect(opened.tool.get_by_role("row").nth(1)).to_be_visible()
    await opened.tool.get_by_label("Student id").fill(str(uid))
    await opened.button("Show the scores").click()
    await expect(opened.tool.get_by_role("row").nth(1)).to_be_visible()
    await check(opened, "student")
    async with opened.page.expect_download() as download:
        await opened.button("Save a sheet to print").click()
    assert (await download.value).suggested_filename == "student-scores.html"


# Feed a file in pieces of seven bytes, as a slow network may, and count what has come after each.
FEED = """async (_, [module, text]) => {
  const { StatementLines } = await import(new URL(module, document.querySelector("script[src]").src));
  const come = new StatementLines();
  const bytes = new TextEncoder().encode(text);
  const found = [];
  for (let at = 0; at < bytes.length; at += 7) {
    come.add(bytes.slice(at, at + 7));
    found.push([come.sections, come.lines]);
  }
  return found;
}"""


async def test_lines_of_a_statement_are_counted_as_they_come(session: BrowserSession) -> None:
    """Count no line of another part, and none twice."""
    opened = await session.open(session.world.admin)
    await expect(opened.tool.get_by_role("heading", level=1)).to_be_visible()
    lines = [format_line(("1", "79", "opening", "é")), format_line(("2", "79", "closing", '"'))]
    lines += [format_line(("3", "80", "failed", "x")), format_line(("3", "80", "failed", "x"))]
    text = "PK…" + "".join([format_line(("line", "section")), *lines, format_line(("4", "81", "title"))])
    counts = await opened.tool.locator("html").evaluate(FEED, ["console/statement_lines.js", text])
    seen = [tuple(count) for count, _ in itertools.groupby(counts)]
    assert seen == [(0, 0), (1, 1), (1, 2), (2, 3)]


async def make_a_statement(opened: CourseTab) -> None:
    """Make the statement of the district, and check the file that comes."""
    await go(opened, "Reports")
    async with opened.page.expect_download() as download:
        await opened.button("Make the statement").click()
    await expect(opened.text("It isn't signed")).to_be_visible()
    await expect(opened.button("Save it again")).to_be_visible()
    await check(opened, "reports")
    with zipfile.ZipFile(await (await download.value).path()) as packed:
        lines = packed.read("statement.csv").decode().count("\n") - 1
    await expect(opened.text(f"1 section, {lines:,} lines")).to_be_visible()
    with (await (await download.value).path()).open("rb") as file:
        assert verify(file, Ed25519PrivateKey.generate().public_key()).faults == [
            "The statement is not signed."
        ]
    await opened.tool.get_by_label("Last day (until now, if empty)").fill("2999-12-31")
    await opened.button("Make the statement").click()
    await expect(opened.text("The request is not valid.")).to_be_visible()


async def test_operator_puts_a_sync_back(session: BrowserSession) -> None:
    await change_district(
        session, console=ConsoleAccess("operator"), policy=Policy(admin_sync=True, guard_share=Decimal("0.5"))
    )
    async with session.worker():
        opened = await open_synced_console(session)
        await opened.tab("SIS Sync Log").click()
        await opened.tool.get_by_role("button", name="Details of").click()
        await opened.text("Undo this sync").click()
        await opened.button("Preview an undo").click()
        panel = opened.tool.get_by_role("tabpanel", name="SIS Sync Log")
        await panel.get_by_label("Reason for the undo").fill("The wrong class.")
        await check(opened, "undo")
        await panel.get_by_role("button", name=re.compile(r"^Clear \d+ scores$")).click()
        await expect(opened.tool.locator("details[open]").get_by_text("scores cleared").first).to_be_visible()
        await expect(opened.text("What was put back is in PowerSchool.")).to_be_visible()
    assert {points for column in session.sis().values() for points in column.values()} <= {None}


async def test_viewer_is_offered_nothing_to_change(session: BrowserSession) -> None:
    opened = await session.open(session.world.admin)
    await expect(opened.text("You can look, and change nothing.")).to_be_visible()
    await go(opened, "Categories")
    await expect(opened.text("There are no rules.")).to_be_visible()
    await expect(opened.tool.locator(".view").locator("select, button")).to_have_count(0)
    await go(opened, "Reports")
    await expect(opened.text("takes the role of an operator")).to_be_visible()
    await expect(opened.tool.locator(".view").locator("select, button")).to_have_count(0)
    await opened.tool.locator("nav .course").click()
    for tab, text in (
        ("Put back", "takes the role of an operator"),
        ("Categories", "(by title)"),
        ("Link", "School code"),
    ):
        await opened.tab(tab).click()
        await expect(opened.tool.get_by_role("tabpanel").get_by_text(text).first).to_be_visible()
        await expect(opened.tool.get_by_role("tabpanel").get_by_role("button")).to_have_count(0)


async def test_course_admin_opens_the_console_from_the_page(session: BrowserSession) -> None:
    session.world.schoology.enroll(session.room.section.id, session.world.admin.uid, admin=True)
    opened = await session.open(session.world.admin)
    await opened.button("Open the district's console").click()
    await expect(opened.headline.first).to_have_text("Overview")
