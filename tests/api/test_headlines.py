"""Compare every number that the API shows of a sync with the list that it heads, in any history (R54)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from gradesync.settings import Settings
from gradesync_sandbox.faults import Fault, Status
from gradesync_sandbox.world import build
from harness.api import ApiClient, ApiHarness, open_api
from harness.headlines import find_mismatches, read_lists
from harness.servers import EMPTY, Urls

Json: TypeAlias = dict[str, Any]
REFUSED = Status(409, '{"message":"Conflict","errors":[]}')
NO_ACCESS = Status(403, '{"message":"No access","errors":[{"field":"assignment.createdbyplugin"}]}')


async def sync_changes(api: ApiHarness, who: ApiClient, _: int) -> list[Json]:
    return [await api.sync(who)]


async def sync_in_full(api: ApiHarness, who: ApiClient, _: int) -> list[Json]:
    return [await api.sync(who, mode="full")]


async def preview(api: ApiHarness, who: ApiClient, _: int) -> list[Json]:
    return [await api.sync(who, dry_run=True)]


async def sync_one(api: ApiHarness, who: ApiClient, number: int) -> list[Json]:
    ids = [str(item.id) for item in api.room.section.standing()]
    chosen = [ids[number % len(ids)]] if ids else ["999999"]
    return [await api.sync(who, assignments=chosen)]


async def fail_midway_and_retry(api: ApiHarness, who: ApiClient, number: int) -> list[Json]:
    call = ("score.write", "assignment.create", "assignment.update")[number % 3]
    api.sandbox.faults.add(Fault("powerschool", call, REFUSED, times=2))
    failed = await api.sync(who)
    api.mend()
    started = await who.post(f"{api.path}/syncs", {"retry_of": failed["id"]})
    if started.status_code != 202:  # nothing failed
        return [failed]
    await api.run_queued()
    return [failed, (await who.get(started.headers["location"])).json()]


async def stop_midway(api: ApiHarness, who: ApiClient, number: int) -> list[Json]:
    call = ("score.write", "assignment.create", "assignment.list")[number % 3]
    api.sandbox.faults.add(Fault("powerschool", call, NO_ACCESS, times=None))
    return [await api.sync(who, mode="full")]


async def lose_schoology(api: ApiHarness, who: ApiClient, _: int) -> list[Json]:
    api.refuse("schoology")
    return [await api.sync(who)]


async def review(api: ApiHarness, who: ApiClient, number: int) -> list[Json]:
    """Clear nearly everything: preview it, let the guard stop it, and approve it."""
    section = api.room.section
    for n, item in enumerate(section.standing()):
        for uid in api.room.students:
            if n % 3 or number % 2:
                api.world.schoology.clear(section.id, item.id, uid)
    seen, stopped = await api.sync(who, dry_run=True), await api.sync(who)
    if stopped["result"] != "stopped-for-review":  # there was nothing to clear
        return [seen, stopped]
    return [seen, stopped, await api.sync(who, approve=stopped["fingerprint"])]


async def undo(api: ApiHarness, who: ApiClient, _: int) -> list[Json]:
    done = await api.sync(who)
    wanted = {"sync_id": done["id"], "reason": "By mistake"}
    started = await who.post(f"{api.path}/undo", wanted)
    if started.status_code != 202:  # it sent nothing
        return [done]
    await api.run_queued()
    return [done, (await who.get(started.headers["location"])).json()]


Step: TypeAlias = Callable[[ApiHarness, ApiClient, int], Awaitable[list[Json]]]
STEPS: tuple[Step, ...] = (
    sync_changes,
    sync_in_full,
    preview,
    sync_one,
    fail_midway_and_retry,
    stop_midway,
    lose_schoology,
    review,
    undo,
)


def change(api: ApiHarness, seed: int) -> None:
    """Let the people of the school grade, excuse, rename, delete and drop."""
    schoology, room = api.world.schoology, api.room
    section, students = room.section, list(room.students)
    for number, item in enumerate(section.standing()):
        uid = students[(number * 7 + seed) % len(students)]
        match (number + seed) % 6:
            case 0:
                schoology.grade(section.id, item.id, uid, Decimal(number))
            case 1:
                schoology.clear(section.id, item.id, uid)
            case 2:
                schoology.edit_assignment(section.id, item.id, title=f"Renamed {number} " + "x" * (seed % 60))
            case 3:
                schoology.set_exception(section.id, item.id, uid, 1 + seed % 4)
            case 4:
                schoology.delete_assignment(section.id, item.id)
            case _:
                schoology.grade(section.id, item.id, uid, Decimal(-number))
    if len(students) > 2 and seed % 3 == 0:
        api.drop_student()


async def run_step(api: ApiHarness, who: ApiClient, step: Step, number: int) -> None:
    for sync in await step(api, who, number):
        api.mend()
        found = find_mismatches(sync, await read_lists(who, api.path, sync))
        assert found == [], f"{step.__name__} {sync['result']}"


@pytest.fixture
async def loop() -> asyncio.AbstractEventLoop:
    """Return the loop that the servers belong to."""
    return asyncio.get_running_loop()


def test_R54_headlines_are_the_numbers_of_their_lists(
    settings: Settings,
    servers: Urls,
    sweeper: AsyncConnection,
    loop: asyncio.AbstractEventLoop,
    run_all: bool,
) -> None:
    async def run_history(seed: int, size: tuple[int, int], steps: Sequence[tuple[Step, int]]) -> None:
        await sweeper.execute(EMPTY)  # a world of the same seed has the same keys
        world = build(seed, 1, *size)
        async with open_api(settings, servers, world) as api:
            await api.change_policy(
                guard_scores=1, guard_share=Decimal("0.05"), drift=("report", "ask")[seed % 2]
            )
            who = await api.office()
            for step, number in steps:
                await run_step(api, who, step, number)
                change(api, seed + number)

    @hypothesis_settings(
        max_examples=60 if run_all else 2, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        seed=st.integers(0, 999),
        size=st.sampled_from([(1, 1), (1, 4), (7, 1), (7, 8), (3, 0)]),
        steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 12)), min_size=2, max_size=5),
    )
    @example(seed=7, size=(7, 8), steps=[(step, 1) for step in STEPS])
    @example(seed=8, size=(7, 8), steps=[(sync_changes, 0), (review, 0), (undo, 0), (stop_midway, 0)])
    def check(seed: int, size: tuple[int, int], steps: list[tuple[Step, int]]) -> None:
        loop.run_until_complete(run_history(seed, size, steps))

    check()
