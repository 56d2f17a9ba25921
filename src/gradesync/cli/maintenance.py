"""Maintain what is stored: rotate secrets, verify the audit log, export and erase districts."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from gradesync.cli.operator import ACTOR, list_districts, open_district
from gradesync.cli.output import CommandError
from gradesync.db import (
    audit,
    codec,
    districts,
    export_erase,
    installations,
    ledger_changes,
    pauses,
    sent_specs,
)
from gradesync.db.codec import SecretUnreadable
from gradesync.db.moving import MOVER
from gradesync.db.pauses import Where
from gradesync.runtime import Runtime


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Report a district's audit log: its end, and the first entry that does not follow, if any."""

    district: str
    entries: int
    head: str
    broken_at: int | None


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """Prove that a district is erased: what was deleted, and the end of its audit log."""

    district: str
    erased_at: str
    rows: dict[str, int]
    audit_entries: int
    audit_head: str


async def rotate(runtime: Runtime) -> int:
    """Seal every secret with the newest key; return the number of districts.

    Raises `CommandError` at the end where no key opens secrets of some.
    """
    async with runtime.context.database.without_tenant() as db:
        await installations.reseal(db)
    names = await list_districts(runtime)
    unreadable = []
    for name in names:
        try:
            async with runtime.context.database.district(name.id) as db:
                await districts.rotate_secrets(db)
                await audit.append(db, ACTOR, "secrets.rotated", {"district": name.id})
        except SecretUnreadable:
            unreadable.append(name.id)
    if unreadable:
        raise CommandError(
            f"No key opens a secret of {', '.join(unreadable)}. The other districts are done.",
            "Add the key that sealed it to GRADESYNC_SECRET_KEYS, and run it again.",
        )
    return len(names)


async def doubt(runtime: Runtime, district_id: str | None) -> int:
    """Mark the ledgers of a district, or of all, as doubtful; return the number of their sections.

    Each section has a transaction of its own. A sync that is under way may overwrite it.
    """
    doubted = 0
    for each in await _district_ids(runtime, district_id):
        async with open_district(runtime, each) as (db, _):
            await audit.append(db, ACTOR, "ledger.doubted", {"district": each})
            sections = await sent_specs.list_sections(db)
        for section in sections:
            async with runtime.context.database.district(each) as db:
                await ledger_changes.doubt(db, section)
        doubted += len(sections)
    return doubted


async def _district_ids(runtime: Runtime, district_id: str | None) -> Sequence[str]:
    return [district_id] if district_id else [name.id for name in await list_districts(runtime)]


async def verify(runtime: Runtime, district_id: str | None) -> Sequence[AuditReport]:
    """Verify the chain of one district's audit log, or of every district's."""
    logs = []
    for each in await _district_ids(runtime, district_id):
        async with open_district(runtime, each) as (db, _):
            broken_at, head = await audit.verify(db), await audit.get_head(db)
        logs.append(AuditReport(each, head.seq, head.hash, broken_at))
    return logs


async def export(runtime: Runtime, district_id: str, file: Path | None) -> dict[str, int]:
    """Write everything of a district, a JSON value on each line, to a new file that only its owner may read.

    None: to standard output. The last line counts the rows by table, so that a truncated file is recognized.
    """
    async with open_district(runtime, district_id) as (db, _):
        await audit.append(db, ACTOR, "district.exported", {"district": district_id})
    counts: Counter[str] = Counter()
    with os.fdopen(create_file(file) if file else os.dup(sys.stdout.fileno()), "w") as out:
        head = {"gradesync": version("gradesync"), "district": district_id, "exported_at": _now()}
        out.write(codec.dump(head) + "\n")
        async with runtime.context.database.snapshot(district_id) as db:
            async for exported in export_erase.export_rows(db):
                counts[exported.table] += 1
                out.write(codec.dump({"table": exported.table, "row": exported.row}) + "\n")
        out.write(codec.dump({"rows": counts}) + "\n")
    return dict(counts)


async def erase(runtime: Runtime, owner: str, district_id: str) -> ErasureReport:
    """Delete everything of a district, its audit log too, as the owner of the database.

    Raises `CommandError` while it is being moved: nobody could remove the copy at the target afterwards.
    """
    async with open_district(runtime, district_id) as (db, _):
        paused = await pauses.find(db, Where())
        if paused is not None and paused.paused_by == MOVER:
            raise CommandError(
                f"{district_id} is being moved, and the target may have a copy of it.",
                "End the move, or run it with --abort. Then delete the district.",
            )
        head = await audit.get_head(db)
    rows = await export_erase.erase(owner, district_id)
    return ErasureReport(district_id, _now(), rows, head.seq, head.hash)


def create_file(file: Path) -> int:
    """Open a new file that only its owner may read. Raises `CommandError` where there is one already."""
    try:
        return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(
            f"{file} cannot be made: {error.strerror}.", "Name a file that is not there yet."
        ) from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
