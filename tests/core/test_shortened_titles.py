"""Shorten titles between the characters that people see, and keep what was cut otherwise (R12, R50)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.graphemes import cut_text
from gradesync.core.ledger import reassign_columns
from gradesync.core.plan import Action
from gradesync.core.reasons import Reason
from gradesync.core.sis import Policy
from harness.gradebooks import (
    CAPABILITIES,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    only,
    plan_of,
    quiz,
    rulebook,
    spec,
    specs_of,
)

SHORT = rulebook(policy=Policy(shorten_titles=True), capabilities=replace(CAPABILITIES, name_max=5))
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAG_OF_FRANCE = "\U0001f1eb\U0001f1f7"
CUTS = {
    "abcde\u0301f": "abcd",  # a letter and its mark
    "abcd\u0301ef": "abcd\u0301",
    "abc e\u0301f": "abc",
    "abcd e\u0301f": "abcd",
    f"ab{FAMILY}": "ab",  # a sequence of emoji
    f"{FAMILY}ab": FAMILY,
    "abcd\U0001f44d\U0001f3fd": "abcd",  # a skin tone
    "abcd1\ufe0f\u20e3": "abcd",  # a keycap
    f"a{FLAG_OF_FRANCE * 3}": f"a{FLAG_OF_FRANCE * 2}",
    f"ab{FLAG_OF_FRANCE * 2}": f"ab{FLAG_OF_FRANCE}",
    "abcd\U0001f3f4\U000e0067\U000e007f": "abcd",  # a flag of tags
    "abc\u0915\u094d\u0937": "abc",  # two consonants of Hindi in one
    "abcd\u1112\u1161\u11ab": "abcd",  # a syllable of Hangul
    "abcd\uff76\uff9e": "abcd",  # narrow katakana
    "abcd\u0e19\u0e33": "abcd",  # Thai
    "a" + "\u0301" * 9: "a" + "\u0301" * 4,  # one character that is too long
    "abcdefgh": "abcde",
}


@pytest.mark.parametrize("title", CUTS, ids=ascii)
def test_R12_a_title_is_cut_between_characters(title: str) -> None:
    item = only(plan_of(gradebook(assignments=[quiz(title=title)]), rules=SHORT))
    assert (item.spec, item.warnings) == (spec(CUTS[title]), (Reason.TITLE_SHORTENED,))


@given(
    st.text(st.characters(categories=["Lu", "Ll", "Nd", "Zs", "Po"], max_codepoint=0x2FF)), st.integers(1, 60)
)
def test_R12_plain_text_is_cut_at_the_limit(text: str, most: int) -> None:
    assert cut_text(text, most) == text[:most]


@given(st.text(max_size=80), st.integers(1, 60))
def test_R12_a_cut_is_a_beginning_that_fits(text: str, most: int) -> None:
    cut = cut_text(text, most)
    assert text.startswith(cut)
    assert bool(cut) == bool(text)
    assert len(cut) <= most


OLD = "abcde"  # cut inside of a character, by an earlier release
TITLE = "abcde\u0301 and more"


def test_R50_a_column_that_was_cut_otherwise_keeps_its_name() -> None:
    known = ledger(entry(spec=spec(OLD)))
    shown = live(listed("r1", spec(OLD)))
    item = only(plan_of(gradebook(assignments=[quiz("1", TITLE)], columns={}), known, shown, rules=SHORT))
    assert (item.action, item.spec) == (Action.KEEP, spec(OLD))


def test_R45_R50_an_import_goes_on_in_what_was_cut_otherwise() -> None:
    known = ledger(entry(spec=spec(OLD)))
    book, shown = gradebook(assignments=[quiz("2", TITLE)], columns={}), live(listed("r1", spec(OLD)))
    specs = specs_of(book, known, SHORT)
    after = reassign_columns(book, specs, known, shown)
    assert (after["2"].ref, specs["2"].name) == (known["1"].ref, OLD)
