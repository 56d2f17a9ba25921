"""Sign calls to a SIS by OAuth 1.0a, and name the scopes of OAuth 2 (upstream.md OneRoster §1)."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, Client

from gradesync.oneroster.profiles import Auth, Profile

METHODS: Final = {"oauth1-sha1": SIGNATURE_HMAC_SHA1, "oauth1-sha256": SIGNATURE_HMAC_SHA256}
BASES: Final = {
    "1.1": "https://purl.imsglobal.org/spec/or/v1p1/scope/",
    "1.2": "https://purl.imsglobal.org/spec/or/v1p2/scope/",
}
READ: Final = ("roster.readonly", "gradebook.readonly")


def list_scopes(profile: Profile) -> tuple[str, ...]:
    """Return the scopes that a sync needs, those to delete and to post only where the SIS is used so."""
    delete = ("gradebook.delete",) if profile.blank == "delete" else ()
    post = ("gradebook.createpost",) if profile.bulk_post else ()
    return tuple(BASES[profile.version] + name for name in (*READ, "gradebook.createput", *post, *delete))


class OAuth1(httpx.Auth):
    """Sign requests with a consumer key and secret, anew for every send. A JSON body is no part of it."""

    def __init__(self, consumer_key: str, consumer_secret: str, method: Auth) -> None:
        self._client = Client(consumer_key, client_secret=consumer_secret, signature_method=METHODS[method])

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        verb: Any = request.method  # its type lists methods that httpx leaves open
        _, headers, _ = self._client.sign(str(request.url), verb)
        request.headers["Authorization"] = str(headers["Authorization"])
        yield request

    @property
    def held(self) -> str:
        """Return nothing, like `get_token`."""
        return ""

    async def get_token(self) -> str:
        """Return nothing: every request is signed by itself."""
        return ""

    def discard(self, token: str) -> None:
        """Do nothing: there is no token to forget."""
