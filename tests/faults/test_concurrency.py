"""Keep limits across workers, keep districts from slowing each other, and survive servers that go away."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from gradesync.db.codec import Secrets
from gradesync.sync.claim import claim_from
from gradesync.systems import observe_circuits
from gradesync.upstream.limits import FAILURES_TO_OPEN
from gradesync_sandbox import world
from gradesync_sandbox.faults import Status, System
from harness.assertions import find_false_claims
from harness.contexts import LIMITS, run_next_sync
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import held_at

# Waits until they are gone: one that takes its time would cut off the test that follows.
CUT = text("""
    SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND usename = user AND datname = current_database()
""")


async def run_workers(harness: DistrictHarness, *, workers: int) -> None:
    """Run every sync of the district with several workers, each with systems opened for itself."""
    contexts = []
    for _ in range(workers):
        harness.restart()
        contexts.append(harness.context)

    async def run_worker(number: int) -> None:
        harness.context = contexts[number]
        while await _processing(harness):
            await run_next_sync(contexts[number])
            await asyncio.sleep(0.02)

    await asyncio.gather(*(run_worker(number) for number in range(workers)))


async def set_interval(harness: DistrictHarness, milliseconds: int) -> None:
    """Set how far apart the district's SIS wants calls."""
    sis = replace(harness.district.sis, minimum_interval_ms=milliseconds)
    await harness.replace_district(replace(harness.district, sis=sis))


async def _processing(harness: DistrictHarness) -> int:
    async with harness.context.database.district(harness.district.id) as db:
        return await db.scalar(text("SELECT count(*) FROM sync WHERE status = 'processing'")) or 0


@pytest.mark.long
@pytest.mark.parametrize("retry_after", [True, False])
async def test_workers_together_keep_the_limit_of_the_key(
    environment: Environment, retry_after: bool
) -> None:
    built = world.build(7, 8, 3, 2, ideal=True)
    switches = built.schoology.switches
    switches.credits, switches.window_seconds, switches.multiget_cost = 20, 1.0, 3
    switches.retry_after = retry_after
    async with environment.open_district(built) as harness:
        syncs = [await harness.request(room) for room in built.classrooms]
        await run_workers(harness, workers=4)
        assert built.schoology.log.max_in_window(1.0) <= 20
        assert [call for call in built.schoology.log.calls if call.status == 429] == []
        for room, sync in zip(built.classrooms, syncs, strict=True):
            after = await harness.get(sync)
            assert (after.status, harness.differences(room)) == ("complete", [])
            assert await find_false_claims(harness, after) == []


@pytest.mark.long
async def test_workers_together_keep_the_interval_of_the_sis(environment: Environment) -> None:
    built = world.build(7, 4, 2, 1, ideal=True)
    built.powerschool.switches.min_interval_ms = 20  # the district's own setting is longer: machines are busy
    async with environment.open_district(built) as harness:
        await set_interval(harness, 120)
        syncs = [await harness.request(room) for room in built.classrooms]
        await run_workers(harness, workers=4)
        calls = built.powerschool.log.calls
        assert [call.kind for call in calls if call.status == 429] == []
        assert calls[-1].at - calls[0].at >= (len(calls) - 1) * 0.12
        for room, sync in zip(built.classrooms, syncs, strict=True):
            assert (await harness.get(sync)).status == "complete"
            assert harness.differences(room) == []


@pytest.mark.long
async def test_workers_together_keep_the_district_concurrency(
    environment: Environment,
) -> None:
    built = world.build(7, 6, 2, 1, ideal=True)
    built.powerschool.switches.latency = 0.03
    async with environment.open_district(built, limits=replace(LIMITS, per_district=2)) as harness:
        syncs = [await harness.request(room) for room in built.classrooms]
        await run_workers(harness, workers=4)
        assert built.powerschool.log.max_in_flight <= 2
        assert {(await harness.get(sync)).status for sync in syncs} == {"complete"}


async def test_concurrent_claims_keep_the_district_limit(
    environment: Environment,
) -> None:
    built = world.build(7, 12, 1, 1, ideal=True)
    built.schoology.switches.credits = 1_000_000  # the budget lets all of them start
    async with environment.open_district(built, limits=replace(LIMITS, per_district=2)) as harness:
        for room in built.classrooms:
            await harness.request(room)
        claims = [claim_from(harness.context, harness.district.id) for _ in built.classrooms]
        claimed = await asyncio.gather(*claims)
        assert sum(each is not None for each in claimed) == 2


async def test_throttling_is_invisible_while_time_remains(harness: DistrictHarness) -> None:
    throttled = Status(503, '{"message":"Too many requests. Please wait 1 seconds"}')
    harness.fault("powerschool", "score.write", throttled, times=2)
    harness.fault("schoology", "multiget", Status(429, "", {"retry-after": "1"}), times=2)
    sync = await harness.sync()
    assert (sync.status, sync.error_code) == ("complete", None)
    assert harness.differences() == []


@pytest.mark.long
async def test_busy_district_does_not_delay_another(environment: Environment) -> None:
    async with (
        environment.open_district(world.build(7, 30, 2, 1, ideal=True)) as busy,
        environment.open_district(world.build(8, 1, 2, 1, ideal=True)) as other,
    ):
        for room in busy.world.classrooms:
            await busy.request(room)
        sync = await other.request()
        runs = 0
        while (await other.get(sync)).status == "processing":
            # Each context here reaches both districts: systems are opened by the claimed district's settings.
            assert await run_next_sync(busy.context)
            runs += 1
        assert runs <= 3
        await busy.run_queued()


