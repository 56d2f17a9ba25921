"""Test how the standing of sections on past days follows from their changes."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.overview import Change, trace_back

TODAY = date(2026, 11, 28)
DAYS = 6
STATES = ("all-sent", "needs-attention", "failed")
SYNCS = st.lists(st.tuples(st.integers(0, DAYS - 1), st.integers(1, 4), st.sampled_from(STATES)), max_size=30)


@given(SYNCS)
def test_past_days_stand_as_they_stood(syncs: list[tuple[int, int, str]]) -> None:
    """Compare with a district that was counted every evening."""
    standing: dict[int, str] = {}
    changes: list[Change] = []
    evenings: list[Counter[str]] = []
    for number in range(DAYS):
        day = TODAY - timedelta(days=DAYS - 1 - number)
        for section, result in [(section, result) for at, section, result in syncs if at == number]:
            if standing.get(section) != result:
                changes.append(Change(day, standing.get(section), result, 1))
            standing[section] = result
        evenings.append(Counter(standing.values()))
    found = list(trace_back(TODAY, evenings[-1], changes, DAYS))
    assert [day for day, _ in found] == [TODAY - timedelta(days=back) for back in reversed(range(DAYS))]
    assert [+Counter(counts) for _, counts in found] == evenings
