"""Check the audit log: it is only appended to, and tampering is detected."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from gradesync.db import audit
from gradesync.db.session import Database
from harness.servers import Urls

TAMPERING = {
    "an actor changed": "UPDATE audit SET actor = 'somebody else' WHERE seq = 2",
    "an object changed": """UPDATE audit SET objects = '{"section":"9"}' WHERE seq = 2""",
    "a time changed": "UPDATE audit SET at = at - interval '1 day' WHERE seq = 2",
    "an entry taken out": "DELETE FROM audit WHERE seq = 2",
    "an entry moved to another district": "UPDATE audit SET district_id = 'hilltop' WHERE seq = 2",
}


async def write(database: Database, *actors: str) -> None:
    for actor in actors:
        async with database.district("riverside") as db:
            await audit.append(db, actor, "sync.requested", {"section": "1", "sync": "2"}, "192.0.2.7")


async def test_log_lists_entries_newest_first(database: Database) -> None:
    await write(database, "teacher:1", "teacher:2", "client:é")
    async with database.district("riverside") as db:
        first = await audit.page(db, limit=2)
        rest = await audit.page(db, before=first[-1].seq)
    assert [entry.actor for entry in (*first, *rest)] == ["client:é", "teacher:2", "teacher:1"]
    entry = rest[0]
    assert (entry.seq, entry.action, entry.source_ip) == (1, "sync.requested", "192.0.2.7")
    assert entry.objects == {"section": "1", "sync": "2"}


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_application_cannot_change_the_log(database: Database, statement: str) -> None:
    await write(database, "teacher:1")
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.district("riverside") as db:
            await db.execute(text(statement))


async def test_untouched_log_verifies(database: Database) -> None:
    await write(database, "teacher:1", "teacher:2")
    async with database.district("hilltop") as db:
        await audit.append(db, "client:1", "link.chosen", {})
        assert await audit.verify(db) is None
    async with database.district("riverside") as db:
        assert await audit.verify(db) is None


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING)
async def test_tampering_is_found(database: Database, servers: Urls, statement: str) -> None:
    await write(database, "teacher:1", "teacher:2", "teacher:3")
    async with servers.owner() as owner:
        await owner.execute(text(statement))
    async with database.district("riverside") as db:
        assert await audit.verify(db) in {2, 3}


async def test_concurrent_appends_make_one_chain(database: Database) -> None:
    await asyncio.gather(*(write(database, f"teacher:{number}") for number in range(10)))
    async with database.district("riverside") as db:
        assert [entry.seq for entry in await audit.page(db)] == list(range(10, 0, -1))
        assert await audit.verify(db) is None


async def test_entry_is_rolled_back_with_its_transaction(database: Database) -> None:
    async def fail() -> None:
        async with database.district("riverside") as db:
            await audit.append(db, "teacher:1", "sync.requested", {})
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await fail()
    async with database.district("riverside") as db:
        assert await audit.page(db) == []
