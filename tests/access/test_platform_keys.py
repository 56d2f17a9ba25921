"""The published keys of an LTI platform, fetched with bounds."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey

from gradesync.access.platform_keys import FETCHES_PER_WINDOW, KEY_SET_MAX, PlatformKeys
from gradesync.errors import RequestRefused

URL = "https://platform.example/jwks"
FIRST = RSAKey.generate_key(2048, {"kid": "first"})
SECOND = RSAKey.generate_key(2048, {"kid": "second"})
CURVE = ECKey.generate_key("P-256", {"kid": "curve"})

Answer = Callable[[], httpx.Response]


class Platform:
    """Publishes what it is told to, and counts who asks."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked = 0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return self.answer()

    def keys(self) -> PlatformKeys:
        return PlatformKeys(httpx.AsyncClient(transport=httpx.MockTransport(self.handle)))


def published(*keys: Any) -> Answer:
    body = {"keys": [key if isinstance(key, dict) else key.as_dict(private=False) for key in keys]}
    return lambda: httpx.Response(200, json=body)


async def test_keys_are_fetched_once() -> None:
    platform = Platform(published(FIRST))
    keys = platform.keys()
    for _ in range(3):
        assert [key.kid for key in await keys.for_key(URL, "first")] == ["first"]
    assert platform.asked == 1


async def test_an_unknown_key_is_looked_for_and_found() -> None:
    platform = Platform(published(FIRST))
    keys = platform.keys()
    await keys.for_key(URL, "first")
    platform.answer = published(SECOND, FIRST)
    assert {key.kid for key in await keys.for_key(URL, "second")} == {"first", "second"}


async def test_made_up_keys_do_not_make_us_ask_for_ever() -> None:
    platform = Platform(published(FIRST))
    keys = platform.keys()
    for number in range(50):
        await keys.for_key(URL, f"made-up-{number}")
    assert platform.asked == FETCHES_PER_WINDOW


async def test_keys_of_other_kinds_are_passed_over() -> None:
    platform = Platform(
        published(CURVE, {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, {"kty": "new"}, FIRST)
    )
    assert [key.kid for key in await platform.keys().for_key(URL, "first")] == ["first"]


async def trickle() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65_536


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(500),
        lambda: httpx.Response(302, headers={"location": "https://evil.example/jwks"}),
        lambda: httpx.Response(200, text="<html>"),
        lambda: httpx.Response(200, json={"keys": "none"}),
        lambda: httpx.Response(200, json={"keys": [{"kty": "RSA"}]}),
        lambda: httpx.Response(200, json={"keys": []}),
        lambda: httpx.Response(200, content=b" " * (KEY_SET_MAX + 1)),
        lambda: httpx.Response(200, content=trickle()),
    ],
)
async def test_an_answer_without_usable_keys_is_no_answer(answer: Answer) -> None:
    with pytest.raises(RequestRefused, match="lti-keys-unavailable"):
        await Platform(answer).keys().for_key(URL, "first")


async def test_known_keys_outlive_a_platform_that_is_away() -> None:
    platform = Platform(published(FIRST))
    keys = platform.keys()
    await keys.for_key(URL, "first")
    platform.answer = lambda: httpx.Response(503)
    assert [key.kid for key in await keys.for_key(URL, "second")] == ["first"]
