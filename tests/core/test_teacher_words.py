"""Test that sentences for teachers are short, and use only words of the help pages."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradesync.core.catalog import CATALOG, Entry
from gradesync.core.reasons import Reason
from gradesync.core.totals.causes import Cause
from gradesync.core.totals.wording import Unknown, word_cause, word_unknown
from gradesync.lti import assets

GLOSSARY = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text()
PLAIN = frozenset((Path(__file__).parent / "plain_words.txt").read_text().split())
SYSTEMS = frozenset({"schoology", "powerschool"})
MOST_WORDS = 20
FOR_ADMINS = frozenset({"Open the district's console", "Copy the message to the teacher"})
# Of a script: comments, strings, and what a template inserts.
COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
STRING = re.compile(r"\"([^\"\n]*)\"|`([^`]*)`")
INSERTED = re.compile(r"\$\{[^{}]*\}")


def glossary_words() -> frozenset[str]:
    """Return the words of the glossary's first column, in lower case."""
    rows = re.findall(r"^\| ([^|]+) \| (?:both|Schoology|PowerSchool) \|", GLOSSARY, re.MULTILINE)
    return frozenset(" ".join(rows).replace(",", "").lower().split())


KNOWN = PLAIN | SYSTEMS | glossary_words()


def texts_for_teachers(entry: Entry) -> Iterator[str]:
    yield entry.title
    yield from (re.sub(r"{\w+}", "…", text) for text in (entry.exact, entry.many))
    if entry.who == "you":
        yield entry.fix


def words_of(text: str) -> set[str]:
    return {word.lower().strip("'") for word in re.findall(r"[A-Za-z][A-Za-z']*", re.sub(r"'s\b", "", text))}


def is_known(word: str) -> bool:
    return word in KNOWN or word.removesuffix("s") in KNOWN


def strings_of(script: str) -> Iterator[str]:
    """Yield the strings of a script that people read: several words, of which the first has a capital."""
    for plain, template in STRING.findall(COMMENT.sub("", script)):
        text = plain or template
        while (shorter := INSERTED.sub("…", text)) != text:
            text = shorter
        if re.match(r"[A-Z…][^=]* [^=]*[a-z]", text) and text not in FOR_ADMINS:
            yield text


def page_texts() -> dict[str, str]:
    """Return the texts of the teacher's page besides the catalog, each with its place."""
    names = [name for name in assets.load().modules if name != "dom.js"]
    scripts = {name: assets.load().files[name].decode() for name in [*names, "page.js"]}
    found = {f"{name}: {text}": text for name, script in scripts.items() for text in strings_of(script)}
    texts = [text for cause in Cause for text in word_cause(cause)]
    texts += [word_unknown(unknown) for unknown in Unknown]
    return found | {text: text for text in texts}


@pytest.mark.parametrize("reason", Reason)
def test_teacher_sentences_use_words_of_the_help_pages(reason: Reason) -> None:
    words = {word for text in texts_for_teachers(CATALOG[reason]) for word in words_of(text)}
    assert {word for word in words if not is_known(word)} == set()


def test_page_uses_words_of_the_help_pages() -> None:
    found = page_texts()
    assert len(found) > 150
    unknown = {
        place: {word for word in words_of(text) if not is_known(word)} for place, text in found.items()
    }
    assert {place: words for place, words in unknown.items() if words} == {}


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
