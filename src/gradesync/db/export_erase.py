"""What a district takes along when it leaves, and the erasing of everything that we have of it."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from gradesync.db import codec
from gradesync.db.tables import metadata

HELD_BACK: Mapping[str, frozenset[str]] = {
    "district": frozenset({"secrets"}),
    "client": frozenset({"secret_hash"}),
    "webhook": frozenset({"secret", "old_secret"}),
}
"""Columns that hold secrets: they leave with nobody."""
DOORS = ("district", "client", "webhook", "sync")
"""What lets somebody in, or a worker go on: it goes first."""


class Part(NamedTuple):
    """One row of one table, as JSON text takes it."""

    table: str
    row: Mapping[str, object]


def tables() -> list[Table]:
    """Every table with rows of districts."""
    return [one for one in metadata.tables.values() if one.name == "district" or "district_id" in one.columns]


async def contents(db: AsyncSession) -> AsyncIterator[Part]:
    """Everything that we have of the district of the transaction, secrets apart."""
    for table in tables():
        held_back = HELD_BACK.get(table.name, frozenset())
        columns = [column for column in table.columns if column.name not in held_back]
        async for row in await db.stream(select(*columns).order_by(*table.primary_key.columns)):
            yield Part(str(table.name), _plain(table, row))


async def erase(url: str, district_id: str) -> dict[str, int]:
    """Delete everything that we have of a district, as the owner at `url`; answers the rows by table.

    It looks again until it finds nothing: a sync that was being carried may have written meanwhile.
    """
    engine = create_async_engine(url, poolclass=NullPool)
    erased: Counter[str] = Counter()
    doors = [metadata.tables[name] for name in DOORS]
    try:
        async with engine.begin() as connection:
            erased += await _delete(connection, doors, district_id)
        found = True
        while found:
            async with engine.begin() as connection:
                gone = await _delete(connection, tables(), district_id)
            erased += gone
            found = bool(gone)
    finally:
        await engine.dispose()
    return dict(erased)


async def _delete(connection: AsyncConnection, which: list[Table], district_id: str) -> Counter[str]:
    gone: Counter[str] = Counter()
    for table in which:
        deleted = await connection.execute(delete(table).where(_of(table, district_id)))
        gone[str(table.name)] += deleted.rowcount
    return +gone


def _of(table: Table, district_id: str) -> ColumnElement[bool]:
    column: ColumnElement[str] = table.columns["id" if table.name == "district" else "district_id"]
    return column == district_id


def _plain(table: Table, row: Row[Any]) -> dict[str, object]:
    """What the ledger keeps compressed is written out."""
    plain = {str(name): value for name, value in row._mapping.items()}
    if table.name == "ledger":
        sent = codec.unpack(plain["sent"])
        plain["sent"] = {student: codec.dump_value(value) for student, value in sent.items()}
    return plain
