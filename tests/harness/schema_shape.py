"""Compare schemas: find what a new one takes from the code of an earlier release."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

COLUMNS = text("""
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped
""")
FUNCTIONS = text("""
    SELECT p.oid::regprocedure || ' -> ' || pg_get_function_result(p.oid) FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND has_function_privilege(:role, p.oid, 'EXECUTE')
""")
RIGHTS = text("""
    SELECT table_name || ' ' || privilege_type FROM information_schema.table_privileges
    WHERE table_schema = 'public' AND grantee = :role
""")
BOUNDS = text("""
    SELECT conrelid::regclass::text, conname FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'f', 'x')
    UNION SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index
    WHERE indisunique AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
""")


class Column(NamedTuple):
    """Describe a column; a row cannot be made without a `required` one."""

    type: str
    not_null: bool
    required: bool


@dataclass(frozen=True)
class Shape:
    """Describe a schema as the application's role sees it. `bounds` are the names of constraints."""

    columns: dict[tuple[str, str], Column]
    functions: frozenset[str]
    rights: frozenset[str]
    bounds: frozenset[tuple[str, str]]

    @property
    def tables(self) -> set[str]:
        return {table for table, _ in self.columns}


async def read_shape(owner: AsyncConnection, app_role: str) -> Shape:
    columns = {(table, name): Column(*rest) for table, name, *rest in await owner.execute(COLUMNS)}
    role = {"role": app_role}
    return Shape(
        columns=columns,
        functions=frozenset(await owner.scalars(FUNCTIONS, role)),
        rights=frozenset(await owner.scalars(RIGHTS, role)),
        bounds=frozenset((table, name) for table, name in await owner.execute(BOUNDS)),
    )


def find_removed(old: Shape, new: Shape) -> list[str]:
    """Return what code written for `old` would miss in `new`, or be refused there."""
    return sorted(
        [
            *_columns_taken(old, new),
            *(f"function {name} is gone" for name in old.functions - new.functions),
            *(f"right {right} is gone" for right in old.rights - new.rights),
            *(
                f"{table} has the new bound {name}"
                for table, name in new.bounds - old.bounds
                if table in old.tables
            ),
        ]
    )


def _columns_taken(old: Shape, new: Shape) -> Iterator[str]:
    for (table, name), was in old.columns.items():
        now = new.columns.get((table, name))
        if now is None:
            yield f"{table}.{name} is gone"
        elif now.type != was.type:
            yield f"{table}.{name} was {was.type} and is {now.type}"
        elif now.not_null and not was.not_null:
            yield f"{table}.{name} may not be null any more"
    for (table, name), now in new.columns.items():
        if (table, name) not in old.columns and table in old.tables and now.required:
            yield f"{table}.{name} is new and must be given"
