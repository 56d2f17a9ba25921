"""Move a district to another database, as the owner of both. Whatever happens, one of them owns it.

The source owns a district as long as it has it. A copy at the target is paused, and is named a copy. It is
committed just before the rows of the source are deleted; each deleted row is compared with what was copied.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from gradesync.db import audit, district_rows, pauses
from gradesync.db.codec import uuid7
from gradesync.db.connections import Owner, is_direct, open_owner
from gradesync.db.district_rows import DistrictTable
from gradesync.db.districts import COPY
from gradesync.db.pauses import Where
from gradesync.db.session import SET_DISTRICT
from gradesync.errors import DatabaseAway, GradeSyncError

MOVER = "operator:move"  # paused the district at the source; at the target `COPY` has, until the move is over
REASON = "The district is being moved to another server."
POLL_SECONDS = 0.5
IDLE_SECONDS = 600.0  # of one end, while the other one works at a large table
WHOLE = Where()
LIMITS = {"lock_timeout": "12s"}
HAS = text("SELECT EXISTS (SELECT FROM district WHERE id = :district)")
PAUSE = text("""
    SELECT id, paused_by FROM pause WHERE district_id = :district AND level = 'district'
""")
RENEW = text("UPDATE pause SET id = :attempt WHERE district_id = :district AND id = :id")
# Stays at the source until the move is over: only the source can finish it.
LEFT = text("""
    INSERT INTO pause (district_id, id, level, target, reason, paused_by)
    VALUES (:district, :id, 'district', '', :reason, :mover)
""")
NAME_COPY = text("""
    UPDATE pause SET paused_by = :copy WHERE district_id = :district AND id = :id AND paused_by = :mover
""")
# A copy has the moment of the district that it is one of. Another district may have its name.
MADE = text("SELECT created_at FROM district WHERE id = :district")
COPIED = text("""
    SELECT created_at FROM district WHERE id = :district AND EXISTS (
        SELECT FROM pause WHERE district_id = :district AND level = 'district' AND paused_by = :copy)
""")
# Rows of requests that were under way when the district left, and of nobody else.
IS_LEFT = text("""
    SELECT NOT EXISTS (SELECT FROM district WHERE id = :district)
        AND NOT EXISTS (SELECT FROM pause WHERE district_id = :district)
        AND NOT EXISTS (SELECT FROM invitation WHERE district_id = :district)
""")
LOCK_DELIVERIES = text("SELECT FROM delivery WHERE district_id = :district AND status = 'pending' FOR UPDATE")
# What each change of a district takes for its entry in the audit log, until it commits.
LOCK_CHANGES = text("SELECT pg_advisory_xact_lock(hashtext('gradesync audit'), hashtext(:district))")
# Of the session, by database: the same database cannot give it twice.
LOCK = text("SELECT pg_try_advisory_lock(hashtext('gradesync move'), hashtext(:district))")

Copied: TypeAlias = dict[DistrictTable, district_rows.Digest]
Step: TypeAlias = Literal["paused", "settled", "copied", "switched", "resumed", "aborted"]
Place: TypeAlias = Literal["source", "paused", "target"]


class MoveRefused(GradeSyncError):
    """Refuse a move that would lose something, or that makes no sense."""


class TargetAway(DatabaseAway):
    """Report that the target's database cannot be opened."""


@dataclass(frozen=True, slots=True)
class MoveTiming:
    """Hold the seconds of a move.

    `takeover_wait`: how long a worker that lost its lease may still have a call under way.
    `patience`: how long to wait for syncs that run, and to copy again what changed meanwhile. `least`: what
    each sync has at least after the move.
    """

    takeover_wait: float
    patience: float
    least: float


