"""Store comparisons of sections: one at a time for each, made under a lease by the database's clock."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.cell_state import CellState
from gradesync.core.compared_fields import ComparedField
from gradesync.core.comparison import ComparedCell, Comparison, Concentration, Group, concentrate
from gradesync.core.reasons import Reason
from gradesync.db import codec
from gradesync.db.codec import LOG_KEPT, parse, storable, uuid7
from gradesync.db.tables import metadata

COMPARISON = metadata.tables["comparison"]
NOW: ColumnElement[datetime] = func.statement_timestamp()
PROCESSING = COMPARISON.c.status == "processing"
WAITING = text("SELECT district_id FROM tenantless_comparison_districts()")
LINK = metadata.tables["section_link"].c
GROUPS_KEPT = 20  # assignments, and students, with the most edits


@dataclass(frozen=True, slots=True)
class ComparisonState:
    """Describe a comparison without its cells. `counts` are of cells by state, `left_out` by reason.

    `edits` has the groups with the most edits alone. `tries` counts attempts.
    """

    id: str
    section_id: str
    status: str
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    settles_by: datetime
    counts: Mapping[str, int]
    left_out: Mapping[str, int]
    edits: Concentration
    error_code: str | None
    error_detail: str
    tries: int
    lease_token: UUID | None


COLUMNS = tuple(COMPARISON.c[field.name] for field in fields(ComparisonState))


async def begin(
    db: AsyncSession, section_id: str, *, requested_by: str, settles_in: float
) -> tuple[ComparisonState, bool]:
    """Queue a comparison, or find the one that the section has processing: then the second value is False."""
    await settle_overdue(db)
    new = {
        "id": uuid7(),
        "section_id": section_id,
        "status": "processing",
        "requested_by": requested_by,
        "settles_by": NOW + timedelta(seconds=settles_in),
    }
    while True:
        statement = insert(COMPARISON).values(new).on_conflict_do_nothing().returning(*COLUMNS)
        if row := (await db.execute(statement)).one_or_none():
            return _state(row), True
        running = select(*COLUMNS).where(PROCESSING, COMPARISON.c.section_id == section_id)
        if row := (await db.execute(running)).one_or_none():  # pragma: no branch - else it just settled
            return _state(row), False


async def read_clock(db: AsyncSession) -> datetime:
    """Return the database's time, by which comparisons and the history are dated."""
    return (await db.execute(select(NOW))).scalar_one()


async def get(db: AsyncSession, comparison_id: str) -> ComparisonState | None:
    row = (await db.execute(select(*COLUMNS).where(COMPARISON.c.id == parse(comparison_id)))).one_or_none()
    return None if row is None else _state(row)


async def get_newest(db: AsyncSession, section_id: str) -> ComparisonState | None:
    """Return the section's newest complete comparison."""
    complete = and_(COMPARISON.c.section_id == section_id, COMPARISON.c.status == "complete")
    newest = select(*COLUMNS).where(complete).order_by(COMPARISON.c.id.desc()).limit(1)
    row = (await db.execute(newest)).one_or_none()
    return None if row is None else _state(row)


async def page(
    db: AsyncSession, section_id: str, *, before: str | None = None, limit: int = 50
) -> list[ComparisonState]:
    """List the section's comparisons, newest first, after one."""
    query = select(*COLUMNS).where(COMPARISON.c.section_id == section_id)
    if before is not None:
        query = query.where(COMPARISON.c.id < parse(before))
    return [_state(row) for row in await db.execute(query.order_by(COMPARISON.c.id.desc()).limit(limit))]


async def load_cells(db: AsyncSession, comparison_id: str) -> Comparison:
    """Read the cells of a comparison; none while it is in progress, or where it failed."""
    query = select(COMPARISON.c.cells).where(COMPARISON.c.id == parse(comparison_id))
    packed: bytes | None = await db.scalar(query)
    if packed is None:
        return Comparison((), {})
    raw = codec.load(zlib.decompress(packed).decode())
    return Comparison(tuple(_load_cell(cell) for cell in raw["cells"]), raw["titles"])


async def list_due_sections(db: AsyncSession, *, every: timedelta, limit: int) -> list[str]:
    """List linked sections that were not compared for so long, the longest first.

    None while `limit` are in progress.
    """
    processing = await db.scalar(select(func.count()).select_from(COMPARISON).where(PROCESSING)) or 0
    last = func.max(COMPARISON.c.requested_at)
    due = (
        select(LINK.section_id)
        .outerjoin(COMPARISON, COMPARISON.c.section_id == LINK.section_id)
        .where(LINK.sis_key.is_not(None))
        .group_by(LINK.section_id)
        .having(or_(last.is_(None), last <= NOW - every))
        .order_by(last.nulls_first(), LINK.section_id)
    )
    return list(await db.scalars(due.limit(max(0, limit - processing))))


# ---- leases ------------------------------------------------------------------------------------------------


async def list_waiting_districts(db: AsyncSession) -> list[str]:
    """List districts with a comparison to make, the one that waited longest first."""
    return [row.district_id for row in await db.execute(WAITING)]


