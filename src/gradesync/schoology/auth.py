"""Sign calls to Schoology by OAuth 1.0a (upstream.md Schoology §1.2)."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
from oauthlib.common import generate_nonce
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_PLAINTEXT, Client
from oauthlib.oauth1.rfc5849 import signature
from oauthlib.oauth1.rfc5849.parameters import prepare_headers

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
