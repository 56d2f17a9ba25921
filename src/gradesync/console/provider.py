"""Speak with a district's OpenID Connect provider: discovery, code exchange, id_token (OIDC Core)."""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from joserfc.util import urlsafe_b64encode

from gradesync.access.id_token import Signer, verify_id_token
from gradesync.access.platform_keys import FETCH_FAILED, PlatformKeys, fetch
from gradesync.access.tokens import Cache
from gradesync.core.district import OidcAccess
from gradesync.core.ports import Clock
from gradesync.errors import RequestRefused
from gradesync.lti.tool import origin_of

DISCOVERY_SECONDS = 300
BASIC, POST = "client_secret_basic", "client_secret_post"


class Provider(msgspec.Struct, frozen=True):
    """Hold what a provider publishes of itself (OIDC Discovery §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = (BASIC,)
    authorization_response_iss_parameter_supported: bool = False  # RFC 9207 §3


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what the browser brought back, and what this server kept of its sign-in."""

    code: str
    verifier: str
    nonce: str
    redirect_uri: str


class Providers:
    """Find providers by their issuer, and learn from them who signed in."""

    def __init__(self, client: httpx.AsyncClient, keys: PlatformKeys, clock: Clock) -> None:
        self._client, self._keys, self._clock = client, keys, clock
        self._known = Cache(self._discover, seconds=DISCOVERY_SECONDS)

    async def find(self, issuer: str) -> Provider:
        """Return a provider. Raises `RequestRefused("provider-unavailable")`."""
        return await self._known.get(issuer)

    async def _discover(self, issuer: str) -> Provider:
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            body = await fetch(self._client, self._client.build_request("GET", url))
            provider = msgspec.json.decode(body, type=Provider)
        except FETCH_FAILED as error:
            raise _unavailable("Its configuration cannot be read.") from error
        if provider.issuer != issuer:
            raise _unavailable("Its configuration names another issuer.")
        scheme = origin_of(provider.authorization_endpoint).partition(":")[0]
        if scheme not in {"https", urlsplit(issuer).scheme}:
            raise _unavailable("Its sign-in is no https address.")
        return provider

    async def read_subject(self, access: OidcAccess, answer: Answer) -> str:
        """Return who signed in, by the code that the browser brought.

        Raises `RequestRefused`: `provider-unavailable`, `sign-in-refused`.
        """
        provider = await self.find(access.issuer)
        id_token = await self._exchange(provider, access, answer)
        signer = Signer(access.issuer, access.client_id, provider.jwks_uri)
        try:
            claims = await verify_id_token(id_token, signer, self._keys, self._clock)
        except RequestRefused as error:
            if error.code == "lti-keys-unavailable":
                raise _unavailable(error.detail) from error
            raise RequestRefused("sign-in-refused", error.detail) from error
        if not compare_digest(str(claims["nonce"]).encode(), answer.nonce.encode()):
            raise RequestRefused("sign-in-refused", "The id_token answers another sign-in.")
        return str(claims["sub"])

    async def _exchange(self, provider: Provider, access: OidcAccess, answer: Answer) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": answer.code,
            "redirect_uri": answer.redirect_uri,
            "client_id": access.client_id,
            "code_verifier": answer.verifier,
        }
        headers = {"accept": "application/json"}
        methods = provider.token_endpoint_auth_methods_supported
        if access.client_secret and BASIC not in methods and POST in methods:
            form["client_secret"] = access.client_secret
        elif access.client_secret:
            headers["authorization"] = _basic(access)
        request = self._client.build_request("POST", provider.token_endpoint, data=form, headers=headers)
        try:
            return msgspec.json.decode(await fetch(self._client, request), type=_Tokens).id_token
        except httpx.HTTPStatusError as error:
            if error.response.is_client_error:
                raise RequestRefused("sign-in-refused", "The provider refuses the code.") from error
            raise _unavailable("It cannot exchange the code now.") from error
        except FETCH_FAILED as error:
            raise _unavailable("It gave no id_token for the code.") from error


def challenge_of(verifier: str) -> str:
    """Return the challenge of a PKCE verifier, by the method S256."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode()


def _basic(access: OidcAccess) -> str:
    """Return the header of a client's id and secret, each form-encoded first (RFC 6749 §2.3.1)."""
    pair = f"{quote(access.client_id, safe='')}:{quote(access.client_secret, safe='')}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _unavailable(detail: str) -> RequestRefused:
    return RequestRefused("provider-unavailable", detail)
