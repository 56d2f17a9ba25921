"""Test signatures: one for every send, in the form that Schoology takes."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha1
from hmac import digest
from typing import Any
from urllib.parse import quote, unquote, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.common import Request as SignedRequest
from oauthlib.oauth1 import Client

from gradesync.schoology.calls import Request
from gradesync.upstream.auth import OAuth1, SteadySeconds
from harness.canned_schoology import CannedResponse, CannedSchoology, canned_source

HTTPS = "https://api.schoology.example/v1/sections/1/grades?limit=200&timestamp=5"


def signed(auth: OAuth1, url: str = HTTPS, method: str = "GET", content: bytes = b"") -> httpx.Request:
    request = httpx.Request(method, url, content=content)
    return next(iter(auth.auth_flow(request)))


def parameters(request: httpx.Request) -> dict[str, str]:
    header = request.headers["authorization"]
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', header)}


def test_the_https_signature_is_the_secret_and_an_empty_token() -> None:
    request = signed(OAuth1("the key", "s&cret", seconds=lambda: 1775041468))
    header = request.headers["authorization"]
    assert header.startswith('OAuth realm="Schoology API", ')
    assert header.endswith('oauth_signature="s%2526cret%26"')
    fields = parameters(request)
    assert fields.pop("oauth_nonce")
    assert fields == {
        "realm": "Schoology API",
        "oauth_timestamp": "1775041468",
        "oauth_version": "1.0",
        "oauth_signature_method": "PLAINTEXT",
        "oauth_consumer_key": "the key",
        "oauth_token": "",
        "oauth_signature": "s%26cret&",
    }


def test_without_tls_the_secret_is_not_on_the_wire() -> None:
    request = signed(OAuth1("key", "topsecret"), "http://127.0.0.1:8001/v1/app-user-info")
    assert parameters(request)["oauth_signature_method"] == "HMAC-SHA1"
    assert "topsecret" not in request.headers["authorization"]


def test_the_hmac_signature_covers_all_but_the_json_body() -> None:
    url = "http://127.0.0.1:8001/v1/sections/1/grades?timestamp=5&limit=200"
    request = signed(OAuth1("key", "secret"), url, "POST", b'{"request":["a=b&c=d"]}')
    fields = parameters(request)
    given = fields.pop("oauth_signature")
    del fields["realm"]
    pairs = sorted([*fields.items(), ("limit", "200"), ("timestamp", "5")])
    listed = "&".join(f"{quote(k, safe='-._~')}={quote(v, safe='-._~')}" for k, v in pairs)
    address = "http://127.0.0.1:8001/v1/sections/1/grades"
    base = "&".join(quote(part, safe="-._~") for part in ("POST", address, listed))
    assert given == b64encode(digest(b"secret&", base.encode(), sha1)).decode()


class OneParameterMore(Client):
    """Sign by oauthlib's own entry, with the empty token."""

    def get_oauth_params(self, request: SignedRequest) -> list[tuple[str, str]]:
        signed: list[tuple[str, str]] = super().get_oauth_params(request)  # type: ignore[no-untyped-call]
        return [*signed, ("oauth_token", "")]


WORDS = st.text(st.characters(codec="utf-8"), max_size=12)


ADDRESSES = st.builds(
    "{}://{}/{}?{}".format,
    st.sampled_from(["https", "http"]),
    st.sampled_from(["schoology.example", "Schoology.example:443", "127.0.0.1:80", "[::1]:8001"]),
    WORDS.map(quote),
    st.lists(st.tuples(WORDS, WORDS), max_size=4).map(urlencode),
)


@given(ADDRESSES, st.sampled_from(["GET", "POST"]), WORDS, WORDS)
def test_a_signature_is_that_of_the_whole_client_of_oauthlib(
    url: str, method: Any, key: str, secret: str
) -> None:
    request = signed(OAuth1(key, secret, seconds=lambda: 1775041468), url, method)
    client = OneParameterMore(
        key,
        client_secret=secret,
        signature_method="PLAINTEXT" if url.startswith("https") else "HMAC-SHA1",
        nonce=parameters(request)["oauth_nonce"],
        timestamp="1775041468",
    )
    _, headers, _ = client.sign(str(request.url), method, realm="Schoology API")
    assert request.headers["authorization"] == headers["Authorization"]


def test_every_signature_has_a_nonce_of_its_own() -> None:
    auth = OAuth1("key", "secret", seconds=lambda: 1775041468)
    nonces = {parameters(signed(auth))["oauth_nonce"] for _ in range(50)}
    assert len(nonces) == 50
    assert all(len(nonce) >= 8 for nonce in nonces)


def test_timestamps_never_decrease_when_the_clock_is_set_back() -> None:
    ticks: Iterator[float] = iter([100.9, 101.2, 40.0, 101.9, 102.0])
    seconds = SteadySeconds(lambda: next(ticks))
    assert [seconds() for _ in range(5)] == [100, 101, 101, 101, 102]


@pytest.mark.parametrize(("run_as", "header"), [(None, None), ("5790000", "5790000")])
def test_run_as_is_sent_only_where_configured(run_as: str | None, header: str | None) -> None:
    assert signed(OAuth1("key", "secret", run_as=run_as)).headers.get("x-schoology-run-as") == header


async def test_a_redirect_and_a_retry_are_signed_anew() -> None:
    waiting = [CannedResponse(status=503), CannedResponse(b"{}", 303)]
    schoology = CannedSchoology()

    def respond(request: httpx.Request) -> httpx.Response:
        given = schoology(request)
        if schoology.asked[-1] == "/users/me" and waiting:
            headers = {"location": "/v1/users/5790000"}
            return httpx.Response(waiting.pop(0).status, headers=headers)
        return given

    schoology.answers["/users/5790000"] = {"id": 5790000}
    async with canned_source(schoology, transport=httpx.MockTransport(respond)) as source:
        await source.calls.get(Request("user", "/users/me"))
    assert schoology.asked == ["/users/me", "/users/me", "/users/5790000"]
    assert len({parameters(request)["oauth_nonce"] for request in schoology.sent}) == 3


async def test_every_request_asks_for_json() -> None:
    schoology = CannedSchoology()
    async with canned_source(schoology) as source:
        await source.read("7900000001", None)
    assert {request.headers["accept"] for request in schoology.sent} == {"application/json"}
    posted = next(request for request in schoology.sent if request.method == "POST")
    assert posted.headers["content-type"] == "application/json"
