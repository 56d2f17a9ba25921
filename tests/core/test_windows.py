"""Check windows of schedules, over both switches of the clocks, and how syncs spread over them."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.district import SchoologyAccess
from gradesync.core.windows import LAST_SYNC, SHARE, Times, Window, spread

CHICAGO = ZoneInfo("America/Chicago")
EVERY_DAY = frozenset(range(1, 8))
NIGHT = Window(datetime(2026, 11, 30, 7, tzinfo=UTC), datetime(2026, 11, 30, 11, tzinfo=UTC))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(begins: str, ends: str, after: datetime, days: frozenset[int] = EVERY_DAY) -> Window:
    return Times(days, time.fromisoformat(begins), time.fromisoformat(ends)).next_window(after, CHICAGO)


def test_window_is_in_the_time_of_the_district() -> None:
    assert window("01:00", "05:00", local("2026-11-29T12:00")) == NIGHT


def test_window_is_on_its_days() -> None:
    after = local("2026-11-27T12:00")  # a Friday
    assert window("01:00", "05:00", after, frozenset({1})).begins == NIGHT.begins
    assert window("13:00", "15:00", after, frozenset({5})).begins == local("2026-11-27T13:00")


def test_window_over_midnight_ends_on_the_next_day() -> None:
    assert window("22:00", "02:00", local("2026-11-29T12:00")) == (
        local("2026-11-29T22:00"),
        local("2026-11-30T02:00"),
    )


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("America/Los_Angeles", "2026-11-30T09:00"),
        ("Pacific/Honolulu", "2026-11-30T11:00"),
        ("Pacific/Auckland", "2026-11-29T12:00"),
    ],
)
def test_window_keeps_its_day_in_another_zone(zone: str, begins: str) -> None:
    times = Times(frozenset({1}), time(1), time(5))
    moved = times.move_to(ZoneInfo(zone), NIGHT.begins, CHICAGO)
    assert moved == (utc(begins), utc(begins) + timedelta(hours=4))


def test_window_that_has_begun_is_not_the_next_one() -> None:
    assert window("01:00", "05:00", NIGHT.begins).begins == NIGHT.begins + timedelta(days=1)


@pytest.mark.parametrize(
    ("begins", "ends", "wanted"),
    [
        # 2026-03-08: 02:00 becomes 03:00, and 08:00 UTC is 03:00
        ("01:00", "05:00", ("2026-03-08T07:00", "2026-03-08T10:00")),  # an hour shorter
        ("02:30", "05:00", ("2026-03-08T08:30", "2026-03-08T10:00")),  # it begins at 03:30
        ("02:30", "03:00", ("2026-03-08T08:30", "2026-03-08T09:00")),  # it keeps its length
        ("01:00", "02:30", ("2026-03-08T07:00", "2026-03-08T08:30")),
    ],
)  # fmt: skip
def test_window_of_the_day_that_is_shorter(begins: str, ends: str, wanted: tuple[str, str]) -> None:
    found = window(begins, ends, local("2026-03-07T12:00"))
    assert found == tuple(map(utc, wanted))


@pytest.mark.parametrize(
    ("begins", "ends", "wanted"),
    [
        # 2026-11-01: 02:00 becomes 01:00, and 01:30 is twice
        ("01:00", "05:00", ("2026-11-01T06:00", "2026-11-01T11:00")),  # an hour longer
        ("01:30", "05:00", ("2026-11-01T06:30", "2026-11-01T11:00")),  # the first of the two
        ("23:00", "01:30", ("2026-11-01T04:00", "2026-11-01T06:30")),
    ],
)
def test_window_of_the_day_that_is_longer(begins: str, ends: str, wanted: tuple[str, str]) -> None:
    found = window(begins, ends, local("2026-10-31T12:00"))
    assert found == tuple(map(utc, wanted))


@given(
    st.integers(0, 366 * 24 * 60).map(lambda minutes: utc("2026-01-01") + timedelta(minutes=minutes)),
    st.sets(st.integers(1, 7), min_size=1),
    st.times().filter(lambda moment: moment.second == 0),
    st.times().filter(lambda moment: moment.second == 0),
)
def test_windows_follow_one_another_without_end(
    after: datetime, days: set[int], begins: time, ends: time
) -> None:
    times = Times(frozenset(days), begins, ends)
    first = times.next_window(after, CHICAGO)
    assert after < first.begins < first.ends
    assert times.next_window(first.begins, CHICAGO).begins > first.begins


def test_few_syncs_spread_over_the_whole_window() -> None:
    found = spread(NIGHT, 100, seconds_per_sync=2)
    assert found.room == 100
    assert found.every == (NIGHT.ends - NIGHT.begins - LAST_SYNC).total_seconds() / 100
    assert found.finishes_by <= NIGHT.ends


def test_many_syncs_take_their_share_of_the_budget() -> None:
    found = spread(NIGHT, 10_000, seconds_per_sync=2)
    assert found.every == 2 / SHARE
    assert found.room == 1 + (4 * 3600 - LAST_SYNC.total_seconds()) // 4
    assert found.finishes_by <= NIGHT.ends


@given(st.integers(0, 20_000), st.floats(0.1, 60), st.integers(0, 5 * 3600))
def test_all_that_has_room_is_due_when_the_window_ends(sections: int, pace: float, passed: int) -> None:
    found = spread(NIGHT, sections, pace)
    due = found.due(NIGHT.begins, NIGHT.begins + timedelta(seconds=passed))
    assert 0 <= due <= found.room <= sections
    assert due <= 1 + passed / found.every
    assert found.due(NIGHT.begins, NIGHT.ends - LAST_SYNC + timedelta(seconds=1)) == found.room
    assert found.finishes_by <= NIGHT.ends
    assert found.due(NIGHT.begins, NIGHT.begins - timedelta(seconds=1)) == 0


@pytest.mark.parametrize(("allowance", "seconds"), [(15, 3), (50, 2 / 3), (5, 7.5), (1, 30)])
def test_window_of_the_budget_has_room_for_whole_syncs(allowance: int, seconds: float) -> None:
    access = SchoologyAccess("https://api.example.com", "key", "secret", requests_per_window=allowance)
    assert access.seconds_per_sync == pytest.approx(seconds)
