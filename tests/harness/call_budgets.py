"""Count grants of a call budget by Redis's clock."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis
from redis.asyncio.client import Monitor

from gradesync.upstream.limits import RateLimit

Connect = Callable[[], Redis]

WIDE = RateLimit(limit=2, window=600)


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def redis_time(redis: Redis) -> float:
    seconds, micros = await redis.time()
    return float(seconds) + float(micros) / 1_000_000


def count_in_window(spans: Sequence[tuple[float, float]], window: float) -> int:
    """Return the most grants that lie, beyond doubt, in one window."""
    return max(sum(start <= a and b <= start + window for a, b in spans) for start, _ in spans)


async def list_scripts_until(seen: Monitor, end: str, database: int) -> list[str]:
    """Return the scripts that were called in a database, until a command with the text `end` passes.

    Other test processes use other databases of the same server.
    """
    scripts: list[str] = []
    while end not in (command := await seen.next_command())["command"]:
        if command["db"] == database and command["command"].startswith("EVAL"):
            scripts.append(command["command"])
    return scripts
