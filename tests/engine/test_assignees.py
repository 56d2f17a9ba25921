"""Test scores of students to whom an assignment is assigned later, or no longer."""

import pytest

from gradesync_sandbox.world import build
from harness.environment import Environment
from harness.sis_kinds import POWERSCHOOL, STANDARD, Kind, open_kind


@pytest.mark.parametrize("rows", [False, True], ids=["rows hidden", "rows shown"])
@pytest.mark.parametrize("to_one", [False, True], ids=["to all", "to one"])
@pytest.mark.parametrize("kind", [POWERSCHOOL, STANDARD], ids=str)
async def test_R18_older_score_of_a_student_assigned_later_is_sent(
    environment: Environment, kind: Kind, to_one: bool, rows: bool
) -> None:
    """Sync a cell that is older than the cursor: a read of changes does not show it."""
    world = build(7, 1, 4, 2, ideal=True)
    world.schoology.switches.unassigned_rows = rows
    async with open_kind(environment, kind, world) as district:
        item, student = district.items[0], district.students[0]
        others = [each.id for each in district.room.section.students() if each.uid != student]
        mine = [each.id for each in district.room.section.students() if each.uid == student]
        district.edit(item, assignees=others)
        await district.sync()
        world.schoology.advance_clock(60)
        district.edit(item, assignees=mine if to_one else [])
        world.schoology.advance_clock(60)
        await district.sync()
        assert district.sis_text(item, student) == "81"
        assert district.differences() == []
