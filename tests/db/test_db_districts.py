"""Check districts, their secrets at rest, and facts about their systems."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import District
from gradesync.db import districts
from gradesync.db.codec import Secrets, SecretUnreadable
from gradesync.db.districts import Facts
from gradesync.db.session import Database
from harness.servers import KEYS, Urls
from harness.store import HILLTOP, RIVERSIDE

NEWER = "a newer key for tests only, and long enough too"
SECRETS = ("a consumer's secret", "a client's secret", "an old secret")


async def apply(database: Database, district: District) -> str:
    async with database.district(district.id) as db:
        return await districts.apply(db, district)


async def get(database: Database, district_id: str = "riverside") -> District | None:
    async with database.district(district_id) as db:
        return await districts.get(db)


def opened_with(servers: Urls, *keys: str) -> Database:
    return Database.open(servers.database_url, Secrets(keys), application_name="keys", pool_size=1)


async def test_district_is_read_as_it_was_applied(database: Database) -> None:
    assert await apply(database, RIVERSIDE) == "created"
    assert await get(database) == RIVERSIDE
    assert await get(database, "hilltop") is None


async def test_apply_returns_what_it_did(database: Database) -> None:
    await apply(database, RIVERSIDE)
    assert await apply(database, RIVERSIDE) == "unchanged"
    moved = replace(RIVERSIDE, sis=replace(RIVERSIDE.sis, client_secret="another secret"))
    assert await apply(database, moved) == "changed"
    assert await get(database) == moved


async def test_secrets_are_stored_sealed(database: Database, servers: Urls) -> None:
    await apply(database, RIVERSIDE)
    async with servers.owner() as owner:
        row = await owner.scalar(text("SELECT district::text FROM district"))
    assert row is not None
    assert not [secret for secret in SECRETS if secret in row]
    assert not [secret for secret in SECRETS if secret in repr(RIVERSIDE)]


async def test_secret_moved_to_another_district_is_refused(database: Database, servers: Urls) -> None:
    await apply(database, RIVERSIDE)
    await apply(database, HILLTOP)
    async with servers.owner() as owner:
        await owner.execute(
            text("UPDATE district SET secrets = (SELECT secrets FROM district WHERE id = 'riverside')")
        )
    assert await get(database) == RIVERSIDE
    with pytest.raises(SecretUnreadable, match="belongs elsewhere"):
        await get(database, "hilltop")


async def test_secret_moved_to_another_field_is_refused(database: Database, servers: Urls) -> None:
    await apply(database, RIVERSIDE)
    async with servers.owner() as owner:
        await owner.execute(
            text("""
                UPDATE district SET secrets = jsonb_build_object(
                    'schoology.consumer_secret', secrets -> 'sis.client_secret',
                    'sis.client_secret', secrets -> 'schoology.consumer_secret')
            """)
        )
    with pytest.raises(SecretUnreadable, match="belongs elsewhere"):
        await get(database)


async def test_key_change_loses_no_secret(database: Database, servers: Urls) -> None:
    await apply(database, RIVERSIDE)
    both, new = opened_with(servers, NEWER, *KEYS), opened_with(servers, NEWER)
    with pytest.raises(SecretUnreadable, match="no key opens"):
        await get(new)
    async with both.district("riverside") as db:
        await districts.rotate_secrets(db)
    assert await get(new) == RIVERSIDE
    with pytest.raises(SecretUnreadable, match="no key opens"):
        await get(database)
    await both.close()
    await new.close()


def test_foreign_secret_is_not_rotated() -> None:
    with pytest.raises(SecretUnreadable):
        Secrets(KEYS).rotate("not a token of ours")


def test_signing_keys_differ_and_follow_the_order() -> None:
    old, new = Secrets(KEYS).signing_keys(), Secrets([NEWER, *KEYS]).signing_keys()
    assert new[1:] == old
    assert new[0] != old[0]
    assert [len(key) for key in new] == [32, 32]


async def facts(db: AsyncSession) -> Facts:
    known = await districts.get_known(db)
    assert known is not None
    return known.facts


async def test_facts_outlast_a_change_of_the_district(database: Database) -> None:
    await apply(database, RIVERSIDE)
    async with database.district("riverside") as db:
        assert await facts(db) == Facts()
        await districts.save_facts(db, non_spanning=True)
    await apply(database, replace(RIVERSIDE, name="Riverside"))
    async with database.district("riverside") as db:
        assert await facts(db) == Facts(non_spanning=True)


async def test_facts_of_a_later_release_are_ignored(database: Database, servers: Urls) -> None:
    await apply(database, RIVERSIDE)
    async with servers.owner() as owner:
        learnt = text("UPDATE district SET facts = jsonb_build_object('later', 1, 'non_spanning', true)")
        await owner.execute(learnt)
    async with database.district("riverside") as db:
        assert await facts(db) == Facts(non_spanning=True)


async def test_lti_installation_belongs_to_one_district(database: Database) -> None:
    await apply(database, RIVERSIDE)
    with pytest.raises(districts.InstallationTaken):
        await apply(database, replace(HILLTOP, lti=RIVERSIDE.lti))


async def test_other_faults_of_a_row_are_no_taken_installation(database: Database) -> None:
    with pytest.raises(IntegrityError, match="district_id_given"):
        async with database.district("") as db:
            await districts.apply(db, replace(RIVERSIDE, id=""))
