"""Outcomes: what became of each assignment and each score of a sync. Ids and points, no names of people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any
from uuid import UUID

from sqlalchemy import Row, any_, delete, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.ledger import Value
from gradesync.core.plan import Edit, Result, Selection
from gradesync.db import codec
from gradesync.db.ids import forgotten
from gradesync.db.tables import metadata

OUTCOME = metadata.tables["outcome"].c
PART = 5000
ORDER = (OUTCOME.assignment_length, OUTCOME.assignment_id, OUTCOME.student_length, OUTCOME.student_id)

# Warnings are several in a row and none in most: they travel as one text.
RECORD = text("""
    INSERT INTO outcome (sync_id, assignment_length, assignment_id, student_length, student_id,
                         title, result, reason, detail, warnings, before, after)
    SELECT CAST(:sync_id AS uuid), length(assignment_id), assignment_id, length(student_id), student_id,
           title, result, reason, detail, string_to_array(warnings, ' '), before, after
    FROM unnest(CAST(:assignment_id AS text[]), CAST(:student_id AS text[]), CAST(:title AS text[]),
                CAST(:result AS text[]), CAST(:reason AS text[]), CAST(:detail AS text[]),
                CAST(:warnings AS text[]), CAST(:before AS text[]), CAST(:after AS text[]))
        AS new (assignment_id, student_id, title, result, reason, detail, warnings, before, after)
    ON CONFLICT (district_id, sync_id, assignment_length, assignment_id, student_length, student_id)
    DO UPDATE SET title = excluded.title, result = excluded.result, reason = excluded.reason,
                  detail = excluded.detail, warnings = excluded.warnings,
                  before = excluded.before, after = excluded.after
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one assignment, or of one score where `student_id` is not empty.

    `title` is the assignment's. `detail` is what the SIS said to it, as far as it may be shown. `before` and
    `after` are the score as it was last sent and as it is now; `edits` are what changed in the assignment
    itself.
    """

    assignment_id: str
    student_id: str = ""
    title: str | None = None
    result: Result
    reason: str | None = None
    detail: str = ""
    warnings: Sequence[str] = ()
    before: Value = None
    after: Value = None
    edits: Sequence[Edit] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.assignment_id, self.student_id


async def record(db: AsyncSession, sync_id: str, rows: Iterable[Outcome]) -> None:
    """Write outcomes in one statement; of two for the same assignment or score the later one stands."""
    latest = {row.key: row for row in rows}
    if not latest:
        return
    new = [latest[key] for key in sorted(latest)]
    await db.execute(
        RECORD,
        {
            "sync_id": UUID(sync_id),
            "assignment_id": [row.assignment_id for row in new],
            "student_id": [row.student_id for row in new],
            "title": [row.title and codec.storable(row.title) for row in new],
            "result": [row.result for row in new],
            "reason": [row.reason for row in new],
            "detail": [codec.storable(row.detail) or None for row in new],
            "warnings": [" ".join(row.warnings) or None for row in new],
            "before": [_dump(row.before, {edit.field: edit.before for edit in row.edits}) for row in new],
            "after": [_dump(row.after, {edit.field: edit.after for edit in row.edits}) for row in new],
        },
    )


async def page(
    db: AsyncSession,
    sync_id: str,
    *,
    result: str | None = None,
    reason: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 100,
) -> list[Outcome]:
    """Read outcomes in the numeric order of assignments, each before its scores, from behind a key.

    `reason` is an outcome's reason, or one of its warnings.
    """
    query = select(metadata.tables["outcome"]).where(OUTCOME.sync_id == UUID(sync_id))
    if result is not None:
        query = query.where(OUTCOME.result == result)
    if reason is not None:
        query = query.where((OUTCOME.reason == reason) | (any_(OUTCOME.warnings) == reason))
    if after is not None:
        assignment, student = after
        query = query.where(tuple_(*ORDER) > (len(assignment), assignment, len(student), student))
    return [_outcome(row) for row in await db.execute(query.order_by(*ORDER).limit(limit))]


async def failed(db: AsyncSession, sync_id: str) -> Selection:
    """What a retry takes: failed assignments with all their scores, and the failed scores of others."""
    query = select(OUTCOME.assignment_id, OUTCOME.student_id).where(
        OUTCOME.sync_id == UUID(sync_id), OUTCOME.result == Result.FAILED
    )
    found: dict[str, set[str]] = {}
    for assignment_id, student_id in await db.execute(query):
        found.setdefault(assignment_id, set()).add(student_id)
    return {key: None if "" in students else frozenset(students) for key, students in found.items()}


async def results(db: AsyncSession, sync_id: str) -> dict[str, dict[str, Result]]:
    """Assignment id -> student id -> result, for everything that has an outcome.

    There may be hundreds of thousands: they are read in parts, with one text for each student.
    """
    query = select(OUTCOME.assignment_id, OUTCOME.student_id, OUTCOME.result).where(
        OUTCOME.sync_id == UUID(sync_id)
    )
    found: dict[str, dict[str, Result]] = {}
    async for assignment_id, student_id, result in await db.stream(query.execution_options(yield_per=PART)):
        found.setdefault(assignment_id, {})[intern(student_id)] = Result(result)
    return found


async def purge(db: AsyncSession) -> None:
    """Delete the outcomes of syncs that the log no longer shows."""
    await db.execute(delete(metadata.tables["outcome"]).where(OUTCOME.sync_id < forgotten()))


def _dump(value: Value, fields: Mapping[str, str]) -> str | None:
    """A score, or what an assignment was or is in the fields that changed."""
    if fields:
        return codec.dump(fields)
    return None if value is None else codec.dump(codec.dump_value(value))


def _outcome(row: Row[tuple[object, ...]]) -> Outcome:
    before, after = _load(row.before), _load(row.after)
    edited = isinstance(before, dict)
    return Outcome(
        assignment_id=row.assignment_id,
        student_id=row.student_id,
        title=row.title,
        result=Result(row.result),
        reason=row.reason,
        detail=row.detail or "",
        warnings=tuple(row.warnings or ()),
        before=None if edited else codec.load_value(before),
        after=None if edited else codec.load_value(after),
        edits=tuple(Edit(field, text, after[field]) for field, text in before.items()) if edited else (),
    )


def _load(text: str | None) -> Any:
    return None if text is None else codec.load(text)
