"""Test ids and objects: the same in every attempt, complete, and on the right day in every zone."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.sis import Ref, SisSection, Spec
from gradesync.core.writes import ScoreWrite
from gradesync.oneroster.bodies import Bodies
from gradesync.oneroster.ids import is_ours, line_item_id, result_id
from gradesync.oneroster.objects import read_due, read_line_item
from gradesync.oneroster.profiles import Profile, choose_profile

NOW = datetime(2026, 9, 1, 3, tzinfo=UTC)
TERM = date(2026, 8, 17), date(2027, 1, 15)
PERIODS = [["q1", "2026-08-17", "2026-10-16"], ["q2", "2026-10-19", "2027-01-15"]]
SECTION = SisSection(Ref("c/1", {"school": "s1", "terms": ["t1"], "periods": PERIODS}), *TERM)
SPEC = Spec("Essay", Decimal("12.50"), date(2026, 10, 20), Ref("k1"))
ZONES = ("America/New_York", "America/Adak", "Pacific/Pago_Pago", "Pacific/Guam", "Pacific/Auckland", "UTC")


def bodies(profile: Profile | None = None, zone: str = "America/Chicago") -> Bodies:
    return Bodies(profile or Profile(), "https://r.example", "https://g.example", ZoneInfo(zone))


def test_ids_are_the_same_in_every_attempt() -> None:
    first = line_item_id("riverside", "c1", "7001", 0)
    assert first == line_item_id("riverside", "c1", "7001", 0)
    others = {line_item_id("riverside", "c1", "7001", 1), line_item_id("lakeside", "c1", "7001", 0)}
    assert first not in others | {line_item_id("riverside", "c1", "7002", 0)}
    assert result_id(first, "u1") == result_id(first, "u1") != result_id(first, "u2")


def test_our_line_items_are_known_in_a_list() -> None:
    ours = line_item_id("riverside", "c1", "7001", 0)
    assert is_ours(ours, "riverside", "c1")
    assert is_ours(ours.upper(), "riverside", "c1")
    assert not is_ours(ours, "riverside", "c2")
    assert not is_ours("made-1", "riverside", "c1")


def test_a_line_item_has_what_the_standard_requires() -> None:
    made = bodies().line_item("i1", SECTION, SPEC, NOW)
    assert made == {
        "sourcedId": "i1",
        "status": "active",
        "dateLastModified": "2026-09-01T03:00:00.000Z",
        "title": "Essay",
        "assignDate": "2026-08-31T12:00:00.000Z",
        "dueDate": "2026-10-20T12:00:00.000Z",
        "resultValueMin": 0,
        "resultValueMax": Decimal("12.5"),
        "class": {"href": "https://r.example/classes/c%2F1", "sourcedId": "c/1", "type": "class"},
        "school": {"href": "https://r.example/orgs/s1", "sourcedId": "s1", "type": "org"},
        "category": {"href": "https://g.example/categories/k1", "sourcedId": "k1", "type": "category"},
    }


def test_minimal_references_are_ids_alone() -> None:
    made = bodies(Profile(refs="minimal")).line_item("i1", SECTION, SPEC, NOW)
    assert made.keys() == {
        *("sourcedId", "title", "assignDate", "dueDate", "resultValueMin", "resultValueMax"),
        *("class", "category", "school"),
    }
    assert made["class"] == {"sourcedId": "c/1"}


@pytest.mark.parametrize(("due", "period"), [(date(2026, 10, 16), "q1"), (date(2026, 10, 18), "q2")])
def test_the_grading_period_is_that_of_the_due_date(due: date, period: str) -> None:
    spec = Spec("Essay", Decimal(1), due, Ref("k1"))
    made = bodies(Profile(version="1.1", grading_period="send")).line_item("i1", SECTION, spec, NOW)
    assert made["gradingPeriod"]["sourcedId"] == period  # type: ignore[index]  # an object


def test_a_change_keeps_what_is_not_ours() -> None:
    profile = Profile(score_type="POINTS")
    before = {"sourcedId": "i1", "description": "by a teacher", "metadata": {"theirs": 1}, "title": "Old"}
    made = bodies(profile).change_line_item(before, SECTION, SPEC, NOW)
    assert (made["description"], made["title"]) == ("by a teacher", "Essay")
    assert made["metadata"] == {"theirs": 1, "scoreType": "POINTS"}


@pytest.mark.parametrize(("due", "kept"), [("2026-10-20T12:00:00.000Z", True), ("2026-09-01", False)])
@pytest.mark.parametrize("send", [False, True])
def test_a_grading_period_is_not_kept_for_another_date(due: str, kept: bool, send: bool) -> None:
    profile = Profile(grading_period="send" if send else "omit")
    before = {"sourcedId": "i1", "dueDate": due, "gradingPeriod": {"sourcedId": "q1"}}
    made = bodies(profile).change_line_item(before, SECTION, SPEC, NOW)
    period: Any = made.get("gradingPeriod", {})
    assert period.get("sourcedId") == ("q2" if send else "q1" if kept else None)


def test_a_null_of_the_sis_is_not_sent_back() -> None:
    nothing = {"sourcedId": "x", "description": None, "comment": None, "learningObjectiveSet": None}
    row = ScoreWrite("501", "81", Decimal(7))
    item = bodies().change_line_item(nothing, SECTION, SPEC, NOW)
    result = bodies().result(nothing, "x", "i1", row, NOW)
    assert result is not None
    assert not {"description", "comment", "learningObjectiveSet"} & {*item, *result}


def test_google_compatible_results_are_as_googles() -> None:
    made = bodies(choose_profile("google-compatible", None, {})).result(
        None, "r1", "i1", ScoreWrite("501", "81", Decimal(80)), NOW
    )
    # Google sends an empty comment too, and an empty description: gradesync sends neither (R8).
    assert made == {
        **{"sourcedId": "r1", "score": 80, "scoreStatus": "fully graded"},
        **{"scoreDate": "2026-09-01T03:00:00.000Z", "lineItem": {"sourcedId": "i1"}},
        "student": {"sourcedId": "81"},
    }


@given(day=st.dates(date(2000, 1, 1), date(2099, 1, 1)), zone=st.sampled_from(ZONES))
def test_R13_a_due_date_is_the_same_day_in_utc_and_here(day: date, zone: str) -> None:
    spec = Spec("Essay", Decimal(1), day, Ref("k1"))
    sent = str(bodies(zone=zone).line_item("i1", SECTION, spec, NOW)["dueDate"])
    assert sent[:10] == day.isoformat()
    assert read_due(sent, ZoneInfo(zone)) == day


@pytest.mark.parametrize(
    ("shown", "day"),
    [
        ("2026-10-20", date(2026, 10, 20)),
        ("2026-10-20T00:00:00Z", date(2026, 10, 20)),
        ("2026-10-21T04:59:59.000Z", date(2026, 10, 20)),
        ("2026-10-20T23:59:59-05:00", date(2026, 10, 20)),
        ("soon", None),
        (None, None),
    ],
)
def test_R13_a_due_date_is_read_in_the_form_of_the_sis(shown: object, day: date | None) -> None:
    assert read_due(shown, ZoneInfo("America/Chicago")) == day


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({}, True),
        ({"status": "tobedeleted"}, False),
        ({"status": "inactive"}, False),
        ({"sourcedId": ""}, False),
    ],
)
def test_what_is_to_be_deleted_is_not_listed(change: dict[str, object], known: bool) -> None:
    entry = {**bodies().line_item("i1", SECTION, SPEC, NOW), **change}
    found = read_line_item(entry, "c/1", "riverside", ZoneInfo("America/Chicago"), Profile())
    assert (found is not None) is known
    if found is not None:
        assert found.spec == Spec("Essay", Decimal("12.5"), date(2026, 10, 20), Ref("k1"))
        assert not found.ours
