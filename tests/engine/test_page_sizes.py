"""Change the page size of the SIS while a process runs: nobody is missing by a short page (R49)."""

from dataclasses import replace

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
        assert {end for (_, uid), end in outcomes.items() if uid} == {("written", None)}


async def test_R49_smaller_pages_show_the_same_class(environment: Environment) -> None:
    """Match by student number, so that students, sections and scores are all read in pages."""
    async with environment.open_district(world.build(7, 1, 45, 2, ideal=True)) as harness:
        for uid, student in harness.room.students.items():
            account = harness.world.schoology.users[uid]
            account.school_uid = account.school_uid.replace(str(student.dcid), str(student.student_number))
        by_number = replace(harness.district.match, student_id="student_number")
        await harness.replace_district(replace(harness.district, match=by_number))
        await assert_synced_well(harness)
        harness.world.powerschool.switches.page_cap = 20
        harness.restart()
        harness.forget_calls()
        sync = await harness.sync(mode="full")
        assert (sync.status, dict(sync.warnings), harness.writes) == ("complete", {}, [])
