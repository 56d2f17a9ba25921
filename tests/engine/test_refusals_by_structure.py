"""Let refusals quote what teachers typed: it changes no more than a sentence (R42)."""

import html
import json
from collections.abc import Callable, Mapping

import pytest

from gradesync_sandbox import world
from gradesync_sandbox.faults import Status
from harness.assertions import assert_synced_well, find_false_claims, sync_checked
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import held_at, roster_is_unreadable

QUOTES: Mapping[str, Callable[[str], str]] = {
    "nothing": lambda text: "",
    "plain": lambda text: text,
    "json": json.dumps,
    "html": html.escape,
}
TEXTS = {
    "json": "too many requests, wait 600 sec; Unable to find",
    "html": "does not teach, No access to field terms.id lock",
    "plain": 'Q&A "wait 9 s" \\u0041 100%25 é already exists',
}


async def test_R42_words_of_a_title_are_no_throttling(environment: Environment) -> None:
    """Name two assignments alike but for letter case, with words that ask to wait."""
    async with environment.open_district(world.build(7, 1, 3, 3, ideal=True)) as harness:
        first, second, plain = harness.items
        harness.world.powerschool.switches.refusal_quotes = "plain"
        harness.edit(first, title="Lab: wait 600 sec", due=plain.due)
        harness.edit(second, title="LAB: wait 600 sec", due=plain.due)
        outcomes = await sync_checked(harness)
        assert outcomes[second.id, None] == ("failed", "duplicate-name")
        written = {key for key, outcome in outcomes.items() if outcome == ("written", None)}
        assert written == {(item.id, uid) for item in (first, plain) for uid in harness.students}


async def test_R42_words_of_a_title_pause_no_other_section(environment: Environment) -> None:
    async with environment.open_district(world.build(7, 2, 3, 3, ideal=True)) as harness:
        first, second, _ = harness.items
        other = harness.world.classrooms[1]
        harness.world.powerschool.switches.refusal_quotes = "plain"
        harness.edit(first, title="Lab: wait 600 sec", due=second.due)
        harness.edit(second, title="LAB: wait 600 sec")
        refused, beside = await harness.request(), await harness.request(other)
        await harness.run_queued()
        assert (await harness.get(refused)).status == "failed"
        beside = await harness.get(beside)
        assert (beside.status, beside.attempt, harness.differences(other)) == ("complete", 1, [])


async def test_R42_no_title_changes_what_is_done(environment: Environment, run_all: bool) -> None:
    usual = await refuse_everything(environment, "Harmless words", "nothing")
    for quote, text in list(TEXTS.items())[: None if run_all else 1]:
        assert await refuse_everything(environment, text, quote) == usual


async def refuse_everything(environment: Environment, text: str, quote: str) -> list[object]:
    """Sync a class whose titles hold a text through every refusal; return its calls and results."""
    done: list[object] = []
    async with environment.open_district(world.build(7, 1, 3, 3, ideal=True)) as harness:
        harness.world.powerschool.switches.refusal_quotes = quote  # type: ignore[assignment]  # one of them
        first, second, plain = harness.items
        harness.edit(first, title=f"Lab {text}"[:50], due=plain.due)
        harness.edit(second, title=f"LAB {text}"[:50], due=plain.due)
        harness.world.powerschool.drop(harness.room.students[harness.students[0]], harness.room.sis)
        body = json.dumps({"message": f"Refused: {QUOTES[quote](first.title)}"})
        for kind in ("score.write", "assignment.update"):
            for status in (400, 403, 409, 500):
                harness.fault("powerschool", kind, Status(status, body))
                harness.edit(plain, max_points=plain.max_points + 1)
                for uid in harness.students:
                    harness.grade(first, uid, status % 97)
                done += await _sync(harness)
                harness.faults.clear()
    return done


