"""Compare previews with the syncs after them, in random worlds (R52)."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from gradesync.core.sis import DriftPolicy, Policy
from gradesync.core.undo import Undo
from gradesync.db import links
from gradesync.db.syncs import Sync
from gradesync.errors import RequestRefused
from gradesync_sandbox import world
from harness.changes import CHANGES, Change, make_change
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.sis_kinds import Kind, open_kind

Cells: TypeAlias = Mapping[tuple[int, int | None], tuple[str, str | None]]
Sizes: TypeAlias = tuple[int, int, int, int]

ABSENT = ("failed", "student-not-in-sis-section")
LOCKED = {("failed", "term-locked"), ("failed", "assignment-failed")}
CHANGED = {"updated", "adopted"}  # one that is taken over may get other total points too


class Start(NamedTuple):
    """Hold the district that a world begins with."""

    kind: Kind
    sizes: Sizes
    ideal: bool
    switches: Mapping[str, Any]
    policy: Policy


class Round(NamedTuple):
    """Hold the changes of a round, and what is synced then: `number` chooses among assignments."""

    changes: Sequence[Change]
    what: str
    number: int


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
SWITCHES = st.fixed_dictionaries(
    {
        "spanning": st.booleans(),
        "bad_students": st.sampled_from(["all", "first"]),
        "cleared_row": st.sampled_from(["kept", "gone"]),
        "dropped_cc": st.sampled_from(["negative", "kept"]),
        "gone_status": st.sampled_from([404, 500]),
        "update_scores_does": st.sampled_from(["keep", "scale"]),
        "teacher_dates": st.sampled_from(["ignored", "checked"]),
        "name_form": st.sets(st.sampled_from(["trim", "collapse", "nfc", "cut"])),
        "name_cut": st.sampled_from([12, 50]),
    }
)
CHANGE = st.builds(Change, st.sampled_from(sorted(CHANGES)), NUMBERS, NUMBERS, NUMBERS)
WHATS = st.sampled_from(["changes", "changes", "full", "full", "some", "retry", "undo"])
ROUNDS = st.lists(st.builds(Round, st.lists(CHANGE, max_size=5), WHATS, NUMBERS), min_size=1, max_size=3)


async def compare(harness: DistrictHarness, **wanted: Any) -> Sync:
    """Expect a sync to do exactly what the preview just before it announced; return it."""
    sync, foreseen = await compare_foreseen(harness, **wanted)
    assert foreseen
    return sync


async def compare_foreseen(harness: DistrictHarness, **wanted: Any) -> tuple[Sync, bool]:
    """Compare a preview with its sync, and return False where the SIS refused what shows only to a sync.

    A locked term shows where an assignment is created, and a teacher who acts no more where anything is
    written: the sync begins anew, as the present teacher and in that one's categories. What the SIS makes of
    its scores when total points change is seen by a sync alone, too: those that it keeps need no write, and
    stand there for an absent student.
    """
    acting = await _find_acting(harness)
    preview = await harness.sync(dry_run=True, **wanted)
    sync = await harness.sync(**wanted)
    if sync.error_code == "mass-change":  # an undo's guard, which stops no preview
        sync = await harness.sync(approve=preview.fingerprint)
    if acting is not None and await _find_acting(harness) != acting:
        return sync, False
    announced, done = await harness.outcomes_by_cell(preview), await harness.outcomes_by_cell(sync)
    locked = _find_locked(announced, done) if harness.room.term.locked else {}
    changed = {item for (item, uid), (result, _) in done.items() if not uid and result in CHANGED}
    kept = {key for key, (result, _) in done.items() if key[0] in changed and key[1] and result == "adopted"}
    absent = {key for key in kept if announced[key] == ABSENT}
    assert sync.error_code == preview.error_code
    assert done | {key: announced[key] for key in kept | locked.keys()} == announced
    assert {announced[key][0] for key in kept - absent} <= {"written", "adopted"}
    assert await harness.warnings(sync) == await harness.warnings(preview)
    if not locked:
        failed = {**preview.scores, "failed": preview.scores["failed"] - len(absent)}
        for counts, expected in ((sync.assignments, preview.assignments), (sync.scores, failed)):
            assert {counts[name] - expected[name] for name in ("read", "failed", "skipped")} == {0}
    return sync, not locked


async def _find_acting(harness: DistrictHarness) -> str | None:
    """Return as whom the last sync wrote."""
    async with harness.context.database.district(harness.district.id) as db:
        link = await links.get(db, harness.section)
    return str(link.sis.ref.value) if link and link.sis else None


def _find_locked(announced: Cells, done: Cells) -> Cells:
    """Return what was not created in a locked term, and the scores of it."""
    new = {item for (item, uid), (result, _) in announced.items() if not uid and result.endswith("created")}
    return {
        key: outcome
        for key, outcome in done.items()
        if key[0] in new and outcome in LOCKED and outcome != announced.get(key)
    }


def check_worlds(
    environment: Environment, loop: asyncio.AbstractEventLoop, kinds: Sequence[Kind], profile: settings
) -> None:
    """Compare previews and syncs of random worlds: of the first sync, and after each round."""
    starts = st.builds(Start, st.sampled_from(kinds), SIZES, st.booleans(), SWITCHES, POLICIES)

    @profile
    @given(starts, ROUNDS)
    def check(start: Start, rounds: Sequence[Round]) -> None:
        loop.run_until_complete(_live(environment, start, rounds))

    check()


async def _live(environment: Environment, start: Start, rounds: Sequence[Round]) -> None:
    district = world.build(*start.sizes, ideal=start.ideal)
    for name, value in start.switches.items():
        setattr(district.powerschool.switches, name, value)
    async with open_kind(environment, start.kind, district, start.policy) as harness:
        last = await compare(harness)
        for changes, what, number in rounds:
            for change in changes:
                if change.kind != "lock or open in sis" or start.kind.shows_locks:
                    make_change(harness, change)
            wanted = _choose(harness, last, what, number)
            try:
                last, foreseen = await compare_foreseen(harness, **wanted)
                if not foreseen:
                    await compare(harness, **wanted)
            except RequestRefused:  # there was nothing to retry, or to put back
                continue


def _choose(harness: DistrictHarness, last: Sync, what: str, number: int) -> dict[str, Any]:
    """Return the options of a sync."""
    match what:
        case "some":
            return {"assignments": [str(item.id) for item in harness.items[number % 3 :: 2]]}
        case "retry":
            return {"retry_of": last.id}
        case "undo":
            return {"undo": Undo(sync_id=last.id, reason="By mistake")}
        case _:
            return {"mode": what}
