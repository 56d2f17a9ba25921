"""Filter the log of syncs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from gradesync.db.tables import metadata

SYNC = metadata.tables["sync"]
OUTCOME = metadata.tables["outcome"]


@dataclass(frozen=True, slots=True)
class SyncFilter:
    """Filter the log of syncs: one is listed that meets every given condition.

    `since` is included, `until` is not. `reason` is the sync's error, or the reason or a warning of one of
    its outcomes.
    """

    status: str | None = None
    result: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    requested_by: str | None = None
    reason: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield what a listed sync must meet."""
        if self.status is not None:
            yield SYNC.c.status == self.status
        if self.result is not None:
            yield SYNC.c.result == self.result
        if self.since is not None:
            yield SYNC.c.requested_at >= self.since
        if self.until is not None:
            yield SYNC.c.requested_at < self.until
        if self.requested_by is not None:
            yield SYNC.c.requested_by_id == self.requested_by
        if self.reason is not None:
            has_outcome = select(OUTCOME.c.sync_id).where(
                OUTCOME.c.sync_id == SYNC.c.id, OUTCOME.c.reason == self.reason
            )
            yield (
                (SYNC.c.error_code == self.reason)
                | SYNC.c.warnings[self.reason].is_not(None)
                | has_outcome.exists()
            )
