"""Hold the calls that a rehearsal counts against those of a real sync, for every kind of SIS."""

from gradesync.core.rehearsal import SectionLoad
from gradesync.systems import describe_writing
from harness.district import DistrictHarness
from harness.sis_kinds import Kind

BATCH = 500


async def test_rehearsed_calls_are_those_of_a_sync(harness: DistrictHarness, kind: Kind) -> None:
    await harness.sync()
    writing = describe_writing(harness.district.sis, BATCH)
    assignments, scores = SectionLoad("1", 2, 6).writes(writing)
    made = harness.writes
    items = [call for call in made if "result" not in call and "score" not in call.lower()]
    assert len(items) == assignments
    if kind.demands is not None and kind.demands.bulk_post:
        scores = 2  # a call for each line item with new scores: the log doesn't have their number
    assert len(made) - len(items) == scores
