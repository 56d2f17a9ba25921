"""Authenticate calls to upstream systems: by OAuth 1.0a, or by a token of OAuth 2.0 client credentials."""

import asyncio
import math
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from oauthlib.common import generate_nonce
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_PLAINTEXT, Client
from oauthlib.oauth1.rfc5849 import signature
from oauthlib.oauth1.rfc5849.parameters import prepare_headers

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.upstream.client import Upstream
from gradesync.upstream.response import MalformedError, UpstreamResponse, decode

REALM: Final = "Schoology API"
RUN_AS: Final = "X-Schoology-Run-As"


class SteadySeconds:
    """Count Unix seconds that never go backwards, also when the machine's clock is set back.

    Schoology refuses a timestamp older than one it has seen from the same key (upstream.md Schoology §1.2).
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._latest = 0

    def __call__(self) -> int:
        self._latest = max(self._latest, int(self._clock()))
        return self._latest


# One source of timestamps in a process, so that every key's are in sequence.
steady_seconds: Final = SteadySeconds()


class OAuth1(httpx.Auth):
    """Sign requests with a consumer key; `run_as` is the uid in whose name they are made.

    The signature is PLAINTEXT (upstream.md Schoology §1.2), or HMAC-SHA1 where the address is not https, so
    that the secret never travels in the clear. A JSON body is no part of either.
    """

    def __init__(
        self,
        consumer_key: str,
        consumer_secret: str,
        *,
        run_as: str | None = None,
        seconds: Callable[[], int] = steady_seconds,
    ) -> None:
        self._client = Client(consumer_key, client_secret=consumer_secret)
        self._run_as = run_as
        self._seconds = seconds

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        request.headers["Authorization"] = self._sign(request)
        if self._run_as is not None:
            request.headers[RUN_AS] = self._run_as
        yield request

    def _sign(self, request: httpx.Request) -> str:
        # `Client.sign` quotes every parameter thrice, and parses its own header.
        method = SIGNATURE_PLAINTEXT if request.url.scheme == "https" else SIGNATURE_HMAC_SHA1
        parameters = [
            ("oauth_nonce", generate_nonce()),
            ("oauth_timestamp", str(self._seconds())),
            ("oauth_version", "1.0"),
            ("oauth_signature_method", method),
            ("oauth_consumer_key", self._client.client_key),
            ("oauth_token", ""),  # empty, and Schoology requires it
        ]
        base = "" if method == SIGNATURE_PLAINTEXT else _build_base(request, parameters)
        parameters.append(("oauth_signature", Client.SIGNATURE_METHODS[method](base, self._client)))
        return str(prepare_headers(parameters, realm=REALM)["Authorization"])  # type: ignore[no-untyped-call]


def _build_base(request: httpx.Request, parameters: list[tuple[str, str]]) -> str:
    """Return what a signature covers: the method, the address, and the parameters with those of the query."""
    # The stubs of oauthlib know neither a list of parameters nor every method.
    listed: Any = [*signature.collect_parameters(request.url.query.decode()), *parameters]
    verb: Any = request.method
    address = signature.base_string_uri(str(request.url))
    return signature.signature_base_string(verb, address, signature.normalize_parameters(listed))


# Seconds before its end at which a token is renewed, and its lifetime where the upstream does not state one.
RENEWAL_MARGIN = 60.0
DEFAULT_LIFETIME = 300.0
LONGEST_LIFETIME = 86_400.0
# Seconds that fetching a token may take, retries included.
FETCH_SECONDS = 60.0
HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
}
_VISIBLE = re.compile(r"[!-~]+")


class ClientCredentials(httpx.Auth):
    """Sign requests with a bearer token, which is fetched once, kept, and renewed before it ends.

    `upstream` is where tokens come from: it is authenticated there, and `path` leads to them from its base.
    `form` is the body. `title` is the system's name as people read it.
    """

    def __init__(
        self,
        upstream: Upstream,
        path: str,
        title: str,
        *,
        form: bytes = b"grant_type=client_credentials",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._upstream = upstream
        self._path = path
        self._title = title
        self._form = form
        self._clock = clock
        self._token: str | None = None
        self._ends = datetime.min.replace(tzinfo=UTC)
        self._fetching = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {await self.get_token()}"
        yield request

    async def get_token(self) -> str:
        """Return the token in force. Raises `SyncStopped("sis-credentials-refused")`, `Retriable`."""
        async with self._fetching:
            if (token := self.held) is None:
                token, seconds = await self._fetch()
                self._token, self._ends = token, self._clock() + timedelta(seconds=seconds)
            return token

    @property
    def held(self) -> str | None:
        """Return the token in force; None where one has to be fetched."""
        return self._token if self._clock() < self._ends else None

    def discard(self, token: str) -> None:
        """Forget a token that was refused, unless another has replaced it."""
        if self._token == token:
            self._token = None

    async def _fetch(self) -> tuple[str, float]:
        upstream = replace(self._upstream, until=self._clock() + timedelta(seconds=FETCH_SECONDS))
        response = await upstream.call(
            "token", "POST", self._path, content=self._form, headers=HEADERS, repeatable=True
        )
        return _read_token(response, self._title)


def _read_token(response: UpstreamResponse, title: str) -> tuple[str, float]:
    """Return a token and the seconds for which it may be used."""
    try:
        content = decode(response.body)
    except MalformedError:
        content = None
    fields: Mapping[str, object] = content if isinstance(content, Mapping) else {}
    if response.status in (400, 401, 403) or fields.get("error"):
        raise SyncStopped(Reason.SIS_CREDENTIALS_REFUSED, f"{title} does not accept the client id and secret")
    token = fields.get("access_token")
    if response.status != 200 or not isinstance(token, str) or not _VISIBLE.fullmatch(token):
        raise SyncStopped(
            Reason.UPSTREAM_ANSWER_UNEXPECTED, f"{title} answered {response.status} without a token"
        )
    seconds = _read_lifetime(fields.get("expires_in"))
    return token, seconds - min(RENEWAL_MARGIN, seconds / 2)


def _read_lifetime(value: object) -> float:
    """Return the seconds of `expires_in`, which comes as a JSON string or as a number."""
    try:
        seconds = float(str(value))
    except ValueError:
        return DEFAULT_LIFETIME
    if not math.isfinite(seconds):
        return DEFAULT_LIFETIME
    return min(max(seconds, 0.0), LONGEST_LIFETIME)
