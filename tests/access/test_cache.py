"""What a process remembers for a while."""

import asyncio

import pytest

from gradesync.access.cache import Cache


class Oracle:
    """Answers with how often it was asked; `fails` makes it refuse."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def answer(self, key: str) -> int:
        self.asked.append(key)
        await self.gate.wait()
        if self.fails:
            raise LookupError(key)
        return len(self.asked)


async def test_one_question_is_asked_once() -> None:
    oracle = Oracle()
    remembered = Cache(oracle.answer, seconds=60)
    assert [await remembered.get("a") for _ in range(3)] == [1, 1, 1]
    assert await remembered.get("b") == 2


async def test_those_who_wait_share_a_question() -> None:
    oracle = Oracle()
    oracle.gate.clear()
    remembered = Cache(oracle.answer, seconds=60)
    waiting = [asyncio.create_task(remembered.get("a")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    oracle.gate.set()
    assert await asyncio.gather(*waiting[1:]) == [1, 1]
    assert oracle.asked == ["a"]


async def test_an_answer_grows_old() -> None:
    oracle = Oracle()
    remembered = Cache(oracle.answer, seconds=0)
    assert [await remembered.get("a"), await remembered.get("a")] == [1, 2]


async def test_a_failure_is_not_remembered() -> None:
    oracle = Oracle()
    remembered = Cache(oracle.answer, seconds=60)
    oracle.fails = True
    with pytest.raises(LookupError):
        await remembered.get("a")
    oracle.fails = False
    assert await remembered.get("a") == 2


async def test_the_oldest_is_forgotten_first() -> None:
    oracle = Oracle()
    remembered = Cache(oracle.answer, seconds=60, most=2)
    for key in ("a", "b", "c", "b", "a"):
        await remembered.get(key)
    assert oracle.asked == ["a", "b", "c", "a"]


async def test_what_is_forgotten_is_asked_again() -> None:
    oracle = Oracle()
    remembered = Cache(oracle.answer, seconds=60)
    await remembered.get("a")
    remembered.forget("a")
    remembered.forget("never known")
    assert await remembered.get("a") == 2
