"""Check a rehearsal: the real pool and budgets carry a load on a virtual clock; its bottleneck is named."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import event

from gradesync.core.rehearsal import DOUBLED, SectionLoad, Writing
from gradesync.db import districts
from gradesync.db.section_loads import FIRST_READS, count_without_load, list_loads
from gradesync.db.session import Database
from gradesync.rehearsal.play import TURNS
from gradesync.rehearsal.virtual_time import run_virtually
from gradesync.settings import Settings
from gradesync.upstream.limits import per_window
from gradesync.worker.pool import LOOK_SECONDS, SyncPool
from gradesync.worker.usage import CALLS_KEY, CLAIMS_KEY
from gradesync_sandbox.world import build
from harness.commands import run_gradesync
from harness.contexts import run_next_sync
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.rehearsals import DISTRICT, SCENE, SECTIONS, USUAL, play
from harness.settled_syncs import add_settled


def test_virtual_time_passes_at_once() -> None:
    async def wait() -> float:
        await asyncio.gather(asyncio.sleep(86400), asyncio.sleep(3600))
        return asyncio.get_running_loop().time()

    assert run_virtually(wait()) == pytest.approx(86400)


async def test_small_allowance_is_the_bottleneck(redis: Redis) -> None:
    played = await play(redis)
    rate, calls = per_window(15, 5), DISTRICT.schoology.calls_per_sync
    windows = SECTIONS // (rate.limit // calls)  # slots for part of a sync are of no use
    assert (windows - 1) * rate.window < played.now.finish < windows * (rate.window + LOOK_SECONDS)
    assert played.bottleneck == "the Schoology key's allowance"
    assert played.now.finish > 1.5 * played.allowances[2].finish > 2 * played.allowances[4].finish
    assert (played.now.late, played.now.sliced) == (0, 0)


async def test_slow_systems_are_no_small_allowance(redis: Redis) -> None:
    slow = replace(USUAL, requests_per_window=1000, latency=5)
    played = await play(redis, slow)
    # Reads and one write, four syncs at a time.
    assert played.now.finish == pytest.approx(SECTIONS / 4 * 2 * 5, rel=0.1)
    assert played.bottleneck in (DOUBLED["per_district"], DOUBLED["latency"])
    assert played.allowances[4].finish == pytest.approx(played.now.finish, rel=0.05)


async def test_each_score_is_a_call_where_the_sis_takes_one(redis: Redis) -> None:
    """Play two syncs at a time that share eight connections of their worker."""
    writing = Writing(1, 8, is_shared=True)
    scene = replace(SCENE, load=[SectionLoad(str(number), 9, 40) for number in range(6)], writing=writing)
    wide = replace(USUAL, requests_per_window=1000, per_district=2)
    played = await play(redis, wide, scene)
    assert played.now.finish == pytest.approx(6 * (9 + 40) / 8 * 0.5, rel=0.2)
    assert played.improved["per_district"].finish == pytest.approx(played.now.finish, rel=0.1)
    assert played.improved["workers"].finish == pytest.approx(played.now.finish / 2, rel=0.3)


async def test_busy_processor_is_the_bottleneck(redis: Redis) -> None:
    busy = replace(USUAL, requests_per_window=1000, per_district=20, latency=0.05, processor=0.1)
    played = await play(redis, busy)
    calls = 4 + sum(SCENE.load[0].writes(SCENE.writing))
    # Whatever runs at once, one processor serves all calls; the last answer has come before.
    assert played.now.finish == pytest.approx(SECTIONS * calls * busy.processor, rel=0.02)
    assert played.bottleneck == "the worker's processor"
    assert played.improved["workers"].finish == pytest.approx(played.now.finish / 2, rel=0.05)
    assert played.improved["per_district"].finish == pytest.approx(played.now.finish, rel=0.02)


async def test_claims_in_a_row_are_the_bottleneck(redis: Redis) -> None:
    """Play claims that take as long as a sixth of a sync, where twenty syncs may run at once."""
    wide = replace(USUAL, requests_per_window=1000, per_district=20, slots=20, workers=2)
    free, waiting = await play(redis, wide), await play(redis, replace(wide, claiming=0.1))
    assert free.now.finish == pytest.approx(SECTIONS / 20 * 2 * 0.5, rel=0.1)
    # Whoever claims, one claim of the district comes after another, and the last sync takes its time.
    assert waiting.now.finish == pytest.approx(SECTIONS * 0.1 + 2 * 0.5, rel=0.05)
    assert waiting.bottleneck == "the claims of one district, one after another"
    assert waiting.improved["workers"].finish == pytest.approx(waiting.now.finish, rel=0.02)


async def test_looks_for_work_lengthen_each_sync(redis: Redis) -> None:
    few = replace(USUAL, requests_per_window=1000, per_district=2)
    free, looking = await play(redis, few), await play(redis, replace(few, looking=0.25))
    assert looking.now.finish - free.now.finish == pytest.approx(SECTIONS / 2 * 0.25, rel=0.1)


async def test_shared_machine_is_the_bottleneck(redis: Redis) -> None:
    shared = replace(
        USUAL, requests_per_window=1000, per_district=40, workers=4, processor=0.05, cores=2, beside=0.05
    )
    played = await play(redis, shared)
    calls = 4 + sum(SCENE.load[0].writes(SCENE.writing))
    assert played.now.finish == pytest.approx(SECTIONS * calls * (0.05 + 0.05) / 2, rel=0.1)
    assert played.bottleneck == "the processors of the machine that workers and servers share"
    assert played.improved["workers"].finish == pytest.approx(played.now.finish, rel=0.05)


async def test_servers_hardly_keep_one_busy_worker(redis: Redis) -> None:
    """Play reads that are answered together, whose servers could take both processors at once."""
    busy = replace(USUAL, requests_per_window=1000, per_district=20, slots=20, processor=0.05)
    played = await play(redis, replace(busy, cores=2, beside=0.03))
    calls = 4 + sum(SCENE.load[0].writes(SCENE.writing))
    assert played.now.finish == pytest.approx(SECTIONS * calls * busy.processor, rel=0.12)
    assert played.bottleneck == "the worker's processor"


async def test_call_takes_as_many_turns_as_are_played(harness: DistrictHarness) -> None:
    await harness.sync()
    statements: list[object] = []

    def follow(connection: Any, *_: object) -> None:
        connection.driver_connection.add_query_logger(statements.append)

    event.listen(harness.context.database.engine.sync_engine, "checkout", follow)
    await harness.request()
    statements.clear()
    assert await run_next_sync(harness.context)
    assert (len(statements) + FIRST_READS) / FIRST_READS == pytest.approx(TURNS, abs=1)


async def test_class_with_an_unmatched_student_is_a_load(environment: Environment) -> None:
    async with environment.open_district(build(7, 1, 30, 3)) as harness:
        harness.grade(harness.items[0], harness.room.odd["odd_id"], 5)
        sync = await harness.sync()
        async with harness.context.database.district(harness.district.id) as db:
            (load,) = await list_loads(db)
            assert await count_without_load(db) == 0
    assert (sync.status, sync.error_code) == ("failed", None)
    assert load.scores == sync.scores["written"] > 0


async def test_idle_processor_is_no_bottleneck(redis: Redis) -> None:
    alone, shared = await play(redis), await play(redis, replace(USUAL, processor=0.005))
    assert shared.now.finish == pytest.approx(alone.now.finish, rel=0.05)
    assert shared.bottleneck == alone.bottleneck


async def test_what_takes_no_time_is_played_once(redis: Redis) -> None:
    played = await play(redis, scene=replace(SCENE, load=SCENE.load[:5]))
    same = {what for what, improved in played.improved.items() if improved is played.now}
    assert same == {"processor", "claiming", "cores", "sis_limit", "connections"}


async def test_syncs_past_their_limit_and_slice_are_counted(redis: Redis) -> None:
    slow = replace(USUAL, requests_per_window=1000, latency=20)
    district = replace(DISTRICT, schoology=replace(DISTRICT.schoology, requests_per_window=1000))
    played = await play(redis, slow, replace(SCENE, district=district, settle_seconds=300))
    assert played.now.sliced == SECTIONS
    assert played.now.late == SECTIONS - 4 * (300 // 40)


async def test_requests_over_hours_wait_for_no_budget(redis: Redis) -> None:
    played = await play(redis, scene=replace(SCENE, over=3600))
    assert played.now.finish == pytest.approx(3600, rel=0.05)
    assert played.bottleneck is None


async def test_nobody_looks_while_nothing_waits(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Play requests of a day: a look each second in between would take a minute of real time."""
    looks = 0
    try_start = SyncPool.try_start

    async def count(pool: SyncPool[Any]) -> None:
        nonlocal looks
        looks += 1
        await try_start(pool)

    monkeypatch.setattr(SyncPool, "try_start", count)
    played = await play(redis, scene=replace(SCENE, over=86400))
    assert played.now.finish == pytest.approx(86400, rel=0.05)
    assert looks < 20 * SECTIONS * 3


