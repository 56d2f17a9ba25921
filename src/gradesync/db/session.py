"""Open transactions of one district each, which see the rows of that district alone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.exceptions import CannotConnectNowError, TargetServerAttributeNotMatched
from sqlalchemy import ExceptionContext, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from gradesync.db.codec import Secrets
from gradesync.db.migrations import head
from gradesync.db.watchdog import Watchdog
from gradesync.errors import DatabaseAway, GradeSyncError

# Raised where the database is away. Faulty statements are `DBAPIError`s, and a broken server may raise any.
DATABASE_AWAY: Final = (DatabaseAway, DBAPIError)

# What PostgreSQL itself says by SQLSTATE when it cannot do now what it could before: the connection broke, it
# lacks resources, an operator or the operating system stands in the way, or others in the same rows.
AWAY_CLASSES = ("08", "53", "57", "58", "40")
AWAY_CODES = ("55P03", "25006", "25P03", "25P04")  # locked; read-only after a failover; a transaction cut off
REFUSED_CLASSES = ("28", "3D")
# Long work needs so much of a server that works. One that answers nothing is noticed by the watchdog, sooner.
POOL_SECONDS = 15
STATEMENTS_KEPT = 200
CONNECT_SECONDS = 10.0  # for all hosts of a URL together
COMMAND_SECONDS = 60.0
# Longer than a frozen process keeps its locks (`idle_in_transaction_session_timeout`).
LOCK_SECONDS = 12

# All settings are those of the transaction: behind a pooler the next one may have another connection. A
# process that sleeps, or is cut off, must not keep its locks from others.
LIMITS: Final = """
    set_config('timezone', 'UTC', true), set_config('jit', 'off', true),
    set_config('lock_timeout', :lock_timeout, true),
    set_config('idle_in_transaction_session_timeout', '10s', true)
"""
DISTRICT: Final = "set_config('gradesync.district', :district, true)"
SET_LIMITS = text(f"SELECT {LIMITS}")
SET_DISTRICT = text(f"SELECT {LIMITS}, {DISTRICT}")
SET_DISTRICT_AND_LOCK = text(
    f"SELECT {LIMITS}, {DISTRICT}, pg_advisory_xact_lock(hashtext(:lock), hashtext(:district))"
)
# The role's own rights, and those of roles that it is a member of. Every role may make large objects and
# default privileges, which reach no rows: with one, the role could lock the service out.
CHECK_ROLE = text("""
    SELECT bool_or(r.rolsuper) AS superuser,
           bool_or(r.rolbypassrls) AS bypasses,
           bool_or(EXISTS (
               SELECT FROM pg_shdepend o
               WHERE o.refclassid = 'pg_authid'::regclass AND o.refobjid = r.oid AND o.deptype = 'o'
               AND o.classid NOT IN ('pg_largeobject'::regclass, 'pg_default_acl'::regclass)
           )) AS owns
    FROM pg_roles r
    WHERE r.rolname = current_user OR pg_has_role(current_user, r.oid, 'MEMBER')
