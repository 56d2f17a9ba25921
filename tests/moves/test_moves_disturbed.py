"""Do to a district under way what people and other commands may do: it keeps one owner, and loses nothing."""

from datetime import datetime

import pytest
from sqlalchemy import Engine, bindparam, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import ProgrammingError

from gradesync.db import audit, districts, invitations, pauses, webhooks
from gradesync.db.district_rows import TablesDiffer
from gradesync.db.moving import MoveRefused, Step, open_move
from gradesync.db.pauses import Where
from gradesync.db.queue import Pause
from gradesync.db.session import Database
from harness.cells import TIMING, Cells, meanwhile, read_rows, run_beside
from harness.commands import run_gradesync
from harness.every_table import fill
from harness.runtimes import settings_on
from harness.servers import Urls
from harness.store import RIVERSIDE

WHOLE = Where()


@pytest.fixture
async def riverside(cells: Cells) -> Cells:
    """Provide cells whose west has a district with a row in every table."""
    async with cells.west.owner() as owner:
        await fill(owner, "riverside")
    return cells


async def find_pause(database: Database) -> Pause | None:
    async with database.district("riverside") as db:
        return await pauses.find(db, WHOLE)


async def lift_pause(database: Database) -> None:
    async with database.district("riverside") as db:
        found = await pauses.find(db, WHOLE)
        assert found is not None
        await pauses.resume(db, str(found.id), "user:1", least_seconds=60)


async def test_district_resumed_by_a_person_can_be_moved_again(riverside: Cells, database: Database) -> None:
    await riverside.break_off("riverside", "copied")
    await lift_pause(database)
    before = await read_rows(riverside.west, "riverside")
    await riverside.move("riverside")
    assert await riverside.find_owner("riverside") == "east"
    assert before <= await read_rows(riverside.east, "riverside")


async def test_district_resumed_by_a_person_loses_its_copy(riverside: Cells, database: Database) -> None:
    await riverside.break_off("riverside", "copied")
    await lift_pause(database)
    async with riverside.open_move("riverside") as move:
        await move.abort()
        assert await read_rows(riverside.east, "riverside") == set()
        with pytest.raises(MoveRefused, match="not being moved"):
            await move.abort()


async def test_district_of_the_same_name_is_no_copy(riverside: Cells, database: Database) -> None:
    await riverside.break_off("riverside", "switched")
    moved = await read_rows(riverside.east, "riverside")
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)  # as whoever applies all files again and again
    for abort in (False, True):
        async with riverside.open_move("riverside") as move:
            with pytest.raises(MoveRefused, match="that are no copy"):
                await (move.abort() if abort else move.run())
    assert await read_rows(riverside.east, "riverside") == moved


async def test_district_moves_back_over_late_rows(riverside: Cells, database: Database) -> None:
    await riverside.move("riverside")
    async with database.district("riverside") as db:  # a request that was under way at the switch
        await audit.append(db, "client:1", "token.exchanged", {})
    before = await read_rows(riverside.east, "riverside")
    await Cells(riverside.east, riverside.west).move("riverside")
    assert before <= await read_rows(riverside.west, "riverside")


@pytest.mark.parametrize("held", ["switched", "invited"])
async def test_rows_that_somebody_needs_are_no_late_rows(
    riverside: Cells, database: Database, held: str
) -> None:
    back = Cells(riverside.east, riverside.west)
    if held == "switched":
        await riverside.break_off("riverside", "switched")
    else:
        await riverside.move("riverside")
        async with database.district("riverside") as db:
            await invitations.create(db, "Ann Admin")
    before = await read_rows(riverside.west, "riverside")
    with pytest.raises(MoveRefused, match="that are no copy"):
        await back.move("riverside")
    assert await read_rows(riverside.west, "riverside") == before


async def test_pause_lifted_before_the_copy_is_made_again(riverside: Cells) -> None:
    steps: list[Step] = []

    def report(step: Step) -> None:
        steps.append(step)
        if steps.count("settled") == 1 and step == "settled":
            meanwhile(riverside, lift_pause)

    ends = riverside.west.migrate_database_url, riverside.east.migrate_database_url
    async with open_move(*ends, "riverside", TIMING, report) as move:
        await move.run()
    assert steps == ["paused", "settled"] * 2 + ["copied", "switched", "resumed"]


async def test_pause_of_a_person_outlives_a_move(riverside: Cells, database: Database) -> None:
    await riverside.break_off("riverside", "settled")
    async with database.district("riverside") as db:
        await pauses.pause(db, WHOLE, "Summer.", "user:1")
    with pytest.raises(MoveRefused, match="is paused: Summer"):
        await riverside.move("riverside")
    async with riverside.open_move("riverside") as move:
        with pytest.raises(MoveRefused, match="not being moved"):
            await move.abort()
    found = await find_pause(database)
    assert found is not None
    assert found.reason == "Summer."


async def test_refused_move_pauses_nothing(riverside: Cells, database: Database) -> None:
    async with riverside.east.owner() as owner:
        await owner.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    try:
        with pytest.raises(TablesDiffer):
            await riverside.move("riverside")
    finally:
        async with riverside.east.owner() as owner, riverside.west.owner() as west:
            head = await west.scalar(text("SELECT version_num FROM alembic_version"))
            await owner.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head})
    async with riverside.east.owner() as owner:
        await fill(owner, "riverside")
    with pytest.raises(MoveRefused, match="that are no copy"):
        await riverside.move("riverside")
    assert await find_pause(database) is None


