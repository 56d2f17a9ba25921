"""Do what the preview announced, and retry only what failed (R52)."""

import asyncio
from collections.abc import Sequence
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradesync.core.sis import DriftPolicy, Policy
from gradesync_sandbox import world
from harness.assertions import assert_synced_well
from harness.changes import CHANGES, Change, make_change
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.sis_kinds import POWERSCHOOL, ROSTER_KINDS, Kind, open_kind

Sizes = tuple[int, int, int, int]
Round = tuple[str, list[Change]]

NUMBERS = st.integers(0, 40)
SIZES = st.tuples(st.integers(0, 9999), st.just(1), st.integers(1, 6), st.integers(1, 5))  # of `world.build`
POLICIES = st.builds(
    Policy,
    shorten_titles=st.booleans(),
    many_to_one=st.booleans(),
    exception_flags=st.booleans(),
    take_over=st.booleans(),
    drift=st.sampled_from(get_args(DriftPolicy)),
    guard_scores=st.just(10_000),  # a guard stops a sync, and no preview
    guard_assignments=st.just(10_000),
)
CHANGE = st.builds(Change, st.sampled_from(sorted(CHANGES)), NUMBERS, NUMBERS, NUMBERS)
CHANGED = {"updated", "adopted"}  # one that is taken over may get other total points too
UNSHOWN = {"lock or open in sis"}  # a locked term shows only where a write is refused
ROUNDS = st.lists(
    st.tuples(st.sampled_from(["changes", "full"]), st.lists(CHANGE, max_size=5)), min_size=1, max_size=3
)


async def compare(harness: DistrictHarness, **wanted: Any) -> None:
    """Expect a sync to do exactly what the preview just before it announced.

    Only a sync sees what the SIS makes of its scores when total points change: those that it keeps need no
    write, and stand there for an absent student too.
    """
    preview = await harness.sync(dry_run=True, **wanted)
    sync = await harness.sync(**wanted)
    announced, done = await harness.outcomes_by_cell(preview), await harness.outcomes_by_cell(sync)
    changed = {item for (item, uid), (result, _) in done.items() if not uid and result in CHANGED}
    kept = {key for key, (result, _) in done.items() if key[0] in changed and key[1] and result == "adopted"}
    absent = {key for key in kept if announced[key] == ("failed", "student-not-in-sis-section")}
    assert sync.error_code == preview.error_code
    assert done | {key: announced[key] for key in kept} == announced
    assert {announced[key][0] for key in kept - absent} <= {"written", "adopted"}
    assert await harness.warnings(sync) == await harness.warnings(preview)
    failed = {**preview.scores, "failed": preview.scores["failed"] - len(absent)}
    for counts, expected in ((sync.assignments, preview.assignments), (sync.scores, failed)):
        assert {counts[name] - expected[name] for name in ("read", "failed", "skipped")} == {0}


async def test_R52_preview_predicts_absent_students(harness: DistrictHarness) -> None:
    dropped = harness.students[0]
    harness.world.powerschool.drop(harness.room.students[dropped], harness.room.sis)
    await compare(harness)


async def test_R52_preview_predicts_students_who_are_back(harness: DistrictHarness) -> None:
    dropped = harness.room.students[harness.students[0]]
    harness.world.powerschool.drop(dropped, harness.room.sis)
    await compare(harness)
    await compare(harness)  # owed by now
    harness.world.powerschool.enroll(dropped, harness.room.sis)
    await compare(harness)
    assert harness.differences() == []


async def test_R52_preview_predicts_what_a_lock_refuses(harness: DistrictHarness) -> None:
    await assert_synced_well(harness)
    locked, uid = harness.part(harness.items[0]), harness.students[0]
    harness.world.powerschool.gradebook.lock_assignment(locked)
    for item in harness.items:
        harness.grade(item, uid, 1)
    await compare(harness)
    one, other = (harness.sis_text(item, uid) for item in harness.items)
    assert (one != "1", other) == (True, "1")
    harness.world.powerschool.gradebook.lock_assignment(locked, locked=False)
    await assert_synced_well(harness)


def check_worlds(
    environment: Environment, loop: asyncio.AbstractEventLoop, kinds: Sequence[Kind], worlds: int
) -> None:
    """Compare previews and syncs of so many random worlds: of the first sync, and after each round."""

    @settings(max_examples=worlds, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(kinds), SIZES, st.booleans(), POLICIES, ROUNDS)
    def check(kind: Kind, sizes: Sizes, ideal: bool, policy: Policy, rounds: Sequence[Round]) -> None:
        district = world.build(*sizes, ideal=ideal)
        loop.run_until_complete(live(environment, kind, district, policy, rounds))

    check()


async def live(
    environment: Environment, kind: Kind, district: world.World, policy: Policy, rounds: Sequence[Round]
) -> None:
    async with open_kind(environment, kind, district, policy) as harness:
        # No preview foresees what the SIS refuses of an update alone.
        harness.world.powerschool.switches.inferred.discard("category")
        await compare(harness)
        for mode, changes in rounds:
            for change in changes:
                if change.kind not in UNSHOWN:
                    make_change(harness, change)
            await compare(harness, mode=mode)


@pytest.fixture
async def loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.mark.parametrize("kinds", [[POWERSCHOOL], ROSTER_KINDS], ids=["powerschool", "oneroster"])
def test_R52_sync_does_what_the_preview_announced(
    environment: Environment, loop: asyncio.AbstractEventLoop, kinds: Sequence[Kind]
) -> None:
    check_worlds(environment, loop, kinds, 4)


async def test_R52_retry_touches_only_what_failed(harness: DistrictHarness) -> None:
    dropped, item = harness.students[0], harness.items[0]
    student = harness.room.students[dropped]
    harness.world.powerschool.drop(student, harness.room.sis)
    failed = await harness.sync()
    harness.world.powerschool.enroll(student, harness.room.sis)
    before = harness.part(item).name
    harness.edit(item, title="Renamed since")
    retried = await harness.sync(retry_of=failed.id)
    assert retried.status == "complete"
    assert before in harness.table()
    assert harness.table()[before][student.dcid] is not None


async def test_R52_retry_leaves_new_total_points_alone(harness: DistrictHarness) -> None:
    item, (dropped, other, *_) = harness.items[0], harness.students
    student = harness.room.students[dropped]
    harness.world.powerschool.drop(student, harness.room.sis)
    failed = await harness.sync()
    harness.world.powerschool.enroll(student, harness.room.sis)
    part, before = harness.part(item), harness.sis_text(item, other)
    total = part.scoreentrypoints
    harness.edit(item, max_points=item.max_points * 2)
    harness.grade(item, other, 1)
    retried = await harness.sync(retry_of=failed.id)
    assert (retried.status, part.scoreentrypoints, harness.sis_text(item, other)) == (
        "complete",
        total,
        before,
    )
    await assert_synced_well(harness)
