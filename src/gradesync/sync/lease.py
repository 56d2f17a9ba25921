"""A worker's hold on one sync: renewed while it works, asked before every call to the SIS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

import structlog
from sqlalchemy.exc import DBAPIError

from gradesync.db import syncs
from gradesync.db.session import Database
from gradesync.errors import LeaseLost

log = structlog.get_logger()


@dataclass(slots=True)
class Lease:
    """The lease on one sync. `granted` is this process's monotonic time just before the claim was sent."""

    database: Database
    district_id: str
    sync_id: str
    token: str
    seconds: float
    granted: float = field(default_factory=monotonic)

    @property
    def left(self) -> float:
        """Seconds that the lease certainly lasts: counted from before the database granted it."""
        return self.granted + self.seconds - monotonic()

    async def __call__(self, seconds: float) -> None:
        """The permit of a call that may take `seconds`. Raises `LeaseLost`."""
        if self.left < seconds:
            await self.renew()
        if self.left < seconds:
            raise LeaseLost(f"the lease has {self.left:.1f} s left and the call may take {seconds:g} s")

    async def renew(self) -> None:
        """Raises `LeaseLost` where another worker has the sync, or it is settled."""
        asked = monotonic()
        async with self.database.district(self.district_id) as db:
            ours = await syncs.renew(db, self.sync_id, self.token, self.seconds)
        if not ours:
            self.granted = float("-inf")
            raise LeaseLost("another worker has this sync, or it is settled")
        self.granted = asked

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew in the background while the body runs."""
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self.seconds / 3)
            try:
                await self.renew()
            except LeaseLost:
                return
            except (DBAPIError, OSError) as error:
                # The database may be restarting; the permit refuses calls once the lease is too short.
                log.warning("lease.not-renewed", sync=self.sync_id, error=type(error).__name__)
