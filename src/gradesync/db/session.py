"""Open transactions of one district each, which see the rows of that district alone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, InvalidatePoolError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from gradesync.db.codec import Secrets
from gradesync.db.connections import DIRECT, DRIVER_ERRORS, as_away, is_stale, open_engine
from gradesync.db.driver import DriverSession, as_sqlalchemy, lock_wait
from gradesync.db.migrations import head
from gradesync.db.watchdog import Watchdog
from gradesync.errors import DatabaseAway, GradeSyncError

# Raised where the database is away. Faulty statements are `DBAPIError`s, and a broken server may raise any.
DATABASE_AWAY: Final = (DatabaseAway, DBAPIError)

ROLLBACK_SECONDS = 2.0
USED: Final = "used"
IDLE_SECONDS = 10.0  # after which a connection is asked for an answer before it is used
ANSWER_SECONDS = 5.0

# All settings are those of the transaction: behind a pooler the next one may have another connection. A
# process that sleeps, or is cut off, must not keep its locks from others.
LIMITS: Final = """
    SELECT set_config('timezone', 'UTC', true), set_config('jit', 'off', true),
    set_config('lock_timeout', {lock_timeout}, true),
    set_config('idle_in_transaction_session_timeout', '10s', true)
"""
DISTRICT: Final = f"{LIMITS}, set_config('gradesync.district', {{district}}, true)"
LOCK: Final = f"{DISTRICT}, pg_advisory_xact_lock(hashtext({{lock}}), hashtext({{district}}))"
PARAMETERS: Final = {name: f":{name}" for name in ("lock_timeout", "district", "lock")}
SET_LIMITS, SET_DISTRICT, SET_DISTRICT_AND_LOCK = (
    text(settings.format(**PARAMETERS)) for settings in (LIMITS, DISTRICT, LOCK)
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
        engine = open_engine(url, watchdog, application_name=application_name, pool_size=pool_size)
        event.listen(engine.sync_engine, "checkin", _note_use)
        event.listen(engine.sync_engine, "checkout", partial(_check_use, watchdog))
        return cls(engine, secrets, watchdog)

    async def close(self) -> None:
        await self.watchdog.close()
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
    async def on_driver(self, district_id: str | None) -> AsyncIterator[DriverSession]:
        """Open a transaction like `district`, or without a tenant, for `Statement`s alone.

        Every sync runs through several: it takes a fourth of the processor time of the others.
        """
        with self.watchdog.watched():
            pooled = await self._take()
            connection: Any = pooled.driver_connection
            has_ended = False
            try:
                try:
                    with as_sqlalchemy():
                        await connection.execute(_begin(district_id))
                    self.watchdog.note_answer()
                    yield DriverSession(connection, {"secrets": self.secrets}, self.watchdog.note_answer)
                except BaseException as error:
                    # A server that left the statement unanswered may leave this one too.
                    with suppress(Exception):
                        async with asyncio.timeout(ROLLBACK_SECONDS):
                            await connection.execute("ROLLBACK")
                        has_ended = not is_stale(error.__cause__)
                    raise
                with as_sqlalchemy():
                    await connection.execute("COMMIT")
                has_ended = True
            finally:
                # Unless the transaction is known to have ended: a BEGIN or COMMIT that was cut off may take
                # effect later, and the next transaction would be a part of it.
                if has_ended:
                    pooled.close()
                else:
                    pooled.invalidate()

    @asynccontextmanager
    async def for_statement(self) -> AsyncIterator[DriverSession]:
        """Open a connection for one `Statement` that names its district itself, and is a transaction alone.

        It is one round trip, where a transaction takes two more. A pooler may prepare a statement on one
        connection and run it on another: there it takes them all the same.
        """
        with self.watchdog.watched():
            pooled = await self._take()
            if not pooled.info[DIRECT]:
                pooled.close()
                async with self.on_driver(None) as db:
                    yield db
                return
            has_ended = False
            try:
                yield DriverSession(
                    pooled.driver_connection, {"secrets": self.secrets}, self.watchdog.note_answer
                )
                has_ended = True
            except Exception as error:
                has_ended = not isinstance(error, DATABASE_AWAY)
                raise
            finally:
                # Unless the statement is known to have ended: what was cut off may take effect later.
                if has_ended:
                    pooled.close()
                else:
                    pooled.invalidate()

    async def _take(self) -> PoolProxiedConnection:
        """Take a connection of the pool. Raises `DatabaseAway`."""
        try:
            return await self.engine.raw_connection()
        except DatabaseAway:
            raise
        except Exception as error:
            raise as_away(error) from error

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
    return {"lock_timeout": lock_wait()}


@lru_cache(maxsize=1024)
def _begin(district_id: str | None) -> str:
    """Return a transaction's beginning and settings as one text: it is one round trip, without parameters."""
    settings = LIMITS if district_id is None else DISTRICT
    values = _limits() | {"district": district_id or ""}
    return "BEGIN; " + settings.format(**{name: _quote(value) for name, value in values.items()})


def _quote(text: str) -> str:
    return "E'" + text.replace("\\", r"\\").replace("'", "''") + "'"


async def _connect(db: AsyncSession) -> None:
    """Take a connection of the pool. Whatever fails, there is none."""
    try:
        await db.connection()
    except DatabaseAway:
        raise
    except Exception as error:
        raise as_away(error) from error


def _note_use(_: Any, record: ConnectionPoolEntry) -> None:
    record.info[USED] = time.monotonic()


def _check_use(watchdog: Watchdog, connection: Any, record: ConnectionPoolEntry, _: object) -> None:
    """Let the pool replace a connection that the server has closed, or that was idle and died meanwhile.

    A network may forget a connection and still acknowledge what is sent on it: only an answer shows that it
    lives. The others were idle as long.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError
    if time.monotonic() - record.info.get(USED, float("inf")) > IDLE_SECONDS:
        try:
            connection.run_async(_ask)
        except (*DRIVER_ERRORS, TimeoutError) as error:
            raise InvalidatePoolError from error
        watchdog.note_answer()


async def _ask(connection: asyncpg.Connection) -> None:
    await connection.execute("SELECT 1", timeout=ANSWER_SECONDS)
