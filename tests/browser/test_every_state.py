"""Check every state of the page: axe-core, words and numbers, wide and as a phone, light and dark."""

import pytest
from playwright.async_api import expect

from harness.accessibility import look_everywhere
from harness.browser import BrowserSession, CourseTab
from harness.page_numbers import find_wrong_numbers
from harness.teacher_states import Walk
from harness.vocabulary import is_known, words_of

# Everything that people read or hear.
TEXTS = """() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("script")) texts.push(walker.currentNode.data);
  }
  for (const name of ["aria-label", "aria-valuetext", "title", "placeholder"]) {
    texts.push(...[...document.querySelectorAll(`[${name}]`)].map((each) => each.getAttribute(name)));
  }
  return texts;
}"""
# Parts of times, and what an admin of Schoology sees besides.
BESIDES = words_of("AM PM Pacific Time Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec console")


def words_of_data(session: BrowserSession) -> frozenset[str]:
    """Return the words of names and titles, which are whatever people typed."""
    section, schoology = session.room.section, session.world.schoology
    texts = [section.name, *(item.title for item in section.items.values())]
    texts += [user.display for user in schoology.users.values()]
    texts += [category.title for category in section.categories.values()]
    texts += [category.name for category in session.world.powerschool.categories.values()]
    texts += [period.title for period in schoology.periods.values()]
    return words_of(" ".join(texts))


@pytest.mark.long
async def test_every_state_is_accessible_plain_and_counted(session: BrowserSession) -> None:
    found: dict[str, dict[str, list[str]]] = {}
    data = words_of_data(session) | BESIDES

    async def check(opened: CourseTab, state: str) -> None:
        faults = await look_everywhere(opened)
        texts: list[str] = await opened.tool.locator("body").evaluate(TEXTS)
        if unknown := [word for word in words_of(" ".join(texts)) - data if not is_known(word)]:
            faults["words"] = unknown
        if wrong := await find_wrong_numbers(session, opened):
            faults["numbers"] = wrong
        if faults:
            found[state] = faults

    await Walk(session, check).through_all()
    assert found == {}


async def test_axe_finds_nothing_in_a_result(synced: BrowserSession) -> None:
    opened = await synced.open()
    await expect(opened.text("Summer reading plan")).to_be_visible()
    assert await look_everywhere(opened) == {}
