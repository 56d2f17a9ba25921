"""Let the SIS store an assignment otherwise than it was sent: reported at once, no edit later (R41, R50)."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Change, RefuseBefore
from gradesync_sandbox.powerschool.rows import AssignmentSection
from harness.assertions import find_false_claims, find_miscounts
from harness.district import DistrictHarness
from harness.environment import Environment


def _cut_points(part: AssignmentSection) -> None:
    part.scoreentrypoints = part.totalpointvalue = part.scoreentrypoints.quantize(Decimal("0.01"))


def _move(part: AssignmentSection) -> None:
    part.duedate -= timedelta(days=1)


def _discount(part: AssignmentSection) -> None:
    part.iscountedinfinalgrade = False


BENT: dict[str, Callable[[AssignmentSection], None]] = {
    "points": _cut_points,
    "due": _move,
    "counts": _discount,
}


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Provide one assignment of 3.3333 points and two students, nothing synced yet."""
    async with environment.open_district(world.build(7, 1, 2, 1, ideal=True)) as harness:
        harness.edit(harness.items[0], max_points=Decimal("3.3333"))
        for uid in harness.students:
            harness.grade(harness.items[0], uid, 2)
        yield harness


def bend(harness: DistrictHarness, field: str, call: str, *, times: int | None = 1) -> None:
    """Let the SIS store what a call sends in another form."""

    def change(body: bytes) -> bytes:
        for _, part in harness.world.powerschool.gradebook.parts.values():
            BENT[field](part)
        return body

    harness.fault("powerschool", call, Change(change), times=times)


async def fail_once(harness: DistrictHarness, field: str) -> None:
    """Expect a sync that names which field the SIS stores otherwise."""
    sync = await harness.sync()
    first = harness.items[0]
    outcomes = {(row.assignment_id, row.student_id): row for row in await harness.list_outcomes(sync)}
    row = outcomes[str(first.id), ""]
    assert (row.result, row.reason, row.detail.endswith(field)) == ("failed", "assignment-not-accepted", True)
    assert (await harness.outcomes_by_cell(sync))[first.id, harness.students[0]] == (
        "failed",
        "assignment-failed",
    )
    assert find_miscounts(sync, await harness.list_outcomes(sync)) == []


async def assert_goes_on(harness: DistrictHarness) -> None:
    """Expect that the scores go, that the assignment is not written again, and that nobody edited it."""
    for mode in ("changes", "full", "full", "changes"):
        harness.forget_calls()
        sync = await harness.sync(mode=mode)
        assert (sync.status, await harness.warnings(sync)) == ("complete", {})
        assert "assignment.update" not in harness.writes
    (scores,) = harness.table().values()
    assert set(scores.values()) == {"2"}
    assert len(harness.world.powerschool.gradebook.assignments) == 1


@pytest.mark.parametrize("field", list(BENT))
async def test_R41_a_create_stored_otherwise_is_reported_at_once(
    harness: DistrictHarness, field: str
) -> None:
    bend(harness, field, "assignment.create")
    await fail_once(harness, field)
    await assert_goes_on(harness)


@pytest.mark.parametrize("field", list(BENT))
async def test_R50_a_change_stored_otherwise_is_no_edit(harness: DistrictHarness, field: str) -> None:
    assert (await harness.sync()).status == "complete"
    values: dict[str, Any] = {"points": {"max_points": Decimal("4.4444")}, "due": {}, "counts": {}}
    harness.edit(harness.items[0], title="Another name", **values[field])
    harness.clear(harness.items[0], harness.students[0])
    harness.grade(harness.items[0], harness.students[0], 2)
    bend(harness, field, "assignment.update")
    await fail_once(harness, field)
    await assert_goes_on(harness)


async def test_R50_a_stored_form_that_changes_is_an_edit(harness: DistrictHarness) -> None:
    bend(harness, "points", "assignment.create")
    await fail_once(harness, "points")
    assert (await harness.sync()).status == "complete"
    (part,) = (part for _, part in harness.world.powerschool.gradebook.parts.values())
    part.scoreentrypoints = part.totalpointvalue = Decimal(7)
    sync = await harness.sync()
    assert await harness.warnings(sync) == {(harness.items[0].id, None): ["edited-in-sis"]}
    assert (await harness.sync(mode="full")).status == "complete"
    assert harness.differences() == []


async def test_R51_a_stored_form_outlives_a_lost_change(harness: DistrictHarness) -> None:
    bend(harness, "due", "assignment.create")
    await fail_once(harness, "due")
    assert (await harness.sync()).status == "complete"
    harness.edit(harness.items[0], title="Another name")
    harness.fault("powerschool", "assignment.update", RefuseBefore(), times=None)
    sync = await harness.sync()
    assert (sync.status, "edited-in-sis" in sync.warnings) == ("failed", False)
    await harness.end_faults()
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    assert (sync.status, "edited-in-sis" in sync.warnings, harness.differences()) == ("complete", False, [])
