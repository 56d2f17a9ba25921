"""Test fetching the published keys of an LTI platform, within limits."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from gradesync.access.platform_keys import BODY_MAX, FETCHES_PER_WINDOW, PlatformKeys
from gradesync.errors import RequestRefused

URL = "https://platform.example/jwks"


def public_key(kid: str, octets: int = 256) -> dict[str, str]:
    """Return a public key as a platform publishes it; no test needs its private half."""
    modulus = urlsafe_b64encode(b"\xff" * octets).rstrip(b"=").decode()
    return {"kty": "RSA", "kid": kid, "n": modulus, "e": "AQAB"}


FIRST, SECOND = public_key("first"), public_key("second")
CURVE = ECKey.generate_key("P-256", {"kid": "curve"})

Respond = Callable[[], httpx.Response]


class Platform:
    """Publish the keys of `respond`, and count the requests."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.requests = 0
        self.now = 0.0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return self.respond()

    def keys(self) -> PlatformKeys:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.handle))
        return PlatformKeys(client, seconds=lambda: self.now)


def published(*keys: Any) -> Respond:
    body = {"keys": [key.as_dict(private=False) if isinstance(key, ECKey) else key for key in keys]}
    return lambda: httpx.Response(200, json=body)


async def test_keys_are_fetched_once() -> None:
    platform = Platform(published(FIRST))
    keys = platform.keys()
    for _ in range(3):
        assert [key.kid for key in await keys.for_key(URL, "first")] == ["first"]
    assert platform.requests == 1


async def test_unknown_key_is_fetched() -> None:
    platform = Platform(published(FIRST))
    keys = platform.keys()
    await keys.for_key(URL, "first")
    platform.respond = published(SECOND, FIRST)
    assert {key.kid for key in await keys.for_key(URL, "second")} == {"first", "second"}


async def test_key_taken_out_of_the_set_is_refused_within_minutes() -> None:
    platform = Platform(published(FIRST, SECOND))
    keys = platform.keys()
    await keys.for_key(URL, "first")
    platform.respond, platform.now = published(SECOND), 301
    assert [key.kid for key in await keys.for_key(URL, "first")] == ["second"]


async def test_short_keys_are_left_out() -> None:
    public = public_key("short", 128)
    keys = Platform(published(public, FIRST)).keys()
    assert [key.kid for key in await keys.for_key(URL, "short")] == ["first"]
    with pytest.raises(RequestRefused, match="lti-keys-unavailable"):
        await Platform(published(public)).keys().for_key(URL, "short")


async def test_unknown_keys_do_not_cause_endless_fetches() -> None:
    platform = Platform(published(FIRST))
    keys = platform.keys()
    for number in range(50):
        await keys.for_key(URL, f"made-up-{number}")
    assert platform.requests == FETCHES_PER_WINDOW


async def test_keys_of_other_kinds_are_ignored() -> None:
    platform = Platform(
        published(CURVE, {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, {"kty": "new"}, FIRST)
    )
    assert [key.kid for key in await platform.keys().for_key(URL, "first")] == ["first"]


@pytest.mark.parametrize(
    "entry", [None, "a key", 7, [], ["kty", "RSA"], {}, {"kty": 7}, {"kty": "RSA", "n": 1}]
)
async def test_entry_that_is_no_key_is_left_out(entry: object) -> None:
    keys = Platform(published(entry, FIRST, entry)).keys()
    assert [key.kid for key in await keys.for_key(URL, "first")] == ["first"]


async def trickle() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65_536


@pytest.mark.parametrize(
    "respond",
    [
        lambda: httpx.Response(500),
        lambda: httpx.Response(302, headers={"location": "https://evil.example/jwks"}),
        lambda: httpx.Response(200, text="<html>"),
        lambda: httpx.Response(200, json={"keys": "none"}),
        lambda: httpx.Response(200, json={"keys": [{"kty": "RSA"}]}),
        lambda: httpx.Response(200, json={"keys": []}),
        lambda: httpx.Response(200, content=b" " * (BODY_MAX + 1)),
        lambda: httpx.Response(200, content=trickle()),
    ],
)
async def test_response_without_usable_keys_is_refused(respond: Respond) -> None:
    with pytest.raises(RequestRefused, match="lti-keys-unavailable"):
        await Platform(respond).keys().for_key(URL, "first")


async def test_known_keys_outlast_a_platform_outage() -> None:
    platform = Platform(published(FIRST))
    keys = platform.keys()
    await keys.for_key(URL, "first")
    platform.respond = lambda: httpx.Response(503)
    assert [key.kid for key in await keys.for_key(URL, "second")] == ["first"]
