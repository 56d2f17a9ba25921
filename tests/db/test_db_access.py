"""Check clients, tokens that are used once, and responses under an Idempotency-Key."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from gradesync.db import clients, districts, idempotency, retention, tokens
from gradesync.db.clients import Client
from gradesync.db.idempotency import Key, StoredResponse
from gradesync.db.session import Database
from harness.servers import Urls
from harness.store import RIVERSIDE

LATER = datetime.now(UTC) + timedelta(hours=1)
KEY = Key("5790000", "1", "a key")
ANSWER = StoredResponse("a hash", {"status": 202, "body": {"id": "1"}})


async def authenticate(database: Database, client_id: str, secret: str) -> Client | None:
    async with database.without_tenant() as db:
        return await clients.authenticate(db, client_id, secret)


async def test_client_authenticates_without_a_district(database: Database) -> None:
    async with database.district("riverside") as db:
        client_id, secret = await clients.create(
            db, ["syncs:read", "syncs:read", "audit:read"], created_by="operator:test"
        )
    scopes = frozenset({"syncs:read", "audit:read"})
    assert await authenticate(database, client_id, secret) == Client(client_id, "riverside", scopes, True)
    assert await authenticate(database, client_id, secret + "x") is None
    assert await authenticate(database, "gs_0", secret) is None


async def test_secret_is_not_stored(database: Database, servers: Urls) -> None:
    async with database.district("riverside") as db:
        _, secret = await clients.create(db, ["syncs:read"], created_by="operator:test")
    async with servers.owner() as owner:
        assert secret not in str(await owner.scalar(text("SELECT client::text FROM client")))


async def test_revoked_client_is_refused(database: Database) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
        client_id, secret = await clients.create(db, ["syncs:read"], created_by="operator:test")
    async with database.district("hilltop") as db:
        assert not await clients.revoke(db, client_id)
    async with database.district("riverside") as db:
        assert await clients.is_active(db, client_id)
        assert await clients.revoke(db, client_id)
        assert not await clients.revoke(db, client_id)
        assert not await clients.is_active(db, client_id)
        assert [(each.id, each.revoked_at is None) for each in await clients.list_all(db)] == [
            (client_id, False)
        ]
    assert await authenticate(database, client_id, secret) is None


async def test_token_is_used_once(database: Database) -> None:
    async def take() -> bool:
        async with database.district("riverside") as db:
            return await tokens.use(db, "a token", LATER)

    assert sorted(await asyncio.gather(*(take() for _ in range(5)))) == [False] * 4 + [True]
    async with database.district("riverside") as db:
        assert await tokens.use(db, "another token", LATER)


async def test_only_expired_tokens_are_deleted(database: Database) -> None:
    async with database.district("riverside") as db:
        await tokens.use(db, "old", datetime(2026, 1, 1, tzinfo=UTC))
        await tokens.use(db, "new", LATER)
        await retention.purge(db)
        assert await tokens.use(db, "old", LATER)
        assert not await tokens.use(db, "new", LATER)


async def test_response_belongs_to_its_key_alone(database: Database) -> None:
    others = (replace(KEY, subject="6"), replace(KEY, section_id="2"), replace(KEY, key="another"))
    async with database.district("riverside") as db:
        assert await idempotency.find(db, KEY) is None
        await idempotency.save(db, KEY, ANSWER)
    async with database.district("riverside") as db:
        assert await idempotency.find(db, KEY) == ANSWER
        assert [await idempotency.find(db, other) for other in others] == [None, None, None]
    async with database.district("hilltop") as db:
        assert await idempotency.find(db, KEY) is None


async def test_concurrent_equal_keys_share_one_response(database: Database) -> None:
    async def ask(number: int) -> StoredResponse:
        async with database.district("riverside") as db:
            if (found := await idempotency.find(db, KEY)) is not None:
                return found
            answer = StoredResponse("a hash", {"number": number})
            await idempotency.save(db, KEY, answer)
            return answer

    answers = await asyncio.gather(*(ask(number) for number in range(5)))
    assert len({str(answer) for answer in answers}) == 1


async def test_response_expires_after_a_day(database: Database, servers: Urls) -> None:
    async with database.district("riverside") as db:
        await idempotency.save(db, KEY, ANSWER)
    async with servers.owner() as owner:
        left = await owner.scalar(text("SELECT expires_at - now() FROM idempotency"))
        assert left is not None
        assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
        await owner.execute(text("UPDATE idempotency SET expires_at = now() - interval '1 second'"))
    async with database.district("riverside") as db:
        assert await idempotency.find(db, KEY) is None
        await idempotency.save(db, KEY, replace(ANSWER, request_hash="another hash"))
        assert await idempotency.find(db, KEY) == replace(ANSWER, request_hash="another hash")


async def test_expired_responses_are_deleted(database: Database, servers: Urls) -> None:
    async with database.district("riverside") as db:
        await idempotency.save(db, KEY, ANSWER)
    async with servers.owner() as owner:
        await owner.execute(text("UPDATE idempotency SET expires_at = now() - interval '1 second'"))
        async with database.district("riverside") as db:
            await retention.purge(db)
        assert await owner.scalar(text("SELECT count(*) FROM idempotency")) == 0
