"""Make ids that sort by the time of their creation (RFC 9562, version 7)."""

from datetime import UTC, datetime, timedelta
from secrets import randbits
from time import time_ns
from uuid import UUID

LOG_KEPT = timedelta(days=30)  # that the sync log shows a sync (R24)
GRACE = timedelta(days=1)  # that it is stored longer: clocks differ


def uuid7() -> UUID:
    """Make an id of this moment."""
    milliseconds = time_ns() // 1_000_000
    return UUID(int=milliseconds << 80 | 0x7 << 76 | randbits(12) << 64 | 0b10 << 62 | randbits(62))


def first_id_at(at: datetime) -> UUID:
    """Return the lowest id that could be made at that time."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def oldest_kept() -> UUID:
    """Return the id below which no sync is shown in the log, by any clock that is a little behind."""
    return first_id_at(datetime.now(UTC) - LOG_KEPT - GRACE)


def parse(text: str) -> UUID | None:
    """Parse an id; None where the text is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
