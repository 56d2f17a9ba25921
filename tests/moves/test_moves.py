"""Move districts between databases: whole, and with one owner wherever a move is broken off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from gradesync.db import audit, district_rows, migrate, pauses, watchdog
from gradesync.db.district_rows import RowsDiffer, TablesDiffer
from gradesync.db.moving import MoveRefused, Step, open_move
from gradesync.db.pauses import Where
from gradesync.db.session import Database
from gradesync.errors import DatabaseAway
from harness.assertions import assert_synced_well
from harness.cells import TIMING, Cells, read_rows
from harness.commands import run_gradesync
from harness.district import DistrictHarness
from harness.every_table import fill
from harness.hanging_server import hanging_server
from harness.runtimes import settings_on
from harness.servers import Urls
from harness.store import claim, enqueue

NEW_TABLES = """
    CREATE TABLE later (district_id text, id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
    CREATE TABLE before (district_id text, later_id int REFERENCES later, twice int
        GENERATED ALWAYS AS (later_id * 2) STORED)
"""


async def execute(urls: Urls, statements: str) -> None:
    async with urls.owner() as owner:
        for statement in statements.split(";"):
            await owner.execute(text(statement))


@pytest.fixture
async def riverside(cells: Cells) -> Cells:
    """Provide cells whose west has two districts with a row in every table, and whose east has one."""
    for urls, district in ((cells.west, "riverside"), (cells.west, "hilltop"), (cells.east, "lakeside")):
        async with urls.owner() as owner:
            await fill(owner, district)
    return cells


@pytest.fixture
async def new_tables(cells: Cells) -> AsyncIterator[None]:
    """Make tables in both cells that no class describes."""
    for urls in (cells.west, cells.east):
        await execute(urls, NEW_TABLES)
    yield
    for urls in (cells.west, cells.east):
        await execute(urls, "DROP TABLE before; DROP TABLE later")


async def test_district_moves_whole_and_alone(riverside: Cells) -> None:
    before = await read_rows(riverside.west, "riverside")
    others = await read_rows(riverside.west, "hilltop"), await read_rows(riverside.east, "lakeside")
    assert await riverside.move("riverside") == 0
    assert await riverside.find_owner("riverside") == "east"
    after = await read_rows(riverside.east, "riverside")
    assert before <= after
    assert {row.partition("(")[0] for row in after - before} == {"audit"}
    assert await read_rows(riverside.west, "riverside") == set()
    assert others == (
        await read_rows(riverside.west, "hilltop"),
        await read_rows(riverside.east, "lakeside"),
    )


async def test_move_ends_where_the_target_falls_silent(
    riverside: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await read_rows(riverside.west, "riverside")
    for name in ("SILENT_SECONDS", "CLOSE_SECONDS"):
        monkeypatch.setattr(watchdog, name, 0.1)
    monkeypatch.setattr(watchdog, "PROBE_SECONDS", 0.5)
    async with hanging_server(riverside.east.migrate_database_url) as target, asyncio.timeout(60):
        silent = replace(riverside, east=replace(riverside.east, migrate_database_url=target.address))
        target.sign = b"FROM STDIN"
        with pytest.raises(DatabaseAway):
            await silent.move("riverside")
        assert target.holding.is_set()
    assert await riverside.find_owner("riverside") == "west"
    assert await riverside.move("riverside") == 0
    assert before <= await read_rows(riverside.east, "riverside")


async def test_sync_after_the_move_writes_nothing(
    harness: DistrictHarness, cells: Cells, east_database: Database
) -> None:
    await harness.sync()
    assert len(harness.writes) > 0
    await cells.move(harness.district.id)
    harness.context = replace(harness.context, database=east_database)
    harness.forget_calls()
    await assert_synced_well(harness)
    assert harness.writes == []
    async with east_database.district(harness.district.id) as db:
        assert await audit.verify(db) is None


async def test_queued_sync_goes_on_at_the_target(
    riverside: Cells, database: Database, east_database: Database
) -> None:
    queued = await enqueue(database, "1")
    await enqueue(east_database, "1", "lakeside")
    async with east_database.district("lakeside") as db:
        await pauses.pause(db, Where(), "Summer.", "operator:command")
    await riverside.move("riverside")
    claimed = await claim(east_database)
    assert claimed is not None
    assert claimed.id == queued.id
    assert await claim(east_database, "lakeside") is None


@pytest.mark.sample(2)
@pytest.mark.parametrize("step", ["paused", "copied", "switched", "resumed"])
async def test_move_broken_off_has_one_owner_and_goes_on(riverside: Cells, step: Step) -> None:
    before = await read_rows(riverside.west, "riverside")
    await riverside.break_off("riverside", step)
    at_source = step in {"paused", "copied"}
    assert await riverside.find_owner("riverside") == ("west" if at_source else "east")
    assert before <= await read_rows(riverside.west if at_source else riverside.east, "riverside")
    await riverside.move("riverside")
    assert await riverside.find_owner("riverside") == "east"
    assert before <= await read_rows(riverside.east, "riverside")
    assert await read_rows(riverside.west, "riverside") == set()


@pytest.mark.parametrize("step", ["paused", "copied"])
async def test_aborted_move_leaves_everything_at_the_source(
    riverside: Cells, database: Database, step: Step
) -> None:
    queued, before = await enqueue(database, "1"), await read_rows(riverside.west, "hilltop")
    await riverside.break_off("riverside", step)
    assert await claim(database) is None
    async with riverside.open_move("riverside") as move:
        await move.abort()
    assert await riverside.find_owner("riverside") == "west"
    assert await read_rows(riverside.east, "riverside") == set()
    assert await read_rows(riverside.west, "hilltop") == before
    claimed = await claim(database)
    assert claimed is not None
    assert claimed.id == queued.id


async def test_switched_move_only_goes_forward(riverside: Cells) -> None:
    await riverside.break_off("riverside", "switched")
    await execute(riverside.west, "INSERT INTO turn (district_id) VALUES ('riverside')")
    async with riverside.open_move("riverside") as move:
        with pytest.raises(MoveRefused, match="has moved already"):
            await move.abort()
    assert await riverside.move("riverside") == 1
    assert await read_rows(riverside.west, "riverside") == set()


@pytest.mark.usefixtures("new_tables")
async def test_table_that_nobody_listed_moves_too(riverside: Cells) -> None:
    await execute(riverside.west, "INSERT INTO later VALUES ('riverside'), ('hilltop')")
    await execute(riverside.west, "INSERT INTO before SELECT district_id, id FROM later")
    await riverside.move("riverside")
    counted = text("SELECT district_id, later_id, twice FROM before JOIN later USING (district_id)")
    async with riverside.east.owner() as owner:
        assert [tuple(row) for row in await owner.execute(counted)] == [("riverside", 1, 2)]
    async with riverside.west.owner() as owner:
        assert [tuple(row) for row in await owner.execute(counted)] == [("hilltop", 2, 4)]


async def test_row_changed_since_the_copy_is_not_deleted(riverside: Cells) -> None:
    async with riverside.open_move("riverside") as move:
        async with move.source.connect() as source, move.target.connect() as target:
            copied = await district_rows.copy(source, target, source, "riverside")
        await execute(riverside.west, "UPDATE client SET name = 'new' WHERE district_id = 'riverside'")
        async with move.source.connect() as source:
            with pytest.raises(RowsDiffer, match="client"):
                await district_rows.delete_copied(source, copied, source, "riverside")


async def test_move_that_would_lose_something_is_refused(riverside: Cells, database: Database) -> None:
    async with database.district("hilltop") as db:
        await pauses.pause(db, Where(), "Summer.", "operator:command")
    with pytest.raises(MoveRefused, match="is paused: Summer"):
        await riverside.move("hilltop")
    async with riverside.east.owner() as owner:
        await fill(owner, "riverside")
    with pytest.raises(MoveRefused, match="that are no copy"):
        await riverside.move("riverside")
    assert await riverside.find_owner("hilltop") == "west"


async def test_copy_is_resumed_from_its_source_alone(riverside: Cells, fresh: Urls) -> None:
    await migrate.upgrade(fresh.migrate_database_url, fresh.app_role)
    await riverside.break_off("riverside", "copied")
    with pytest.raises(MoveRefused, match="from another database"):
        await replace(riverside, west=fresh).move("riverside")
    assert await riverside.find_owner("riverside") == "west"


async def test_move_to_the_same_database_is_refused(riverside: Cells) -> None:
    owner = riverside.west.migrate_database_url
    with pytest.raises(MoveRefused, match="the same database"):
        async with open_move(owner, owner, "riverside", TIMING, print):
            pass


async def test_target_of_another_release_is_refused(riverside: Cells) -> None:
    await execute(riverside.east, "ALTER TABLE turn ADD COLUMN new int")
    try:
        with pytest.raises(TablesDiffer):
            await riverside.move("riverside")
    finally:
        await execute(riverside.east, "ALTER TABLE turn DROP COLUMN new")


async def test_commands_move_and_print_routes(riverside: Cells) -> None:
    environment = settings_on(riverside.west).environment()
    to = riverside.east.migrate_database_url
    moved = await run_gradesync("district", "move", "riverside", "--to", to, environment=environment)
    assert (moved.code, moved.err) == (0, "")
    assert moved.out.split() == [
        "✓",
        "paused",
        "✓",
        "settled",
        "✓",
        "copied",
        "✓",
        "switched",
        "✓",
        "resumed",
    ]
    cells = (f"--cell=east={to}", f"--cell=west={riverside.west.migrate_database_url}")
    printed = await run_gradesync("district", "routes", *cells, environment=environment)
    assert {"hilltop\twest", "lakeside\teast", "riverside\teast"} <= set(printed.out.splitlines())


async def test_move_to_no_cell_is_refused(riverside: Cells) -> None:
    environment = settings_on(riverside.west).environment()
    for to, refusal in (("nonsense", "URL is postgresql"), (riverside.east.database_url, "does not own")):
        moved = await run_gradesync("district", "move", "riverside", "--to", to, environment=environment)
        assert (moved.code, moved.out) == (1, "")
        assert refusal in moved.err
    assert await riverside.find_owner("riverside") == "west"


async def test_target_that_is_not_there_is_named_as_it_was_given(riverside: Cells) -> None:
    environment = settings_on(riverside.west).environment()
    to = riverside.east.of("nowhere").migrate_database_url
    moved = await run_gradesync("district", "move", "riverside", "--to", to, environment=environment)
    assert (moved.code, moved.out) == (1, "")
    assert "refuses this connection" in moved.err
    assert "--to" in moved.err
    assert "GRADESYNC_DATABASE_URL" not in moved.err


async def test_move_that_is_over_is_reported(riverside: Cells) -> None:
    environment, to = settings_on(riverside.west).environment(), riverside.east.migrate_database_url
    await riverside.move("riverside")
    again = await run_gradesync("district", "move", "riverside", "--to", to, environment=environment)
    assert (again.code, again.err) == (0, "")
    assert again.out == "riverside is at the target already: its move is over.\n"


async def test_district_that_nobody_has_is_not_moved(cells: Cells) -> None:
    async with cells.open_move("nowhere") as move:
        for do in (move.run, move.abort):
            with pytest.raises(MoveRefused, match="No district is called nowhere"):
                await do()
