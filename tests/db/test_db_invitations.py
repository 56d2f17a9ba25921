"""Check invitations to set up a district: good once, in time, for their district alone."""

import asyncio

import pytest
from sqlalchemy import text

from gradesync.db import invitations
from gradesync.db.session import Database
from harness.servers import Urls

OLD = text("UPDATE invitation SET expires_at = now()")


async def redeem(database: Database, secret: str, district: str = "riverside") -> tuple[str, str] | None:
    async with database.district(district) as db:
        return await invitations.redeem(db, secret)


@pytest.fixture
async def secret(database: Database) -> str:
    async with database.district("riverside") as db:
        return await invitations.create(db, "Ann Lee")


async def test_invitation_opens_one_session(database: Database, secret: str) -> None:
    answers = await asyncio.gather(*(redeem(database, secret) for _ in range(3)))
    ((name, session),) = [answer for answer in answers if answer]
    assert name == "Ann Lee"
    async with database.district("riverside") as db:
        assert await invitations.find(db, session) == "Ann Lee"
        assert await invitations.find(db, secret) is None


async def test_invitation_is_for_its_district(database: Database, secret: str) -> None:
    assert await redeem(database, secret, "hilltop") is None
    opened = await redeem(database, secret)
    assert opened
    async with database.district("hilltop") as db:
        assert await invitations.find(db, opened[1]) is None


async def test_old_invitation_and_old_session_are_refused(database: Database, secret: str) -> None:
    async with database.district("riverside") as db:
        other = await invitations.create(db, "Bob")
    opened = await redeem(database, secret)
    assert opened
    async with database.district("riverside") as db:
        await db.execute(OLD)
    assert await redeem(database, other) is None
    async with database.district("riverside") as db:
        assert await invitations.find(db, opened[1]) is None
        await invitations.purge(db)
        assert await db.scalar(text("SELECT count(*) FROM invitation")) == 0


async def test_secrets_of_invitations_are_not_stored(database: Database, servers: Urls, secret: str) -> None:
    opened = await redeem(database, secret)
    assert opened
    async with servers.owner() as owner:
        rows = str((await owner.scalars(text("SELECT invitation::text FROM invitation"))).all())
    assert "Ann Lee" in rows
    assert secret not in rows
    assert opened[1] not in rows
