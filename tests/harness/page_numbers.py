"""Compare every number in a headline of the teacher's page with the rows of the list that it heads."""

from pathlib import Path

from harness.browser import BrowserSession, CourseTab

SCRIPT = (Path(__file__).parent / "page_numbers.js").read_text()


async def find_wrong_numbers(session: BrowserSession, opened: CourseTab) -> list[str]:
    """Return each number on the page that isn't that of its list, as a sentence.

    Lists are opened and read to their ends, and closed again.
    """
    section, users = session.room.section, session.world.schoology.users
    held = sum(text is not None for column in session.sis().values() for text in column.values())
    known = {
        "titles": [item.title.strip() for item in section.items.values()],
        "names": [user.display for user in users.values()],
        "held": held,
    }
    found: list[str] = await opened.tool.locator("body").evaluate(SCRIPT, known)
    return found
