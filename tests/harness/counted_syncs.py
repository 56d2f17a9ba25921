"""Run a section's syncs in every mode and to every kind of end, for tests of what they count."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias

from gradesync.core.sis import Policy
from gradesync.core.undo import Undo
from gradesync.db import runs, syncs
from gradesync.db.syncs import Sync
from gradesync.errors import RequestRefused
from gradesync.sync.manual_links import Author
from gradesync.sync.runs import Choice, advance_runs, start_run
from gradesync_sandbox.faults import Effect, LoseAfter, Status
from harness.changes import Change, make_change
from harness.contexts import LIMITS
from harness.district import DistrictHarness
from harness.faults import kill_worker

NO_ACCESS = Status(403, '{"message":"No access","errors":[{"field":"assignment.createdbyplugin"}]}')
REFUSED = Status(409, '{"message":"Conflict","errors":[]}')
BROKEN = Status(500, '{"message":"Internal Server Error"}')
NOT_THERE = "999999"


# Call to PowerSchool -> the one to a OneRoster SIS that does the same.
ROSTER_CALLS = {
    "score.write": "result.put",
    "assignment.create": "lineItem.put",
    "assignment.update": "lineItem.put",
}


def fail(harness: DistrictHarness, call: str, effect: Effect, **when: int | None) -> None:
    """Let a call to the SIS fail, whatever way the grades go there."""
    if harness.sandbox.oneroster is None:
        harness.fault("powerschool", call, effect, **when)
    else:
        harness.fault("oneroster", ROSTER_CALLS.get(call, call), effect, **when)


async def sync_changes(harness: DistrictHarness, _: int) -> Sync:
    return await harness.sync()


async def sync_in_full(harness: DistrictHarness, _: int) -> Sync:
    return await harness.sync(mode="full")


async def preview(harness: DistrictHarness, number: int) -> Sync:
    return await harness.sync(dry_run=True, mode=("changes", "full")[number % 2])


async def sync_subset(harness: DistrictHarness, number: int) -> Sync:
    """Sync some assignments, and one that does not exist."""
    chosen = [str(item.id) for item in harness.items[number % 3 :: 2]]
    return await harness.sync(assignments=[*chosen, NOT_THERE])


async def retry(harness: DistrictHarness, number: int) -> Sync:
    """Let some writes fail, and retry what failed while the SIS refuses one more."""
    fail(harness, "score.write", REFUSED, times=1 + number % 3)
    failed = await harness.sync()
    await harness.end_faults()
    fail(harness, "assignment.create", REFUSED)
    try:
        return await harness.sync(retry_of=failed.id)
    except RequestRefused:
        return failed


async def fail_midway(harness: DistrictHarness, number: int) -> Sync:
    call = ("score.write", "assignment.create", "assignment.update")[number % 3]
    fail(harness, call, REFUSED, times=2)
    return await harness.sync()


async def stop(harness: DistrictHarness, number: int) -> Sync:
    """Lose the access to the SIS in the middle of a sync."""
    call = ("score.write", "assignment.create", "assignment.update")[number % 3]
    fail(harness, call, NO_ACCESS, times=None)
    return await harness.sync(mode="full")


async def lose_sis(harness: DistrictHarness, number: int) -> Sync:
    fail(harness, "*", BROKEN, nth=3 + number, times=None)
    return await harness.sync()


async def take_over(harness: DistrictHarness, number: int) -> Sync:
    sync = await kill_worker(harness, 2 + number, "after", mode=("changes", "full")[number % 2])
    return await harness.run_to_end(sync)


async def continue_in_slices(harness: DistrictHarness, _: int) -> Sync:
    """Interrupt a sync at each checkpoint."""
    harness.restart(replace(LIMITS, slice=0))
    sync = await harness.sync()
    harness.restart(LIMITS)
    return sync


async def undo(harness: DistrictHarness, number: int) -> Sync:
    """Undo a sync, some of whose scores somebody changed in the SIS since, or preview that."""
    changed = await harness.sync()
    make_change(harness, Change("edit in sis", student=number, value=number))
    try:
        return await harness.sync(undo=Undo(sync_id=changed.id, reason="By mistake"), dry_run=number % 3 == 0)
    except RequestRefused:
        return changed


async def lose_answers(harness: DistrictHarness, number: int) -> Sync:
    """Lose the answers to some calls, once they took effect."""
    call = ("score.write", "assignment.create", "assignment.update")[number % 3]
    fail(harness, call, LoseAfter(), times=1 + number % 2)
    return await harness.sync()


async def read_a_part(harness: DistrictHarness, number: int) -> Sync:
    """Show the first entry alone of a list of Schoology's."""
    switches, listed = harness.world.schoology.switches, ("enrollment", "assignment", "grading_category")
    switches.partial_lists = {listed[number % 3]: 1}
    sync = await harness.sync(mode=("changes", "full")[number % 2], dry_run=number % 5 == 0)
    switches.partial_lists = {}
    return sync


