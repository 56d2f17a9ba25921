"""Let an SIS section get another DCID while a second section holds its columns (R37, R40)."""

from gradesync.core.ledger import LedgerAssignment
from gradesync.core.sis import Ref
from gradesync.db import ledger
from gradesync_sandbox.district import World
from gradesync_sandbox.powerschool.rows import Section
from gradesync_sandbox.world import build
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.environment import Environment
from harness.faults import held_at


async def test_R40_columns_follow_a_recoded_section(environment: Environment) -> None:
    world = build(7, 3, 3, 2, ideal=True)
    first, second = world.classrooms[::2]
    schoology, sis = world.schoology, world.powerschool
    schoology.copy_assignment(first.section.id, min(first.section.items), to=second.section.id)
    async with environment.open_district(world) as harness:
        await harness.sync(first)
        code = first.section.school_code
        schoology.recode_section(first.section.id, "none")
        schoology.recode_section(second.section.id, code)
        await harness.sync(second)
        sis.recode_section(first.sis, first.sis.dcid + 7000)
        schoology.recode_section(first.section.id, str(first.sis.dcid))
        sync = await harness.sync(first)
        assert (sync.status, await find_false_claims(harness, sync)) == ("complete", [])


def recode(harness: DistrictHarness) -> None:
    """Give the SIS section another DCID; the school code follows."""
    harness.world.powerschool.recode_section(harness.room.sis, harness.room.sis.dcid + 7000)
    harness.room.section.school_code = str(harness.room.sis.dcid)


async def test_R40_recoded_section_keeps_columns_of_what_is_left_out(harness: DistrictHarness) -> None:
    item, uid = harness.items[0], harness.students[0]
    assert (await harness.sync()).status == "complete"
    columns = harness.table()
    unmapped = harness.world.schoology.add_category(harness.room.section.id, "Nowhere else")
    mapped = item.category
    harness.edit(item, category=unmapped.id)
    recode(harness)
    assert (await harness.sync()).warnings == {}
    copied = harness.add(item.title, due=item.due, category=mapped)
    harness.grade(copied, uid, 1)
    outcomes = await harness.outcomes_by_cell(await harness.sync())
    assert (outcomes[copied.id, None], harness.table()) == (("failed", "duplicate-name"), columns)


async def test_R40_recoded_section_sends_nothing_again(harness: DistrictHarness) -> None:
    assert (await harness.sync()).status == "complete"
    harness.edit(harness.items[0], title="Renamed meanwhile")
    recode(harness)
    harness.forget_calls()
    assert ((await harness.sync()).status, harness.differences()) == ("complete", [])
    assert harness.writes == ["assignment.update"]


def move_column(world: World, name: str, former: Section, section: Section) -> None:
    """Let a column belong to another SIS section, as one that was shared and then is no more."""
    (moved,) = world.powerschool.gradebook.named(former, name)
    columns = world.powerschool.gradebook.by_section
    columns[section.dcid][moved.assignmentid] = columns[former.dcid].pop(moved.assignmentid)
    moved.section(former.dcid).sectionsdcid = section.dcid


async def test_R45_column_of_another_section_is_left_to_it(environment: Environment) -> None:
    world = build(7, 3, 3, 2, ideal=True)
    first, second = world.classrooms[::2]
    item = first.section.items[min(first.section.items)]
    async with environment.open_district(world) as harness:
        harness.edit(item, title="Of both")
        for room in (first, second):
            assert (await harness.sync(room)).status == "complete"
        copied = world.schoology.copy_assignment(first.section.id, item.id, to=second.section.id)
        move_column(world, item.title, first.sis, second.sis)
        for wanted in ({"dry_run": True}, {}, {"mode": "full"}):
            sync = await harness.sync(second, **wanted)
            assert (sync.status, sync.error_code) == ("failed", None)
            rows = [row for row in await harness.outcomes(sync) if not row.student_id]
            (row,) = [row for row in rows if row.result == "failed"]
            assert (row.assignment_id, row.reason) == (str(copied.id), "sis-assignment-taken")
            assert row.detail == f"Of both of section Algebra 1: Period 1 ({first.section.id})"
        for room in (first, second):
            assert (await harness.sync(room)).status == "complete"
            assert len(world.powerschool.gradebook.named(room.sis, item.title)) == 1
        assert harness.differences(first) == []


async def test_R45_column_that_becomes_anothers_fails_alone(environment: Environment) -> None:
    async with environment.open_district(build(7, 2, 2, 2, ideal=True)) as harness:
        other = str(harness.world.classrooms[1].section.id)
        async with held_at(harness, "assignment.create", harness.sync(), done="before") as syncing:
            (made,) = harness.world.powerschool.gradebook.assignments.values()
            taken = LedgerAssignment("taken", Ref(str(made.assignmentid)))
            async with harness.context.database.district(harness.district.id) as db:
                await ledger.save(db, other, [taken])
        sync = await syncing
        assert (sync.status, sync.error_code) == ("failed", None)
        outcomes = await harness.outcomes_by_cell(sync)
        assert [outcomes[item.id, None] for item in harness.items] == [
            ("failed", "sis-assignment-taken"),
            ("adopted", None),  # the first attempt created it, and could not record that
        ]
