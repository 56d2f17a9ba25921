"""Send requests that no client sends, to every route of the service: each is an error of the caller."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.types import Message

from gradesync.access.tokens import CLIENT_LIFETIME, Caller, Scope
from gradesync.cli.serving import application
from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.api_document import api_document
from harness.apps import lend_app
from harness.lti import LtiHarness, open_lti

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
UPSTREAM = {502, 503}
PARAMETER = re.compile(r"{(\w+)}")
PAGES = (
    *(("GET", "/lti/login"), ("POST", "/lti/login"), ("POST", "/lti/launch"), ("POST", "/lti/confirm")),
    *(("GET", "/lti/jwks"), ("GET", "/lti/assets/{id}/{id}"), ("GET", "/console/sign-in")),
    *(("GET", "/console/callback-{id}"), ("GET", "/console/setup"), ("POST", "/console/setup/session")),
    *(("GET", "/console/setup/district"), ("PUT", "/console/setup/district")),
    *(("POST", "/console/setup/check"), ("GET", "/console/setup/sync")),
)
IDS = (
    "%",
    "%zz",
    "%ff%fe",
    "%2f..%2f",
    "%00",
    "%ed%a0%80",
    "%C0%80",
    "9" * 5000,
    "-1",
    "%0a",
    "\\",
    "[",
    "%5b",
)
QUERIES = (
    *(b"%", b"%zz=%ff", b"limit=%ff", b"limit=1&limit=2", b"&&=&=", b"cursor=%C0%80", b"since=%ED%A0%80"),
    *(b"limit=" + b"9" * 5000, b"cursor=" + b"A" * 9000, b"state=1&state=2", b"a[]=1", b";;", b"=" * 900),
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    *((b"authorization", value) for value in (b"\xff", b"Bearer", b"Bearer  ", b"Bearer \xff", b"Basic =")),
    *((b"authorization", b"Basic " + value) for value in (b"\xff", b"/////w==", b"Og==", b"6Q==" * 900)),
    *((b"idempotency-key", value) for value in (b"", b"\xff", b"\x85" * 9, b"k" * 9000)),
    *((b"accept", value) for value in (b"\xff", b";q=", b"text/csv;q=x", b"*/*;q=1e999", b"," * 900)),
    *((b"content-type", value) for value in (b"", b"/", b"\xff", b"application/json; charset=\xff")),
    *((b"content-type", b"application/json; charset=" + value) for value in (b"utf-16", b"no-such", b"")),
    *(
        (b"content-type", b"multipart/form-data" + value)
        for value in (b"", b"; boundary=", b"; boundary=\xff")
    ),
    *((b"content-type", FORM.encode() + value) for value in (b"; charset=utf-7", b"; charset=\xff", b"")),
    *((b"content-length", value) for value in (b"-1", b"1e9", b"\xb2", b"", b"9" * 20)),
    *((b"host", value) for value in (b"", b"[", b"\xff", b"a b", b"[::1", b"a:99999999", b"@", b"a:b")),
    *((b"origin", value) for value in (b"null", b"http://[", b"\xff", b"")),
    *((b"cookie", value) for value in (b"\xff", b";=;=", b'a="\\', b"=" * 900)),
    *((b"traceparent", value) for value in (b"00-\xff", b"00-0-0-0", b"00-" + b"0" * 32 + b"-0-00")),
    *((b"x-forwarded-for", value) for value in (b"\xff", b"[", b"," * 900)),
    *((b"last-event-id", b"\xff"), (b"range", b"bytes=-"), (b"x-request-id", b"\xff\x00"), (b"\xff", b"1")),
    *((b"if-none-match", b"\xff"), (b"accept-language", b"\xff;q="), (b"content-encoding", b"gzip")),
)
BODIES = (
    *(b"", b"\xff", b'{"a":"\xff"}', b"\xef\xbb\xbf{}", '{"a":1}'.encode("utf-16"), b"NaN", b"-Infinity"),
    *(b"1e999999", b'{"x":1e400}', b'"\\ud800"', b'{"\\ud800":"\\udfff"}', b"[" * 200_000, b'{"a":' * 99_999),
    *(b"9" * 9_000, b'{"mode":' + b"9" * 9_000 + b"}", b"null", b"true", b"0", b'{"a":1,"a":2}', b"{}x"),
    *(b"\x00", b"--\r\n\r\n--", b"a=%ff&b=%zz", b"a=1&a=2", b"&" * 5_000, b"grant_type=%ff", b"=" * 900),
    *(b"grant_type=client_credentials&client_id=%C0%80&client_secret=%", b"a" * 9_000, b"\r\n" * 900),
)


@dataclass(frozen=True)
class Sent:
    """Hold a request as a server passes it on."""

    method: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


async def send(app: Any, sent: Sent) -> int:
    """Return the status of a request. Raises what the application raises."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "http",
        "path": unquote(sent.path),
        "raw_path": sent.path.encode(),
        "root_path": "",
        "query_string": sent.query,
        "headers": list(sent.headers),
        "client": ("127.0.0.1", 1),
        "server": ("tool.example", 443),
        "state": {},
    }
    bodies = [{"type": "http.request", "body": sent.body, "more_body": False}]
    found: list[int] = []

    async def receive() -> Message:
        return bodies.pop() if bodies else {"type": "http.disconnect"}

    async def note(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.append(message["status"])

    await app(scope, receive, note)
    return found[0]


@dataclass(frozen=True)
class Odd:
    """Give one strange thing after the other, each to another route."""

    ids: Iterator[str] = field(default_factory=lambda: cycle(IDS))
    queries: Iterator[bytes] = field(default_factory=lambda: cycle(QUERIES))
    headers: Iterator[tuple[bytes, bytes]] = field(default_factory=lambda: cycle(HEADERS))
    bodies: Iterator[bytes] = field(default_factory=lambda: cycle(BODIES))
    kinds: Iterator[str] = field(default_factory=lambda: cycle((JSON, FORM, JSON)))


def vary(method: str, path: str, bearer: tuple[bytes, bytes], odd: Odd, ids: Mapping[str, str]) -> list[Sent]:
    """Return requests to a route, each strange in another place."""
    filled = PARAMETER.sub(lambda name: ids.get(name[1], "1"), path)
    name, value = header = next(odd.headers)
    usual = () if name == b"authorization" else (bearer,)
    found = [Sent(method, filled, headers=(*usual, header, (name, value)))]
    if "{" in path:
        strange = next(odd.ids)
        found.append(Sent(method, PARAMETER.sub(lambda _: strange, path), headers=(bearer,)))
    else:
        found.append(Sent(method, filled, next(odd.queries), (bearer,)))
    if method not in {"GET", "DELETE"}:
        kind = (b"content-type", next(odd.kinds).encode())
        found.append(Sent(method, filled, headers=(bearer, kind), body=next(odd.bodies)))
    return found


@pytest.fixture
async def patient(settings: Settings) -> AsyncIterator[LtiHarness]:
    """Serve everything without limits to requests."""
    many = settings.filled(requests_per_minute=10**6, token_requests_per_minute=10**6)
    async with open_lti(many, build(students=2, assignments=2, sections=2)) as opened:
        yield opened


async def test_no_request_to_any_route_is_an_error_of_ours(patient: LtiHarness, run_all: bool) -> None:
    routes = [(method.upper(), path) for path, known in api_document()["paths"].items() for method in known]
    caller = Caller(patient.district.id, "gs_office", "gs_office", frozenset(map(str, Scope)))
    bearer = (
        b"authorization",
        b"Bearer " + patient.runtime.tokens.issue(caller, CLIENT_LIFETIME).encode(),
    )
    ids, odd, broken = {"section_id": str(patient.room.section.id)}, Odd(), []
    with lend_app(application, patient.runtime) as app:
        for _ in range(2 if run_all else 1):
            for method, path in (*routes, *PAGES):
                for sent in vary(method, path, bearer, odd, ids):
                    status = await send(app, sent)
                    if status >= 500 and status not in UPSTREAM:
                        broken.append((status, sent))
    assert broken == []
