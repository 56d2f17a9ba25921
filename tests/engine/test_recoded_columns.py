"""Let an SIS section get another DCID while a second section holds its columns (R37, R40)."""

from gradesync_sandbox.world import build
from harness.assertions import find_false_claims
from harness.environment import Environment


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
