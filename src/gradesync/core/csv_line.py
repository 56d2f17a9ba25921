"""Format a line of a CSV file so that no spreadsheet takes text in it for a formula."""

import csv
import io
import re
from collections.abc import Iterable
from unicodedata import normalize

FORMULA = ("=", "+", "-", "@", "|", "%", "\u2212")  # the last is the minus sign
# They join the parts of emoji, and letters of Persian: without them it is another text.
JOINERS = "\u200c\u200d"
LEADING = re.compile(rf"\A[\s{JOINERS}]+")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def format_line(cells: Iterable[str]) -> str:
    """Format cells as one line of a file, each in quotes. No text in it starts a formula."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(map(_escape_formula, cells))
    return text.getvalue()


def _escape_formula(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    # Nearly every text is printable: to go through its letters takes most of the time of a long file.
    plain = text if text.isprintable() else "".join(filter(_is_kept, text))
    if NUMBER.fullmatch(plain):
        return plain
    # In their full-width and small forms too, which some spreadsheets take for the same signs.
    first = normalize("NFKC", LEADING.sub("", plain)[:1])
    return f"'{plain}" if first.startswith(FORMULA) else plain


def _is_kept(letter: str) -> bool:
    return letter.isprintable() or letter in JOINERS
