"""Check that a sync reports itself and the SIS correctly."""

from collections.abc import Iterable, Mapping
from typing import Any

from gradesync.core.plan import Result
from gradesync.db import ledger
from gradesync.db.outcomes import Outcome
from gradesync.db.syncs import Sync
from harness.district import DistrictHarness


async def assert_synced_well(harness: DistrictHarness) -> None:
    """Expect a sync that is complete, makes no false claim, and leaves the SIS as the rules demand."""
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("complete", None)
    assert await find_false_claims(harness, sync) == []
    assert harness.differences() == []


async def sync_checked(
    harness: DistrictHarness, **wanted: Any
) -> dict[tuple[int, int | None], tuple[str, str | None]]:
    """Sync as asked, expect no stop and no false claim, and return the outcomes by cell."""
    sync = await harness.sync(**wanted)
    assert sync.error_code is None
    assert await find_false_claims(harness, sync) == []
    return await harness.outcomes_by_cell(sync)


async def find_false_claims(harness: DistrictHarness, sync: Sync) -> list[str]:
    """Return every false claim of a settled sync about itself and the SIS, as sentences."""
    found = []
    if sync.status == "processing" or sync.finished_at is None or sync.stage != "settled":
        found.append(f"it has not ended: {sync.status}, {sync.stage}")
    rows = await harness.outcomes(sync)
    overdue = sync.error_code == "timed-out"
    found += _miscounted("assignments", sync.assignments, [r for r in rows if not r.student_id], overdue)
    found += _miscounted("scores", sync.scores, [r for r in rows if r.student_id], overdue)
    failed = sync.error_code is not None or any(row.result is Result.FAILED for row in rows)
    if (sync.status == "failed") != failed:
        found.append(f"it is {sync.status}, yet its outcomes differ")
    if not sync.dry_run:
        keys = await _sis_keys(harness, sync)
        found += [line for row in rows if (line := _false_claim(harness, keys, row))]
    return found


def _miscounted(what: str, counts: Mapping[str, int], rows: list[Outcome], overdue: bool) -> Iterable[str]:
    """Compare counts with outcomes; an overdue sync fails what it did not reach without outcomes."""
    results = {str(result): sum(row.result is result for row in rows) for result in Result}
    claimed = {name: number for name, number in counts.items() if name not in {"read", "unchanged"}}
    for name, number in claimed.items():
        if number != results[name] and not (overdue and name == "failed"):
            yield f"it counts {number} {what} {name} and has {results[name]} outcomes"
    total = sum(number for name, number in counts.items() if name != "read")
    if total != counts.get("read", 0):
        yield f"its {what} add up to {total} of {counts['read']} read"


async def _sis_keys(harness: DistrictHarness, sync: Sync) -> dict[str, int]:
    """Return assignment id -> ASSIGNMENTID from the ledger."""
    async with harness.context.database.district(harness.district.id) as db:
        entries = await ledger.load(db, sync.section_id)
    return {key: int(entry.ref.key) for key, entry in entries.items() if entry.ref}


def _false_claim(harness: DistrictHarness, keys: dict[str, int], row: Outcome) -> str | None:
    """Return the claim of an outcome that the SIS does not bear out."""
    claims = {
        Result.WRITTEN,
        Result.CLEARED,
        Result.ADOPTED,
        Result.CREATED,
        Result.RECREATED,
        Result.UPDATED,
    }
    if row.result not in claims:
        return None
    gradebook = harness.world.powerschool.gradebook
    assignment = gradebook.assignments.get(keys.get(row.assignment_id, 0))
    if assignment is None:
        return f"{row.assignment_id} claims to be {row.result} and does not stand in the SIS"
    if not row.student_id:
        return None
    room = next(r for r in harness.world.classrooms if int(row.assignment_id) in r.section.items)
    scores = gradebook.scores[assignment.section(room.sis.dcid).assignmentsectionid]
    score = scores.get(room.students[int(row.student_id)].dcid)
    held = score.scorepoints if score else None
    claimed = row.after.points if isinstance(row.after, tuple) else row.after
    if held != claimed:
        return f"{row.student_id} of {row.assignment_id} claims {row.result} {claimed}; the SIS has {held}"
    return None
