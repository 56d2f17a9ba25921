"""Connect to PostgreSQL, behind a pooler or not, and know a database that is away from a faulty statement."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import asyncpg
import msgspec
from asyncpg.exceptions import CannotConnectNowError, TargetServerAttributeNotMatched
from sqlalchemy import URL, Connection, ExceptionContext, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from gradesync.db.watchdog import Watchdog
from gradesync.errors import DatabaseAway, GradeSyncError
from gradesync.settings import DATABASE_FORM, with_driver

# SQLSTATEs of PostgreSQL when it cannot do now what it could before: the connection broke, it
# lacks resources, an operator or the operating system stands in the way, or others in the same rows.
AWAY_CLASSES = ("08", "53", "57", "58", "40")
READ_ONLY = "25006"
AWAY_CODES = (
    "55P03",
    READ_ONLY,
    "25P03",
    "25P04",
)  # locked; read-only after a failover; a transaction cut off
REFUSED_CLASSES = ("28", "3D")
DRIVER_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
# Long work needs so much of a server that works. One that answers nothing is noticed by the watchdog, sooner.
POOL_SECONDS = 15
STATEMENTS_KEPT = 200
DIRECT = "direct"  # of a connection: no pooler stands before PostgreSQL
CONNECT_SECONDS = 10.0  # for all hosts of a URL together
COMMAND_SECONDS = 60.0
OWNER_COMMAND_SECONDS = 600.0  # for one statement: it may move or delete millions of rows
OWNER_LOCK_SECONDS = 12.0
OWNER_IDLE_SECONDS = 60.0  # after which a process that sleeps loses its transaction, and so its locks
OWNER_LIMITS = text("""
    SELECT set_config('lock_timeout', :lock, true),
           set_config('idle_in_transaction_session_timeout', :idle, true)
""")
# The kernel ends a connection whose packets get lost: it asks an idle peer, and waits for what it sent. Not
# every system has each of these.
KEPT_ALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 25_000}

Server: TypeAlias = tuple[str, int | None]


def open_engine(url: str, watchdog: Watchdog, *, application_name: str, pool_size: int) -> AsyncEngine:
    """Make a pool that connects when first used. `url` is of the form postgresql+asyncpg://…"""
    pool = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": POOL_SECONDS}
    return make_engine(url, watchdog, application_name, COMMAND_SECONDS, **pool)


class UrlUnreadable(GradeSyncError):
    """Report a text that is no URL of a database."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Connect as the owner of the database, for one command. Whatever waits for a silent server ends."""

    engine: AsyncEngine
    watchdog: Watchdog

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """Make a connection. Raises `DatabaseAway`, also for what the driver asks by itself."""
        with self.watchdog.watched():
            async with AsyncExitStack() as stack:
                try:
                    connection = await stack.enter_async_context(self.engine.connect())
                except DRIVER_ERRORS as error:
                    raise as_away(error) from error
                yield connection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        async with (
            self.connect() as connection,
            AsyncSession(connection, expire_on_commit=False) as db,
            db.begin(),
        ):
            yield db


@asynccontextmanager
async def open_owner(
    url: str,
    *,
    command_seconds: float = OWNER_COMMAND_SECONDS,
    idle_seconds: float | None = OWNER_IDLE_SECONDS,
) -> AsyncIterator[Owner]:
    """Open the database for a command of its owner, each connection for itself.

    A transaction waits for a lock for some seconds, and is ended where its process sleeps for `idle_seconds`;
    None: the command sets such limits itself. Raises `DatabaseAway`, also where a limit is reached, and
    `UrlUnreadable`.
    """
    watchdog = Watchdog()
    try:
        address = make_url(with_driver(url))
    except ValueError:
        raise UrlUnreadable(f"A database's URL is {DATABASE_FORM}.") from None
    engine = make_engine(address, watchdog, "gradesync command", command_seconds, poolclass=NullPool)
    if idle_seconds is not None:
        limits = {"lock": f"{OWNER_LOCK_SECONDS}s", "idle": f"{idle_seconds}s"}
        event.listen(engine.sync_engine, "begin", partial(_limit, limits))
    try:
        yield Owner(engine, watchdog)
    finally:
        await watchdog.close()
        await engine.dispose()


def _limit(limits: dict[str, str], connection: Connection) -> None:
    connection.execute(OWNER_LIMITS, limits)


