"""What is kept can be sealed anew, proven, handed over, and erased."""

import json
from dataclasses import replace
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
from gradesync.db.crypto import Secrets, SecretUnreadable
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
    """What the secrets of both districts say to somebody who has this key alone."""
    database = Database.open(urls.database_url, Secrets([key]), application_name="one key", pool_size=1)
    try:
        found = []
        for district in (RIVERSIDE, HILLTOP):
            async with database.district(district.id) as db:
                found.append(await districts.get(db))
        async with database.district("riverside") as db:
            (parcel,) = await webhooks.take(db, "riverside", most=1, hold_seconds=0)
        async with database.without_tenant() as door:
            (tool_key,) = await installations.tool_keys(door, lambda: ("unused", "unused"))
        return found, parcel.secrets[0], tool_key
    finally:
        await database.close()


async def test_secrets_are_sealed_anew_and_the_old_key_can_be_dropped(
    settings: Settings, database: Database, servers: Urls
) -> None:
    for district in (RIVERSIDE, HILLTOP):
        async with database.district(district.id) as db:
            await districts.apply(db, district)
    async with database.district("riverside") as db:
        _, secret = await webhooks.create(db, "riverside", "https://hooks.example.org/")
        await webhooks.post(db, uuid4(), {"type": "sync.settled"})
    async with database.without_tenant() as door:
        await installations.tool_keys(door, lambda: ("1", "the tool's private key"))
    said = await run_gradesync("secrets", "rotate", environment=keyed(settings, NEW, KEYS[0]))
    assert (said.code, "2 districts" in said.out) == (0, True)
    assert await with_key(servers, NEW) == ([RIVERSIDE, HILLTOP], secret, "the tool's private key")
    with pytest.raises(SecretUnreadable):
        await with_key(servers, KEYS[0])
    async with database.district("hilltop") as db:
        assert [entry.action for entry in await audit.page(db)] == ["secrets.rotated"]


async def test_without_the_old_key_nothing_is_sealed_anew(settings: Settings, database: Database) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    said = await run_gradesync("secrets", "rotate", environment=keyed(settings, NEW))
    assert said.code == 1
    assert "no key opens" in said.err
    async with database.district("riverside") as db:
        assert await districts.get(db) == RIVERSIDE


async def write(database: Database) -> None:
    """Two districts, each with three entries in its audit log."""
    for district in (RIVERSIDE, HILLTOP):
        async with database.district(district.id) as db:
            await districts.apply(db, district)
            for number in (1, 2, 3):
                await audit.append(db, f"teacher:{number}", "sync.requested", {"sync": str(number)})


async def test_an_audit_log_that_nobody_touched_verifies(settings: Settings, database: Database) -> None:
    await write(database)
    said = await run_gradesync("audit", "verify", "--json", environment=settings.environment())
    assert said.code == 0
    found = json.loads(said.out)
    assert [(one["district"], one["entries"], one["broken_at"]) for one in found] == [
        ("hilltop", 3, None),
        ("riverside", 3, None),
    ]
    assert len({one["head"] for one in found}) == 2
    assert all(len(bytes.fromhex(one["head"])) == 32 for one in found)


async def test_the_first_entry_that_does_not_follow_is_named(
    settings: Settings, database: Database, servers: Urls
) -> None:
    await write(database)
    async with servers.owner() as owner:
        await owner.execute(
            text("UPDATE audit SET actor = 'nobody' WHERE district_id = 'riverside' AND seq = 2")
        )
    environment = settings.environment()
    said = await run_gradesync("audit", "verify", "riverside", environment=environment)
    assert said.code == 1
    assert "entry 2 " in said.err
    everywhere = await run_gradesync("audit", "verify", environment=environment)
    assert everywhere.code == 1
    assert "hilltop" in everywhere.out
    assert "hilltop" not in everywhere.err
    assert (await run_gradesync("audit", "verify", "hilltop", environment=environment)).code == 0
    assert (
        "No district is called" in (await run_gradesync("audit", "verify", "x", environment=environment)).err
    )


async def test_a_log_that_was_cut_short_ends_otherwise(
    settings: Settings, database: Database, servers: Urls
) -> None:
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