async def test_workers_without_a_sync_do_not_look(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Play a thousand workers: each look would take a call to Redis, every second until the last sync."""
    pools = 0
    begin = SyncPool.__init__

    def count(pool: SyncPool[Any], *arguments: Any) -> None:
        nonlocal pools
        pools += 1
        begin(pool, *arguments)

    monkeypatch.setattr(SyncPool, "__init__", count)
    many, few = await play(redis, replace(USUAL, workers=1000)), await play(redis)
    assert many.now.finish == pytest.approx(few.now.finish, rel=0.02)
    assert pools < 200


async def test_rehearsal_leaves_nothing_in_redis(redis: Redis) -> None:
    before = set(await redis.keys())
    await play(redis, scene=replace(SCENE, load=SCENE.load[:5]))
    assert set(await redis.keys()) == before


async def test_interrupted_rehearsal_leaves_nothing_in_redis(redis: Redis) -> None:
    before = set(await redis.keys())
    playing = asyncio.create_task(play(redis, scene=replace(SCENE, load=[*SCENE.load] * 100)))
    async with asyncio.timeout(60):
        while set(await redis.keys()) == before:
            await asyncio.sleep(0.01)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
    assert set(await redis.keys()) == before


async def test_command_forecasts_from_the_log(database: Database, settings: Settings) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, DISTRICT)
    environment = settings.environment()
    refused = await run_gradesync("rehearse", "riverside", environment=environment)
    assert (refused.code, "has no sync that was carried out" in refused.err) == (1, True)
    for number in range(2):
        await add_settled(database, "1", 100 * number, 0.5, failed=1)
    answer = await run_gradesync("rehearse", "--json", "riverside", environment=environment)
    forecast = json.loads(answer.out)
    assert (forecast["sections"], forecast["resources"]["latency"], forecast["late"]) == (1, 0.5, 0)
    assert (forecast["resources"]["processor"], forecast["sections_left_out"]) == (0, 0)


async def test_command_counts_sections_that_it_leaves_out(database: Database, settings: Settings) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, DISTRICT)
    for number, error in enumerate((None, "sis-unreadable", "timed-out")):
        await add_settled(database, str(number), 100 * number, 0.5, error=error)
    environment = settings.environment()
    shown = await run_gradesync("rehearse", "--latency", "0.5", "riverside", environment=environment)
    assert "2 known sections are left out" in shown.out
    answer = await run_gradesync(
        "rehearse", "--latency", "0.5", "--json", "riverside", environment=environment
    )
    assert json.loads(answer.out)["sections_left_out"] == 2


@pytest.mark.parametrize(("given", "missing"), [("--beside", "--cores"), ("--cores", "--beside")])
async def test_half_described_machine_is_refused(given: str, missing: str, settings: Settings) -> None:
    refused = await run_gradesync("rehearse", given, "2", "riverside", environment=settings.environment())
    assert (refused.code, f"{given} needs {missing}." in refused.err) == (1, True)


@pytest.mark.parametrize("option", ["workers", "over", "latency", "processor", "beside"])
async def test_absurd_option_is_refused(settings: Settings, option: str) -> None:
    for value in ("inf", "nan", "1e9", "-1"):
        answer = await run_gradesync(
            "rehearse", f"--{option}={value}", "riverside", environment=settings.environment()
        )
        assert answer.code == 2, value


async def test_command_knows_what_workers_measured(
    database: Database, settings: Settings, redis: Redis
) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, DISTRICT)
    for number in range(2):
        await add_settled(database, "1", 100 * number, 0.5)
    async with redis.pipeline() as pipe:
        pipe.rpush(CALLS_KEY, *(json.dumps({"processor": measured}) for measured in (0.01, 0.02, 0.09)))
        pipe.rpush(CLAIMS_KEY, json.dumps({"looking": 0.005, "claiming": 0.003}))
        await pipe.execute()
    answer = await run_gradesync("rehearse", "--json", "riverside", environment=settings.environment())
    resources = json.loads(answer.out)["resources"]
    assert (resources["processor"], resources["looking"], resources["claiming"]) == (0.02, 0.005, 0.003)
    assert resources["latency"] == pytest.approx(0.5 - 4 * 0.02)
