"""Test what a process caches for a while."""

import asyncio
import gc
from weakref import ref

import pytest

from gradesync.access.tokens import Cache


class Loader:
    """Return how often it was called; `fails` makes it raise."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, key: str) -> int:
        self.keys.append(key)
        await self.gate.wait()
        if self.fails:
            raise LookupError(key)
        return len(self.keys)


async def test_value_is_loaded_once() -> None:
    loader = Loader()
    cache = Cache(loader.load, seconds=60)
    assert [await cache.get("a") for _ in range(3)] == [1, 1, 1]
    assert await cache.get("b") == 2


async def test_waiting_callers_share_a_load() -> None:
    loader = Loader()
    loader.gate.clear()
    cache = Cache(loader.load, seconds=60)
    waiting = [asyncio.create_task(cache.get("a")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    loader.gate.set()
    assert await asyncio.gather(*waiting[1:]) == [1, 1]
    assert loader.keys == ["a"]


async def test_load_that_outlasts_its_time_is_shared() -> None:
    loader = Loader()
    loader.gate.clear()
    cache = Cache(loader.load, seconds=0)
    waiting = [asyncio.create_task(cache.get("a")) for _ in range(3)]
    await asyncio.sleep(0)
    loader.gate.set()
    assert await asyncio.gather(*waiting) == [1, 1, 1]


async def test_value_expires() -> None:
    loader = Loader()
    cache = Cache(loader.load, seconds=0)
    assert [await cache.get("a"), await cache.get("a")] == [1, 2]


async def test_what_expired_is_kept_no_longer() -> None:
    loaded = []

    async def load(key: str) -> Loader:
        loader = Loader()
        loaded.append(ref(loader))
        return loader

    cache = Cache(load, seconds=0)
    await cache.get("a")
    await cache.get("b")
    gc.collect()
    assert [value() is None for value in loaded] == [True, False]


async def test_failure_is_not_cached() -> None:
    loader = Loader()
    cache = Cache(loader.load, seconds=60)
    loader.fails = True
    with pytest.raises(LookupError):
        await cache.get("a")
    loader.fails = False
    assert await cache.get("a") == 2


async def test_oldest_value_is_dropped_first() -> None:
    loader = Loader()
    cache = Cache(loader.load, seconds=60, limit=2)
    for key in ("a", "b", "c", "b", "a"):
        await cache.get(key)
    assert loader.keys == ["a", "b", "c", "a"]


async def test_forgotten_value_is_loaded_again() -> None:
    loader = Loader()
    cache = Cache(loader.load, seconds=60)
    await cache.get("a")
    cache.forget("a")
    cache.forget("never known")
    assert await cache.get("a") == 2
