"""Test how districts take turns: what fails in one rests, and takes nothing from the others."""

import asyncio
from dataclasses import dataclass, field

import pytest

from gradesync.errors import DatabaseAway
from gradesync.observability.rotation import LONGEST_REST_SECONDS, Rotation

BROKEN = ("north", "east", "south")
ALL = (*BROKEN, "west")
FROZEN, BUSY = DatabaseAway("NoAnswer"), DatabaseAway("LockNotAvailableError")


@dataclass
class Served:
    """Record who was served, and fail as set."""

    failing: dict[str, Exception] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)
    now: float = 0.0

    async def __call__(self, district_id: str) -> int:
        self.tried.append(district_id)
        if (error := self.failing.get(district_id)) is not None:
            raise error
        return 1

    def take_tried(self) -> list[str]:
        tried, self.tried = self.tried, []
        return tried


def open_rotation(served: Served) -> Rotation:
    return Rotation("test", 1, clock=lambda: served.now)


@pytest.mark.parametrize("error", [KeyError("broken"), BUSY], ids=["broken", "busy"])
async def test_failing_districts_rest_and_the_others_go_on(error: Exception) -> None:
    served = Served(dict.fromkeys(BROKEN, error))
    rotation = open_rotation(served)
    assert await rotation.serve(ALL, served) == 1
    assert served.take_tried() == [*ALL]
    assert await rotation.serve(ALL, served) == 1
    assert served.take_tried() == ["west"]
    served.now += 2
    assert await rotation.serve(ALL, served) == 1
    assert served.take_tried() == ["west", *BROKEN]


async def test_rests_grow_to_a_minute_and_end_with_a_success() -> None:
    served = Served({"north": KeyError("broken")})
    rotation = open_rotation(served)
    tries = []
    while served.now < 200:
        await rotation.serve(["north"], served)
        tries += [served.now] * len(served.take_tried())
        served.now += 1
    assert tries == [0, 2, 6, 14, 30, 62, 122, 182]
    served.now += LONGEST_REST_SECONDS
    served.failing.clear()
    assert await rotation.serve(["north"], served) == 1
    assert await rotation.serve(["north"], served) == 1


async def test_away_server_ends_the_round_and_another_comes_first() -> None:
    served = Served({"north": FROZEN})
    rotation = open_rotation(served)
    with pytest.raises(DatabaseAway):
        await rotation.serve(ALL, served)
    assert served.take_tried() == ["north"]
    with pytest.raises(DatabaseAway):
        await rotation.serve(ALL, served)
    assert served.take_tried() == ["east", "south", "west", "north"]
    served.failing.clear()
    assert await rotation.serve(ALL, served) == len(ALL)


async def test_what_is_under_way_ends_though_a_server_is_away() -> None:
    begun, ended = asyncio.Event(), []

    async def act(district_id: str) -> int:
        if district_id == "north":
            await begun.wait()
            raise FROZEN
        begun.set()
        await asyncio.sleep(0)
        ended.append(district_id)
        return 1

    with pytest.raises(DatabaseAway):
        await Rotation("test", 2).serve(["north", "east"], act)
    assert ended == ["east"]


async def test_slow_district_takes_one_place_alone() -> None:
    served, slow = Served(), asyncio.Event()

    async def act(district_id: str) -> int:
        if district_id == "north":
            await slow.wait()
        elif district_id == "west":
            slow.set()
        return await served(district_id)

    assert await Rotation("test", 2).serve(ALL, act) == len(ALL)
    assert served.tried == ["east", "south", "west", "north"]
