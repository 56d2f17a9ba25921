"""Let an SIS section get another DCID while a second section holds its columns (R37, R40)."""

from gradesync.core.ledger import LedgerAssignment
from gradesync.core.sis import Ref
from gradesync.db import ledger
from gradesync_sandbox.world import build
from harness.assertions import find_false_claims
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


async def test_column_of_two_sections_ends_the_sync_as_failed(environment: Environment) -> None:
    async with environment.open_district(build(7, 2, 2, 1, ideal=True)) as harness:
        other = str(harness.world.classrooms[1].section.id)
        async with held_at(harness, "assignment.create", harness.sync(), done="before") as syncing:
            (made,) = harness.world.powerschool.gradebook.assignments.values()
            taken = LedgerAssignment("taken", Ref(str(made.assignmentid)))
            async with harness.context.database.district(harness.district.id) as db:
                await ledger.save(db, other, [taken])
        sync = await syncing
        assert (sync.status, sync.error_code) == ("failed", "internal-error")