async def test_what_was_sent_is_doubted_district_by_district(settings: Settings, database: Database) -> None:
    entry = LedgerAssignment("1", ref=Ref("7"), sent={"5": Decimal("9.5"), "6": None})
    for district in (RIVERSIDE, HILLTOP):
        async with database.district(district.id) as db:
            await districts.apply(db, district)
            await ledger.save(db, "790", [replace(entry, read_through=datetime(2026, 9, 1, tzinfo=UTC))])
    said = await run_gradesync("ledger", "doubt", "riverside", environment=settings.environment())
    assert (said.code, "each of 1 sections" in said.out) == (0, True)
    async with database.district("riverside") as db:
        doubted = (await ledger.load(db, "790"))["1"]
        assert [one.action for one in await audit.page(db, limit=9)] == ["ledger.doubted"]
    async with database.district("hilltop") as db:
        assert (await ledger.load(db, "790"))["1"].doubtful == {}
    looks = {"5": Doubtful(Decimal("9.5"), 1), "6": Doubtful(None, 1)}
    assert doubted == replace(entry, doubtful=looks, may_hold=True)


async def settle_in(database: Database, servers: Urls) -> str:
    """Two districts that have something in every table; answers the secret of a client."""
    async with servers.owner() as owner:
        for district in ("riverside", "hilltop"):
            await fill(owner, district)
        await owner.execute(text("DELETE FROM district"))
    for each in (RIVERSIDE, HILLTOP):
        async with database.district(each.id) as db:
            await districts.apply(db, each)
    async with database.district("riverside") as db:
        _, secret = await clients.create(db, ["syncs:read"])
        sent = {"5790000": Decimal("9.5"), "5790001": None}
        await ledger.save(db, "7900000001", [LedgerAssignment(id="5001", sent=sent)])
    return secret


async def test_a_district_takes_everything_along_but_secrets(
    settings: Settings, database: Database, servers: Urls, tmp_path: Path
) -> None:
    secret = await settle_in(database, servers)
    file = tmp_path / "riverside.jsonl"
    environment = settings.environment()
    said = await run_gradesync("district", "export", "riverside", str(file), environment=environment)
    assert said.code == 0, said.err
    assert file.stat().st_mode & 0o077 == 0
    written = file.read_text()
    head, *parts, end = map(json.loads, written.splitlines())
    assert head["district"] == "riverside"
    rows = {name: [part["row"] for part in parts if part["table"] == name] for name in NAMES}
    assert all(rows.values()), [name for name in NAMES if not rows[name]]
    assert end["rows"] == {name: len(found) for name, found in rows.items()}
    assert {row[district_column(name)] for name, found in rows.items() for row in found} == {"riverside"}
    assert {"5790000": 9.5, "5790001": None} in [row["sent"] for row in rows["ledger"]]
    assert mark("hilltop") not in written
    for hidden in (secret, RIVERSIDE.schoology.consumer_secret, RIVERSIDE.sis.client_secret):
        assert hidden not in written
    assert not {"secrets", "secret_hash", "secret", "old_secret"} & {
        column for found in rows.values() for row in found for column in row
    }


async def test_an_export_can_be_piped_out_of_a_container(settings: Settings, database: Database) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    said = await run_gradesync("district", "export", "riverside", "-", environment=settings.environment())
    assert said.code == 0, said.err
    head, *parts, end = map(json.loads, said.out.splitlines())
    assert head["district"] == "riverside"
    assert sum(end["rows"].values()) == len(parts)


async def test_an_export_overwrites_nothing(settings: Settings, database: Database, tmp_path: Path) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    file = tmp_path / "there.jsonl"
    file.write_text("something else")
    said = await run_gradesync(
        "district", "export", "riverside", str(file), environment=settings.environment()
    )
    assert said.code == 1
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


async def test_a_district_is_erased_without_a_trace_and_no_other(
    settings: Settings, database: Database, servers: Urls
) -> None:
    await settle_in(database, servers)
    before, other = await count(servers, "riverside"), await count(servers, "hilltop")
    environment = settings.environment()
    asked = await run_gradesync("district", "delete", "riverside", environment=environment)
    assert (asked.code, "--yes" in asked.err) == (1, True)
    assert await count(servers, "riverside") == before
    said = await run_gradesync("district", "delete", "riverside", "--yes", environment=environment)
    assert said.code == 0, said.err
    proof = json.loads(said.out)
    assert (proof["district"], proof["rows"]) == ("riverside", before)
    assert set(await count(servers, "riverside")) == set(NAMES)
    assert not any((await count(servers, "riverside")).values())
    assert await count(servers, "hilltop") == other
    again = await run_gradesync("district", "delete", "riverside", "--yes", environment=environment)
    assert "No district is called riverside" in again.err


async def test_the_application_alone_cannot_erase(settings: Settings, database: Database) -> None:
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
    application = settings.model_copy(update={"migrate_database_url": None})
    environment = {name: value for name, value in application.environment().items() if "MIGRATE" not in name}
    said = await run_gradesync("district", "delete", "riverside", "--yes", environment=environment)
    assert (said.code, "MIGRATE_DATABASE_URL" in said.err) == (1, True)
    async with database.district("riverside") as db:
        assert await districts.get(db) == RIVERSIDE