def make_engine(
    url: str | URL, watchdog: Watchdog, application_name: str, command_seconds: float, **pool: Any
) -> AsyncEngine:
    """Make an engine that waits for nothing without end, and raises `DatabaseAway` instead."""

    async def connect_watched(**options: Any) -> Any:
        try:
            return await watchdog.connect(partial(connect, **options))
        except DatabaseAway:
            raise
        except Exception as error:
            raise as_away(error) from error

    engine = create_async_engine(
        url,
        hide_parameters=True,
        json_deserializer=msgspec.json.decode,  # every row of a sync holds a dozen of them
        **pool,
        connect_args={
            "async_creator_fn": connect_watched,
            "command_timeout": command_seconds,
            "server_settings": {"application_name": application_name},  # a pooler refuses others
            "max_cached_statement_lifetime": 0,
        },
    )
    statements = PreparedStatements()
    event.listen(engine.sync_engine, "do_connect", statements.choose)
    event.listen(engine.sync_engine, "connect", statements.check)
    event.listen(engine.sync_engine, "handle_error", _translate)
    event.listen(engine.sync_engine, "after_cursor_execute", watchdog.note_answer)
    return engine


class PreparedStatements:
    """Keep statements prepared on a connection, unless a pooler stands before PostgreSQL.

    It may run each transaction on another connection, which doesn't know what was prepared on the one before,
    and knows what others prepared there by the same names.
    """

    def __init__(self) -> None:
        self._is_direct = True

    def choose(self, _: object, __: object, ___: object, options: dict[str, Any]) -> None:
        """Set the options of a new connection."""
        kept = STATEMENTS_KEPT if self._is_direct else 0
        options |= {"prepared_statement_cache_size": kept, "statement_cache_size": kept}
        if not self._is_direct:
            options["prepared_statement_name_func"] = str  # unnamed: one replaces the other

    def check(self, connection: Any, record: ConnectionPoolEntry) -> None:
        """Let the pool replace a new connection whose options were for the other kind."""
        direct: bool = connection.run_async(is_direct)
        if direct is not self._is_direct:
            self._is_direct = direct
            record.invalidate(soft=True)
        record.info[DIRECT] = direct


async def is_direct(connection: asyncpg.Connection) -> bool:
    """Return whether PostgreSQL's own process was connected to, and no pooler. Raises `DatabaseAway`.

    SQLAlchemy translates no error here: none of its statements is under way.
    """
    try:
        async with connection.transaction():
            process: int = await connection.fetchval("SELECT pg_backend_pid()")
    except DRIVER_ERRORS as error:
        raise as_away(error) from error
    connected: int = connection.get_server_pid()
    return process == connected


def _translate(failed: ExceptionContext) -> DatabaseAway | None:
    """Return what SQLAlchemy raises for a statement or commit that failed; None: the error as it is.

    Errors of the block around a transaction don't pass here: they mean nothing of the database.
    """
    error = failed.sqlalchemy_exception or failed.original_exception
    if is_stale(error):
        failed.is_disconnect = failed.invalidate_pool_on_disconnect = True
    return as_away(error) if is_away(error) else None


def is_away(error: BaseException) -> bool:
    """Return whether an error of a statement means that the database cannot be used now."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # Errors of a timeout, of the network and of a streamed result come from the driver as they are.
    state = read_sqlstate(error)
    return (
        isinstance(error, OSError | InterfaceError | asyncpg.InterfaceError | asyncpg.InternalClientError)
        or state.startswith(AWAY_CLASSES)
        or state in AWAY_CODES
    )


def is_stale(error: BaseException | None) -> bool:
    """Return whether an error shows that connections made so far are of no use, and new ones may be.

    They died, or lead to a server that is the leader no more: where it did not restart, they stay open.
    """
    return isinstance(error, TimeoutError) or read_sqlstate(error) == READ_ONLY


def as_away(error: BaseException) -> DatabaseAway:
    """Return an error of a connection as what it means to callers."""
    original = getattr(error, "orig", None) or error
    # What a time limit cancels is only how it ended.
    behind = original if isinstance(original, TimeoutError) else original.__cause__ or original
    return DatabaseAway(type(behind).__name__, refused=read_sqlstate(error).startswith(REFUSED_CLASSES))


def read_sqlstate(error: BaseException | None) -> str:
    # SQLAlchemy wraps the errors of most statements; those of the driver's connecting come as they are.
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


class KeptAlive(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """Notice that the server, or the way to it, is gone: also while a statement runs for long."""

    def __init__(self, protocol: Any, transport: Any, *others: Any) -> None:
        super().__init__(protocol, transport, *others)
        connected = transport.get_extra_info("socket")
        if connected is not None and connected.family != socket.AF_UNIX:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in KEPT_ALIVE.items():
                if (option := getattr(socket, name, None)) is not None:
                    connected.setsockopt(socket.IPPROTO_TCP, option, value)


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
    options["connection_class"] = KeptAlive
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
