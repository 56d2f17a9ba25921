"""Test scores of students to whom an assignment is assigned later, or no longer."""

import json
from decimal import Decimal

import pytest

from gradesync_sandbox.faults import Change
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


def hide_cell(item: int, enrollment: int) -> Change:
    """Leave a student's row out of the grades."""

    def apply(body: bytes) -> bytes:
        content = json.loads(body)
        rows = content["grades"]["grade"]
        mine = {"assignment_id": item, "enrollment_id": enrollment}
        kept = [row for row in rows if any(int(row[name]) != value for name, value in mine.items())]
        content["grades"]["grade"] = kept
        return json.dumps(content).encode()

    return Change(apply)


@pytest.mark.parametrize("newcomer", [False, True], ids=["assigned", "enrolled"])
async def test_R36_a_row_missing_at_the_change_is_read_later(
    environment: Environment, newcomer: bool
) -> None:
    """Read an older cell that was missing just when its student came: no read of changes shows it."""
    world = build(7, 1, 6, 2, ideal=True)
    async with open_kind(environment, POWERSCHOOL, world) as district:
        item, student = district.items[0], district.students[0]
        section = district.room.section
        enrollment = section.enrollment_of(student)
        mine = enrollment.id
        if newcomer:
            del section.enrollments[mine]
        else:
            district.edit(item, assignees=[each.id for each in section.students() if each.uid != student])
        await district.sync()
        world.schoology.advance_clock(3600)
        district.grade(district.items[1], district.students[1], 5)
        await district.sync()
        world.schoology.advance_clock(3600)
        if newcomer:
            section.enrollments[mine] = enrollment
        else:
            district.edit(item, assignees=[])
        fault = district.fault("schoology", "grades", hide_cell(item.id, mine), times=None)
        sync = await district.sync()
        assert (fault.seen > 0, sync.warnings.get("partial-read")) == (True, 1)
        assert district.sis_text(item, student) is None
        await district.end_faults()
        world.schoology.advance_clock(60)
        await district.sync()
        assert district.differences() == []
        district.forget_calls()
        await district.sync()
        assert len(world.schoology.log.of("grades")) <= 1


async def test_R36_an_item_that_failed_at_the_change_is_read_later(environment: Environment) -> None:
    """Read the older cell of a newcomer on an assignment that did not go when the newcomer came."""
    world = build(7, 1, 6, 2, ideal=True)
    async with open_kind(environment, POWERSCHOOL, world) as district:
        item, student, section = district.items[0], district.students[0], district.room.section
        enrollment = section.enrollment_of(student)
        del section.enrollments[enrollment.id]
        await district.sync()
        world.schoology.advance_clock(3600)
        section.enrollments[enrollment.id] = enrollment
        points = item.max_points
        district.edit(item, max_points=Decimal(0))
        assert (await district.sync()).status == "failed"
        world.schoology.advance_clock(60)
        district.edit(item, max_points=points)
        await district.sync()
        assert district.differences() == []
