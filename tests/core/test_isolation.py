"""Test that words of any direction keep the order of the sentence, and of a spreadsheet, around them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.catalog import CATALOG
from gradesync.core.csv_line import format_line
from gradesync.core.isolation import isolate
from gradesync.core.reasons import Reason

HEBREW = "\u05e2\u05d1\u05d5\u05d3\u05d4 3!"
OPENING, CLOSING = "\u2068", "\u2069"
CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
LETTERS = st.sampled_from([*CONTROLS, *HEBREW, *"ab 1.(", "\u0661", "\U0001e900", "\u200d"])


def read_line(text: str) -> str:
    ((cell,),) = csv.reader(io.StringIO(format_line([text])))
    return cell


def test_words_from_right_to_left_are_isolated() -> None:
    explained = CATALOG[Reason.CATEGORY_UNMAPPED].describe({"category": HEBREW})
    assert f"\u201c{OPENING}{HEBREW}{CLOSING}\u201d doesn't map" in explained


@given(st.text(LETTERS))
def test_no_words_reach_into_the_sentence(words: str) -> None:
    facts = {"name": words, "due": "Nov 2, 2026"}
    explained = CATALOG[Reason.DUPLICATE_NAME].describe(facts)
    controls = [letter for letter in explained if letter in CONTROLS]
    assert controls in ([], [OPENING, CLOSING])
    assert not any(letter in CONTROLS for letter in read_line(explained))


@pytest.mark.parametrize(
    "title", ["Essay", "Gr\u00f6\u00dfe", "\U0001f469\u200d\U0001f393 Careers", "\u4f5c\u6587"]
)
def test_other_words_stay_as_they_are(title: str) -> None:
    assert (isolate(title), read_line(title)) == (title, title)


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_no_joiner_hides_a_formula(joiner: str) -> None:
    assert read_line(f"{joiner} {joiner}=1+1").startswith("'")
