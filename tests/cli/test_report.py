"""Check the command `report`: it creates a section's statement and verifies it without the service."""

import base64
import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from gradesync.core.decide import NEVER_SENT
from gradesync.core.history import Cause, CellChange, ColumnChange
from gradesync.core.ledger import LedgerAssignment, Owed
from gradesync.db import audit, districts, ledger
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


async def create(settings: Settings, file: Path, *options: str, key: str | None = SEED) -> CommandResult:
    keyed = settings.model_copy(update={"report_key": SecretStr(key)}) if key else settings
    assert SEED not in repr(keyed)
    environment = keyed.environment()
    return await run_gradesync(
        "report",
        "create",
        "riverside",
        "--section",
        "79",
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
    done = await create(settings, first, *when)
    assert (done.code, "signed by the key" in done.out) == (0, True), done.err
    assert (await create(settings, second, *when)).code == 0
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
    assert (verified.code, "Section 79 of riverside" in verified.out) == (0, True), verified.err
    first.write_bytes(first.read_bytes().replace(b'"9.5"', b'"8.5"'))
    broken = await run_gradesync("report", "verify", str(first), "--key", str(public), environment={})
    assert (broken.code, broken.out) == (1, "")


async def test_unsigned_statement_is_said_to_be_unsigned(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    await write(database)
    file = tmp_path / "statement.zip"
    done = await create(settings, file, *period(), key=None)
    assert (done.code, "not signed" in done.out, "GRADESYNC_REPORT_KEY" in done.err) == (0, True, True)
    assert read(file)[1]["key"] is None
    again = await create(settings, file, *period(), key=None)
    assert (again.code, "cannot be made" in again.err) == (1, True)
    for wrong in (("--from", "2026-09-01", "--to", "2999-01-01"), ("--from", "soon", "--to", "2026-09-01")):
        refused = await create(settings, tmp_path / "other.zip", *wrong)
        assert (refused.code, SEED in refused.err) == (1, False)
    assert not (tmp_path / "other.zip").exists()
