"""Read what a SIS lists where single fields of it make no sense."""

from zoneinfo import ZoneInfo

import pytest

from gradesync.oneroster.objects import index_results, read_due, read_line_item
from gradesync.oneroster.profiles import Profile
from gradesync.upstream.response import MalformedError, decode, read_number

ZONE = ZoneInfo("America/Chicago")


@pytest.mark.parametrize("due", ["0001-01-01T03:00:00Z", "9999-12-31T23:59:59-06:00", "soon", 5, None])
def test_a_due_date_out_of_time_is_none(due: object) -> None:
    assert read_due(due, ZONE) is None


@pytest.mark.parametrize("points", ["NaN", "sNaN", "Infinity", "1e400", "", None, True])
def test_points_that_are_no_number_make_no_spec(points: object) -> None:
    entry = {"sourcedId": "a", "title": "A", "dueDate": "2026-09-01", "resultValueMax": points}
    live = read_line_item({**entry, "category": {"sourcedId": "c"}}, "1", "t", ZONE, Profile())
    assert live is not None
    assert live.spec is None


def test_a_number_too_large_is_malformed() -> None:
    with pytest.raises(MalformedError):
        read_number(decode(b"1e400"))


def test_a_result_without_line_item_may_be_any() -> None:
    gone = {"status": "tobedeleted"}
    student = {"student": {"sourcedId": "s"}}
    assert index_results([gone, {"lineItem": {"sourcedId": "l"}}]) == ({}, {"l"})
    with pytest.raises(MalformedError):
        index_results([student])