async def stop_for_review(harness: DistrictHarness, number: int) -> Sync:
    """Clear more than the guard allows; then approve that, or change the plan before, or leave it."""
    await harness.sync()
    await harness.change_policy(guard_scores=0, guard_share=Decimal("0.01"))
    for uid in harness.students[:2]:
        harness.clear(harness.items[number % len(harness.items)], uid)
    stopped = await harness.sync()
    if stopped.error_code == "mass-change" and number % 3:
        if number % 3 == 1:
            harness.grade(harness.items[0], harness.students[-1], number)
        stopped = await harness.sync(approve=stopped.fingerprint)
    usual = Policy()
    await harness.change_policy(guard_scores=usual.guard_scores, guard_share=usual.guard_share)
    return stopped


async def change_after_the_term(harness: DistrictHarness, number: int) -> Sync:
    """Change scores after the term's end, which a second person approves or does not."""
    usual, later = harness.context, harness.context.clock() + timedelta(days=400)
    harness.context = replace(usual, clock=lambda: later)
    await harness.change_policy(late_approval=True)
    stopped = await harness.sync(mode="full")
    if stopped.error_code == "late-change" and number % 2:
        schoology, section = harness.world.schoology, harness.room.section.id
        second = schoology.add_user(
            "Second", "Person", harness.room.teacher.role, harness.room.teacher.building
        )
        schoology.set_course_admin(section, second.uid)
        stopped = await harness.sync(
            approve=stopped.fingerprint, asker=str(second.uid), reason="A late grade"
        )
    harness.context = usual
    await harness.change_policy(late_approval=False)
    return stopped


async def sync_by_run(harness: DistrictHarness, number: int) -> Sync:
    """Let a run of the district's sections start the sync."""
    await harness.sync()
    await harness.change_policy(runs=True)
    choice, by = Choice(sections=[harness.section]), Author("client:operations")
    context, mode = harness.context, ("changes", "full")[number % 2]
    run = await start_run(context, harness.district.id, choice, by, mode=mode, dry_run=number % 3 == 0)
    await advance_runs(context, 900)
    async with context.database.district(harness.district.id) as db:
        (part,) = await runs.page_sections(db, str(run.id))
        sync = await syncs.get(db, str(part.sync_id))
    assert sync is not None
    sync = await harness.run_to_end(sync)
    await advance_runs(context, 900)  # which ends the run
    return sync


async def time_out(harness: DistrictHarness, number: int) -> Sync:
    """Pass the deadline of a sync whose worker died in the middle of it."""
    sync = await kill_worker(harness, 3 + number, "after")
    await harness.pass_deadline()
    return await harness.get(sync)


Step: TypeAlias = Callable[[DistrictHarness, int], Awaitable[Sync]]
STEPS: tuple[Step, ...] = (
    sync_changes,
    sync_in_full,
    preview,
    sync_subset,
    retry,
    fail_midway,
    stop,
    lose_sis,
    take_over,
    continue_in_slices,
    time_out,
    undo,
    lose_answers,
    read_a_part,
    stop_for_review,
    change_after_the_term,
    sync_by_run,
)

# The errors of first syncs: these steps stop them as a whole.
STOPS: Mapping[Step, str] = {
    stop: "sis-permission-missing",
    lose_sis: "upstream-unavailable",
    time_out: "timed-out",
}
