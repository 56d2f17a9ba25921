"""Issue and verify bearer tokens: short-lived JWTs with district, subject, scopes and a teacher's section."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from gradesync.core.ports import Clock
from gradesync.errors import GradeSyncError

ISSUER = "gradesync"
ALGORITHM = "HS256"
CLIENT_LIFETIME = timedelta(hours=1)
TEACHER_LIFETIME = timedelta(minutes=15)
PAGE_LIFETIME = timedelta(hours=1)
PAGE = "page"  # the client of the tokens of our own teacher's page; ids of other clients begin with `gs_`


# Raised for tokens that cannot be read: their headers are anybody's, and may hold anything.
UNREADABLE = (JoseError, ValueError, TypeError, RecursionError)


class Scope(StrEnum):
    """Name what a token allows, with the words of the API document."""

    SYNCS_READ = "syncs:read"
    SYNCS_WRITE = "syncs:write"
    SECTIONS_READ = "sections:read"
    SECTIONS_WRITE = "sections:write"
    CONNECTIONS_CHECK = "connections:check"
    DISTRICT_READ = "district:read"
    DISTRICT_WRITE = "district:write"
    AUDIT_READ = "audit:read"
    TOKEN_EXCHANGE = "token:exchange"  # noqa: S105 - the name of a scope


@dataclass(frozen=True, slots=True)
class Caller:
    """Describe a caller. A client has the whole district; a teacher has `section_id` and is `subject` there.

    `client_id` is the client that the token was given to: a teacher's front-end, or the client itself.
    """

    district_id: str
    client_id: str
    subject: str
    scopes: frozenset[str]
    section_id: str | None = None

    @property
    def kind(self) -> str:
        """Return `client` or `teacher`."""
        return "client" if self.section_id is None else "teacher"

    @property
    def actor(self) -> str:
        """Return the caller as the audit log names them."""
        return f"{self.kind}:{self.subject}"

    def may(self, scope: str) -> bool:
        """Return whether the scopes allow `scope`."""
        # A token that may read the syncs of one section may read that section too.
        implied = {Scope.SECTIONS_READ} if self.section_id and Scope.SYNCS_READ in self.scopes else set()
        return scope in self.scopes | implied


class TokenRefused(GradeSyncError):
    """Report a token that is not one of ours, or no longer."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Sign with the first key and verify with all of them, so that keys can be rotated.

    `secret` is the newest key, for other things to be sealed.
    """

    keys: KeySet
    secret: bytes = field(repr=False)
    clock: Clock

    @classmethod
    def of(cls, keys: Sequence[bytes], clock: Clock) -> "Tokens":
        """Build from `keys`: 32 bytes or more each, the newest first. Each is named by its thumbprint."""
        return cls(KeySet([OctKey.import_key(key) for key in keys]), keys[0], clock)

    def issue(self, caller: Caller, lifetime: timedelta) -> str:
        """Return a signed token for `caller`."""
        now = int(self.clock().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": ISSUER,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            "jti": uuid4().hex,
            "sub": caller.subject,
            "client_id": caller.client_id,
            "district": caller.district_id,
            "scope": " ".join(sorted(caller.scopes)),
        }
        if caller.section_id is not None:
            claims["section"] = caller.section_id
        newest = self.keys.keys[0]
        return jwt.encode({"alg": ALGORITHM, "kid": newest.kid}, claims, newest, algorithms=[ALGORITHM])

    def verify(self, token: str) -> Caller:
        """Return the caller of a token. Raises `TokenRefused` unless it is ours, for us, and in time."""
        try:
            claims = jwt.decode(token, self.keys, algorithms=[ALGORITHM]).claims
            self._registry().validate(claims)
        except UNREADABLE as error:
            raise TokenRefused(type(error).__name__) from error
        return Caller(
            district_id=claims["district"],
            client_id=claims["client_id"],
            subject=claims["sub"],
            scopes=frozenset(claims["scope"].split()),
            section_id=claims.get("section"),
        )

    def _registry(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=lambda: int(self.clock().timestamp()),
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": ISSUER},
            exp={"essential": True},
            iat={"essential": True},
            jti={"essential": True},
            sub={"essential": True},
        )
