"""Restore an assignment whose column passed on to another: each gets a column of its own (R20, R45)."""

from decimal import Decimal

import pytest

from gradesync_sandbox.faults import LoseAfter, Status
from gradesync_sandbox.schoology.model import Item
from harness.assertions import sync_checked
from harness.district import DistrictHarness
from harness.name_swaps import delete, reimport
from harness.sis_kinds import STANDARD, Kind


async def pass_on(harness: DistrictHarness, kind: Kind) -> tuple[Item, Item]:
    """Let a new item take the column of another, which the SIS then deletes; return both."""
    await sync_checked(harness)
    old = harness.items[0]
    (new,) = reimport(harness, old)
    assert (await sync_checked(harness))[new.id, None] == ("adopted", None)
    harness.delete_in_sis(new)
    harness.world.schoology.advance_clock(10)
    assert kind.find_differences(harness) != []
    return old, new


async def expect_columns_of_their_own(harness: DistrictHarness, kind: Kind) -> None:
    """Expect that nothing differs, and no two assignments of the ledger have one column."""
    await sync_checked(harness, mode="full")
    assert kind.find_differences(harness) == []
    keys = [entry.ref.key for entry in (await harness.ledger()).values() if entry.ref]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("lost", [False, True])
async def test_R20_a_restored_item_leaves_a_deleted_columns_id(
    harness: DistrictHarness, kind: Kind, lost: bool
) -> None:
    old, new = await pass_on(harness, kind)
    before = (await harness.ledger())[str(new.id)].ref
    title = old.title
    harness.edit(new, title="Another name")
    harness.edit(old, deleted=False)
    if lost:
        harness.fault("oneroster", "lineItem.put", LoseAfter())
        harness.fault("powerschool", "assignment.create", LoseAfter())
    done = await sync_checked(harness, assignments=[str(old.id)])
    assert (old.title, done[old.id, None]) == (title, ("created", None))
    assert (await harness.ledger())[str(old.id)].ref != before
    assert (await sync_checked(harness))[new.id, None] == ("recreated", None)
    await expect_columns_of_their_own(harness, kind)


@pytest.mark.parametrize("why", ["opted out", "ungraded", "deleted"])
async def test_R20_an_item_left_out_keeps_its_deleted_columns_id(
    harness: DistrictHarness, kind: Kind, why: str
) -> None:
    old, new = await pass_on(harness, kind)
    category = new.category
    if why == "opted out":
        await harness.opt_out(new)
    elif why == "ungraded":
        harness.edit(new, category=0)
    else:
        delete(harness, new)
    harness.edit(old, deleted=False, title="Restored")
    harness.grade(old, harness.students[0], Decimal(1))
    done = await sync_checked(harness)
    assert done[old.id, None] == ("created", None)
    await harness.opt_out(new, False)
    harness.edit(new, category=category, deleted=False)
    assert (await sync_checked(harness))[new.id, None] == ("recreated", None)
    await expect_columns_of_their_own(harness, kind)


@pytest.mark.parametrize("kind", [STANDARD], ids=str, indirect=True)
async def test_R20_a_create_never_seen_is_found_later(harness: DistrictHarness, kind: Kind) -> None:
    old, new = await pass_on(harness, kind)
    harness.edit(old, deleted=False, title="Restored")
    harness.fault("oneroster", "lineItem.put", LoseAfter())
    harness.fault("oneroster", "lineItem.get", Status(503), times=None)
    await harness.sync(assignments=[str(old.id)])
    assert (await harness.ledger())[str(old.id)].ref is None
    await harness.end_faults()
    done = await sync_checked(harness)
    assert (done[old.id, None], done[new.id, None]) == (("created", None), ("recreated", None))
    assert len(harness.table()) == len(harness.items) == 3
    await expect_columns_of_their_own(harness, kind)


@pytest.mark.parametrize("kind", [STANDARD], ids=str, indirect=True)
async def test_R20_a_deleted_column_that_waits_keeps_its_id(harness: DistrictHarness, kind: Kind) -> None:
    old, new = await pass_on(harness, kind)
    other = next(item for item in harness.items if item.id not in {old.id, new.id})
    harness.edit(old, deleted=False, title="Restored")
    harness.edit(new, title=other.title, due=other.due)
    harness.edit(other, title="Another name")
    harness.fault("oneroster", "lineItem.put", Status(422), nth=2)  # the other name
    done = await sync_checked(harness)
    assert done[new.id, None] == ("failed", "name-not-free")
    assert done[old.id, None] == ("created", None)
    await harness.end_faults()
    await sync_checked(harness)
    await expect_columns_of_their_own(harness, kind)