""")
REVISION = text("SELECT version_num FROM alembic_version")


Server: TypeAlias = tuple[str, int | None]


class RoleRefused(GradeSyncError):
    """Report a database role that row-level security does not bind."""


@dataclass(frozen=True, slots=True)
class Database:
    """Pool connections as the application's role, with the keys of the secrets at rest."""

    engine: AsyncEngine
    secrets: Secrets
    watchdog: Watchdog = field(default_factory=Watchdog)

    @classmethod
    def open(cls, url: str, secrets: Secrets, *, application_name: str, pool_size: int) -> "Database":
        """Make a pool that connects when first used. `url` is of the form postgresql+asyncpg://…"""
        watchdog = Watchdog()

        async def connect_watched(**options: Any) -> Any:
            return await watchdog.connect(partial(connect, **options))

        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_SECONDS,
            hide_parameters=True,
            connect_args={
                "async_creator_fn": connect_watched,
                "command_timeout": COMMAND_SECONDS,
                "server_settings": {"application_name": application_name},  # a pooler refuses others
                "statement_cache_size": 0,
            },
        )
        statements = _PreparedStatements()
        event.listen(engine.sync_engine, "do_connect", statements.choose)
        event.listen(engine.sync_engine, "connect", statements.check)
        event.listen(engine.sync_engine, "checkout", _skip_closed)
        event.listen(engine.sync_engine, "handle_error", _translate)
        event.listen(engine.sync_engine, "after_cursor_execute", watchdog.note_answer)
        return cls(engine, secrets, watchdog)

    async def close(self) -> None:
        await self.watchdog.stop()
        await self.engine.dispose()

    @asynccontextmanager
    async def district(self, district_id: str) -> AsyncIterator[AsyncSession]:
        """Open a transaction that sees and writes one district's rows; commits unless the body raises."""
        async with self._transaction() as db:
            await db.execute(SET_DISTRICT, _limits() | {"district": district_id})
            yield db

    @asynccontextmanager
    async def with_lock(self, district_id: str, lock: str) -> AsyncIterator[AsyncSession]:
        """Open a transaction like `district`, one at a time for each `lock` of a district."""
        async with self._transaction() as db:
            await db.execute(SET_DISTRICT_AND_LOCK, _limits() | {"district": district_id, "lock": lock})
            yield db

    @asynccontextmanager
    async def snapshot(self, district_id: str) -> AsyncIterator[AsyncSession]:
        """Open a transaction like `district` that sees everything as it was at the beginning."""
        async with self._transaction(self.engine.execution_options(isolation_level="REPEATABLE READ")) as db:
            await db.execute(SET_DISTRICT, _limits() | {"district": district_id})
            yield db

    @asynccontextmanager
    async def without_tenant(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction without a tenant: tables look empty, the functions `tenantless_…` work."""
        async with self._transaction() as db:
            await db.execute(SET_LIMITS, _limits())
            yield db

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine | None = None) -> AsyncIterator[AsyncSession]:
        session = AsyncSession(engine or self.engine, expire_on_commit=False)
        with self.watchdog.watched():
            async with session as db, db.begin():
                db.info["secrets"] = self.secrets
                await _connect(db)
                yield db

    async def check_role(self) -> None:
        """Raise `RoleRefused` unless the role is bound by row-level security and owns nothing."""
        async with self.without_tenant() as db:
            role = (await db.execute(CHECK_ROLE)).one()
        faults = [
            fault
            for has, fault in (
                (role.superuser, "is a superuser"),
                (role.bypasses, "bypasses row-level security"),
                (role.owns, "owns objects of the database"),
            )
            if has
        ]
        if faults:
            raise RoleRefused(
                f"The application's database role {' and '.join(faults)}, or is a member of such a role. "
                "Give the URL of a role made for the application (deploy/roles.sql)."
            )

    async def is_migrated(self) -> bool:
        """Return whether the database has the migrations of this release.

        It may have those of later ones too: while a later release takes over, this one goes on.
        """
        try:
            async with self.without_tenant() as db:
                return ((await db.scalars(REVISION)).one_or_none() or "") >= head()
        except ProgrammingError:  # no migration ran here, or none that this role may see
            return False


def _limits() -> dict[str, str]:
    return {"lock_timeout": f"{LOCK_SECONDS}s"}


async def _connect(db: AsyncSession) -> None:
    """Take a connection of the pool. Whatever fails, there is none."""
    try:
        await db.connection()
    except DatabaseAway:
        raise
    except Exception as error:
        raise as_away(error) from error


def _translate(failed: ExceptionContext) -> DatabaseAway | None:
    """Return what SQLAlchemy raises for a statement or commit that failed; None: the error as it is.

    Errors of the block around a transaction don't pass here: they say nothing of the database.
    """
    error = failed.sqlalchemy_exception or failed.original_exception
    return as_away(error) if is_away(error) else None


def is_away(error: BaseException) -> bool:
    """Return whether an error of a statement says that the database cannot be used now."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # Errors of a timeout, of the network and of a streamed result come from the driver as they are.
    state = _sqlstate(error)
    return (
        isinstance(error, OSError | InterfaceError | asyncpg.InterfaceError | asyncpg.InternalClientError)
        or state.startswith(AWAY_CLASSES)
        or state in AWAY_CODES
    )


def as_away(error: BaseException) -> DatabaseAway:
    """Return an error of a connection as what it means to callers."""
    original = getattr(error, "orig", None) or error
    cause = type(original.__cause__ or original).__name__
    return DatabaseAway(cause, refused=_sqlstate(error).startswith(REFUSED_CLASSES))


def _sqlstate(error: BaseException) -> str:
    # SQLAlchemy wraps the errors of most statements; those of the driver's connecting come as they are.
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


class _PreparedStatements:
    """Keep statements prepared on a connection, unless a pooler stands before PostgreSQL.

    It may run each transaction on another connection, which doesn't know what was prepared on the one before,
    and knows what others prepared there by the same names.
    """

    def __init__(self) -> None:
        self._is_direct = True

    def choose(self, _: object, __: object, ___: object, options: dict[str, Any]) -> None:
        """Set the options of a new connection."""
        options["prepared_statement_cache_size"] = STATEMENTS_KEPT if self._is_direct else 0
        if not self._is_direct:
            options["prepared_statement_name_func"] = str  # unnamed: one replaces the other

    def check(self, connection: Any, record: ConnectionPoolEntry) -> None:
        """Let the pool replace a new connection whose options were for the other kind."""
        direct: bool = connection.run_async(is_direct)
        if direct is not self._is_direct:
            self._is_direct = direct
            record.invalidate(soft=True)


async def is_direct(connection: asyncpg.Connection) -> bool:
    """Return whether PostgreSQL's own process was connected to, and no pooler."""
    async with connection.transaction():
        process: int = await connection.fetchval("SELECT pg_backend_pid()")
    return connection.get_server_pid() == process


def _skip_closed(connection: Any, *_: object) -> None:
    """Let the pool replace a connection that the server has closed, at no cost for those that live."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


# By the servers of a URL. One that is gone for hours would delay each new connection.
_used_last: dict[tuple[Server, ...], Server] = {}


async def connect(
    *,
    host: str | Sequence[str] | None = None,
    port: int | Sequence[int] | None = None,
    seconds: float | None = None,
    **options: Any,
) -> Any:
    """Connect to the first host that answers, and is what `target_session_attrs` asks for.

    The one that did last is asked first, and each has its share of the `seconds`. The driver would spend all
    of them on one that swallows what is sent, such as a machine that is gone, and never ask the next. Raises
    `TimeoutError` where one did, and no other will do.
    """
    seconds = seconds or CONNECT_SECONDS
    if host is None or isinstance(host, str):
        return await asyncpg.connect(host=host, port=port, timeout=seconds, **options)
    ports = [port] * len(host) if port is None or isinstance(port, int) else port
    servers = tuple(zip(host, ports, strict=True))
    silent, last = None, None
    for server in sorted(servers, key=lambda one: one != _used_last.get(servers)):
        try:
            connection = await asyncpg.connect(
                host=server[0], port=server[1], timeout=seconds / len(servers), **options
            )
            _used_last[servers] = server
            return connection
        except TimeoutError as error:
            silent = error
        except (OSError, CannotConnectNowError, TargetServerAttributeNotMatched) as error:
            last = error
    raise silent or last or ValueError("the URL names no host")
