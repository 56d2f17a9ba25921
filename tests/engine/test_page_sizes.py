"""Change the page size of the SIS while a process runs: nobody is missing by a short page (R49)."""

from gradesync_sandbox import world
from harness.assertions import assert_synced_well, sync_checked
from harness.environment import Environment


async def test_R49_a_short_page_is_no_end(environment: Environment) -> None:
    async with environment.open_district(world.build(7, 1, 45, 1, ideal=True)) as harness:
        await assert_synced_well(harness)
        item, gone = harness.items[0], harness.students[3]
        harness.world.powerschool.switches.page_cap = 20
        harness.world.powerschool.drop(harness.room.students[gone], harness.room.sis)
        for uid in harness.students:
            harness.grade(item, uid, 3)
        outcomes = await sync_checked(harness)
        assert outcomes.pop((item.id, gone)) == ("failed", "student-not-in-sis-section")
        assert set(outcomes.values()) == {("written", None)}
