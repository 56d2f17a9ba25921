"""Check the URL of a Redis without connecting."""

from redis.exceptions import RedisError

from gradesync.redis_client import sentinel
from gradesync.redis_client.pool import Pool

FORM = "redis://:password@host:port/0, each part percent-encoded, or rediss:// for TLS"


def check_url(url: str) -> None:
    """Raise `ValueError` unless `open_redis` takes the URL. Its text shows nothing of a password."""
    if sentinel.is_sentinel_url(url):
        sentinel.parse_url(url, patience_seconds=1)
        return
    try:
        pool = Pool.from_url(url, patience_seconds=1)
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, RedisError):
        raise ValueError(f"write it as {FORM}") from None