@dataclass(frozen=True, slots=True)
class Move:
    """Hold both ends of a move, and report each step to `report` as soon as it is committed."""

    district_id: str
    source: Owner
    target: Owner
    timing: MoveTiming
    report: Callable[[Step], None]

    async def run(self) -> int:
        """Move the district, or go on where a move was broken off.

        Return the number of rows that were written at the source after the switch, and erased.
        """
        if await self._has(self.source):
            await self._copy_and_switch()
        else:
            await self._require_at_target()
        left, paused = await self._get_pause(self.source), await self._get_pause(self.target)
        if paused is not None and paused[1] == COPY:
            if left is None or left[0] != paused[0]:
                raise MoveRefused(f"{self.district_id} is moving to the target from another database.")
            await self._resume(self.target, paused[0], "district.moved")
            self.report("resumed")
        if left is None:
            return 0  # the move was over
        async with self.source.begin() as source:
            tables = await district_rows.find_tables(source)
            return await district_rows.delete_all(source, tables, self.district_id) - 1  # and what was left

    async def abort(self) -> None:
        """Remove the copy, and resume at the source. Raises `MoveRefused` after the switch."""
        if not await self._has(self.source):
            await self._require_at_target()
            raise MoveRefused("The district has moved already: run the command without --abort.")
        paused, copied = await self._get_pause(self.source), await self._get_pause(self.target)
        move_id = paused[0] if paused is not None and paused[1] == MOVER else None
        # With the pause of this move the target may have the district itself, under way.
        has_copy = copied == (move_id, COPY)
        if move_id is not None and not has_copy:
            await self._resume(self.source, move_id, "district.stayed")
        removed = await self._remove_copy()
        if move_id is not None and has_copy:
            await self._resume(self.source, move_id, "district.stayed")
        elif move_id is None and not removed:
            raise MoveRefused(f"{self.district_id} is not being moved.")
        self.report("aborted")

    async def find_place(self) -> Place | None:
        """Return where the district is, and whether the move paused it; None where the move is over."""
        paused, copied = await self._get_pause(self.source), await self._get_pause(self.target)
        if await self._has(self.source):
            return "paused" if paused is not None and paused[1] == MOVER else "source"
        return "target" if copied is not None and copied[1] == COPY else None

    async def _copy_and_switch(self) -> None:
        """Copy and switch; begin again where something of the district changed meanwhile.

        What can be refused at once is refused before the pause.
        """
        async with self.source.connect() as source, self.target.connect() as target:
            await district_rows.find_tables_of_both(source, target)
        until = asyncio.get_running_loop().time() + self.timing.patience
        while True:
            await self._remove_copy()
            move_id = await self._pause()
            self.report("paused")
            await self._settle()
            self.report("settled")
            try:
                await self._switch(move_id)
            except (district_rows.RowsDiffer, DatabaseAway) as error:
                is_away = isinstance(error, DatabaseAway) and error.concerns_all
                if is_away or asyncio.get_running_loop().time() > until:
                    raise
            else:
                return

    async def _pause(self) -> UUID:
        """Pause the district, and return the id of this attempt: copies of earlier ones have another."""
        async with self._session(self.source) as db:
            found = await pauses.find(db, WHOLE)
            if found is None:
                return (await pauses.pause(db, WHOLE, REASON, MOVER)).id
            if found.paused_by != MOVER:
                raise MoveRefused(f"{self.district_id} is paused: {found.reason} Resume it first.")
            attempt = uuid7()
            await db.execute(RENEW, {"id": found.id, "attempt": attempt, "district": self.district_id})
            return attempt

    async def _settle(self) -> None:
        """Wait until nothing of the district runs. Raises `MoveRefused` when the patience ends."""
        try:
            async with asyncio.timeout(self.timing.patience):
                while not await self._is_quiet():  # noqa: ASYNC110 - other processes end it
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise MoveRefused(f"Something of {self.district_id} still runs.") from None

    async def _is_quiet(self) -> bool:
        async with self._session(self.source) as db:
            return await pauses.is_quiet(db, takeover_wait_seconds=self.timing.takeover_wait)

    async def _switch(self, move_id: UUID) -> None:
        """Commit the copy, then the deletion: the one commit that decides who owns the district.

        Messages that are due are sent by neither end meanwhile: attempts at them would change their rows.
        """
        values = {"copy": COPY, "mover": MOVER, "reason": REASON, "district": self.district_id, "id": move_id}
        async with self.source.begin() as leaving:
            await leaving.execute(LOCK_DELIVERIES, values)
            async with self.target.begin() as writing:
                copied = await self._copy(writing, leaving)
                if (await writing.execute(NAME_COPY, values)).rowcount != 1:
                    raise district_rows.RowsDiffer("The pause of the move was lifted, or is somebody's own.")
                await district_rows.delete_copied(leaving, copied, writing, self.district_id)
                # A change that wrote beside the deletion has committed once the lock of its entry is given.
                # Not before the deletion: who holds that lock may wait for a row, and holds it for long.
                await leaving.execute(LOCK_CHANGES, values)
                await district_rows.require_none(leaving, list(copied), self.district_id)
                await leaving.execute(LEFT, values)
            self.report("copied")
        self.report("switched")

    async def _copy(self, writing: AsyncConnection, leaving: AsyncConnection) -> Copied:
        """Copy every row, of one moment, and return what was copied."""
        async with self.source.connect() as reading:
            await reading.execution_options(isolation_level="REPEATABLE READ")
            try:
                return await district_rows.copy(reading, writing, leaving, self.district_id)
            except IntegrityError as error:
                raise MoveRefused(f"The target cannot take a row: {error.orig}") from error

    async def _remove_copy(self) -> int:
        """Remove the copy of an earlier attempt, or what a district that left wrote late; count the rows.

        Raises `MoveRefused` where the target has other rows of the district.
        """
        values = {"district": self.district_id, "copy": COPY}
        async with self.source.connect() as source:
            made = await source.scalar(MADE, values)
        async with self.target.begin() as target:
            copied, is_left = await target.scalar(COPIED, values), await target.scalar(IS_LEFT, values)
            tables = await district_rows.find_tables(target)
            deleted = await district_rows.delete_all(target, tables, self.district_id)
            if deleted and copied != made and not is_left:  # undone by the raise
                raise MoveRefused(
                    f"The target has rows of a district {self.district_id} that are no copy: of another one "
                    "of that name, or of a move from there. Run such a move to its end, or erase them."
                )
        return deleted

    async def _resume(self, end: Owner, move_id: UUID, action: str) -> None:
        async with self._session(end) as db:
            await audit.append(db, MOVER, action, {"district": self.district_id})
            await pauses.resume(db, str(move_id), MOVER, least_seconds=self.timing.least)

    async def _require_at_target(self) -> None:
        if not await self._has(self.target):
            raise MoveRefused(f"No district is called {self.district_id}.")

    async def _has(self, end: Owner) -> bool:
        async with end.connect() as connection:
            return bool(await connection.scalar(HAS, {"district": self.district_id}))

    async def _get_pause(self, end: Owner) -> tuple[UUID, str] | None:
        async with end.connect() as connection:
            row = (await connection.execute(PAUSE, {"district": self.district_id})).one_or_none()
            return (row.id, row.paused_by) if row else None

    @asynccontextmanager
    async def _session(self, end: Owner) -> AsyncIterator[AsyncSession]:
        async with end.session() as db:
            await db.execute(SET_DISTRICT, LIMITS | {"district": self.district_id})
            yield db


