"""Test how far below the limit of an upstream our rate limits stay."""

import pytest

from gradesync.upstream.limits import REUSE_SECONDS, minimum_interval, per_window


@pytest.mark.parametrize(("limit", "kept"), [(1, 1), (10, 9), (15, 13), (50, 45)])
def test_rate_stays_ten_percent_below_the_limit(limit: int, kept: int) -> None:
    assert per_window(limit, 5).limit == kept
    assert per_window(limit, 5).window > 5


@pytest.mark.parametrize("seconds", [0.2, 1, 2.5, 5, 60])
def test_window_covers_a_reserved_slot_and_the_travel_time(seconds: float) -> None:
    assert per_window(9, seconds).window >= seconds + REUSE_SECONDS + 0.05


def test_minimum_interval_allows_one_call() -> None:
    assert minimum_interval(0) is None
    rate = minimum_interval(200)
    assert rate is not None
    assert rate.limit == 1
    assert 0.2 < rate.window < 0.3
