"""Copy, compare and delete the rows of a district as the owner, in every table that the catalog knows."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gradesync.db.driver import as_sqlalchemy
from gradesync.db.session import REVISION
from gradesync.errors import GradeSyncError

# Both ends write a row as the same text. A lock that is not given soon makes others wait behind it.
SETTINGS = text("""
    SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true),
           set_config('intervalstyle', 'postgres', true), set_config('extra_float_digits', '1', true),
           set_config('bytea_output', 'hex', true), set_config('jit', 'off', true),
           set_config('lock_timeout', '12s', true)
""")
# Partitions belong to their table, and generated columns are made anew.
TABLES = text("""
    SELECT c.oid, quote_ident(c.relname) AS name, c.relname = 'district' AS is_district,
           array_agg(quote_ident(a.attname) ORDER BY a.attname) FILTER (WHERE a.attgenerated = '') AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    GROUP BY c.oid HAVING c.relname = 'district' OR bool_or(a.attname = 'district_id')
    ORDER BY c.relname
""")
REFERENCES = text(
    "SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid"
)
OWNS = text("""
    SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('public.district')
""")
DIGEST = """
    SELECT count(*) AS rows, md5(coalesce(string_agg(row_md5, '' ORDER BY row_md5 COLLATE "C"), '')) AS md5
    FROM (SELECT md5(ROW({columns})::text) AS row_md5 FROM {rows}) AS digested
