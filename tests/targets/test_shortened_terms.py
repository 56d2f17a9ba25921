"""Test due dates in a term that the SIS has shortened since it was read (R14, R37)."""

from dataclasses import replace
from datetime import timedelta

from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.sis_kinds import Kind


async def test_R37_a_shortened_term_is_named_at_once(harness: DistrictHarness, kind: Kind) -> None:
    """Name a due date outside of the term, send all else, and fill in the day that is the last one now."""
    harness.choices = replace(harness.choices, has_categories=kind.has_categories)
    await assert_synced_well(harness)
    term, (ann, *_) = harness.room.term, harness.students
    due = harness.items[0].due
    assert due is not None
    last = term.lastday
    late, filled = harness.add("Late work"), harness.add("Whenever", due=None, period=0)
    harness.edit(late, due=due.replace(year=last.year, month=last.month, day=last.day))
    harness.world.powerschool.move_term(term, last=last - timedelta(days=3))
    for item in (late, filled, harness.items[0]):
        harness.grade(item, ann, 3)
    for again in (False, True):
        harness.forget_calls()
        sync = await harness.sync()
        cells = await harness.outcomes_by_cell(sync)
        assert cells[late.id, None] == ("failed", "due-date-outside-term")
        assert cells[late.id, ann] == ("failed", "assignment-failed")
        assert cells.get((filled.id, None)) == (None if again else ("created", None))
        assert sum(sync.assignments.values()) == 2 * sync.assignments["read"]
        assert sum(sync.scores.values()) == 2 * sync.scores["read"]
        assert await find_false_claims(harness, sync) == []
    (row,) = [row for row in await harness.outcomes(sync) if row.reason == "due-date-outside-term"]
    assert row.facts["last"].split(",")[0].endswith(str((last - timedelta(days=3)).day))
    assert harness.part(filled).duedate == last - timedelta(days=3)
    assert [harness.sis_text(item, ann) for item in (harness.items[0], filled)] == ["3", "3"]
    harness.edit(late, due=due)
    assert (await harness.sync()).status == "complete"