async def test_message_that_is_due_does_not_change_under_a_copy(riverside: Cells, database: Database) -> None:
    async with database.district("riverside") as db:
        webhook, _ = await webhooks.create(db, "riverside", "https://hook.example.org")
        assert await webhooks.enqueue_test(db, webhook.id, {"type": "test"})
    claimed: list[list[webhooks.DueDelivery]] = []

    async def claim(database: Database) -> None:
        async with database.district("riverside") as db:
            claimed.append(await webhooks.claim(db, "riverside", webhooks.Room(10), lease_seconds=60))

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if not claimed and statement.startswith("CREATE TEMPORARY TABLE"):
            meanwhile(riverside, claim)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await riverside.move("riverside")
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert claimed == [[]]


async def test_no_end_idles_longer_than_a_table_takes(riverside: Cells) -> None:
    sessions = text(
        "SELECT count(*), min(state_change), clock_timestamp() FROM pg_stat_activity "
        "WHERE datname = current_database() AND state = 'idle in transaction'"
    )
    copying: list[tuple[int, datetime, datetime]] = []
    deleting: list[tuple[int, datetime, datetime]] = []

    async def look(end: Urls, seen: list[tuple[int, datetime, datetime]]) -> None:
        async with end.owner() as owner:
            idle, since, now = (await owner.execute(sessions)).one()
            seen.append((idle, since, now))

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("CREATE TEMPORARY TABLE"):
            run_beside(look(riverside.west, copying))
        elif statement.startswith("WITH gone AS"):
            run_beside(look(riverside.east, deleting))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await riverside.move("riverside")
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert {idle for idle, _, _ in copying} == {2}  # the copy's snapshot, and the locks of the deletion
    assert {idle for idle, _, _ in deleting} == {1}  # the copy
    for seen in (copying, deleting):
        assert all(since > before for (_, since, _), (_, _, before) in zip(seen[1:], seen, strict=False))


async def test_abort_resumes_where_the_target_has_another(riverside: Cells, database: Database) -> None:
    await riverside.break_off("riverside", "paused")
    async with riverside.east.owner() as owner:
        await fill(owner, "riverside")
    rows = await read_rows(riverside.east, "riverside")
    async with riverside.open_move("riverside") as move:
        with pytest.raises(MoveRefused, match="that are no copy"):
            await move.abort()
    assert await find_pause(database) is None
    assert await read_rows(riverside.east, "riverside") == rows


async def test_command_names_the_place_whoever_left_it(riverside: Cells, database: Database) -> None:
    environment = settings_on(riverside.west).environment()
    command = ("district", "move", "riverside", "--to", riverside.east.migrate_database_url)
    async with database.district("riverside") as db:
        pause = await pauses.pause(db, WHOLE, "Summer.", "user:1")
    refused = await run_gradesync(*command, environment=environment)
    assert "The district stays at the source. Mend this, and run it again." in refused.err
    async with database.district("riverside") as db:
        await pauses.resume(db, str(pause.id), "user:1", least_seconds=60)
    await riverside.break_off("riverside", "switched")
    aborted = await run_gradesync(*command, "--abort", environment=environment)
    assert "The district is at the target, paused. Run it again without --abort." in aborted.err


async def test_command_names_the_place_after_any_error(riverside: Cells) -> None:
    await riverside.break_off("riverside", "switched")
    environment = settings_on(riverside.west).environment()
    command = ("district", "move", "riverside", "--to", riverside.east.migrate_database_url)
    async with riverside.east.owner() as owner:
        await owner.execute(text("ALTER TABLE audit RENAME TO audit_away"))
    try:
        with pytest.raises(ProgrammingError) as raised:
            await run_gradesync(*command, environment=environment)
    finally:
        async with riverside.east.owner() as owner:
            await owner.execute(text("ALTER TABLE audit_away RENAME TO audit"))
    assert raised.value.__notes__ == ["The district is at the target, paused. Run it again without --abort."]


async def test_command_reports_what_a_failed_move_leaves(riverside: Cells, database: Database) -> None:
    async with riverside.east.owner() as owner:
        await fill(owner, "lakeside")
        key = "UPDATE district SET config = :config WHERE id = 'lakeside'"
        await owner.execute(text(key).bindparams(bindparam("config", await read_config(riverside), JSONB)))
    environment = settings_on(riverside.west).environment()
    to = riverside.east.migrate_database_url
    moved = await run_gradesync("district", "move", "riverside", "--to", to, environment=environment)
    assert moved.code == 1
    assert "The target cannot take a row" in moved.err
    assert "The district stays paused. Run it again, or with --abort." in moved.err
    aborted = await run_gradesync(
        "district", "move", "riverside", "--to", to, "--abort", environment=environment
    )
    assert (aborted.code, await find_pause(database)) == (0, None)


async def read_config(cells: Cells) -> object:
    """Return what the source's district is, its installation in the learning platform too."""
    async with cells.west.owner() as owner:
        await owner.execute(
            text("UPDATE district SET config = jsonb_set(config, '{lti11}', '{\"consumer_key\": \"k\"}')")
        )
        return await owner.scalar(text("SELECT config FROM district"))
