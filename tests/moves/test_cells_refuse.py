"""Check that a cell without a district refuses all that is asked in its name: once it left, and as a copy."""

from dataclasses import replace

import pytest

from gradesync.access.console import console_caller
from gradesync.access.tokens import PAGE_LIFETIME
from gradesync.db import districts as stored
from gradesync.db import invitations
from gradesync.db.districts import CopyRefused
from gradesync.db.session import Database
from gradesync.sync.schedules import begin_scheduled
from harness.api import ApiClient, ApiHarness, expect_oauth_error
from harness.cells import Cells, read_rows
from harness.commands import run_gradesync
from harness.every_route import RULES, TwoDistricts
from harness.runtimes import settings_on
from harness.store import RIVERSIDE


def holders(districts: TwoDistricts) -> list[ApiClient]:
    """Return a token of each kind, as it was issued before the move."""
    api = districts.api
    console = console_caller(api.district, str(api.world.admin.uid), "operator")
    client = districts.ours["client_id"]
    return [
        districts.token(api.district.id, "page", section=api.section),
        districts.token(api.district.id, client, section=api.section),
        districts.token(api.district.id, client),
        ApiClient(api.http, api.runtime.tokens.issue(console, PAGE_LIFETIME)),
    ]


def serve_east(api: ApiHarness, cells: Cells, east: Database) -> None:
    """Let the API be that of the east from now on."""
    context = replace(api.runtime.context, database=east)
    api.runtime = api.app.state.runtime = replace(api.runtime, context=context)
    api.urls = cells.east
    api.restart()


async def test_district_that_left_is_refused_on_every_route(districts: TwoDistricts, cells: Cells) -> None:
    before = holders(districts)
    await cells.move(districts.api.district.id)
    for holder in before:
        await districts.expect_refusals(holder, RULES, districts.ours, 401)


async def test_copy_is_refused_until_the_move_is_over(
    districts: TwoDistricts, cells: Cells, east_database: Database
) -> None:
    before, moved = holders(districts), districts.api.district.id
    await cells.break_off(moved, "copied")
    serve_east(districts.api, cells, east_database)
    copied = await read_rows(cells.east, moved)
    for holder in before:
        await districts.expect_refusals(holder, RULES, districts.ours, 401)
    refused = await districts.api.grant(districts.api.front_end, grant_type="client_credentials")
    expect_oauth_error(refused, 401, "invalid_client", "client-not-accepted")
    assert await read_rows(cells.east, moved) == copied
    await cells.move(moved)
    for holder in before:
        listed = await holder.get(f"{districts.api.path}/syncs")
        assert listed.status_code == 200, listed.text


async def test_commands_and_schedules_leave_a_copy_alone(
    districts: TwoDistricts, cells: Cells, east_database: Database
) -> None:
    api, moved = districts.api, districts.api.district.id
    await api.change_rows("UPDATE schedule SET next_at = now() - interval '1 hour'")
    await cells.break_off(moved, "copied")
    serve_east(api, cells, east_database)
    copied = await read_rows(cells.east, moved)
    assert await begin_scheduled(api.runtime.context) == 0
    environment = settings_on(cells.east).environment()
    refused = await run_gradesync("district", "resume", moved, environment=environment)
    assert (refused.code, "is being moved here" in refused.err) == (1, True)
    async with east_database.district(moved) as db:
        with pytest.raises(CopyRefused, match="is being moved here"):
            await stored.apply(db, api.district)
    assert await read_rows(cells.east, moved) == copied


async def test_district_with_a_copy_is_not_erased(cells: Cells, database: Database) -> None:
    async with database.district("riverside") as db:
        await stored.apply(db, RIVERSIDE)
    environment = settings_on(cells.west).environment()
    command = ("district", "delete", "riverside", "--yes")
    await cells.break_off("riverside", "copied")
    refused = await run_gradesync(*command, environment=environment)
    assert (refused.code, "is being moved" in refused.err, "--abort" in refused.err) == (1, True, True)
    async with cells.open_move("riverside") as move:
        await move.abort()
    erased = await run_gradesync(*command, environment=environment)
    assert erased.code == 0
    assert await read_rows(cells.east, "riverside") == set()


async def test_link_of_a_copy_opens_no_setup(
    cells: Cells, database: Database, east_database: Database
) -> None:
    async with database.district("riverside") as db:
        await stored.apply(db, RIVERSIDE)
        link = await invitations.create(db, "Ms. Ortiz")
    await cells.break_off("riverside", "copied")
    async with east_database.district("riverside") as db:
        assert await invitations.redeem(db, link) is None
    await cells.move("riverside")
    async with east_database.district("riverside") as db:
        opened = await invitations.redeem(db, link)
        assert opened is not None
        assert await invitations.find(db, opened[1]) == "Ms. Ortiz"