"""
NOTHING = text("SELECT")
COPY_CHUNKS = 8  # that wait for the target


class TablesDiffer(GradeSyncError):
    """Refuse a target whose tables are not those of the source."""


class RowsDiffer(GradeSyncError):
    """Report rows that are not those that were copied."""


class DistrictTable(NamedTuple):
    """Describe a table with rows of districts; its names are quoted, and `key` holds the district."""

    name: str
    key: str
    columns: tuple[str, ...]

    @property
    def listed(self) -> str:
        """Return the columns as SQL lists them."""
        return ", ".join(self.columns)


class Digest(NamedTuple):
    """Identify the rows of a district in one table, whatever their order."""

    rows: int
    md5: str


async def find_tables(connection: AsyncConnection) -> list[DistrictTable]:
    """List the tables with rows of districts, each after those that it refers to."""
    tables = {
        row.oid: DistrictTable(row.name, "id" if row.is_district else "district_id", tuple(row.columns))
        for row in await connection.execute(TABLES)
    }
    order: TopologicalSorter[Any] = TopologicalSorter({oid: set() for oid in tables})
    for table, referred in await connection.execute(REFERENCES):
        if table in tables and referred in tables:
            order.add(table, referred)
    return [tables[oid] for oid in order.static_order()]


async def find_tables_of_both(source: AsyncConnection, target: AsyncConnection) -> list[DistrictTable]:
    """List the tables as `find_tables` does.

    Raises `TablesDiffer` where the ends have two releases, or the target's role does not own its tables.
    """
    tables = await find_tables(source)
    same = set(tables) == set(await find_tables(target))
    if not same or await source.scalar(REVISION) != await target.scalar(REVISION):
        raise TablesDiffer("The target's tables are not those of the source: migrate both to one release.")
    if not await target.scalar(OWNS):
        raise TablesDiffer("The role in the target's URL does not own its tables.")
    return tables


async def copy(
    source: AsyncConnection, target: AsyncConnection, waiting: AsyncConnection, district_id: str
) -> dict[DistrictTable, Digest]:
    """Copy every row from one transaction to another, and compare both ends; return what was copied.

    `waiting` holds locks meanwhile, and idles for no longer than a table takes. Raises `TablesDiffer` and
    `RowsDiffer`.
    """
    for end in (source, target):
        await end.execute(SETTINGS)
    digests = {}
    for table in await find_tables_of_both(source, target):
        await _copy_table(source, target, table, district_id)
        digests[table] = await _digest(source, table, district_id)
        _require(table, digests[table], await _digest(target, table, district_id))
        await waiting.execute(NOTHING)
    return digests


async def delete_copied(
    connection: AsyncConnection,
    copied: Mapping[DistrictTable, Digest],
    waiting: AsyncConnection,
    district_id: str,
) -> None:
    """Delete what was copied. Raises `RowsDiffer` where that is no longer what is there.

    `waiting` holds the copy meanwhile, and idles for no longer than a table takes.
    """
    await connection.execute(SETTINGS)
    for table in reversed(list(copied)):
        where = f"WHERE {table.key} = :district RETURNING {table.listed}"
        gone = f"WITH gone AS (DELETE FROM {table.name} {where})"  # noqa: S608 - of the catalog
        statement = text(f"{gone} {DIGEST.format(columns=table.listed, rows='gone')}")
        try:
            row = (await connection.execute(statement, {"district": district_id})).one()
        except IntegrityError as error:  # a row that came since refers to one of these
            raise RowsDiffer(f"The rows of {table.name} are referred to by others since.") from error
        _require(table, copied[table], Digest(*row))
        await waiting.execute(NOTHING)


async def require_none(
    connection: AsyncConnection, tables: Sequence[DistrictTable], district_id: str
) -> None:
    """Raise `RowsDiffer` where a table has rows of a district."""
    kinds = (f"SELECT '{t.name}' FROM {t.name} WHERE {t.key} = :district" for t in tables)  # noqa: S608
    found = await connection.scalar(text(f"{' UNION ALL '.join(kinds)} LIMIT 1"), {"district": district_id})
    if found is not None:
        raise RowsDiffer(f"{found} got a row during the switch.")


async def delete_all(connection: AsyncConnection, tables: Sequence[DistrictTable], district_id: str) -> int:
    """Delete every row of a district; return their number."""
    deleted = 0
    for table in reversed(tables):
        statement = text(f"DELETE FROM {table.name} WHERE {table.key} = :district")  # noqa: S608
        deleted += (await connection.execute(statement, {"district": district_id})).rowcount
    return deleted


def _require(table: DistrictTable, copied: Digest, found: Digest) -> None:
    if copied != found:
        raise RowsDiffer(f"The rows of {table.name} are not those that were copied.")


async def _digest(connection: AsyncConnection, table: DistrictTable, district_id: str) -> Digest:
    rows = f"{table.name} WHERE {table.key} = :district"
    statement = text(DIGEST.format(columns=table.listed, rows=rows))
    return Digest(*(await connection.execute(statement, {"district": district_id})).one())


async def _copy_table(
    source: AsyncConnection, target: AsyncConnection, table: DistrictTable, district_id: str
) -> None:
    """Stream the rows through a temporary table: COPY writes to no table with row-level security."""
    columns = table.listed
    await target.execute(
        text(f"CREATE TEMPORARY TABLE incoming AS SELECT {columns} FROM {table.name} WITH NO DATA")  # noqa: S608
    )
    reading, writing = await _driver(source), await _driver(target)
    chunks: asyncio.Queue[bytes | None] = asyncio.Queue(COPY_CHUNKS)

    async def read() -> None:
        query = f"SELECT {columns} FROM {table.name} WHERE {table.key} = $1"  # noqa: S608 - of the catalog
        with as_sqlalchemy():
            await reading.copy_from_query(query, district_id, output=chunks.put, format="binary")
        await chunks.put(None)

    async def write() -> None:
        with as_sqlalchemy():
            await writing.copy_to_table("incoming", source=arriving(), format="binary")

    async def arriving() -> AsyncIterator[bytes]:
        while (chunk := await chunks.get()) is not None:
            yield chunk

    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(read())
            both.create_task(write())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    values = f"OVERRIDING SYSTEM VALUE SELECT {columns} FROM incoming"  # noqa: S608 - of the catalog
    await target.execute(text(f"INSERT INTO {table.name} ({columns}) {values}"))
    await target.execute(text("DROP TABLE incoming"))


async def _driver(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection
