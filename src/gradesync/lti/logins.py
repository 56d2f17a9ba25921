"""Launches on their way: what is remembered between the steps, in Redis, for minutes, and taken once."""

from secrets import token_urlsafe
from typing import TypeVar

import msgspec
from redis.asyncio import Redis

STATE_SECONDS = 600
HELD_SECONDS = 120
BASIC_NONCE_SECONDS = 900

T = TypeVar("T")


class Storage(msgspec.Struct, frozen=True):
    """Where the platform lets tools keep something in the browser: a frame, and its origin."""

    target: str
    origin: str


class Login(msgspec.Struct, frozen=True):
    """A login that the platform is to answer. `browser` is the digest of the cookie it began with."""

    issuer: str
    client_id: str
    nonce: str
    browser: str
    storage: Storage | None = None


class Opened(msgspec.Struct, frozen=True):
    """A checked launch: who opened which section of which district. `frames` may show the page."""

    district_id: str
    uid: str
    section_id: str
    administrator: bool
    learner: bool
    frames: tuple[str, ...]
    title: str | None = None
    timezone: str | None = None


class Held(msgspec.Struct, frozen=True):
    """A checked launch that waits until the browser shows the state that it kept."""

    opened: Opened
    state: str


async def begin(redis: Redis, login: Login) -> str:
    """Remember a login; returns its state."""
    return await _keep(redis, "state", login, STATE_SECONDS)


async def take(redis: Redis, state: str) -> Login | None:
    return await _take(redis, "state", state, Login)


async def hold(redis: Redis, held: Held) -> str:
    """Remember a launch; returns the ticket that it is asked for with."""
    return await _keep(redis, "held", held, HELD_SECONDS)


async def release(redis: Redis, ticket: str) -> Held | None:
    return await _take(redis, "held", ticket, Held)


async def is_new(redis: Redis, *parts: str) -> bool:
    """Whether a signed form of LTI 1.1, named by its key, time and nonce, comes for the first time."""
    name = _name("basic", msgspec.json.encode(parts).decode())
    return bool(await redis.set(name, 1, nx=True, ex=BASIC_NONCE_SECONDS))


async def _keep(redis: Redis, kind: str, thing: msgspec.Struct, seconds: int) -> str:
    key = token_urlsafe(32)
    await redis.set(_name(kind, key), msgspec.json.encode(thing), nx=True, ex=seconds)
    return key


async def _take(redis: Redis, kind: str, key: str, type_: type[T]) -> T | None:
    kept = await redis.getdel(_name(kind, key))
    return None if kept is None else msgspec.json.decode(kept, type=type_)


def _name(kind: str, key: str) -> str:
    return f"gradesync:lti:{kind}:{key}"
