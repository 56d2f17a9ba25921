"""Check two-legged OAuth 1.0a on every request."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha1
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from gradesync_sandbox.schoology.model import Credential

REPLAY = "Duplicate timestamp/nonce combination, possible replay attack. Request rejected."
REQUIRED = (
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_timestamp",
    "oauth_signature_method",
    "oauth_signature",
)


class UnauthorizedError(Exception):
    """Refuse a request that is not signed as it must be. The text is the whole body of the 401."""


def encoded(text: str) -> str:
    """Percent-encode by RFC 5849 3.6."""
    return quote(text, safe="-._~")


def header_parameters(header: str) -> dict[str, str]:
    """Return the parameters of an `Authorization: OAuth …` header, decoded."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "oauth":
        raise UnauthorizedError("Missing OAuth authorization header.")
    found: dict[str, str] = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        if name in found:
            raise UnauthorizedError(f"Duplicated OAuth parameter: {name}")
        found[name] = unquote(value.strip('"'))
    return found


def base_string(method: str, url: str, parameters: Mapping[str, str]) -> str:
    """Build RFC 5849's signature base string (3.4.1) over the query and the header.

    A JSON body is no part of it.
    """
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}[parts.scheme.lower()]
    port = "" if parts.port in (None, default) else f":{parts.port}"
    address = f"{parts.scheme.lower()}://{(parts.hostname or '').lower()}{port}{parts.path}"
    signed = [(k, v) for k, v in parameters.items() if k not in ("realm", "oauth_signature")]
    pairs = sorted((encoded(k), encoded(v)) for k, v in parse_qsl(parts.query, True) + signed)
    listed = "&".join(f"{k}={v}" for k, v in pairs)
    return "&".join((method.upper(), encoded(address), encoded(listed)))


def signature(method_name: str, base: str, secret: str) -> str:
    """Return the signature that a two-legged request must carry; its token secret is empty."""
    key = f"{encoded(secret)}&"
    if method_name == "PLAINTEXT":
        return key
    if method_name == "HMAC-SHA1":
        return b64encode(hmac.digest(key.encode(), base.encode(), sha1)).decode()
    raise UnauthorizedError("Invalid signature method.")


@dataclass
class Verifier:
    """Check signatures by the known keys, and each (key, timestamp, nonce) once: a header serves once."""

    credentials: Mapping[str, Credential]
    used: set[tuple[str, str, str]] = field(default_factory=set)

    def __call__(self, method: str, url: str, header: str | None) -> Credential:
        """Return the credential that signed this request. Raises `UnauthorizedError`."""
        given = header_parameters(header or "")
        if missing := [name for name in REQUIRED if not given.get(name)]:
            raise UnauthorizedError(f"Missing OAuth parameter: {missing[0]}")
        if given.get("oauth_token") or given.get("oauth_version", "1.0") != "1.0":
            raise UnauthorizedError("Invalid OAuth token or version.")
        credential = self.credentials.get(given["oauth_consumer_key"])
        if credential is None:
            raise UnauthorizedError("Invalid consumer key.")
        self._check_signature(method, url, given, credential)
        self._take_once(given)
        return credential

    def _check_signature(
        self, method: str, url: str, given: Mapping[str, str], credential: Credential
    ) -> None:
        wanted = signature(
            given["oauth_signature_method"], base_string(method, url, given), credential.secret
        )
        if not hmac.compare_digest(wanted.encode(), given["oauth_signature"].encode()):
            raise UnauthorizedError("Invalid signature.")

    def _take_once(self, given: Mapping[str, str]) -> None:
        try:
            float(given["oauth_timestamp"])
        except ValueError:
            raise UnauthorizedError("Invalid timestamp.") from None
        pair = (given["oauth_consumer_key"], given["oauth_timestamp"], given["oauth_nonce"])
        if pair in self.used:
            raise UnauthorizedError(REPLAY)
        self.used.add(pair)
