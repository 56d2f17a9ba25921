"""Find Redis by its sentinels, also after its primary was killed."""

import asyncio
from pathlib import Path

import pytest

from engines.sentinel import until_written
from engines.valkey import running_sentinels
from gradesync.redis_client.pool import open_redis
from gradesync.redis_client.sentinel import parse_url
from harness.contexts import REDIS_SECONDS


@pytest.mark.long
async def test_client_follows_the_primary(folder: Path) -> None:
    with running_sentinels(folder) as watched:
        another = watched.url.replace("service=gradesync", "service=another")
        async with open_redis(another, patience_seconds=REDIS_SECONDS) as lost:
            assert await lost.find_problem() == "unreachable"
        async with open_redis(watched.url, patience_seconds=REDIS_SECONDS) as redis:
            await redis.set("before", 1)
            await asyncio.to_thread(watched.until_replicated)
            watched.primary.kill()
            await until_written(redis)
            assert redis.problem is None
            assert await redis.get("before") == b"1"


def test_sentinel_url_names_servers_credentials_and_service() -> None:
    options = parse_url("redis+sentinel://:s%40crt@one:26380,two/3?service=grades")
    assert options["sentinels"] == [("one", 26380), ("two", 26379)]
    assert (options["service"], options["db"]) == ("grades", 3)
    assert (options["username"], options["password"]) == (None, "s@crt")


@pytest.mark.parametrize(
    "url", ["redis+sentinel://one/0", "redis+sentinel:///0?service=x", "redis+sentinel://a:x/0"]
)
def test_incomplete_sentinel_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"redis\+sentinel|invalid literal"):
        parse_url(url)
