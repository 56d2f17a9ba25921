"""Check that a sync reports itself and the SIS correctly."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from gradesync.core.catalog import CATALOG, Attention
from gradesync.core.history import fold
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import Ref
from gradesync.db import history, ledger
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
    listed = await harness.list_outcomes(sync)
    found += find_miscounts(sync, listed)
    found += _find_misjudged(sync, listed)
    rows = [row for row in listed if row.count is None]
    failed = sync.error_code is not None or any(row.result is Result.FAILED for row in listed)
    if (sync.status == "failed") != failed:
        found.append(f"it is {sync.status}, yet its outcomes differ")
    if not sync.dry_run:
        keys = await _sis_keys(harness, sync)
        found += [line for row in rows if (line := _false_claim(harness, keys, row))]
        found += await _find_forgotten(harness, sync)
    return found


async def _find_forgotten(harness: DistrictHarness, sync: Sync) -> list[str]:
    """Compare the history of a section, folded, with its ledger: nothing may be sent and be missing there."""
    async with harness.context.database.district(harness.district.id) as db:
        entries = await ledger.load(db, sync.section_id)
        folded = fold(await history.read(db, sync.section_id))
    known = {
        (id_, student): cell.change.after
        for id_, cells in folded.items()
        for student, cell in cells.items()
        if (entry := entries[id_]).ref is not None and entry.ref.key == cell.ref
    }
    sent = {
        (id_, key): value for id_, entry in entries.items() if entry.ref for key, value in entry.sent.items()
    }
    return [f"its history differs from its ledger: {known.items() ^ sent.items()}"] if known != sent else []


def find_miscounts(sync: Sync, listed: list[Outcome]) -> list[str]:
    """Return every number of a sync that is not that of the outcomes to list, as sentences (R54)."""
    found = [*_miscounted("assignment", sync.assignments, listed), *_miscounted("score", sync.scores, listed)]
    if (warnings := Counter(code for row in listed for code in row.warnings)) != sync.warnings:
        found.append(f"it counts the warnings {sync.warnings} and lists {warnings}")
    return found


def _find_misjudged(sync: Sync, rows: list[Outcome]) -> Iterable[str]:
    """Compare the result that a sync reports with its outcomes and its error."""
    attention: Counter[str] = Counter()
    for row in rows:
        stopped = row.reason if row.result in {Result.SKIPPED, Result.FAILED} else None
        codes = [code for code in (stopped, *row.warnings) if code]
        if any(CATALOG[Reason(code)].needs_attention for code in codes):
            attention[row.kind] += row.count or 1
    if sync.attention != Attention(attention["assignment"], attention["score"]):
        yield f"it counts {sync.attention} and lists {attention}"
    failed = sync.status == "failed"
    if (sync.result == "all-sent") != (not failed and not attention):
        yield f"it came to {sync.result} with {attention}"
    if sync.result in {"failed", "stopped-for-review"} and (not failed or sync.applied != "none"):
        yield f"it came to {sync.result} and is {sync.status}, applied {sync.applied}"


def _miscounted(kind: str, counts: Mapping[str, int], rows: list[Outcome]) -> Iterable[str]:
    """Compare the counts of a kind with the outcomes that can be listed, result by result (R54)."""
    listed: Counter[str] = Counter()
    for row in rows:
        if row.kind == kind:
            listed[row.result] += 1 if row.count is None else row.count
    listed["read"] = listed.total()
    for name in listed.keys() | counts.keys():
        if counts.get(name, 0) != listed[name]:
            yield f"it counts {counts.get(name, 0)} of kind {kind} as {name} and lists {listed[name]}"


async def _sis_keys(harness: DistrictHarness, sync: Sync) -> dict[str, int]:
    """Return assignment id -> ASSIGNMENTID from the ledger."""
    async with harness.context.database.district(harness.district.id) as db:
        entries = await ledger.load(db, sync.section_id)
    return {key: _find_assignmentid(harness, entry.ref) for key, entry in entries.items() if entry.ref}


def _find_assignmentid(harness: DistrictHarness, ref: Ref) -> int:
    """Return the ASSIGNMENTID behind a ref, which OneRoster knows by a sourcedId; 0 where it is gone."""
    face = harness.sandbox.oneroster
    if face is None:
        return int(ref.key)
    found = face.find_line_item(ref.key)
    return found.assignmentid if found else 0


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
