"""Find Redis by its sentinels, also after its primary was killed, and with TLS."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import make_url

from engines.sentinel import until_written
from engines.valkey import SENTINEL_PASSWORD, running_sentinels
from gradesync.redis_client.pool import open_redis
from gradesync.redis_client.sentinel import parse_url
from harness.certificates import server_context, write_certificate
from harness.contexts import BUSY_REDIS_SECONDS, REDIS_SECONDS
from harness.relays import Cut, relay
from harness.streams import serve_streams


@pytest.mark.long
async def test_client_follows_the_primary(folder: Path) -> None:
    with running_sentinels(folder) as watched:
        for changed, problem in (
            (watched.url.replace("service=gradesync", "service=another"), "unreachable"),
            (watched.url.replace(SENTINEL_PASSWORD, "another"), "password-refused"),
            (watched.url.partition("&")[0], "password-refused"),
        ):
            async with open_redis(changed, patience_seconds=REDIS_SECONDS) as lost:
                assert await lost.find_problem() == problem
        async with open_redis(watched.url, patience_seconds=REDIS_SECONDS) as redis:
            await redis.set("before", 1)
            await asyncio.to_thread(watched.until_replicated)
            watched.primary.kill()
            await until_written(redis)
            assert redis.problem is None
            assert await redis.get("before") == b"1"


def test_sentinel_url_names_servers_credentials_and_service() -> None:
    url = "redis+sentinel://:s%40crt@one:26380,two/3?service=grades"
    options = parse_url(url, patience_seconds=REDIS_SECONDS)
    sentinels = options["sentinels"]
    assert (sentinels.addresses, sentinels.service) == ([("one", 26380), ("two", 26379)], "grades")
    assert (options["db"], options["username"], options["password"]) == (3, None, "s@crt")


@pytest.fixture
async def secure(redis_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """Serve Redis with TLS, and a sentinel that knows it: the wheel's Valkey has no TLS. Return the URL."""
    certificate = write_certificate(tmp_path)
    tls = server_context(certificate)
    async with relay(redis_url, Cut(b"", done=True), tls) as url:
        port = str(make_url(url).port).encode()
        found = b"*2\r\n$9\r\nlocalhost\r\n$%d\r\n%s\r\n" % (len(port), port)
        known = {b"AUTH watcher s@crt": b"+OK\r\n", b"SENTINEL GET-MASTER-ADDR-BY-NAME grades": found}

        async def answer(reader: StreamReader, writer: StreamWriter) -> None:
            while head := await reader.readline():
                words = [(await reader.readline(), await reader.readline())[1] for _ in range(int(head[1:]))]
                writer.write(known.get(b" ".join(word.strip() for word in words), b"-ERR unknown\r\n"))
            writer.close()

        async with serve_streams(answer, tls) as sentinel:
            host = f"localhost:{sentinel}"
            own = make_url(redis_url)
            servers = f"rediss+sentinel://:{quote(own.password or '')}@{host}/{own.database}"
            sentinels = "sentinel_username=watcher&sentinel_password=s%40crt"
            yield f"{servers}?service=grades&ssl_ca_certs={certificate}&{sentinels}"


async def test_sentinels_and_primary_are_asked_with_tls(secure: str) -> None:
    async with open_redis(secure, patience_seconds=BUSY_REDIS_SECONDS) as redis:
        await redis.set("over", "TLS")
        assert await redis.get("over") == b"TLS"


@pytest.mark.parametrize("changes", [("localhost", "127.0.0.1"), ("ssl_ca_certs=", "ssl_certfile=")])
async def test_certificate_of_another_is_refused(secure: str, changes: tuple[str, str]) -> None:
    async with open_redis(secure.replace(*changes), patience_seconds=BUSY_REDIS_SECONDS) as redis:
        assert await redis.find_problem() == "unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://one/0",
        "redis+sentinel:///0?service=x",
        "redis+sentinel://a:x/0",
        "redis+sentinel://:a-secret/a-secret@one/0?service=x",
        "redis+sentinel://one/0?service=x&sentinel_pasword=y",
        "redis+sentinel://one/0?service=x&ssl_ca_certs=/ca.pem",
    ],
)
def test_incomplete_sentinel_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"rediss?\+sentinel") as refused:
        parse_url(url, patience_seconds=REDIS_SECONDS)
    assert "a-secret" not in str(refused.value)
