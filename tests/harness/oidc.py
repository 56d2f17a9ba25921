"""Simulate an OpenID Connect provider: discovery, keys, and codes for PKCE, each good once."""

import secrets
import time
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gradesync.console.provider import challenge_of
from gradesync_sandbox.lti.platform import OMIT, signing_key
from gradesync_sandbox.serving import Served

CLIENT, SECRET = "gradesync", "hush"


@dataclass
class Provider:
    """Let people sign in. `metadata` and `claims` replace what it publishes and signs.

    `received` are the codes that came to be exchanged.
    """

    served: Served = field(init=False)
    codes: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    received: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=signing_key)

    def __post_init__(self) -> None:
        app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.describe),
                Route("/{tenant}/.well-known/openid-configuration", self.describe),
                Route("/keys", self.publish),
                Route("/token", self.exchange, methods=["POST"]),
            ]
        )
        self.served = Served(app, "127.0.0.1")

    @property
    def issuer(self) -> str:
        return self.served.url

    async def describe(self, _: Request) -> Response:
        addresses = {
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return JSONResponse({"issuer": self.issuer, **addresses, **self.metadata})

    async def publish(self, _: Request) -> Response:
        return JSONResponse({"keys": [signing_key().as_dict(private=False)]})

    def authorize(self, location: str, subject: str) -> dict[str, str]:
        """Return the query with which the browser comes back, once `subject` signed in."""
        asked = dict(parse_qsl(urlsplit(location).query))
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked, subject
        return {"code": code, "state": asked["state"]}

    async def exchange(self, request: Request) -> Response:
        form = dict(await request.form())
        self.received.append(str(form.get("code")))
        asked, subject = self.codes.pop(self.received[-1], ({}, ""))
        proven = asked and asked["code_challenge"] == challenge_of(str(form.get("code_verifier")))
        if not proven or form["redirect_uri"] != asked["redirect_uri"] or not self._is_client(request, form):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": subject,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        signed = {name: value for name, value in claims.items() if value is not OMIT}
        id_token = jwt.encode({"alg": "RS256", "kid": self.key.kid}, signed, self.key, algorithms=["RS256"])
        return JSONResponse({"access_token": "unused", "token_type": "Bearer", "id_token": id_token})

    def _is_client(self, request: Request, form: Any) -> bool:
        if "client_secret_post" in self.metadata.get("token_endpoint_auth_methods_supported", ()):
            return bool(form.get("client_secret") == SECRET)
        kind, _, pair = request.headers.get("authorization", "").partition(" ")
        return kind == "Basic" and b64decode(pair).decode() == f"{CLIENT}:{SECRET}"


@asynccontextmanager
async def open_provider() -> AsyncIterator[Provider]:
    """Serve a provider while the block lasts."""
    provider = Provider()
    await provider.served.start()
    yield provider
    await provider.served.stop()
