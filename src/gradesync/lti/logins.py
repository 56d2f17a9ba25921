"""Store launches between their steps: in Redis, for minutes, each taken once."""

from secrets import token_urlsafe
from typing import TypeVar

import msgspec
from redis.asyncio import Redis

from gradesync.access.launch import Launch

STATE_SECONDS = 600
PENDING_SECONDS = 120
LTI11_NONCE_SECONDS = 900

T = TypeVar("T")


class Storage(msgspec.Struct, frozen=True):
    """Name the frame, and its origin, where the platform lets tools store data in the browser."""

    target: str
    origin: str


class Login(msgspec.Struct, frozen=True):
    """Describe a login that the platform has yet to answer. `browser` is the digest of its cookie."""

    issuer: str
    client_id: str
    nonce: str
    browser: str
    storage: Storage | None = None


class CheckedLaunch(msgspec.Struct, frozen=True):
    """Describe a checked launch: district, person, and the section where they are an instructor.

    A system admin may have no section: the console opens from anywhere. `frames` may show the page.
    """

    district_id: str
    uid: str
    instructor: Launch | None
    system_admin: bool
    frames: tuple[str, ...]
    title: str | None = None
    timezone: str | None = None


class PendingLaunch(msgspec.Struct, frozen=True):
    """Hold a checked launch until the browser proves that it has the state."""

    launch: CheckedLaunch
    state: str


async def save_login(redis: Redis, login: Login) -> str:
    """Store a login, and return its state."""
    return await save_record(redis, "state", login, STATE_SECONDS)


async def take_login(redis: Redis, state: str) -> Login | None:
    """Return the login of a state, once; None for an unknown, used or old one."""
    return await take_record(redis, "state", state, Login)


async def save_launch(redis: Redis, pending: PendingLaunch) -> str:
    """Store a pending launch, and return its ticket."""
    return await save_record(redis, "pending", pending, PENDING_SECONDS)


async def take_launch(redis: Redis, ticket: str) -> PendingLaunch | None:
    """Return the pending launch of a ticket, once; None for an unknown, used or old one."""
    return await take_record(redis, "pending", ticket, PendingLaunch)


async def is_new(redis: Redis, *parts: str) -> bool:
    """Return whether a signed form of LTI 1.1, named by its key, time and nonce, comes for the first time."""
    name = _name("lti11", msgspec.json.encode(parts).decode())
    return bool(await redis.set(name, 1, nx=True, ex=LTI11_NONCE_SECONDS))


async def save_record(redis: Redis, kind: str, record: msgspec.Struct, seconds: int) -> str:
    """Store a record of a kind for `seconds`, and return its new random key."""
    key = token_urlsafe(32)
    await redis.set(_name(kind, key), msgspec.json.encode(record), nx=True, ex=seconds)
    return key


async def take_record(redis: Redis, kind: str, key: str, type_: type[T]) -> T | None:
    """Return the record of a key, once; None for an unknown, used or old one."""
    stored = await redis.getdel(_name(kind, key))
    return None if stored is None else msgspec.json.decode(stored, type=type_)


def _name(kind: str, key: str) -> str:
    return f"gradesync:lti:{kind}:{key}"
