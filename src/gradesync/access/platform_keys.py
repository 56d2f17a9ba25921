"""Fetch the keys that LTI platforms publish (upstream.md LTI §2.1)."""

import asyncio
from base64 import urlsafe_b64decode
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from gradesync.errors import RequestRefused, SyncStopped

BODY_MAX = 262_144
KEYS_KEPT_SECONDS = 300  # so a key that the platform takes out of its set is refused after minutes
KEY_BITS_MIN = 2048
FETCH_WINDOW_SECONDS = 60
FETCHES_PER_WINDOW = 5
FETCH_TIMEOUT = 5
FETCH_FAILED = (httpx.HTTPError, SyncStopped, ValueError, TimeoutError)


@dataclass(slots=True)
class _Published:
    """Hold the keys of one address, and the times of the latest fetches."""

    keys: KeySet = field(default_factory=lambda: KeySet([]))
    read: float = float("-inf")
    fetches: deque[float] = field(default_factory=lambda: deque(maxlen=FETCHES_PER_WINDOW))

    def is_stale_for(self, kid: str | None, now: float) -> bool:
        known = any(key.kid == kid for key in self.keys)
        return not known or now - self.read > KEYS_KEPT_SECONDS

    def may_fetch(self, now: float) -> bool:
        return len(self.fetches) < FETCHES_PER_WINDOW or now - self.fetches[0] > FETCH_WINDOW_SECONDS


@dataclass(slots=True)
class PlatformKeys:
    """Cache key sets by address in this process. An unknown key id makes it fetch again, within a rate limit.

    `client` follows no redirects. `seconds` is a clock that never goes back.
    """

    client: httpx.AsyncClient
    seconds: Callable[[], float] = monotonic
    _published: dict[str, _Published] = field(default_factory=dict)

    async def for_key(self, url: str, kid: str | None) -> KeySet:
        """Return the keys published at `url`. Raises `RequestRefused("lti-keys-unavailable")` for none."""
        published, now = self._published.setdefault(url, _Published()), self.seconds()
        if published.is_stale_for(kid, now) and published.may_fetch(now):
            published.fetches.append(now)
            await self._fetch(url, published)
        if not published.keys:
            raise RequestRefused("lti-keys-unavailable", "The platform's key set could not be read.")
        return published.keys

    async def _fetch(self, url: str, published: _Published) -> None:
        """Keep the RSA keys of the set. Known keys stay where the platform gives no usable response."""
        try:
            keys = _rsa_keys(await fetch(self.client, self.client.build_request("GET", url)))
        except (*FETCH_FAILED, JoseError):
            return
        published.keys, published.read = KeySet([*keys]), self.seconds()


async def fetch(client: httpx.AsyncClient, request: httpx.Request) -> bytes:
    """Return the body of a small response, in seconds. Raises what `FETCH_FAILED` names."""
    body = bytearray()
    async with asyncio.timeout(FETCH_TIMEOUT):
        response = await client.send(request, stream=True)
        try:
            response.raise_for_status()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > BODY_MAX:
                    raise ValueError("the response is too large")
        finally:
            await response.aclose()
    return bytes(body)


class _KeySet(msgspec.Struct):
    keys: list[Any]


def _rsa_keys(body: bytes) -> list[RSAKey]:
    """Return the keys that can have signed a launch; an unusable or short key is left out."""
    rsa_keys = []
    for key in msgspec.json.decode(body, type=_KeySet).keys:
        if isinstance(key, dict) and key.get("kty") == "RSA":
            with suppress(JoseError, ValueError):
                if _count_bits(key) >= KEY_BITS_MIN:
                    rsa_keys.append(RSAKey.import_key(key))
    return rsa_keys


def _count_bits(key: Mapping[str, Any]) -> int:
    modulus = str(key.get("n")).encode("ascii")
    return int.from_bytes(urlsafe_b64decode(modulus + b"==")).bit_length()
