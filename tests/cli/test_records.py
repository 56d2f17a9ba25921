"""Check the maintenance of what is stored: rotation, verification, export, erasure."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from gradesync.core.ledger import Doubtful, LedgerAssignment
from gradesync.core.sis import Ref
from gradesync.db import audit, clients, districts, installations, ledger, webhooks
from gradesync.db.codec import Secrets, SecretUnreadable
from gradesync.db.session import Database
from gradesync.settings import Settings
from harness.commands import run_gradesync
from harness.every_table import NAMES, district_column, fill, mark
from harness.servers import KEYS, Urls
from harness.store import HILLTOP, RIVERSIDE

NEW = "a newer key for tests that is long enough as well"


def keyed(settings: Settings, *keys: str) -> dict[str, str]:
    return settings.model_copy(update={"secret_keys": tuple(map(SecretStr, keys))}).environment()


async def with_key(urls: Urls, key: str) -> tuple[list[Any], str, str]:
    """Read the secrets of both districts with this key alone."""
    database = Database.open(urls.database_url, Secrets([key]), application_name="one key", pool_size=1)
    try:
        opened = []
        for district in (RIVERSIDE, HILLTOP):
            async with database.district(district.id) as db:
                opened.append(await districts.get(db))
        async with database.district("riverside") as db:
            (delivery,) = await webhooks.claim(db, "riverside", webhooks.Room(1), lease_seconds=0)
        async with database.without_tenant() as db:
            (tool_key,) = await installations.get_tool_keys(db, lambda: ("unused", "unused"))
        return opened, delivery.secrets[0], tool_key
    finally:
        await database.close()


async def test_rotation_makes_the_old_key_needless(
    settings: Settings, database: Database, servers: Urls
) -> None:
    for district in (RIVERSIDE, HILLTOP):
        async with database.district(district.id) as db:
            await districts.apply(db, district)
    async with database.district("riverside") as db:
        _, secret = await webhooks.create(db, "riverside", "https://hooks.example.org/")
        await webhooks.enqueue(db, uuid4(), {"type": "sync.settled"})
    async with database.without_tenant() as db:
        await installations.get_tool_keys(db, lambda: ("1", "the tool's private key"))
    done = await run_gradesync("secrets", "rotate", environment=keyed(settings, NEW, KEYS[0]))
    assert (done.code, "2 districts" in done.out) == (0, True)
    assert await with_key(servers, NEW) == ([RIVERSIDE, HILLTOP], secret, "the tool's private key")
    with pytest.raises(SecretUnreadable):
        await with_key(servers, KEYS[0])
    async with database.district("hilltop") as db:
        assert [entry.action for entry in await audit.page(db)] == ["secrets.rotated"]


async def test_rotation_without_the_old_key_changes_nothing(settings: Settings, database: Database) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    done = await run_gradesync("secrets", "rotate", environment=keyed(settings, NEW))
    assert done.code == 1
    assert "No key opens a secret of riverside" in done.err
    async with database.district("riverside") as db:
        assert await districts.get(db) == RIVERSIDE


async def test_rotation_goes_on_after_a_district_that_no_key_opens(
    settings: Settings, database: Database, servers: Urls
) -> None:
    async with database.district("hilltop") as db:
        await districts.apply(db, HILLTOP)
    newer = Database.open(servers.database_url, Secrets([NEW]), application_name="one key", pool_size=1)
    async with newer.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    await newer.close()
    done = await run_gradesync("secrets", "rotate", environment=keyed(settings, NEW))
    assert (done.code, "a secret of hilltop." in done.err) == (1, True)
    async with database.district("riverside") as db:
        assert [entry.action for entry in await audit.page(db)] == ["secrets.rotated"]


async def write(database: Database) -> None:
    """Store two districts, each with three entries in its audit log."""
    for district in (RIVERSIDE, HILLTOP):
        async with database.district(district.id) as db:
            await districts.apply(db, district)
            for number in (1, 2, 3):
                await audit.append(db, f"teacher:{number}", "sync.requested", {"sync": str(number)})


async def test_untouched_audit_log_verifies(settings: Settings, database: Database) -> None:
    await write(database)
    done = await run_gradesync("audit", "verify", "--json", environment=settings.environment())
    assert done.code == 0
    logs = json.loads(done.out)
    assert [(log["district"], log["entries"], log["broken_at"]) for log in logs] == [
        ("hilltop", 3, None),
        ("riverside", 3, None),
    ]
    assert len({log["head"] for log in logs}) == 2
    assert all(len(bytes.fromhex(log["head"])) == 32 for log in logs)


async def test_first_changed_entry_is_named(settings: Settings, database: Database, servers: Urls) -> None:
    await write(database)
    async with servers.owner() as owner:
        await owner.execute(
            text("UPDATE audit SET actor = 'nobody' WHERE district_id = 'riverside' AND seq = 2")
        )
    environment = settings.environment()
    done = await run_gradesync("audit", "verify", "riverside", environment=environment)
    assert done.code == 1
    assert "entry 2 " in done.err
    everywhere = await run_gradesync("audit", "verify", environment=environment)
    assert everywhere.code == 1
    assert "hilltop" in everywhere.out
    assert "hilltop" not in everywhere.err
    assert (await run_gradesync("audit", "verify", "hilltop", environment=environment)).code == 0
    assert (
        "No district is called" in (await run_gradesync("audit", "verify", "x", environment=environment)).err
    )


async def test_truncated_log_has_another_head(settings: Settings, database: Database, servers: Urls) -> None:
    await write(database)
    environment = settings.environment()
    (before,) = json.loads(
        (await run_gradesync("audit", "verify", "riverside", "--json", environment=environment)).out
    )
    async with servers.owner() as owner:
        await owner.execute(text("DELETE FROM audit WHERE district_id = 'riverside' AND seq = 3"))
    (after,) = json.loads(
        (await run_gradesync("audit", "verify", "riverside", "--json", environment=environment)).out
    )
    assert (before["entries"], after["entries"], after["broken_at"]) == (3, 2, None)
    assert before["head"] != after["head"]


async def test_ledger_is_doubted_by_district(settings: Settings, database: Database) -> None:
    entry = LedgerAssignment("1", ref=Ref("7"), sent={"5": Decimal("9.5"), "6": None})
    for district in (RIVERSIDE, HILLTOP):
        async with database.district(district.id) as db:
            await districts.apply(db, district)
            await ledger.save(db, "790", [entry._replace(read_through=datetime(2026, 9, 1, tzinfo=UTC))])
    done = await run_gradesync("ledger", "doubt", "riverside", environment=settings.environment())
    assert (done.code, "each of 1 sections" in done.out) == (0, True)
    async with database.district("riverside") as db:
        doubted = (await ledger.load(db, "790"))["1"]
        assert [entry.action for entry in await audit.page(db, limit=9)] == ["ledger.doubted"]
    async with database.district("hilltop") as db:
        assert (await ledger.load(db, "790"))["1"].doubtful == {}
    looks = {"5": Doubtful(Decimal("9.5"), 1), "6": Doubtful(None, 1)}
    assert doubted._replace(sent_at=None) == entry._replace(doubtful=looks, may_hold=True)


async def fill_both(database: Database, servers: Urls) -> str:
    """Store two districts with a row in every table; return the secret of a client."""
    async with servers.owner() as owner:
        for district in ("riverside", "hilltop"):
            await fill(owner, district)
        await owner.execute(text("DELETE FROM district"))
    for each in (RIVERSIDE, HILLTOP):
        async with database.district(each.id) as db:
            await districts.apply(db, each)
    async with database.district("riverside") as db:
        _, secret = await clients.create(db, ["syncs:read"], created_by="operator:test")
        sent = {"5790000": Decimal("9.5"), "5790001": None}
        await ledger.save(db, "7900000001", [LedgerAssignment(id="5001", sent=sent)])
    return secret


async def test_export_has_everything_but_secrets(
    settings: Settings, database: Database, servers: Urls, tmp_path: Path
) -> None:
    secret = await fill_both(database, servers)
    file = tmp_path / "riverside.jsonl"
    environment = settings.environment()
    done = await run_gradesync("district", "export", "riverside", str(file), environment=environment)
    assert done.code == 0, done.err
    assert file.stat().st_mode & 0o077 == 0
    written = file.read_text()
    head, *parts, end = map(json.loads, written.splitlines())
    assert head["district"] == "riverside"
    rows = {name: [part["row"] for part in parts if part["table"] == name] for name in NAMES}
    assert all(rows.values()), [name for name in NAMES if not rows[name]]
    assert end["rows"] == {name: len(exported) for name, exported in rows.items()}
    assert {row[district_column(name)] for name, exported in rows.items() for row in exported} == {
        "riverside"
    }
    assert {"5790000": 9.5, "5790001": None} in [row["scores"] for row in rows["ledger"]]
    assert mark("hilltop") not in written
    for hidden in (secret, RIVERSIDE.schoology.consumer_secret, RIVERSIDE.sis.client_secret):
        assert hidden not in written
    assert not {"secrets", "secret_hash", "secret", "old_secret"} & {
        column for exported in rows.values() for row in exported for column in row
    }


async def test_export_can_be_piped_out_of_a_container(settings: Settings, database: Database) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    done = await run_gradesync("district", "export", "riverside", "-", environment=settings.environment())
    assert done.code == 0, done.err
    head, *parts, end = map(json.loads, done.out.splitlines())
    assert head["district"] == "riverside"
    assert sum(end["rows"].values()) == len(parts)


async def test_export_overwrites_nothing(settings: Settings, database: Database, tmp_path: Path) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    file = tmp_path / "existing.jsonl"
    file.write_text("something else")
    done = await run_gradesync(
        "district", "export", "riverside", str(file), environment=settings.environment()
    )
    assert done.code == 1
    assert file.read_text() == "something else"


async def count(servers: Urls, district: str) -> dict[str, int]:
    async with servers.owner() as owner:
        return {
            name: await owner.scalar(
                text(f"SELECT count(*) FROM {name} WHERE {district_column(name)} = :d"),  # noqa: S608
                {"d": district},
            )
            for name in NAMES
        }


async def test_erasure_leaves_nothing_and_no_other_district(
    settings: Settings, database: Database, servers: Urls
) -> None:
    await fill_both(database, servers)
    before, other = await count(servers, "riverside"), await count(servers, "hilltop")
    environment = settings.environment()
    unconfirmed = await run_gradesync("district", "delete", "riverside", environment=environment)
    assert (unconfirmed.code, "--yes" in unconfirmed.err) == (1, True)
    assert await count(servers, "riverside") == before
    done = await run_gradesync("district", "delete", "riverside", "--yes", environment=environment)
    assert done.code == 0, done.err
    proof = json.loads(done.out)
    assert (proof["district"], proof["rows"]) == ("riverside", before)
    assert set(await count(servers, "riverside")) == set(NAMES)
    assert not any((await count(servers, "riverside")).values())
    assert await count(servers, "hilltop") == other
    again = await run_gradesync("district", "delete", "riverside", "--yes", environment=environment)
    assert "No district is called riverside" in again.err


async def test_application_role_cannot_erase(settings: Settings, database: Database) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    application = settings.model_copy(update={"migrate_database_url": None})
    environment = {name: value for name, value in application.environment().items() if "MIGRATE" not in name}
    done = await run_gradesync("district", "delete", "riverside", "--yes", environment=environment)
    assert (done.code, "MIGRATE_DATABASE_URL" in done.err) == (1, True)
    async with database.district("riverside") as db:
        assert await districts.get(db) == RIVERSIDE
