"""Export everything that is stored of a district, and erase it."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from gradesync.db import codec, history
from gradesync.db.connections import open_owner
from gradesync.db.tables import metadata

# Columns with secrets, which are not exported.
SECRET_COLUMNS: Mapping[str, frozenset[str]] = {
    "district": frozenset({"secrets"}),
    "client": frozenset({"secret_hash", "old_secret_hash"}),
    "invitation": frozenset({"hash", "session_hash"}),
    "webhook": frozenset({"secret", "old_secret"}),
}
# Erased first: what admits a caller, or lets a worker go on.
ACCESS_TABLES = ("district", "client", "invitation", "webhook", "sync")


class ExportedRow(NamedTuple):
    """Hold one row of one table, ready for JSON."""

    table: str
    row: Mapping[str, object]


def district_tables() -> list[Table]:
    """List every table with rows of districts."""
    return [
        table
        for table in metadata.tables.values()
        if table.name == "district" or "district_id" in table.columns
    ]


async def export_rows(db: AsyncSession) -> AsyncIterator[ExportedRow]:
    """Yield every row of the district of the transaction, without its secrets."""
    for table in district_tables():
        secret = SECRET_COLUMNS.get(table.name, frozenset())
        columns = [column for column in table.columns if column.name not in secret]
        async for row in await db.stream(select(*columns).order_by(*table.primary_key.columns)):
            yield ExportedRow(str(table.name), _plain(table, row))


async def erase(url: str, district_id: str) -> dict[str, int]:
    """Delete everything of a district, as the owner at `url`; return the number of rows by table.

    Broken off anywhere, it goes on when it is run again. Raises `DatabaseAway`.
    """
    erased: Counter[str] = Counter()
    access = [metadata.tables[name] for name in ACCESS_TABLES]
    async with open_owner(url) as owner:
        async with owner.begin() as connection:
            erased += await _delete(connection, access, district_id)
        more = True
        while more:  # a sync that was running may have written meanwhile
            async with owner.begin() as connection:
                deleted = await _delete(connection, district_tables(), district_id)
            erased += deleted
            more = bool(deleted)
    return dict(erased)


async def _delete(connection: AsyncConnection, tables: list[Table], district_id: str) -> Counter[str]:
    rows: Counter[str] = Counter()
    for table in tables:
        deleted = await connection.execute(delete(table).where(_of(table, district_id)))
        rows[str(table.name)] += deleted.rowcount
    return +rows


def _of(table: Table, district_id: str) -> ColumnElement[bool]:
    column: ColumnElement[str] = table.columns["id" if table.name == "district" else "district_id"]
    return column == district_id


def _plain(table: Table, row: Row[Any]) -> dict[str, object]:
    plain = {str(name): value for name, value in row._mapping.items()}
    if table.name == "ledger":  # which keeps this compressed
        for column in ("sent", "scores"):
            scores = codec.unpack(plain[column])
            plain[column] = {student: codec.dump_value(value) for student, value in scores.items()}
    if table.name == "history":
        plain["events"] = history.render(plain["events"])
    return plain