@asynccontextmanager
async def open_move(
    source_url: str, target_url: str, district_id: str, timing: MoveTiming, report: Callable[[Step], None]
) -> AsyncIterator[Move]:
    """Open both ends by their owners' URLs. Raises `MoveRefused` where another move of it runs.

    Raises `TargetAway` where only the target cannot be opened.
    """
    async with AsyncExitStack() as stack:
        source = await _open_end(stack, source_url, district_id)
        try:
            target = await _open_end(stack, target_url, district_id)
        except DatabaseAway as error:
            raise TargetAway(error.cause, refused=error.refused) from error
        yield Move(district_id, source, target, timing, report)


async def _open_end(stack: AsyncExitStack, url: str, district_id: str) -> Owner:
    """Open one end, and lock the district there."""
    owner = await stack.enter_async_context(open_owner(url, idle_seconds=IDLE_SECONDS))
    lock = await stack.enter_async_context(owner.connect())
    await lock.execution_options(isolation_level="AUTOCOMMIT")
    if not await is_direct((await lock.get_raw_connection()).driver_connection):
        raise MoveRefused("A move must go past the pooler: its lock belongs to a session.")
    if not await lock.scalar(LOCK, {"district": district_id}):
        raise MoveRefused(f"Another move of {district_id} runs, or both URLs name the same database.")
    return owner
