"""Ask for a district in the moment in which it leaves: nothing is answered as if it were empty."""

import asyncio

from sqlalchemy import Engine, event, text

from gradesync.db import audit, district_rows, webhooks
from gradesync.db.connections import open_owner
from gradesync.db.session import Database
from harness.cells import Cells, meanwhile
from harness.every_route import COMPARISONS, SECTION, SYNC, TwoDistricts

# Shows whether a token is accepted. All other tables are locked until the district has left.
READ_FIRST = {"district", "client", "pause"}
READS = [
    f"{SECTION}/syncs",
    SYNC,
    f"{SYNC}/outcomes",
    f"{SYNC}/events",
    f"{COMPARISONS}/{{comparison_id}}",
    f"{SECTION}/history",
    f"{SECTION}/statement",
    SECTION,
    "/sections",
    "/syncs",
    "/overview",
    "/audit",
    "/runs",
    "/webhooks",
    "/preflight",
]
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def test_read_under_way_is_refused_once_the_district_left(districts: TwoDistricts) -> None:
    api, id_ = districts.api, districts.api.district.id
    office = districts.token(id_, districts.ours["client_id"])
    async with open_owner(api.urls.migrate_database_url) as owner, owner.begin() as leaving:
        tables = await district_rows.find_tables(leaving)
        locked = ", ".join(table.name for table in tables if table.name not in READ_FIRST)
        await leaving.execute(text(f"LOCK TABLE {locked} IN ACCESS EXCLUSIVE MODE"))
        asked = [asyncio.create_task(districts.ask(office, ("GET", read), districts.ours)) for read in READS]
        while await leaving.scalar(WAITING) < len(asked):
            await asyncio.sleep(0.05)
        await district_rows.delete_all(leaving, tables, id_)
    answers = await asyncio.gather(*asked)
    answered = {read: answer.status_code for read, answer in zip(READS, answers, strict=True)}
    assert answered == dict.fromkeys(READS, 401)


async def test_change_during_the_switch_moves_too(
    districts: TwoDistricts, cells: Cells, east_database: Database
) -> None:
    id_ = districts.api.district.id
    statements, added = [""], list[str]()
    tried = False

    async def add(database: Database) -> None:
        async with database.district(id_) as db:
            webhook, _ = await webhooks.create(db, id_, "https://new.example.org")
            await audit.append(db, "client:1", "webhook.added", {"webhook": webhook.id})
            added.append(webhook.id)

    def note(_: object, __: object, statement: str, *___: object) -> None:
        """Add a webhook when the rows have been deleted, and that is not yet committed."""
        nonlocal tried
        statements.append(statement)
        if "gone AS" in statements[-3:][0] and "gone AS" not in statement and not tried:
            tried = True  # the statements of `add` are noted too
            meanwhile(cells, add)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert await cells.move(id_) == 0
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    async with east_database.district(id_) as db:
        assert added[0] in {webhook.id for webhook in await webhooks.list_all(db)}