async def test_unreadable_secrets_do_not_affect_other_districts(
    environment: Environment,
) -> None:
    async with (
        environment.open_district(world.build(7, 1, 2, 1, ideal=True)) as sealed,
        environment.open_district(world.build(8, 1, 2, 1, ideal=True)) as other,
    ):
        waiting = await sealed.request()
        await sealed.change_rows("""UPDATE district SET secrets = secrets || '{"sis.client_secret": "?"}'""")
        sync = await other.request()
        assert await run_next_sync(other.context)
        assert (await other.get(sync)).status == "complete"
        assert not await run_next_sync(other.context)
        assert (await sealed.get(waiting)).status == "processing"


async def test_dead_upstream_does_not_affect_other_districts(environment: Environment) -> None:
    async with (
        environment.open_district(world.build(7, 6, 2, 1, ideal=True)) as dead,
        environment.open_district(world.build(8, 1, 2, 1, ideal=True)) as other,
    ):
        dead.fault("schoology", "*", Status(503, "down"), times=None)
        for room in dead.world.classrooms:
            await dead.request(room)
        while await run_next_sync(dead.context):
            pass
        async with dead.context.database.district(dead.district.id) as db:
            waiting = await db.scalar(text("SELECT count(*) FROM sync WHERE status = 'processing'"))
        assert waiting, "an open circuit lets the rest wait for a better time"
        assert (await other.sync()).status == "complete"


@pytest.mark.parametrize("system", ["schoology", "powerschool"])
async def test_failed_sync_names_the_open_circuit(environment: Environment, system: System) -> None:
    async with environment.open_district(world.build(7, FAILURES_TO_OPEN + 1, 2, 1, ideal=True)) as harness:
        harness.fault(system, "*", Status(503, "down"), times=None)
        syncs = [await harness.request(room) for room in harness.world.classrooms]
        while await run_next_sync(harness.context):
            pass
        assert await observe_circuits(harness.redis) == {
            "schoology": 0,
            "powerschool": 0,
            "oneroster": 0,
            system: 1,
        }
        ended = [current for sync in syncs if (current := await harness.get(sync)).status != "processing"]
        assert {sync.error_code for sync in ended} == {"upstream-unavailable"}
        named = [f"circuit open: {system}" in (sync.error_detail or "") for sync in ended]
        assert named.count(True) == 1, "the one whose failure opened it"
        harness.faults.clear()
        await harness.pass_time()
        assert (await harness.sync()).status == "complete"
        assert await observe_circuits(harness.redis) == {"schoology": 0, "powerschool": 0, "oneroster": 0}


@pytest.mark.parametrize("system", ["schoology", "powerschool"])
async def test_timed_out_sync_names_the_open_circuit(environment: Environment, system: System) -> None:
    async with environment.open_district(world.build(7, FAILURES_TO_OPEN + 1, 2, 1, ideal=True)) as harness:
        harness.fault(system, "*", Status(503, "down"), times=None)
        syncs = [await harness.request(room) for room in harness.world.classrooms]
        while await run_next_sync(harness.context):
            pass
        waited = [sync for sync in syncs if (await harness.get(sync)).status == "processing"]
        assert waited
        await harness.pass_deadline()
        ended = [await harness.get(sync) for sync in waited]
        assert {(sync.error_code, sync.error_detail) for sync in ended} == {
            ("timed-out", f"circuit open: {system}")
        }


async def test_sync_times_out_though_secrets_are_unreadable(
    environment: Environment,
) -> None:
    async with environment.open_district(world.build(7, 1, 2, 1, ideal=True)) as harness:
        sync = await harness.request()
        keyless = replace(
            harness.context.database, secrets=Secrets(["a key that sealed nothing in this district"])
        )
        harness.context = replace(harness.context, database=keyless)
        await harness.pass_deadline()
        ended = await harness.get(sync)
        assert (ended.error_code, ended.error_detail) == ("timed-out", "")


@pytest.mark.parametrize("kind", ["assignment.list", "assignment.create", "score.write"])
async def test_cut_database_connections_lose_nothing(harness: DistrictHarness, kind: str) -> None:
    sync = await harness.request()
    async with (
        held_at(harness, kind, harness.run_queued(), done="before"),
        harness.context.database.district(harness.district.id) as db,
    ):
        await db.execute(CUT)
    await harness.pass_time()
    after = await harness.run_to_end(sync)
    assert (after.status, after.error_code) == ("complete", None)
    assert await find_false_claims(harness, after) == []
    assert harness.differences() == []
    assert harness.world.powerschool.log.effects() == {"written": 6}
    assert harness.created == 2


async def test_work_that_makes_no_call_does_not_wait_for_it(harness: DistrictHarness) -> None:
    with pytest.raises(AssertionError, match="without the call"):
        async with held_at(harness, "assignment.list", harness.run_queued()):
            pass


async def test_failure_beside_held_work_is_shown(harness: DistrictHarness) -> None:
    sync = await harness.request()
    with pytest.raises(LookupError):
        async with held_at(harness, "assignment.list", harness.run_queued()):
            raise LookupError
    assert (await harness.get(sync)).status == "complete"


@pytest.mark.parametrize("kind", ["assignment.list", "assignment.create", "score.write"])
async def test_flushed_redis_loses_nothing(harness: DistrictHarness, kind: str) -> None:
    sync = await harness.request()
    async with held_at(harness, kind, harness.run_queued(), done="before"):
        await harness.redis.flushdb()
    after = await harness.run_to_end(sync)
    assert (after.status, harness.differences()) == ("complete", [])
