"""Check what stored syncs show of a district's load: the writes of its sections, and the time of a call."""

import pytest

from gradesync.core.rehearsal import SectionLoad, Writing
from gradesync.db import links, section_loads
from gradesync.db.links import SectionLink
from gradesync.db.session import Database
from harness.settled_syncs import add_settled


async def test_loads_are_those_of_later_syncs(database: Database) -> None:
    await add_settled(database, "1", 0, 9, created=30, written=900)
    await add_settled(database, "1", 100, 1, written=4)
    await add_settled(database, "1", 200, 1, written=8)
    await add_settled(database, "1", 300, 1, written=999, dry_run=True)
    await add_settled(database, "2", 400, 9, created=2, written=20)
    async with database.district("riverside") as db:
        assert await section_loads.list_loads(db) == [SectionLoad("1", 0, 6), SectionLoad("2", 2, 20)]
    async with database.district("hilltop") as db:
        assert await section_loads.list_loads(db) == []


async def test_loads_are_those_of_syncs_with_failed_rows_too(database: Database) -> None:
    await add_settled(database, "1", 0, 9, created=30, written=824, failed=1)
    await add_settled(database, "1", 100, 1, written=4, failed=1)
    await add_settled(database, "1", 200, 1, failed=1)
    async with database.district("riverside") as db:
        assert await section_loads.list_loads(db) == [SectionLoad("1", 0, 2)]


async def test_stopped_syncs_and_undoes_are_no_load(database: Database) -> None:
    await add_settled(database, "1", 0, 9, created=30, written=900)
    await add_settled(database, "1", 100, 1, written=4)
    await add_settled(database, "1", 200, 1, written=100, error="timed-out")
    await add_settled(database, "1", 300, 1, written=50, undo=True)
    await add_settled(database, "2", 400, 9, error="sis-unreadable")
    async with database.district("riverside") as db:
        assert await section_loads.list_loads(db) == [SectionLoad("1", 0, 4)]


async def test_known_sections_without_a_load_are_counted(database: Database) -> None:
    await add_settled(database, "1", 0, 9, written=900, failed=1)
    await add_settled(database, "2", 100, 9, error="sis-unreadable")
    await add_settled(database, "3", 200, 9, written=4, dry_run=True)
    for section in ("3", "4"):
        async with database.on_driver("riverside") as driver:
            await links.save(driver, SectionLink(section_id=section))
    async with database.district("riverside") as db:
        assert await section_loads.count_without_load(db) == 3
    async with database.district("hilltop") as db:
        assert await section_loads.count_without_load(db) == 0


async def test_latency_is_of_syncs_with_failed_rows_too(database: Database) -> None:
    await add_settled(database, "1", 0, 9, created=30, written=824, failed=1)
    await add_settled(database, "1", 100, 1.0, written=4, failed=1)
    async with database.district("riverside") as db:
        measured = await section_loads.measure_latency(db, Writing(500))
    assert measured.seconds == pytest.approx(0.5)
    assert measured.syncs == 1


async def test_latency_is_of_no_sync_beside_another_kind(database: Database) -> None:
    await add_settled(database, "1", 0, 9, created=30)
    await add_settled(database, "1", 100, 60)
    await add_settled(database, "2", 101, 1, dry_run=True)
    await add_settled(database, "1", 201, 60)
    await add_settled(database, "2", 200, 3, error="sis-unreadable")
    await add_settled(database, "1", 300, 0.5)
    async with database.district("riverside") as db:
        measured = await section_loads.measure_latency(db, Writing(500))
    assert measured.seconds == pytest.approx(0.5)
    assert measured.syncs == 1


async def test_latency_is_of_syncs_that_ran_alone(database: Database) -> None:
    for section in "12":
        await add_settled(database, section, int(section), 0.5)
    await add_settled(database, "1", 100, 1.0, written=4)  # two rounds of calls
    await add_settled(database, "1", 200, 0.5)
    await add_settled(database, "2", 300, 60)
    await add_settled(database, "1", 301, 60)
    async with database.district("riverside") as db:
        measured = await section_loads.measure_latency(db, Writing(500))
    assert measured.seconds == pytest.approx(0.5)
    assert measured.syncs == 2


async def test_latency_leaves_out_the_processor(database: Database) -> None:
    await add_settled(database, "1", 0, 9, created=30)
    await add_settled(database, "1", 100, 0.5, written=4)  # four reads at once, then one write
    async with database.district("riverside") as db:
        measured = await section_loads.measure_latency(db, Writing(500), processor=0.02)
    assert measured.seconds == pytest.approx((0.5 - 5 * 0.02) / 2)


async def test_latency_is_of_calls_at_once(database: Database) -> None:
    await add_settled(database, "1", 0, 9, created=30)
    await add_settled(database, "1", 100, 2.5, created=9, written=17)
    writing = Writing(1, 8, is_shared=True)  # reads, then two rounds of assignments and three of scores
    async with database.district("riverside") as db:
        measured = await section_loads.measure_latency(db, writing)
        shared = await section_loads.measure_latency(db, writing, processor=0.01)
    assert measured.seconds == pytest.approx(2.5 / 6)
    assert shared.seconds == pytest.approx((2.5 - (4 + 9 + 17) * 0.01) / 6)


async def test_latency_is_unknown_without_later_syncs(database: Database) -> None:
    await add_settled(database, "1", 0, 9, created=30)
    async with database.district("riverside") as db:
        assert await section_loads.measure_latency(db, Writing(500)) == (None, 0)
