"""Ids of syncs, which sort by the time they were made (RFC 9562, version 7)."""

from datetime import UTC, datetime, timedelta
from secrets import randbits
from time import time_ns
from uuid import UUID

LOG_KEPT = timedelta(days=30)
"""How long the sync log shows a sync (R24)."""
GRACE = timedelta(days=1)
"""How much longer it is kept: clocks differ."""


def uuid7() -> UUID:
    milliseconds = time_ns() // 1_000_000
    return UUID(int=milliseconds << 80 | 0x7 << 76 | randbits(12) << 64 | 0b10 << 62 | randbits(62))


def earliest(at: datetime) -> UUID:
    """The least id that could be made at that time."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def forgotten() -> UUID:
    """Ids below this one are of syncs that the log no longer shows, nor any clock that is a little behind."""
    return earliest(datetime.now(UTC) - LOG_KEPT - GRACE)


def parse(text: str) -> UUID | None:
    """None where the text is no id at all."""
    try:
        return UUID(text)
    except ValueError:
        return None
