"""Insert a row of a district into every table that has districts."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID, uuid4
from zlib import compress

from sqlalchemy import Column, Table, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from gradesync.db.export_erase import district_tables

NAMES = [table.name for table in district_tables()]
MADE: Mapping[type, Callable[[], object]] = {
    bool: lambda: False,
    int: lambda: 1,
    float: lambda: 1.0,
    datetime: lambda: datetime.now(UTC),
    time: lambda: time(1),
    date: lambda: datetime.now(UTC).date(),
    UUID: uuid4,
    bytes: lambda: compress(b"[]"),
    list: list,
}


def district_column(table: str) -> str:
    return "id" if table == "district" else "district_id"


def mark(district: str) -> str:
    """Return the text that stands in every text column of a row."""
    return f"a text of {district}"


async def fill(owner: AsyncConnection, district: str) -> None:
    """Put one row of the district into every table."""
    for table in district_tables():
        await owner.execute(insert(table).values(row(table, district)))


def row(table: Table, district: str) -> dict[str, Any]:
    """Return the least that a row of the district needs."""
    made = {
        column.name: _value(column, district)
        for column in table.columns
        if column.computed is None and not column.nullable
    }
    return made | {district_column(table.name): district}


def _value(column: "Column[Any]", district: str) -> object:
    if isinstance(column.type, JSONB):
        return {}
    return MADE.get(column.type.python_type, lambda: mark(district))()
