"""Run the statements of every sync on the driver itself: past SQLAlchemy they take a third of the time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import Executable, literal, select, text
from sqlalchemy.dialects.postgresql import asyncpg as postgresql
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.db.connections import DRIVER_ERRORS, as_away, is_away, read_sqlstate
from gradesync.errors import GradeSyncError

# By class of SQLSTATE: what SQLAlchemy raises for a statement at fault.
STATEMENT_ERRORS: Final = {"22": DataError, "23": IntegrityError, "42": ProgrammingError}
KEY_TAKEN: Final = "23505"
# Longer than a frozen process keeps its locks (`idle_in_transaction_session_timeout`).
LOCK_SECONDS = 12
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own, without types


@dataclass(frozen=True, slots=True)
class DriverSession:
    """Hold a transaction on a connection of asyncpg; `info` is as in a session of SQLAlchemy."""

    connection: Any
    info: dict[str, Any]
    note_answer: Callable[[], None]


Session: TypeAlias = AsyncSession | DriverSession


def lock_wait() -> str:
    return f"{LOCK_SECONDS}s"


def enter(district_id: str) -> dict[str, object]:
    """Return what a function of the database names its district by, and how long it waits for a lock."""
    return {"entered": district_id, "lock_wait": lock_wait()}


class StatementPart(NamedTuple):
    """Describe what a statement does beside its own work, in the same round trip. It returns nothing.

    Parts of one name have the same text. It may refer to `ours`, which has a row where the statement found
    what it is about.
    """

    name: str
    text: str
    values: Mapping[str, object]


class Statement:
    """Run one statement in either kind of session. It is compiled once for the driver: lists are arrays.

    Rows have their columns as attributes.
    """

    def __init__(self, clause: Executable | str) -> None:
        self._clause: Any = text(clause) if isinstance(clause, str) else clause
        self._joined: dict[tuple[str, ...], Statement] = {}

    def __str__(self) -> str:
        return str(self._clause)

    async def fetch(self, db: Session, values: Mapping[str, object] | None = None) -> list[Any]:
        """Return the rows that a query, or a statement with RETURNING, gives."""
        if isinstance(db, DriverSession):
            return [SimpleNamespace(**record) for record in await self._run_on(db, values or {})]
        return list(await db.execute(self._clause, values))

    async def fetch_one(
        self, db: Session, values: Mapping[str, object] | None = None, parts: Sequence[StatementPart] = ()
    ) -> Any:
        """Return the one row; None where there is none."""
        rows = await self._join(parts).fetch(db, _merge(values or {}, parts))
        return rows[0] if rows else None

    def _join(self, parts: Sequence[StatementPart]) -> "Statement":
        """Return the statement that does these parts too: it is compiled once for them."""
        if not parts:
            return self
        names = tuple([part.name for part in parts])
        if names not in self._joined:
            added = [text(part.text).columns().cte(part.name) for part in parts]
            self._joined[names] = Statement(self._clause.add_cte(*added))
        return self._joined[names]

    async def run(self, db: Session, values: Mapping[str, object]) -> None:
        """Run a statement without rows."""
        if isinstance(db, DriverSession):
            await self._run_on(db, values)
        else:
            await db.execute(self._clause, values)

    async def _run_on(self, db: DriverSession, values: Mapping[str, object]) -> Any:
        given = {**self._given, **values}
        arguments = [
            given[name] if encode is None else encode(given[name]) for name, encode in self._parameters
        ]
        with as_sqlalchemy():
            records = await db.connection.fetch(self._compiled.string, *arguments)
        db.note_answer()
        return records

    @cached_property
    def _compiled(self) -> Any:
        return self._clause.compile(dialect=DIALECT)

    @cached_property
    def _given(self) -> Mapping[str, object]:
        """Return the values that the statement has by itself."""
        return dict(self._compiled.params)

    @cached_property
    def _parameters(self) -> list[tuple[str, Callable[[Any], Any] | None]]:
        """Return the names of the parameters in their order, each with what encodes its values."""
        types = {name: bind.type.dialect_impl(DIALECT) for name, bind in self._compiled.binds.items()}
        return [(name, types[name].bind_processor(DIALECT)) for name in self._compiled.positiontup]


def _merge(values: Mapping[str, object], parts: Sequence[StatementPart]) -> Mapping[str, object]:
    merged = dict(values)
    for part in parts:
        merged |= part.values
    return merged


def find_ours(clause: Any) -> Statement:
    """Return a statement whose parts may refer to the rows of a clause as `ours`."""
    ours = clause.cte("ours")
    return Statement(select(*ours.c).add_cte(ours))  # first of all: the parts come after it


# For parts that stand alone.
ALONE: Final = find_ours(select(literal(1).label("one")))


@contextmanager
def as_sqlalchemy() -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy raises them, and as `DatabaseAway` what that is."""
    try:
        yield
    except DRIVER_ERRORS as error:
        if is_away(error):
            raise as_away(error) from error
        raise STATEMENT_ERRORS.get(read_sqlstate(error)[:2], DBAPIError)(None, None, error) from error


@contextmanager
def refuse_taken(refusal: GradeSyncError) -> Iterator[None]:
    """Raise `refusal` where another row has a key that may be there once: no other fault of a row is that."""
    try:
        yield
    except IntegrityError as error:
        if read_sqlstate(error) != KEY_TAKEN:
            raise
        raise refusal from error
