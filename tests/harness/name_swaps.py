"""Swap the names of assignments, on every kind of SIS."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from gradesync_sandbox import world
from gradesync_sandbox.schoology.model import Item
from harness.assertions import assert_synced_well, find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.sis_kinds import Kind, open_kind

WAITS = ("failed", "name-not-free")
LEFT = ("failed", "name-left-in-sis")


@asynccontextmanager
async def open_named(environment: Environment, kind: Kind) -> AsyncIterator[DistrictHarness]:
    """Open a district with assignments A, B and C of one due date and four students, all of it synced."""
    async with open_kind(environment, kind, world.build(7, 1, 4, 3, ideal=True)) as harness:
        for number, (item, title) in enumerate(zip(harness.items, "ABC", strict=True)):
            harness.edit(item, title=title, due=harness.items[0].due)
            for place, uid in enumerate(harness.students):
                harness.grade(item, uid, 1 + (number + place) % 4)
        await assert_synced_well(harness)
        harness.forget_calls()
        yield harness


def rename(harness: DistrictHarness, titles: str) -> None:
    for item, title in zip(harness.items, titles, strict=False):
        harness.edit(item, title=title)


def reimport(harness: DistrictHarness, *items: Item, with_grades: bool = True) -> list[Item]:
    """Import items anew; return the new ones."""
    book = harness.room.section
    ids = [item.id for item in items]
    new = harness.world.schoology.reimport_assignments(book.id, ids, with_grades=with_grades)
    return [book.items[new[key]] for key in ids]


def delete(harness: DistrictHarness, item: Item) -> None:
    harness.world.schoology.delete_assignment(harness.room.section.id, item.id)


def columns(harness: DistrictHarness) -> list[str]:
    """Return the names of the SIS section's columns, each as often as it stands."""
    dcid, gradebook = harness.room.sis.dcid, harness.world.powerschool.gradebook
    return sorted(each.section(dcid).name for each in gradebook.of_section(harness.room.sis))


async def sync(harness: DistrictHarness, **wanted: Any) -> Mapping[int, tuple[str, str | None]]:
    """Sync as asked; expect no false claim, and return the outcomes of assignments by item id."""
    done = await harness.sync(**wanted)
    assert await find_false_claims(harness, done) == []
    cells = await harness.outcomes_by_cell(done)
    return {item: outcome for (item, uid), outcome in cells.items() if uid is None}


async def find_holder(harness: DistrictHarness, item: Item) -> str:
    """Return what has the name that an assignment is to get, by a preview."""
    rows = await harness.outcomes(await harness.sync(dry_run=True))
    (row,) = [row for row in rows if row.assignment_id == str(item.id) and not row.student_id]
    return (row.facts or {}).get("holder", "")
