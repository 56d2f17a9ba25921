"""Issue access tokens and check them."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Tokens:
    """Hold issued tokens by the moment (on `clock`, seconds) at which they end."""

    clock: Callable[[], float] = time.monotonic
    ends: dict[str, float] = field(default_factory=dict)

    def issue(self, lifetime: int) -> str:
        """Issue a token that is valid for `lifetime` seconds."""
        token = secrets.token_urlsafe(24)
        self.ends[token] = self.clock() + lifetime
        return token

    def stands(self, token: str) -> bool:
        """Return whether the token was issued here, and neither ended nor was revoked."""
        return self.ends.get(token, float("-inf")) > self.clock()

    def revoke_all(self) -> None:
        """End every token that was issued so far."""
        self.ends.clear()
