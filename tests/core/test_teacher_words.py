"""Test that sentences for teachers are short, and use only words of the help pages."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date

import pytest

from gradesync.api import spreadsheet, spreadsheet_words
from gradesync.api.schemas.render import NEWER_FIX, NEWER_TITLE
from gradesync.core.catalog import CATALOG, Entry
from gradesync.core.plan import Danger, Guard
from gradesync.core.reasons import Reason
from gradesync.core.totals.categories import BY_PERCENT, BY_POINTS, EQUAL_WEIGHT
from gradesync.core.totals.causes import Cause
from gradesync.core.totals.wording import Assumption, word_assumption, word_cause
from gradesync.lti import assets, refusals
from gradesync.lti.login import NEW_WINDOW
from gradesync.lti.responses import PAGES
from harness.vocabulary import is_known, unknown_words

MOST_WORDS = 20
# What no teacher reads: buttons of admins, keys, headers and class names.
NO_SENTENCES = frozenset(
    {"Open the district's console", "Copy the message to the teacher", "cells roomy"}
) | {*("GET", "UTC", "Home", "End", "Escape", "Bearer …")}
# Of a script: comments, attributes that nobody reads, strings, and what a template inserts.
COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
UNREAD = re.compile(
    r"\b(?:class|type|role|id|for|rel|target|name|scope|block|method|subject): (?:\"[^\"]*\"|`[^`]*`)"
)
STRING = re.compile(r"\"([^\"\n]*)\"|`([^`]*)`")
INSERTED = re.compile(r"\$\{[^{}]*\}")
# Of a page: what the template inserts and decides, and its elements.
MARKUP = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|<[^>]*>", re.DOTALL)


def texts_for_teachers(entry: Entry) -> Iterator[str]:
    yield entry.title
    yield from (re.sub(r"{\w+}", "…", text) for text in (entry.exact, entry.many))
    if entry.who == "you":
        yield entry.fix


def strings_of(script: str) -> Iterator[str]:
    """Yield the strings of a script that people read: of several words, or with a capital before them."""
    for plain, template in STRING.findall(UNREAD.sub("", COMMENT.sub("", script))):
        text = plain or template
        while (shorter := INSERTED.sub("…", text)) != text:
            text = shorter
        if re.match(r"[A-Z]|[^(]+ ", text) and text not in NO_SENTENCES:
            yield text


def page_texts() -> Iterator[tuple[str, str]]:
    """Yield what the teacher's page shows besides the catalog: its place, and the text."""
    names = [name for name in assets.load().modules if name != "dom.js"]
    for name in [*names, "page.js"]:
        yield from ((name, text) for text in strings_of(assets.load().files[name].decode()))
    for name in ("page.html", "message.html", "base.html"):
        assert PAGES.loader is not None
        yield (
            name,
            MARKUP.sub(" ", PAGES.loader.get_source(PAGES, name)[0]).replace("For the administrator", ""),
        )
    yield from (("totals", text) for cause in Cause for text in word_cause(cause))
    yield from (("totals", word_assumption(each)) for each in Assumption)
    yield from (("totals", text) for text in (BY_PERCENT, BY_POINTS, EQUAL_WEIGHT))
    for danger in Danger:
        guard = Guard(9, 5, 1, 1, 9, 1, danger, late=2, term_ended=date(2026, 6, 11).isoformat())
        yield "guard", guard.describe().replace("Jun", "")
    yield from (("a newer release", text) for text in (NEWER_TITLE, NEWER_FIX))


def refused_launches() -> Iterator[tuple[str, str]]:
    """Yield what a teacher reads where a launch opens no page."""
    yield from ((code, f"{each.title} {each.text}") for code, each in refusals.LAUNCHES.items())
    yield "new window", NEW_WINDOW


def spreadsheet_texts() -> Iterator[tuple[str, str]]:
    """Yield the head of the spreadsheet, and its values that no person typed."""
    yield from (("head", column) for column in spreadsheet.COLUMNS)
    words = (spreadsheet_words.STATUS, spreadsheet_words.KINDS, spreadsheet_words.FIELDS)
    yield from (("value", each) for known in words for each in known.values())
    pairs = (*spreadsheet_words.RESULTS.values(), *spreadsheet_words.SYNC_RESULTS.values())
    for pair in (*pairs, spreadsheet_words.NOT_SENT, spreadsheet_words.PART_SENT):
        yield from (("result", each.replace("{sis}", "PowerSchool")) for each in pair)
    yield "result", spreadsheet_words.CHOSEN_SENT.replace("{sis}", "PowerSchool")
    yield "category", spreadsheet_words.UNNAMED_CATEGORY


def find_unknown(texts: Iterator[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    found = {f"{place}: {text}": unknown_words(text) for place, text in texts}
    assert len(found) > 10
    return {place: words for place, words in found.items() if words}


@pytest.mark.parametrize("reason", Reason)
def test_teacher_sentences_use_words_of_the_help_pages(reason: Reason) -> None:
    texts = texts_for_teachers(CATALOG[reason])
    assert {text: words for text in texts if (words := unknown_words(text))} == {}


@pytest.mark.parametrize("texts", [page_texts, refused_launches, spreadsheet_texts])
def test_pages_and_files_use_words_of_the_help_pages(texts: Callable[[], Iterator[tuple[str, str]]]) -> None:
    assert find_unknown(texts()) == {}


@pytest.mark.parametrize("reason", Reason)
def test_sentences_have_at_most_20_words(reason: Reason) -> None:
    entry = CATALOG[reason]
    for text in (entry.title, entry.fix, entry.exact, entry.many):
        assert all(len(sentence.split()) <= MOST_WORDS for sentence in re.split(r"(?<=\.) ", text))


@pytest.mark.parametrize("reason", Reason)
def test_fixes_of_administrators_name_whom_to_ask(reason: Reason) -> None:
    entry = CATALOG[reason]
    asks = entry.fix.startswith(("Ask your administrator", "Ask the school office"))
    assert (entry.who == "admin") == asks


def test_the_sis_is_called_by_its_name() -> None:
    texts = [text for entry in CATALOG.values() for text in (entry.title, entry.fix, entry.exact)]
    assert not any("the SIS" in text for text in texts)
    assert all("Sync to SIS" in text for text in texts if "SIS" in text)


@pytest.mark.parametrize("word", ["ledger", "fingerprint", "cursor", "plan", "payload", "row"])
def test_words_of_the_code_are_no_words_for_teachers(word: str) -> None:
    assert not is_known(word)