async def _sync(harness: DistrictHarness) -> list[object]:
    sync = await harness.sync()
    assert await find_false_claims(harness, sync) == []
    calls = [call.kind for call in harness.world.powerschool.log.calls if call.kind != "token"]
    calls += [struck.kind for struck in harness.faults.struck]
    harness.forget_calls()
    harness.faults.struck.clear()
    # Which other cells are read again depends on the second in which they were made.
    first = harness.items[0].id
    outcomes = (await harness.outcomes_by_cell(sync)).items()
    return [calls, sync.status, {key: why[0] for key, why in outcomes if key[0] == first or key[1] is None}]


# Refused access


@pytest.fixture
async def synced(environment: Environment) -> DistrictHarness:  # type: ignore[misc]  # a generator
    async with environment.open_district(world.build(7, 1, 3, 5, ideal=True)) as harness:
        await assert_synced_well(harness)
        yield harness


DENIED = Status(403, '{"message":"no"}')


async def test_R42_a_denied_update_concerns_its_assignment_alone(synced: DistrictHarness) -> None:
    first, second, third, *_ = synced.items
    for item in (first, second, third):
        synced.edit(item, title=f"New {item.id}")
    synced.fault("powerschool", "assignment.update", DENIED, times=2)
    outcomes = await sync_checked(synced)
    assert [outcomes[item.id, None] for item in (first, second, third)] == [
        ("failed", "sis-permission-missing"),
        ("failed", "sis-permission-missing"),
        ("updated", None),
    ]
    await assert_synced_well(synced)


async def test_R42_denied_assignments_are_set_aside_by_the_taken(synced: DistrictHarness) -> None:
    for item in synced.items:
        synced.grade(item, synced.students[0], 1)
    synced.fault("powerschool", "score.write", DENIED, times=3)
    outcomes = await sync_checked(synced)
    results = [outcomes[item.id, synced.students[0]] for item in synced.items]
    assert results == [("failed", "sis-permission-missing")] * 2 + [("written", None)] * 3


async def test_R42_denied_scores_stop_after_three_assignments(synced: DistrictHarness) -> None:
    for item in synced.items:
        synced.grade(item, synced.students[0], 1)
    synced.fault("powerschool", "score.write", DENIED, times=None)
    sync = await synced.sync()
    assert (sync.error_code, len(synced.faults.struck)) == ("sis-permission-missing", 4)


async def test_R42_a_denied_assignment_may_be_refused_in_part(synced: DistrictHarness) -> None:
    roster_is_unreadable(synced)
    for item in synced.items[:2]:
        synced.grade(item, synced.students[0], 1)
    synced.fault("powerschool", "score.write", DENIED)
    synced.fault("powerschool", "score.write", Status(409, "{}"), nth=2)
    outcomes = await sync_checked(synced)
    assert [outcomes[item.id, synced.students[0]] for item in synced.items[:2]] == [
        ("failed", "score-not-accepted"),
        ("written", None),
    ]


async def test_R42_a_denied_update_acts_as_the_teacher_of_today(synced: DistrictHarness) -> None:
    """Let another lead take over while an update is under way: PowerSchool denies the former one."""
    first, *_ = synced.items
    sis, room = synced.world.powerschool, synced.room
    synced.edit(first, title="New name")
    async with held_at(synced, "assignment.get", synced.sync(), done="before") as syncing:
        lead = sis.add_teacher(sis.schools[min(sis.schools)])
        sis.copy_categories(room.sis_teacher, lead)
        sis.replace_lead(room.sis, lead)
        sis.unassign_teacher(room.sis_teacher, room.sis)
    assert (await syncing).error_code is None
    assert "New name" in synced.table()
    linked = (await synced.link()).sis
    assert linked is not None
    assert linked.ref.value["users_dcid"] == str(lead.dcid)


async def test_R42_a_create_refused_as_invalid_is_not_looked_for(synced: DistrictHarness) -> None:
    new = synced.add("New")
    synced.forget_calls()
    synced.fault("powerschool", "assignment.create", Status(400, '{"message":"already exists"}'))
    outcomes = await sync_checked(synced)
    assert outcomes[new.id, None] == ("failed", "duplicate-name")
    assert len(synced.world.powerschool.log.of("assignment.list")) == 1
