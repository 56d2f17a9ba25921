"""Check the command `report`: it creates a section's statement and verifies it without the service."""

import base64
import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from gradesync.access.signing_key import SigningKey
from gradesync.core.decide import NEVER_SENT
from gradesync.core.history import Cause, CellChange, ColumnChange
from gradesync.core.ledger import LedgerAssignment, Owed
from gradesync.core.sis import Ref, SisSection
from gradesync.db import audit, districts, ledger, ledger_changes, links
from gradesync.db.links import SectionLink
from gradesync.db.session import Database
from gradesync.settings import Settings
from harness.commands import CommandResult, run_gradesync
from harness.store import RIVERSIDE

SEED = base64.b64encode(bytes(range(32))).decode()
COLUMN = ColumnChange("5001", "901", (CellChange("57", NEVER_SENT, Decimal("9.50")),))


async def write(database: Database) -> Cause:
    """Store a district with one score that was sent, and one that is owed."""
    cause = Cause(str(uuid4()), "changes", "teacher:5790000", reason="A late hand-in")
    async with database.district("riverside") as db:
        await districts.apply(db, RIVERSIDE)
        entry = LedgerAssignment("5001", owed={"5790001": Owed("score-not-accepted", Decimal(4))})
        await ledger.save(db, "79", [entry], changed=[COLUMN], cause=cause)
    return cause


def period() -> tuple[str, ...]:
    now = datetime.now(UTC)
    return "--from", (now - timedelta(days=1)).isoformat(), "--to", now.isoformat()


ONE = ("--section", "79")


async def create(settings: Settings, file: Path, *options: str, key: str | None = SEED) -> CommandResult:
    keyed = settings.model_copy(update={"report_key": SecretStr(key)}) if key else settings
    assert SEED not in repr(keyed)
    environment = keyed.environment()
    return await run_gradesync(
        "report",
        "create",
        "riverside",
        *options,
        "--out",
        str(file),
        environment=environment,
    )


def read(file: Path) -> tuple[list[dict[str, str]], dict[str, Any]]:
    with zipfile.ZipFile(file) as packed:
        lines = list(csv.DictReader(io.StringIO(packed.read("statement.csv").decode(), newline="")))
        return lines, json.loads(packed.read("manifest.json"))


async def test_statement_is_created_and_verified_alone(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    cause = await write(database)
    first, second, when = tmp_path / "first.zip", tmp_path / "second.zip", period()
    done = await create(settings, first, *ONE, *when)
    assert (done.code, "signed by the key" in done.out) == (0, True), done.err
    assert (await create(settings, second, *ONE, *when)).code == 0
    assert first.read_bytes() == second.read_bytes()
    lines, manifest = read(first)
    written = next(line for line in lines if line["kind"] == "written")
    assert (written["after"], written["sync"], written["requested by"]) == (
        "9.5",
        cause.sync_id,
        "teacher:5790000",
    )
    kinds = [line["kind"] for line in lines]
    assert manifest["rows"]["all"] == len(lines)
    assert {kind: kinds.count(kind) for kind in kinds}.items() <= manifest["rows"].items()
    assert manifest["totals"]["closing"] == {"scores": 1, "points": "9.5"}
    assert {"owed", "unknown", "closing"} <= set(kinds)
    async with database.district("riverside") as db:
        assert [entry.action for entry in await audit.page(db)] == ["statement.created"] * 2
    public = tmp_path / "public.pem"
    shown = await run_gradesync("report", "key", environment={"GRADESYNC_REPORT_KEY": SEED})
    public.write_text(shown.out)
    verified = await run_gradesync("report", "verify", str(first), "--key", str(public), environment={})
    assert (verified.code, "riverside, section 79" in verified.out) == (0, True), verified.err
    first.write_bytes(first.read_bytes().replace(b'"9.5"', b'"8.5"'))
    broken = await run_gradesync("report", "verify", str(first), "--key", str(public), environment={})
    assert (broken.code, broken.out) == (1, "")


async def test_unsigned_statement_is_reported_as_unsigned(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    await write(database)
    file = tmp_path / "statement.zip"
    done = await create(settings, file, *ONE, *period(), key=None)
    assert (done.code, "not signed" in done.out, "GRADESYNC_REPORT_KEY" in done.err) == (0, True, True)
    assert read(file)[1]["key"] is None
    again = await create(settings, file, *ONE, *period(), key=None)
    assert (again.code, "cannot be made" in again.err) == (1, True)
    for since, until in (
        ("2026-09-01", "2999-01-01"),
        ("2026-09-01", "9999-12-31"),
        ("0001-01-01", "2026-09-01"),
        ("soon", "2026-09-01"),
    ):
        refused = await create(settings, tmp_path / "other.zip", *ONE, "--from", since, "--to", until)
        assert (refused.code, SEED in refused.err) == (1, False)
    assert not (tmp_path / "other.zip").exists()


async def test_statements_of_a_school_and_a_term_are_one_file(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """State two sections, the one of another school beside them, and one whose school nobody knows."""
    await write(database)
    term = SisSection(Ref("901"), date(2026, 1, 5), date(2026, 1, 30))
    links_of = {"79": ("7", term), "80": ("7", replace(term, ref=Ref("902"))), "81": ("8", None)}
    async with database.district("riverside") as db:
        for section_id, (code, sis) in links_of.items():
            await links.save(db, SectionLink(section_id=section_id, school=code, sis=sis))
        await ledger_changes.set_opted_out(db, "82", ["1"], opted_out=True)
    until = ("--to", datetime.now(UTC).isoformat())
    school, whole = tmp_path / "school.zip", tmp_path / "whole.zip"
    done = await create(settings, school, "--school", "7", "--term", "2026-01-30", *until)
    assert (done.code, "of 2 sections" in done.out) == (0, True), done.err
    lines, manifest = read(school)
    assert (manifest["school"], manifest["term"], manifest["from"][:10]) == ("7", "2026-01-30", "2026-01-05")
    assert (manifest["sections"], manifest["sections_not_placed"], manifest["after_term"]) == (2, 2, 1)
    (late,) = [line for line in lines if line["after term"]]
    assert (late["section"], late["reason given"]) == ("79", "A late hand-in")
    with zipfile.ZipFile(school) as packed:
        page = packed.read("summary.html").decode()
    assert ("A late hand-in" in page, "2 sections of the district are not in it" in page) == (True, True)
    everything = await create(settings, whole, *period())
    assert (everything.code, read(whole)[1]["sections"]) == (0, 3), everything.err
    public = base64.b64encode(SigningKey.read(SEED).key.public_key().public_bytes_raw()).decode()
    for file in (school, whole):
        assert (await run_gradesync("report", "verify", str(file), "--key", public, environment={})).code == 0
    nobody = await create(settings, tmp_path / "none.zip", "--school", "9", *period())
    assert (nobody.code, (tmp_path / "none.zip").exists()) == (1, False)
