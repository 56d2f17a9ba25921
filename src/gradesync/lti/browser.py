"""Recognize a browser between the steps of a launch, by a cookie of ten minutes (upstream.md LTI §2.3)."""

import re
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "__Host-gradesync-launch"
SECONDS = 600
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


def read_key(request: Request) -> str | None:
    """Return the browser's key from its cookie, where it looks like one of ours."""
    value = request.cookies.get(COOKIE, "")
    return value if _KEY.fullmatch(value) else None


def new_key() -> str:
    """Return a new random key."""
    return token_urlsafe(32)


def set_cookie(response: Response, key: str) -> None:
    """Set the cookie with the key, also inside a frame of another site."""
    # Not with Starlette's own method: it supports `Partitioned` only where the standard library does.
    attributes = f"Path=/; Max-Age={SECONDS}; Secure; HttpOnly; SameSite=None; Partitioned"
    response.headers.append("set-cookie", f"{COOKIE}={key}; {attributes}")


def digest(key: str) -> str:
    """Return the digest of a key, as it is stored."""
    return sha256(key.encode()).hexdigest()


def is_same_browser(request: Request, browser: str) -> bool:
    """Return whether this is the browser whose key has that digest."""
    key = read_key(request)
    return key is not None and compare_digest(digest(key), browser)
