"""Run the fault matrix. A cell is a phase of a section, a kind of call, and a fault."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from gradesync.errors import GradeSyncError
from gradesync_sandbox import world
from gradesync_sandbox.district import World
from gradesync_sandbox.faults import (
    Delay,
    Effect,
    LoseAfter,
    RefuseBefore,
    Status,
    System,
    Truncate,
)
from gradesync_sandbox.schoology.model import Mark
from harness.assertions import find_false_claims
from harness.contexts import HURRIED, LIMITS
from harness.district import DistrictHarness
from harness.environment import Environment

LATE = HURRIED.call_timeout * 1.5
AT_ONCE = 5
"""Limit the cells that run at a time: most of them wait."""

EFFECTS: Mapping[str, Effect] = {
    "refused before": RefuseBefore(),
    "lost after": LoseAfter(),
    "done, answered too late": Delay(LATE, "before"),
    "done too late": Delay(LATE, "after"),
    "401": Status(401, '{"message":"Unauthorized"}'),
    "403": Status(403, '{"message":"Forbidden"}'),
    "409": Status(409, '{"message":"Conflict","errors":[]}'),
    "412": Status(412, '{"message":"Resubmit"}'),
    "429 with Retry-After": Status(429, "Rate limit exceeded", {"retry-after": "1"}),
    "429": Status(429, "Rate limit exceeded"),
    "500": Status(500, '{"message":"Internal Server Error"}'),
    "cut short": Truncate(keep=20),
    "too short": Truncate(keep=20, honest=True),
}


@dataclass(frozen=True)
class Scale:
    """Size the section of a cell."""

    assignments: int = 2
    students: int = 3

    def build(self) -> World:
        return world.build(7, 1, self.students, self.assignments, ideal=True)


Phase = Callable[[DistrictHarness], Awaitable[None]]


async def first(harness: DistrictHarness) -> None:
    """Leave the section as it was never synced."""


async def change(harness: DistrictHarness) -> None:
    """Change, clear and excuse scores, mark them missing; rename, rescale and add assignments."""
    await _synced(harness)
    school, section = harness.world.schoology, harness.room.section
    one, other = list(section.items.values())[:2]
    students = list(harness.room.students)
    school.grade(section.id, one.id, students[0], "7.25")
    school.clear(section.id, one.id, students[1])
    school.set_exception(section.id, other.id, students[0], Mark.EXCUSED)
    school.set_exception(section.id, other.id, students[1], Mark.MISSING)
    school.edit_assignment(section.id, one.id, title="Renamed by the teacher")
    school.edit_assignment(section.id, other.id, max_points=other.max_points + 5)
    new = school.add_assignment(section.id, "New one", 20, category=one.category, due=one.due)
    for uid in students:
        school.grade(section.id, new.id, uid, 17)


async def recreate(harness: DistrictHarness) -> None:
    """Delete an assignment in the SIS, and its scores with it."""
    await _synced(harness)
    gradebook = harness.world.powerschool.gradebook
    gradebook.delete_assignment(min(gradebook.assignments))


async def departed(harness: DistrictHarness) -> None:
    """Change everybody's scores, and drop one student from the SIS section."""
    await _synced(harness)
    school, section = harness.world.schoology, harness.room.section
    for item in list(section.items.values()):
        for uid in harness.room.students:
            school.grade(section.id, item.id, uid, Decimal("3.5"))
    gone = harness.room.students[max(harness.room.students)]
    harness.world.powerschool.drop(gone, harness.room.sis)


PHASES: Mapping[str, Phase] = {
    "first sync": first,
    "change": change,
    "recreate": recreate,
    "departed": departed,
}


async def _synced(harness: DistrictHarness) -> None:
    sync = await harness.sync()
    if sync.status != "complete":
        raise GradeSyncError(f"the sync before the fault ended {sync.status} {sync.error_code}")


