"""Store the history of what was written to the SIS: one compact row for each transaction of a sync.

The rows are only ever added. The owner's `maintain` drops whole months of them (`gradesync.db.partitions`).
"""

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.history import SIGHTING, Cause, CellChange, ColumnChange, Event
from gradesync.db import codec
from gradesync.db.driver import StatementPart
from gradesync.db.tables import metadata

HISTORY = metadata.tables["history"]
NEVER = "-"  # no value is dumped like this
CHANGED = HISTORY.c.mode != SIGHTING

# A part of the statement that saves the ledger: what it changes and why are stored together, or not at all.
RECORD = """
    INSERT INTO history (section_id, sync_id, mode, requested_by, approved_by, reason, events)
    SELECT CAST(:section_id AS text), CAST(:sync_id AS uuid), CAST(:mode AS text),
           CAST(:requested_by AS text), CAST(:approved_by AS text), CAST(:reason AS text),
           CAST(:events AS bytea)
    WHERE EXISTS (SELECT FROM ours)
"""


def make_part(section_id: str, cause: Cause, columns: Sequence[ColumnChange]) -> StatementPart:
    """Return what records the changes of one transaction."""
    return StatementPart("recorded", RECORD, _values(section_id, cause, columns))


def _values(section_id: str, cause: Cause, columns: Sequence[ColumnChange]) -> dict[str, object]:
    about = {"section_id": section_id, **asdict(cause), "sync_id": UUID(cause.sync_id)}
    return about | {"events": pack(columns)}


def pack(columns: Sequence[ColumnChange]) -> bytes:
    """Compress the changes of one transaction: by column, so that equal lists of students cost once."""
    raw = [
        [
            column.assignment_id,
            column.ref,
            [cell.student for cell in column.cells],
            [_dump(cell.before) for cell in column.cells],
            [_dump(cell.after) for cell in column.cells],
            [number for number, cell in enumerate(column.cells) if cell.found],
            *_dump_senders(column.cells),
        ]
        for column in columns
    ]
    return zlib.compress(codec.dump(raw).encode())


def _dump_senders(cells: Sequence[CellChange]) -> list[dict[str, str]]:
    """Dump the syncs whose lost writes were found; nothing at all for most columns, which have none."""
    senders = {str(number): cell.sent_by for number, cell in enumerate(cells) if cell.sent_by}
    return [senders] if senders else []


def unpack(packed: bytes) -> tuple[ColumnChange, ...]:
    return tuple(_column(raw) for raw in codec.load(zlib.decompress(packed).decode()))


def render(packed: bytes) -> list[dict[str, object]]:
    """Return stored changes as an export shows them: JSON, with null for a blank and "-" for nothing.

    A cell has the student, what stood before, what stands, and how that came: "written", "found", or the
    earlier sync that wrote it.
    """
    return [
        {
            "assignment_id": column.assignment_id,
            "ref": column.ref,
            "cells": [
                [
                    cell.student,
                    _dump(cell.before),
                    _dump(cell.after),
                    cell.sent_by or ("found" if cell.found else "written"),
                ]
                for cell in column.cells
            ],
        }
        for column in unpack(packed)
    ]


def _column(raw: Sequence[Any]) -> ColumnChange:
    assignment_id, ref, students, before, after, found, *rest = raw
    rows = zip(students, map(_load, before), map(_load, after), range(len(students)), strict=True)
    seen = {int(number) for number in found}
    senders: Mapping[str, str] = rest[0] if rest else {}
    cells = tuple(
        CellChange(student, old, new, number in seen, senders.get(str(number), ""))
        for student, old, new, number in rows
    )
    return ColumnChange(assignment_id, ref, cells)


def _dump(value: Sent) -> object:
    return NEVER if value is NEVER_SENT else codec.dump_value(value)


def _load(raw: Any) -> Sent:
    return NEVER_SENT if raw == NEVER else codec.load_value(raw)


async def read_packed(
    db: AsyncSession, sections: Collection[str], *, until: datetime | None = None, sighted: bool = False
) -> Sequence[Row[Any]]:
    """Return the events of sections in the order of their time, still packed: `load` is the costly part.

    `sighted`: also what comparisons saw.
    """
    query = select(HISTORY).where(HISTORY.c.section_id.in_(sections))
    if not sighted:
        query = query.where(CHANGED)
    if until is not None:
        query = query.where(HISTORY.c.at <= until)
    return (await db.execute(query.order_by(HISTORY.c.at, HISTORY.c.sync_id))).all()


async def record_sightings(
    db: AsyncSession, section_id: str, at: datetime, cause: Cause, columns: Sequence[ColumnChange]
) -> None:
    """Store what a comparison saw that had read both systems `at` a time."""
    values = _values(section_id, cause, columns) | {"at": at}
    await db.execute(insert(HISTORY).values(values))


async def read_sightings(db: AsyncSession, section_id: str) -> tuple[list[Event], datetime | None]:
    """Return what comparisons of a section saw, and when its history last changed."""
    of_section = HISTORY.c.section_id == section_id
    query = select(HISTORY).where(of_section, HISTORY.c.mode == SIGHTING)
    rows = (await db.execute(query.order_by(HISTORY.c.at, HISTORY.c.sync_id))).all()
    changed_at = await db.scalar(select(func.max(HISTORY.c.at)).where(of_section, CHANGED))
    return [event for _, event in load(rows)], changed_at


def load(packed: Iterable[Row[Any]]) -> Iterator[tuple[str, Event]]:
    """Yield packed events one by one, each with its section."""
    for row in packed:
        cause = Cause(str(row.sync_id), row.mode, row.requested_by, row.approved_by, row.reason)
        yield row.section_id, Event(row.at, cause, unpack(row.events))


async def read(db: AsyncSession, section_id: str, *, sighted: bool = False) -> list[Event]:
    """Return the changes of a section in the order of their time; `sighted`: also what comparisons saw."""
    return [event for _, event in load(await read_packed(db, [section_id], sighted=sighted))]


async def list_sections(db: AsyncSession) -> set[str]:
    """List the sections of the district of which some history is kept."""
    return set(await db.scalars(select(HISTORY.c.section_id).distinct()))


async def find_last_written(
    db: AsyncSession, section_id: str, since: datetime
) -> dict[tuple[str, str], datetime]:
    """Return when scores were last written since a time, by (assignment id, SIS student)."""
    rows = await db.execute(
        select(HISTORY.c.at, HISTORY.c.events)
        .where(HISTORY.c.section_id == section_id, HISTORY.c.at >= since, CHANGED)
        .order_by(HISTORY.c.at)
    )
    return {
        (column.assignment_id, cell.student): row.at
        for row in rows
        for column in unpack(row.events)
        for cell in column.cells
    }


async def list_written(db: AsyncSession, section_id: str, since: datetime) -> set[tuple[str, str]]:
    """Return the (assignment id, SIS student) of the scores that were written since a time."""
    query = select(HISTORY.c.events).where(HISTORY.c.section_id == section_id, HISTORY.c.at >= since, CHANGED)
    return {
        (column.assignment_id, cell.student)
        for packed in await db.scalars(query)
        for column in unpack(packed)
        for cell in column.cells
    }
