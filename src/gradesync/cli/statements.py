"""Create the statement of a section in the environment of a command."""

import os
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gradesync.access.statement_file import pack_statement, read_signing_key
from gradesync.cli.maintenance import create_file
from gradesync.cli.operator import ACTOR, open_district
from gradesync.cli.output import CommandError
from gradesync.core.statement.build import build_statement
from gradesync.db import audit, statements
from gradesync.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold what a statement is wanted of; the ends of the period as a person typed them."""

    district_id: str
    section_id: str
    since: str
    until: str
    file: Path


@dataclass(frozen=True, slots=True)
class Created:
    """Report a new statement. `key_id` is None where it is not signed."""

    lines: int
    key_id: str | None


async def create(runtime: Runtime, wanted: Wanted) -> Created:
    """Write the statement of a section to a new file that only its owner may read."""
    key = read_signing_key(runtime.settings.report_key)
    async with open_district(runtime, wanted.district_id) as (_, district):
        zone = ZoneInfo(district.timezone)
    since, until = _time(wanted.since, zone), _time(wanted.until, zone, end=True)
    if not since < until <= runtime.clock():
        raise CommandError("A statement is of a period that has ended.", "Give --from, and a later --to.")
    async with runtime.context.database.snapshot(wanted.district_id) as db:
        material = await statements.gather(db, wanted.section_id, since, until)
        scope = await statements.describe_scope(db, wanted.district_id, wanted.section_id, until)
    if material is None:
        raise CommandError(
            f"Nothing was synced in section {wanted.section_id}.", "Give the section's Schoology id."
        )
    statement = build_statement(material)
    packed = pack_statement(statement, scope, key)
    with os.fdopen(create_file(wanted.file), "wb") as out:
        out.write(packed)
    async with runtime.context.database.district(wanted.district_id) as db:
        entry = {"section": wanted.section_id, "from": since.isoformat(), "to": until.isoformat()}
        await audit.append(db, ACTOR, "statement.created", entry)
    return Created(len(statement.lines), key.id if key else None)


def _time(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime:
    """Parse a time with its offset, or a day: its beginning, or its `end`, in the district's zone."""
    try:
        if len(text) == len("2026-11-28"):
            day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
            return datetime.combine(day, time(), zone)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise CommandError(f"{text} is no day and no time.", "Write 2026-11-28, or a time.") from None
    return at if at.tzinfo else at.replace(tzinfo=zone)
