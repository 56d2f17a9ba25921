"""Connect to the primary of a Redis that fails over, which its sentinels know."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from redis.asyncio import Connection, Redis, SSLConnection
from redis.exceptions import AuthenticationError, ConnectionError, RedisError

PLAIN, SECURE = "redis+sentinel", "rediss+sentinel"
SCHEMES = (PLAIN, SECURE)
PORT = 26379
FORM = f"write it as {PLAIN}://:password@host:port,host:port/0?service=name"
TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
TLS_CHECK = "ssl_check_hostname"
QUERY = frozenset({"service", "sentinel_username", "sentinel_password", *TLS_FILES, TLS_CHECK})

Address = tuple[str, int]


@dataclass(frozen=True)
class Sentinels:
    """Ask sentinels for the primary of a service, each for so many `seconds` at most.

    `options` are those of a connection to them.
    """

    addresses: Sequence[Address]
    service: str
    seconds: float
    options: Mapping[str, Any]

    async def find_primary(self) -> Address:
        """Return the address of the primary.

        Raises redis' `AuthenticationError` where a sentinel refuses the password and none answers, and its
        `ConnectionError` where no sentinel knows the primary.
        """
        problem = ConnectionError(f"no sentinel knows the primary of {self.service}")
        for host, port in self.addresses:
            try:
                found = await self._ask(host, port)
            except AuthenticationError as error:
                problem = error
            except (RedisError, OSError):
                continue
            else:
                if found:
                    return str(found[0]), int(found[1])
        raise problem

    async def _ask(self, host: str, port: int) -> Any:
        async with (
            asyncio.timeout(self.seconds),
            Redis(host=host, port=port, decode_responses=True, **self.options) as redis,
        ):
            asked: Any = redis  # its commands have no types
            return await asked.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)


class PrimaryConnection(Connection):
    """Connect to whatever server is the primary now."""

    def __init__(self, *, sentinels: Sentinels, **options: Any) -> None:
        super().__init__(**options)
        self._sentinels = sentinels

    async def _connect(self) -> None:
        self.host, self.port = await self._sentinels.find_primary()
        await super()._connect()  # type: ignore[no-untyped-call]  # redis-py's own, without types


class SecurePrimaryConnection(PrimaryConnection, SSLConnection):
    """Connect to the primary with TLS."""


def is_sentinel_url(url: str) -> bool:
    """Return whether a URL names sentinels."""
    return url.partition("://")[0] in SCHEMES


def parse_url(url: str, *, patience_seconds: float) -> dict[str, Any]:
    """Return the options of a pool for `redis+sentinel://:password@host:port,host:port/db?service=name`.

    `rediss+sentinel` uses TLS, to sentinels and servers. `sentinel_username` and `sentinel_password` in the
    query are those of the sentinels. `patience_seconds` is the time to connect, of which each sentinel and
    the primary have a share. Raises `ValueError`.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(query.keys() - QUERY):
        raise ValueError(f"{PLAIN} knows no {', '.join(unknown)}")
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    addresses = [_parse_address(host) for host in hosts.split(",")]
    if parts.scheme not in SCHEMES or not query.get("service") or not all(host for host, _ in addresses):
        raise ValueError(FORM)
    tls = _tls_options(parts, query)
    asking = {
        "username": query.get("sentinel_username"),
        "password": query.get("sentinel_password"),
        **({"ssl": True} if tls else {}),
        **tls,
    }
    share = patience_seconds / (len(addresses) + 1)
    return {
        "connection_class": SecurePrimaryConnection if tls else PrimaryConnection,
        "sentinels": Sentinels(addresses, query["service"], share, asking),
        "db": _parse_number(parts.path.strip("/") or "0"),
        "username": unquote(username) or None,
        "password": unquote(password) or None,
        **tls,
    }


def _tls_options(parts: SplitResult, query: Mapping[str, str]) -> dict[str, Any]:
    """Return options of TLS, empty without it. The name in a certificate is checked, unless that is off."""
    given = {name: query[name] for name in TLS_FILES if name in query}
    if parts.scheme == SECURE:
        return {TLS_CHECK: query.get(TLS_CHECK, "true") != "false", **given}
    if given or TLS_CHECK in query:
        raise ValueError(f"for TLS, write {SECURE}://…")
    return {}


def _parse_address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return (host, _parse_number(port)) if host else (port, PORT)


def _parse_number(text: str) -> int:
    # Python's own error would show the text, which is a part of the password where that is not encoded.
    if not text.isdecimal():
        raise ValueError(FORM)
    return int(text)