@dataclass(frozen=True)
class FaultCell:
    """Describe a fault; a `lasting` one strikes every such call of the sync, else only the first."""

    phase: str
    system: System
    kind: str
    effect: str
    lasting: bool = False

    def __str__(self) -> str:
        often = "always" if self.lasting else "once"
        return f"{self.phase} / {self.system} {self.kind} / {self.effect}, {often}"


_kinds: dict[tuple[str, Scale], list[tuple[System, str]]] = {}


async def list_call_kinds(environment: Environment, phase: str, scale: Scale) -> list[tuple[System, str]]:
    """Return every kind of call that a sync of this phase makes when nothing goes wrong."""
    if (phase, scale) not in _kinds:
        _kinds[phase, scale] = await _log_call_kinds(environment, phase, scale)
    return _kinds[phase, scale]


async def _log_call_kinds(environment: Environment, phase: str, scale: Scale) -> list[tuple[System, str]]:
    async with environment.open_district(scale.build()) as harness:
        await _prepare(harness, phase)
        await harness.sync()
        return [
            *(("schoology", kind) for kind in harness.world.schoology.log.counts()),
            *(("powerschool", kind) for kind in harness.world.powerschool.log.counts()),
        ]


async def _prepare(harness: DistrictHarness, phase: str) -> None:
    await PHASES[phase](harness)
    harness.restart()
    harness.forget_calls()


async def run_cells(
    environment: Environment, phase: str, effect: str, *, one_in: int = 1
) -> tuple[int, list[str]]:
    """Run the cells of `one_in` so many kinds of call; return how many these are, and the broken promises.

    Each effect begins at another kind, so that together they leave out no kind.
    """
    scale, slots = Scale(), asyncio.Semaphore(AT_ONCE)
    kinds = await list_call_kinds(environment, phase, scale)
    first = list(EFFECTS).index(effect) % one_in
    cells = [FaultCell(phase, system, kind, effect) for system, kind in kinds[first::one_in]]

    async def run(cell: FaultCell) -> list[str]:
        async with slots:
            return await run_cell(environment, cell, scale)

    found = await asyncio.gather(*(run(cell) for cell in cells))
    return len(cells), [line for lines in found for line in lines]


async def run_cell(environment: Environment, cell: FaultCell, scale: Scale) -> list[str]:
    """Run one cell and return the broken promises, as sentences."""
    async with environment.open_district(scale.build()) as harness:
        await _prepare(harness, cell.phase)
        if isinstance(EFFECTS[cell.effect], Delay):
            harness.restart(HURRIED)
        harness.fault(cell.system, cell.kind, EFFECTS[cell.effect], times=None if cell.lasting else 1)
        struck = await harness.sync()
        found = [f"the struck sync: {line}" for line in await find_false_claims(harness, struck)]
        if not harness.faults.struck:
            found.append("the fault never struck")
        await harness.end_faults()
        harness.restart(LIMITS)
        after = await harness.sync()
        found += [f"the next sync: {line}" for line in await find_false_claims(harness, after)]
        found += [f"after the next sync: {line}" for line in harness.differences()]
        found += _not_done(cell, after.status, after.error_code)
        found += _written_twice(cell, harness)
        harness.forget_calls()
        last = await harness.sync()
        found += [f"a third sync writes: {kind}" for kind in harness.writes]
        found += _not_done(cell, last.status, last.error_code)
    return [f"{cell}: {line}" for line in found]


def _not_done(cell: FaultCell, status: str, error: str | None) -> list[str]:
    """Report a sync after the fault that is not complete; a departed student may fail alone."""
    if error is not None or (status == "failed" and cell.phase != "departed"):
        return [f"a sync after the fault ended {status} {error}"]
    return []


def _written_twice(cell: FaultCell, harness: DistrictHarness) -> list[str]:
    """Report rows that were sent although the SIS held their value: each may notify a family.

    Where the SIS does not show its scores, that cannot be helped.
    """
    blind = cell.kind == "schema.assignmentscore"
    again = sum(row.effect == "unchanged" for row in harness.world.powerschool.log.score_rows())
    return [f"{again} scores were sent that stood there already"] if again and not blind else []
