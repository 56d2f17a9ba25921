"""Show names, titles and points of any length and direction on a phone: nothing is cut off."""

from decimal import Decimal

from playwright.async_api import Browser, expect

from gradesync.core.district import ConsoleAccess
from gradesync.settings import Settings
from gradesync_sandbox.district import World
from gradesync_sandbox.world import build
from harness.browser import CourseTab, change_district, open_session

LONG = ("Maximiliana-Konstantinopolitana", "von Hohenzollern-Sigmaringen-Wolfeschlegelsteinhausenbergerdorff")
CATEGORY = "\u05e2\u05d1\u05d5\u05d3\u05d4! "
HEBREW = ("\u05e9\u05e8\u05d4", "\u05db\u05d4\u05df (2)")
CUT = """() => [...document.querySelectorAll("main *")]
  .filter((each) => each.checkVisibility() && !each.closest(".unseen"))
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5)
  .map((each) => `${each.tagName}.${each.className}: ${each.textContent.slice(0, 40)}`)"""


def build_long() -> World:
    """Build a class of three with long names, a long title and points of eight digits."""
    world = build(students=3, assignments=4, sections=1, ideal=True)
    room, schoology = world.classrooms[0], world.schoology
    for uid, name in zip(room.students, (LONG, HEBREW), strict=False):
        schoology.users[uid].first, schoology.users[uid].last = name
    first, second, third, fourth = room.section.standing()
    schoology.edit_assignment(room.section.id, first.id, title="W" * 200)
    schoology.edit_assignment(room.section.id, second.id, max_points=Decimal(9999))
    room.section.categories[fourth.category].title = CATEGORY
    schoology.grade(room.section.id, third.id, next(iter(room.students)), Decimal("12345678.25"))
    return world


async def open_everything(opened: CourseTab) -> None:
    for heading in ("What was sent", "The gradebook at a glance"):
        await opened.text(heading).click()
    await expect(opened.tool.locator(".columns .column").first).to_be_visible()
    for summary in await opened.tool.locator(".change summary, .column > summary").all():
        await summary.click()
    await expect(opened.text("12345678.25").first).to_be_visible()


async def test_nothing_is_cut_off_on_a_phone(settings: Settings, browser: Browser) -> None:
    phone = {"width": 360, "height": 740}
    async with open_session(settings, build_long(), browser, viewport=phone) as session, session.worker():
        opened = await session.open()
        await opened.sync()
        await open_everything(opened)
        await expect(
            opened.text(f"The grading category “\u2068{CATEGORY.strip()}\u2069” doesn't map")
        ).to_be_visible()
        body = opened.tool.locator("body")
        assert await body.evaluate(CUT) == []
        await expect(opened.text(f"\u2068{' '.join(HEBREW)}\u2069").first).to_be_visible()
        await opened.tab("Assignments").click()
        await expect(opened.text("W" * 200)).to_be_visible()
        assert await body.evaluate(CUT) == []
        await opened.tab("Compare").click()
        await opened.button("Compare now").click()
        await opened.tool.locator(".compared .column > summary").first.click()
        await opened.button("Explain the totals").click()
        await expect(opened.tool.locator(".totals h3")).to_be_visible()
        assert await body.evaluate(CUT) == []


async def test_console_keeps_the_direction_of_names(settings: Settings, browser: Browser) -> None:
    """Isolate what people typed where a sentence or a label of the console has it."""
    world = build_long()
    category = f"\u2068{CATEGORY}\u2069"
    async with open_session(settings, world, browser) as session, session.worker():
        await change_district(session, console=ConsoleAccess("operator"))
        course = await session.open()
        await course.sync()
        opened = await session.open(world.admin)
        await opened.tool.get_by_role("link", name="Categories", exact=True).click()
        picker = opened.tool.get_by_role("combobox", name=f"PowerSchool category of {category}", exact=True)
        await expect(picker).to_be_visible()
        await picker.select_option(index=1)
        await opened.button("Show what would change").click()
        await opened.button("Keep these rules").click()
        await expect(opened.button(f"Remove the rule of \u2068{CATEGORY.strip()}\u2069")).to_be_visible()
        await opened.tool.get_by_role("link", name="Students", exact=True).click()
        await opened.tool.get_by_label("Student id").fill(str(list(world.classrooms[0].students)[1]))
        await opened.button("Show the scores").click()
        await expect(
            opened.tool.get_by_role("heading", name=f"\u2068{' '.join(HEBREW)}\u2069")
        ).to_be_visible()
