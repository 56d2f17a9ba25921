"""Test the encoding of scores as results, in both versions."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.gradebook import EXCUSED, MISSING, Mark
from gradesync.core.ledger import Value
from gradesync.oneroster.cells import decode_cell, encode_cell
from gradesync.oneroster.profiles import PROFILES, Profile, choose_profile
from gradesync.upstream.response import MalformedError, decode, encode

EVERY = [
    choose_profile(name, version, {}) for name, vendor in PROFILES.items() for version in vendor.versions
]
EVERY.append(Profile(blank="not-submitted"))
POINTS = st.decimals(0, 10_000, places=4).map(lambda value: value.normalize())
NEW, OLD = Profile(), choose_profile("standard", "1.1", {})


def wire(value: Value, profile: Profile, before: Value = None) -> Any:
    """Return the fields of a result as the SIS reads them; None for a delete."""
    fields = encode_cell(value, before, profile)
    return None if fields is None else decode(encode(fields))


@given(points=POINTS, profile=st.sampled_from(EVERY), before=POINTS | st.none())
def test_what_is_sent_reads_back(points: Decimal, profile: Profile, before: Decimal | None) -> None:
    values: list[Value] = [points, Mark(EXCUSED)]
    if profile.version == "1.2":
        values.append(Mark(MISSING, Decimal(0)))
    for value in values:
        assert decode_cell(wire(value, profile, before), profile, marks=True) == value
    for value in (points, Mark(EXCUSED)):
        assert decode_cell(wire(value, profile, before), profile, marks=False) == value
    if profile.blank != "cannot":  # then no blank is ever sent
        cleared = wire(None, profile, before)
        assert cleared is None or decode_cell(cleared, profile, marks=True) is None


@given(points=POINTS)
def test_points_are_exact_to_the_last_digit(points: Decimal) -> None:
    assert wire(points, NEW) == {"scoreStatus": "fully graded", "score": points}


@pytest.mark.parametrize(
    ("value", "profile", "fields"),
    [
        (None, NEW, None),
        (None, Profile(blank="not-submitted"), {"scoreStatus": "not submitted"}),
        (Decimal(0), OLD, {"scoreStatus": "fully graded", "score": 0}),
        (Mark(MISSING, Decimal(0)), NEW, {"scoreStatus": "fully graded", "score": 0, "missing": "true"}),
        (Mark(MISSING, Decimal(0)), OLD, {"scoreStatus": "fully graded", "score": 0}),
        (Mark(EXCUSED), NEW, {"scoreStatus": "exempt"}),
        (Mark(EXCUSED), OLD, {"scoreStatus": "exempt", "score": 0}),
        (Mark(EXCUSED), Profile(excused_score="last"), {"scoreStatus": "exempt", "score": 8}),
    ],
)
def test_each_kind_of_score_has_its_fields(value: Value, profile: Profile, fields: Any) -> None:
    assert wire(value, profile, before=Decimal(8)) == fields


@pytest.mark.parametrize(
    ("result", "marked", "plain"),
    [
        ({}, None, None),
        ({"scoreStatus": "submitted"}, None, None),
        ({"scoreStatus": "not submitted"}, Mark(MISSING), None),
        ({"scoreStatus": "not submitted", "score": 0}, Decimal(0), Decimal(0)),
        ({"scoreStatus": "exempt", "score": 80}, Mark(EXCUSED), Mark(EXCUSED)),
        ({"missing": "true"}, Mark(MISSING), None),
        ({"score": "9.50"}, Decimal("9.5"), Decimal("9.5")),
        ({"score": ""}, None, None),
        ({"score": None}, None, None),
    ],
)
def test_no_status_makes_a_zero(result: dict[str, object], marked: Value, plain: Value) -> None:
    assert decode_cell(result, NEW, marks=True) == marked
    assert decode_cell(result, NEW, marks=False) == plain


@pytest.mark.parametrize("score", [True, "A-", "NaN", "Infinity", "1e400", Decimal("1e400"), [5], {}])
def test_what_is_no_number_is_no_blank(score: object) -> None:
    for marks in (True, False):
        with pytest.raises(MalformedError):
            decode_cell({"scoreStatus": "fully graded", "score": score}, NEW, marks=marks)
        assert decode_cell({"scoreStatus": "exempt", "score": score}, NEW, marks=marks) == Mark(EXCUSED)
