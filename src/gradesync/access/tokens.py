"""Issue and verify bearer tokens, limit how often their holders ask, and cache what they share."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from time import monotonic
from typing import Generic, TypeVar
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from prometheus_client import Counter
from pyrate_limiter import GCRA, Rate, RedisStateStore
from pyrate_limiter.abstracts import Decision, State
from redis.asyncio import Redis
from starlette.requests import Request

from gradesync.core.ports import Clock
from gradesync.errors import GradeSyncError
from gradesync.redis_client.pool import redis_optional

ISSUER = "gradesync"
ALGORITHM = "HS256"
CLIENT_LIFETIME = timedelta(hours=1)
TEACHER_LIFETIME = timedelta(minutes=15)
PAGE_LIFETIME = timedelta(hours=1)
# The clients of the tokens of our own pages, the teacher's and the console; ids of others begin with `gs_`.
PAGE, CONSOLE = "page", "console"


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
    STUDENTS_READ = "students:read"
    TOKEN_EXCHANGE = "token:exchange"  # noqa: S105 - the name of a scope


SCOPE_TEXTS = {
    Scope.SYNCS_READ: "Read syncs and their outcomes. A teacher's token also reads its section with it.",
    Scope.SYNCS_WRITE: "Start syncs, and switch assignments",
    Scope.SECTIONS_READ: "Read section links, assignments, category pairs and pre-flight reports",
    Scope.SECTIONS_WRITE: "Set section links and category pairs",
    Scope.CONNECTIONS_CHECK: "Check the district's credentials",
    Scope.DISTRICT_READ: "Read the district's policy, pauses and webhooks",
    Scope.DISTRICT_WRITE: "Change the district's policy and webhooks, pause and resume syncs",
    Scope.AUDIT_READ: "Read who did what",
    Scope.STUDENTS_READ: "Read what was sent for a student, with the name, and search students by name",
    Scope.TOKEN_EXCHANGE: "Exchange LTI id_tokens for teachers' tokens",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Describe a caller. A client has the whole district; a teacher has `section_id` and is `subject` there.

    `client_id` is the client that the token was given to: a teacher's front-end, the console of an admin, or
    the client itself.
    """

    district_id: str
    client_id: str
    subject: str
    scopes: frozenset[str]
    section_id: str | None = None

    @property
    def kind(self) -> str:
        """Return `client`, `teacher`, or `admin`: a person who answers for the district, in the console."""
        if self.section_id is not None:
            return "teacher"
        return "admin" if self.client_id == CONSOLE else "client"

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


PREFIX = "gradesync:limit:"
A_MINUTE = 60_000
# By the clock of Redis. What it holds beyond a full bucket was written before that clock went back.
BY_REDIS_CLOCK = f"""
local time = redis.call('TIME')
ARGV[1] = time[1] * 1000 + math.floor(time[2] / 1000)
if tonumber(redis.call('HGET', KEYS[1], 'tat1') or 0) > (ARGV[1] + {A_MINUTE + 1000}) * 1000 then
  redis.call('DEL', KEYS[1])
end
"""
CALLERS = 20_000  # that one process remembers; it forgets who has not asked for longest

REFUSED = Counter("gradesync_requests_limited_total", "Requests refused by a rate limit.", ["limit"])


def source_ip(request: Request) -> str | None:
    """Return the address that the request came from; None where a proxy forwards text that is none."""
    if request.client is not None:
        with suppress(ValueError):
            return str(ip_address(request.client.host))
    return None


class SharedBucket(GCRA):
    """Count by the clock of Redis: those of the processes differ, and any of them may be set back."""

    def redis_script(self) -> str:
        """Return the script that takes from the bucket."""
        return BY_REDIS_CLOCK + (super().redis_script() or "")


@dataclass(slots=True)
class Limits:
    """Keep leaky buckets by name: a minute's requests may come at once, after which they come evenly.

    Whoever has asked this process too often has asked all of them too often: Redis is asked about the rest.
    While it cannot be used, each process limits by itself.
    """

    redis: Redis
    _states: OrderedDict[str, State] = field(default_factory=OrderedDict, init=False)

    async def wait(self, limit: str, caller: str, per_minute: int) -> float:
        """Return the seconds until `caller` may send another request; 0 where it may now, and is counted."""
        key, rates = f"{PREFIX}{limit}:{caller}", [Rate(per_minute, A_MINUTE)]
        decision = self._check_here(key, rates)
        if decision.allowed:
            with redis_optional("limit requests"):
                decision = await self._check_everywhere(key, rates)
        if decision.allowed:
            return 0.0
        REFUSED.labels(limit).inc()
        return max(decision.retry_after_ms or 0, 1) / 1000

    def _check_here(self, key: str, rates: list[Rate]) -> Decision:
        bucket, now = GCRA(), int(monotonic() * 1000)
        state, decision = bucket.step(rates, self._states.pop(key, bucket.initial(rates)), now, 1)
        self._states[key] = state
        if len(self._states) > CALLERS:
            self._states.popitem(last=False)
        return decision

    async def _check_everywhere(self, key: str, rates: list[Rate]) -> Decision:
        # With an asynchronous client its result must be awaited; the library does not type it.
        check: Callable[..., Awaitable[Decision]] = RedisStateStore(self.redis, key).check
        return await check(SharedBucket(), rates, 0, 1)


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Load values with `load`, and keep each for `seconds`, at most `limit` of them.

    Callers who need the same value at the same time share one load, however long it takes. Errors are never
    kept.
    """

    def __init__(self, load: Callable[[K], Awaitable[V]], *, seconds: float, limit: int = 1000) -> None:
        self._load = load
        self._seconds = seconds
        self._limit = limit
        self._entries: OrderedDict[K, tuple[float, asyncio.Future[V]]] = OrderedDict()

    async def get(self, key: K, *, since: float = 0.0) -> V:
        """Return the value of `key`, loaded `since` that monotonic time. Raises what `load` raises."""
        entry = self._entries.get(key)
        if entry is None or entry[0] < since or (entry[1].done() and self._is_stale(entry)):
            entry = self._start(key)
        return entry[1].result() if entry[1].done() else await asyncio.shield(entry[1])

    def forget(self, key: K) -> None:
        """Drop the value of `key`."""
        self._entries.pop(key, None)

    def _start(self, key: K) -> tuple[float, asyncio.Future[V]]:
        entry = (monotonic(), asyncio.ensure_future(self._load(key)))
        self._entries[key] = entry
        self._entries.move_to_end(key)
        # The oldest come first. What nobody asks for again, such as people's names, would stay otherwise.
        while len(self._entries) > self._limit or entry[0] - self._oldest() > self._seconds:
            self._entries.popitem(last=False)
        return entry

    def _is_stale(self, entry: tuple[float, asyncio.Future[V]]) -> bool:
        value = entry[1]
        has_failed = value.cancelled() or value.exception() is not None
        return has_failed or monotonic() - entry[0] >= self._seconds

    def _oldest(self) -> float:
        return next(iter(self._entries.values()))[0]
