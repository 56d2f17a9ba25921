"""Count grants of a call budget by Redis's clock."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

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
