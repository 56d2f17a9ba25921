"""Filter the log of syncs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from gradesync.db.tables import metadata

SYNC = metadata.tables["sync"]
OUTCOME = metadata.tables["outcome"]


@dataclass(frozen=True, slots=True)
class Which:
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


def which_conditions(which: Which) -> Iterator[ColumnElement[bool]]:
    """Yield what a listed sync must meet."""
    if which.status is not None:
        yield SYNC.c.status == which.status
    if which.result is not None:
        yield SYNC.c.result == which.result
    if which.since is not None:
        yield SYNC.c.requested_at >= which.since
    if which.until is not None:
        yield SYNC.c.requested_at < which.until
    if which.requested_by is not None:
        yield SYNC.c.requested_by_id == which.requested_by
    if which.reason is not None:
        has_outcome = select(OUTCOME.c.sync_id).where(
            OUTCOME.c.sync_id == SYNC.c.id, OUTCOME.c.reason == which.reason
        )
        yield (
            (SYNC.c.error_code == which.reason)
            | SYNC.c.warnings[which.reason].is_not(None)
            | has_outcome.exists()
        )
