"""Sign calls by two-legged OAuth 1.0a: one signature for every send, retries and redirects included."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
from oauthlib.common import Request
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_PLAINTEXT, Client

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
        self._key = consumer_key
        self._secret = consumer_secret
        self._run_as = run_as
        self._seconds = seconds

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        request.headers["Authorization"] = self._sign(request)
        if self._run_as is not None:
            request.headers[RUN_AS] = self._run_as
        yield request

    def _sign(self, request: httpx.Request) -> str:
        method = SIGNATURE_PLAINTEXT if request.url.scheme == "https" else SIGNATURE_HMAC_SHA1
        client = _TwoLegged(
            self._key,
            client_secret=self._secret,
            signature_method=method,
            timestamp=str(self._seconds()),
        )
        verb: Any = request.method  # its type lists methods that httpx leaves open
        _, headers, _ = client.sign(str(request.url), verb, realm=REALM)
        return str(headers["Authorization"])


class _TwoLegged(Client):
    """Send `oauth_token` although it is empty: Schoology requires the parameter."""

    def get_oauth_params(self, request: Request) -> list[tuple[str, str]]:
        signed: list[tuple[str, str]] = super().get_oauth_params(request)  # type: ignore[no-untyped-call]
        return [*signed, ("oauth_token", "")]
