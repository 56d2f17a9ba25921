"""The keys that an LTI platform publishes (LTI contract 2.1)."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from gradesync.errors import RequestRefused, SyncStopped

KEY_SET_MAX = 262_144
KEYS_KEPT_SECONDS = 3600
FETCH_WINDOW_SECONDS = 60
FETCHES_PER_WINDOW = 5
FETCH_TIMEOUT = 5


@dataclass(slots=True)
class _Published:
    """The keys of one address, and when they were asked for lately."""

    keys: KeySet = field(default_factory=lambda: KeySet([]))
    read: float = float("-inf")
    asked: deque[float] = field(default_factory=lambda: deque(maxlen=FETCHES_PER_WINDOW))

    def stale_for(self, kid: str | None) -> bool:
        known = any(key.kid == kid for key in self.keys)
        return not known or monotonic() - self.read > KEYS_KEPT_SECONDS

    def may_ask(self) -> bool:
        return len(self.asked) < FETCHES_PER_WINDOW or monotonic() - self.asked[0] > FETCH_WINDOW_SECONDS


@dataclass(slots=True)
class PlatformKeys:
    """Key sets by address, kept in this process. An unknown key id makes it ask again, within bounds.

    `client` follows no redirects.
    """

    client: httpx.AsyncClient
    _published: dict[str, _Published] = field(default_factory=dict)

    async def for_key(self, url: str, kid: str | None) -> KeySet:
        """The keys published at `url`. Raises `RequestRefused("lti-keys-unavailable")` for none."""
        published = self._published.setdefault(url, _Published())
        if published.stale_for(kid) and published.may_ask():
            published.asked.append(monotonic())
            await self._read(url, published)
        if not published.keys:
            raise RequestRefused("lti-keys-unavailable", "The platform's key set could not be read.")
        return published.keys

    async def _read(self, url: str, published: _Published) -> None:
        """Keep the RSA keys of the set. What was known stays where the platform gives no usable answer."""
        try:
            keys = _rsa_keys(await self._body(url))
        except (httpx.HTTPError, SyncStopped, JoseError, ValueError, TimeoutError):
            return
        published.keys, published.read = KeySet([*keys]), monotonic()

    async def _body(self, url: str) -> bytes:
        body = bytearray()
        async with asyncio.timeout(FETCH_TIMEOUT), self.client.stream("GET", url) as answer:
            answer.raise_for_status()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > KEY_SET_MAX:
                    raise ValueError("the key set is too large")
        return bytes(body)


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


def _rsa_keys(body: bytes) -> list[RSAKey]:
    """The keys that can have signed a launch. One that makes no sense does not spoil the others."""
    found = []
    for key in msgspec.json.decode(body, type=_KeySet).keys:
        if key.get("kty") == "RSA":
            with suppress(JoseError, ValueError):
                found.append(RSAKey.import_key(key))
    return found