async def claim(db: AsyncSession, *, lease_seconds: float) -> ComparisonState | None:
    """Take the lease on the comparison of the district that waited longest; None where there is none."""
    free = or_(COMPARISON.c.lease_token.is_(None), COMPARISON.c.lease_until <= NOW)
    waiting = select(COMPARISON.c.id).where(PROCESSING, COMPARISON.c.not_before <= NOW, free)
    first = waiting.order_by(COMPARISON.c.not_before).limit(1).with_for_update(skip_locked=True)
    leased = {
        "lease_token": uuid4(),
        "lease_until": NOW + timedelta(seconds=lease_seconds),
        "started_at": NOW,  # of this attempt: what was written before it is no news to its reads
        "tries": COMPARISON.c.tries + 1,
    }
    statement = (
        update(COMPARISON)
        .where(COMPARISON.c.id == first.scalar_subquery())
        .values(leased)
        .returning(*COLUMNS)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else _state(row)


async def release(db: AsyncSession, made: ComparisonState, *, rest: float, forgive: bool) -> None:
    """Give the lease back for so many seconds; `forgive`: this was no attempt."""
    values = {
        "lease_token": None,
        "lease_until": None,
        "not_before": NOW + timedelta(seconds=rest),
        "tries": COMPARISON.c.tries - 1 if forgive else COMPARISON.c.tries,
    }
    await db.execute(update(COMPARISON).where(_leased(made)).values(values))


async def complete(db: AsyncSession, made: ComparisonState, found: Comparison, read_at: datetime) -> None:
    """Store what was found, and end a comparison whose lease is ours.

    It ended when both systems were read. So it and the history agree on what was known at any moment.
    """
    titles = {assignment_id: storable(title) for assignment_id, title in found.titles.items()}
    found = replace(found, titles=titles)
    edits = concentrate(found)
    cells = codec.dump({"titles": titles, "cells": [_dump_cell(cell) for cell in found.cells]})
    values = {
        "counts": found.counts,
        "left_out": {str(reason): number for reason, number in found.left_out.items()},
        "edits": {
            "edits": edits.edits,
            "summary": edits.summary,
            "assignments": edits.assignments[:GROUPS_KEPT],
            "students": edits.students[:GROUPS_KEPT],
            "fields": [_dump_field(each) for each in edits.fields],
            "field_counts": edits.field_counts,
        },
        "cells": zlib.compress(cells.encode()),
        "finished_at": read_at,
    }
    await _end(db, _leased(made), "complete", values)


async def fail(db: AsyncSession, made: ComparisonState, error_code: str, detail: str = "") -> None:
    """End a comparison whose lease is ours without a result."""
    await _end(db, _leased(made), "failed", {"error_code": error_code, "error_detail": storable(detail)})


async def settle_overdue(db: AsyncSession) -> None:
    """End the comparisons of the district that are past their time limit, whoever has their lease."""
    overdue = and_(PROCESSING, COMPARISON.c.settles_by <= NOW)
    await _end(db, overdue, "failed", {"error_code": Reason.TIMED_OUT})


async def _end(db: AsyncSession, which: ColumnElement[bool], status: str, values: Mapping[str, Any]) -> None:
    ended = {"status": status, "finished_at": NOW, "lease_token": None, "lease_until": None}
    await db.execute(update(COMPARISON).where(which).values({**ended, **values}))


async def purge(db: AsyncSession) -> None:
    """Delete comparisons as old as syncs that the log no longer shows."""
    await db.execute(delete(COMPARISON).where(COMPARISON.c.requested_at < func.now() - LOG_KEPT))


def _leased(made: ComparisonState) -> ColumnElement[bool]:
    return and_(
        COMPARISON.c.id == UUID(made.id),
        PROCESSING,
        COMPARISON.c.lease_token == made.lease_token,
        COMPARISON.c.lease_until > NOW,
    )


def _state(row: Row[Any]) -> ComparisonState:
    values = {column.name: getattr(row, column.name) for column in COLUMNS}
    return ComparisonState(**{**values, "id": str(row.id), "edits": _load_edits(row.edits)})


def _load_edits(raw: Mapping[str, Any]) -> Concentration:
    assignments, students = (
        tuple(Group(*group) for group in raw.get(name, ())) for name in ("assignments", "students")
    )
    fields = tuple(map(_load_field, raw.get("fields", ())))
    counts = raw.get("field_counts", {})
    return Concentration(raw.get("edits", 0), raw.get("summary", ""), assignments, students, fields, counts)


def _dump_field(each: ComparedField) -> list[str | None]:
    return [storable(value) if value else value for value in each]


def _load_field(raw: list[Any]) -> ComparedField:
    assignment_id, title, field, state, *values = raw
    return ComparedField(assignment_id, title, field, CellState(state), *values)


def _dump_cell(cell: ComparedCell) -> list[object]:
    values = (codec.dump_value(value) for value in (cell.sent, cell.live, cell.wanted))
    return [cell.assignment_id, cell.student, cell.sis_student, cell.state, *values, cell.reason]


def _load_cell(raw: list[Any]) -> ComparedCell:
    assignment_id, student, sis_student, state, *values, reason = raw
    sent, live, wanted = map(codec.load_value, values)
    return ComparedCell(assignment_id, student, sis_student, CellState(state), sent, live, wanted, reason)
