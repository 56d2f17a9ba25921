"""Test that every reason is in the catalog, in words that help."""

import re

import pytest

from gradesync.core.catalog import CATALOG, Kind
from gradesync.core.reasons import Reason


def test_every_reason_has_an_entry() -> None:
    assert set(CATALOG) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_an_entry_has_a_sentence_for_the_event_and_the_fix(reason: Reason) -> None:
    entry = CATALOG[reason]
    assert entry.code is reason
    for text in (entry.title, entry.fix):
        assert re.fullmatch(r"[A-Z].+\.", text)
        assert len(text) <= 120


def test_every_title_is_unique() -> None:
    assert len({entry.title for entry in CATALOG.values()}) == len(Reason)


def test_only_what_needs_no_correction_is_retryable() -> None:
    retryable = {entry.code for entry in CATALOG.values() if entry.retryable}
    assert Reason.UPSTREAM_UNAVAILABLE in retryable
    assert Reason.TITLE_TOO_LONG not in retryable
    assert Reason.MASS_CHANGE not in retryable


def test_every_kind_is_used() -> None:
    assert {entry.kind for entry in CATALOG.values()} == set(Kind)
