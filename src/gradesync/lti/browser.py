"""Knows a browser again between the steps of a launch, by a cookie of some minutes (LTI contract 2.3)."""

import re
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "__Host-gradesync-launch"
SECONDS = 600
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


def key_of(request: Request) -> str | None:
    """What the browser kept for us, as far as we made it."""
    kept = request.cookies.get(COOKIE, "")
    return kept if _KEY.fullmatch(kept) else None


def new_key() -> str:
    return token_urlsafe(32)


def remember(response: Response, key: str) -> None:
    """Let the browser keep the key, also inside a frame of another site.

    Written out: Starlette knows `Partitioned` only where the standard library does.
    """
    attributes = f"Path=/; Max-Age={SECONDS}; Secure; HttpOnly; SameSite=None; Partitioned"
    response.headers.append("set-cookie", f"{COOKIE}={key}; {attributes}")


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def is_same(request: Request, browser: str) -> bool:
    """Whether this is the browser whose key has that digest."""
    key = key_of(request)
    return key is not None and compare_digest(digest(key), browser)
