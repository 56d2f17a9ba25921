"""Connect to the primary of a Redis that fails over, which its sentinels know."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import Connection, Redis
from redis.exceptions import ConnectionError, RedisError

SCHEME = "redis+sentinel"
PORT = 26379
ASK_SECONDS = 0.15  # for each sentinel: together they have the patience of one command

Address = tuple[str, int]


class PrimaryConnection(Connection):
    """Connect to whatever server is the primary now."""

    def __init__(self, *, sentinels: Sequence[Address], service: str, **options: Any) -> None:
        super().__init__(**options)
        self._sentinels = sentinels
        self._service = service

    async def _connect(self) -> None:
        self.host, self.port = await find_primary(self._sentinels, self._service)
        await super()._connect()  # type: ignore[no-untyped-call]  # redis-py's own, without types


async def find_primary(sentinels: Sequence[Address], service: str) -> Address:
    """Return the address of the primary. Raises redis' `ConnectionError` where no sentinel knows it."""
    for host, port in sentinels:
        try:
            async with (
                asyncio.timeout(ASK_SECONDS),
                Redis(host=host, port=port, decode_responses=True) as redis,
            ):
                asked: Any = redis  # its commands have no types
                found = await asked.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
        except (RedisError, OSError):
            continue
        if found:
            return str(found[0]), int(found[1])
    raise ConnectionError(f"no sentinel knows the primary of {service}")


def parse_url(url: str) -> dict[str, Any]:
    """Return the options of a pool for `redis+sentinel://:password@host:port,host:port/db?service=name`.

    Raises `ValueError`.
    """
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    service = parse_qs(parts.query).get("service", [""])[0]
    sentinels = [_parse_address(host) for host in hosts.split(",")]
    if parts.scheme != SCHEME or not service or not all(host for host, _ in sentinels):
        raise ValueError(f"write it as {SCHEME}://:password@host:port,host:port/0?service=name")
    return {
        "connection_class": PrimaryConnection,
        "sentinels": sentinels,
        "service": service,
        "db": int(parts.path.strip("/") or 0),
        "username": unquote(username) or None,
        "password": unquote(password) or None,
    }


def _parse_address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host else (port, PORT)
