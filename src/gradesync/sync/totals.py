"""Read both sides of a section for its totals, as a comparison reads them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from gradesync.core.comparison import Concentration
from gradesync.core.district import District
from gradesync.core.totals.sides import Sides
from gradesync.db.comparisons import ComparisonState
from gradesync.errors import Retriable
from gradesync.sync.comparison import CALLS, SectionBusy, read_section
from gradesync.sync.context import SyncContext
from gradesync.sync.spare_calls import reserve_spare_calls

# A person waits for the answer: what takes longer is asked for again.
LONGEST_SECONDS = 60.0


async def read_sides(
    context: SyncContext, district: District, section_id: str, *, requested_by: str
) -> Sides:
    """Read a section in both systems, with the scores of assignments that only the SIS has.

    Takes only calls that no sync waits for, and writes to neither system. Raises `SyncStopped`, and
    `Retriable` also while syncs need the calls.
    """
    try:
        if not await reserve_spare_calls(context, district, CALLS):
            raise Retriable("syncs need the calls")
        async with asyncio.timeout(LONGEST_SECONDS):
            return await _read(context, district, _as_comparison(context, section_id, requested_by))
    except (SectionBusy, TimeoutError) as error:
        raise Retriable("the section could not be read in one go") from error


async def _read(context: SyncContext, district: District, state: ComparisonState) -> Sides:
    attempt, reading, _ = await read_section(context, district, state)
    scores = dict(reading.live.scores)
    for live in reading.live.assignments:
        if live.takes_points and live.ref.key not in scores:
            read = await attempt.target.scores(reading.section, live.ref)
            if read is not None:
                scores[live.ref.key] = read
    return Sides(
        gradebook=reading.gradebook,
        ledger=attempt.journal.entries,
        live=replace(reading.live, scores=scores),
        book=reading.book,
        students=reading.matched.keys,
    )


def _as_comparison(context: SyncContext, section_id: str, requested_by: str) -> ComparisonState:
    """Return the comparison that reads what totals need. It is stored nowhere."""
    now = context.clock()
    return ComparisonState(
        id=str(uuid4()),
        section_id=section_id,
        status="processing",
        requested_by=requested_by,
        requested_at=now,
        started_at=now,
        finished_at=None,
        settles_by=now + timedelta(seconds=LONGEST_SECONDS),
        counts={},
        left_out={},
        edits=Concentration(),
        error_code=None,
        error_detail="",
        tries=1,
        lease_token=None,
    )
