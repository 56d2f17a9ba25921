"""Know the words that teachers' sentences may use: those of the help pages, and plain ones."""

import re
from pathlib import Path

_HERE = Path(__file__).parent
_GLOSSARY = (_HERE.parents[1] / "docs" / "glossary.md").read_text()
_PLAIN = frozenset((_HERE / "plain_words.txt").read_text().split())
_SYSTEMS = frozenset({"schoology", "powerschool"})


def _read_glossary() -> frozenset[str]:
    """Return the words of the glossary's first column, in lower case."""
    rows = re.findall(r"^\| ([^|]+) \| (?:both|Schoology|PowerSchool) \|", _GLOSSARY, re.MULTILINE)
    return words_of(" ".join(rows))


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text in lower case, without a possessive's end."""
    bare = re.sub(r"['\u2019]s\b", "", text)
    return frozenset(word.lower().strip("'") for word in re.findall(r"[A-Za-z][A-Za-z']*", bare))


_KNOWN = _PLAIN | _SYSTEMS | _read_glossary()


def is_known(word: str) -> bool:
    return word in _KNOWN or word.removesuffix("s") in _KNOWN


def unknown_words(text: str) -> frozenset[str]:
    """Return the words of a text that no teacher's sentence may use."""
    return frozenset(word for word in words_of(text) if not is_known(word))
