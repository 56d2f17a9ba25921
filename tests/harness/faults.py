"""Inject faults into a district: a call that hangs, rows that are lost, grants that are revoked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from gradesync.db.syncs import Sync
from gradesync.sync.claim import claim_from
from gradesync.sync.run import run_sync
from gradesync_sandbox.faults import Change, Done, Hold, Status
from gradesync_sandbox.schoology.model import Item
from harness.district import DistrictHarness

T = TypeVar("T")

ROWS_ARE_LOST = """
    UPDATE ledger SET ref_key = NULL, ref_value = NULL, spec = NULL, sent = NULL, owed = NULL,
                      doubtful = NULL, intent = NULL, problem = NULL, may_hold = false
    WHERE assignment_id = coalesce(:assignment, assignment_id)
"""
ROWS_ARE_SPOILT = "UPDATE ledger SET spec = '{'"
CATEGORIES_ARE_OLD = "UPDATE section_link SET categories_read_at = NULL"


async def lose_ledger(harness: DistrictHarness, item: Item | None = None) -> None:
    """Lose rows of the ledger: those of one assignment, or all."""
    await harness.change_rows(ROWS_ARE_LOST, assignment=str(item.id) if item else None)


async def spoil_ledger(harness: DistrictHarness) -> None:
    """Write a ledger that cannot be decoded."""
    await harness.change_rows(ROWS_ARE_SPOILT)


async def forget_categories(harness: DistrictHarness) -> None:
    """Let the SIS's category list grow old."""
    await harness.change_rows(CATEGORIES_ARE_OLD)


async def wait_until_held(harness: DistrictHarness, working: asyncio.Task[T]) -> None:
    """Wait until a call of some work is held. Raises what ended the work before: nothing would be held."""
    held = asyncio.create_task(harness.faults.until_held())
    await asyncio.wait({working, held}, return_when=asyncio.FIRST_COMPLETED)
    if not held.done():
        held.cancel()
        raise AssertionError(f"the work ended without the call: {await working}")


@asynccontextmanager
async def held_at(
    harness: DistrictHarness,
    call: str,
    work: Coroutine[Any, Any, T],
    *,
    done: Done = "after",
    nth: int | None = None,
) -> AsyncIterator[asyncio.Task[T]]:
    """Stop work at a call to the SIS while the block lasts; the call is `done` before or after it."""
    harness.fault("powerschool", call, Hold(done), nth=nth)
    working = asyncio.create_task(work)
    await wait_until_held(harness, working)
    try:
        yield working
    finally:  # whatever fails in the block, a call that stays held would keep its server from ending
        harness.faults.release()
        await asyncio.wait({working})
    await working


async def kill_worker(
    harness: DistrictHarness, nth: int, done: Done, *, call: str = "*", **wanted: Any
) -> Sync:
    """Let the worker of a new sync die at its n-th call to the SIS, if it makes so many. Return the sync."""
    harness.fault("oneroster" if harness.sandbox.oneroster else "powerschool", call, Hold(done), nth=nth)
    sync = await harness.request(**wanted)
    if (claimed := await claim_from(harness.context, harness.district.id)) is None:
        await harness.pass_time()  # a write that an earlier sync gave up is waited for
        claimed = await claim_from(harness.context, harness.district.id)
    assert claimed is not None
    working = asyncio.create_task(run_sync(harness.context, claimed))
    held = asyncio.create_task(harness.faults.until_held())
    await asyncio.wait({working, held}, return_when=asyncio.FIRST_COMPLETED)
    held.cancel()
    if not working.done():
        await harness.lose_lease()
        working.cancel()
    await asyncio.gather(working, held, return_exceptions=True)
    harness.faults.clear()
    await harness.pass_time()
    return sync


def edit_json(change: Callable[[Any], object]) -> Change:
    """Return a fault that changes the JSON of a response in place."""

    def apply(body: bytes) -> bytes:
        content = json.loads(body)
        change(content)
        return json.dumps(content).encode()

    return Change(apply)


def scores_are_unreadable(harness: DistrictHarness) -> None:
    """Revoke the plugin's right to read the SIS's table of scores."""
    no = Status(403, '{"message":"No access"}')
    harness.fault("powerschool", "schema.assignmentscore", no, times=None)


def roster_is_unreadable(harness: DistrictHarness) -> None:
    """Revoke the plugin's right to read both lists of the students of a SIS section."""
    plugin = harness.world.powerschool.plugin
    plugin.v1_access = "NONE"
    plugin.deny("cc", "studentid")
