"""Create the statements of a section, a school or a district in the environment of a command."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.access.signing_key import SigningKey, read_signing_key
from gradesync.access.statement_file import StatementFile
from gradesync.cli.maintenance import create_file
from gradesync.cli.operator import ACTOR, open_district
from gradesync.cli.output import CommandError
from gradesync.core.statement.build import build_statement
from gradesync.core.statement.render import Scope
from gradesync.db import audit, statements
from gradesync.db.statements import FoundSections
from gradesync.runtime import Runtime

T = TypeVar("T")
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold what statements are wanted of; days and times as a person typed them, None where none is given.

    All sections of the district where neither `section`, `school` nor `term` is given.
    """

    district_id: str
    section: str | None
    school: str | None
    term: str | None
    since: str | None
    until: str | None
    file: Path

    @property
    def about(self) -> Mapping[str, str]:
        chosen = {"section": self.section, "school": self.school, "term": self.term}
        return {name: value for name, value in chosen.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Created:
    """Report a new file. `key_id` is None where it is not signed."""

    lines: int
    sections: int
    key_id: str | None


async def create(runtime: Runtime, wanted: Wanted) -> Created:
    """Write the statements to a new file that only its owner may read, one section after the other."""
    key = read_signing_key(runtime.settings.report_key)
    async with open_district(runtime, wanted.district_id) as (_, district):
        zone = ZoneInfo(district.timezone)
    async with runtime.context.database.snapshot(wanted.district_id) as db:
        found = await _find(db, wanted)
        since, until = _period(wanted, found, zone, runtime.clock())
        head = await audit.get_head(db, until=until)
        scope = Scope(wanted.district_id, since, until, wanted.about, head.seq, head.hash, found.unplaced)
        with os.fdopen(create_file(wanted.file), "w+b") as out:
            file = StatementFile(out, zone)
            with file.lines():
                for section_id in found.sections:
                    gathered = await statements.gather(db, section_id, since, until, zone)
                    if gathered is not None:
                        section, material = gathered
                        file.add(section, build_statement(material))
            file.finish(scope, key)
    if not file.parts:
        wanted.file.unlink()
        raise CommandError("Nothing was synced in such a section.", "Give ids of Schoology.")
    await _note(runtime, wanted, scope)
    return _report(file, key)


def _report(file: StatementFile, key: SigningKey | None) -> Created:
    return Created(file.written, len(file.parts), key.id if key else None)


async def _note(runtime: Runtime, wanted: Wanted, scope: Scope) -> None:
    async with runtime.context.database.district(wanted.district_id) as db:
        entry = {**scope.about, "from": scope.since.isoformat(), "to": scope.until.isoformat()}
        await audit.append(db, ACTOR, "statement.created", entry)


async def _find(db: AsyncSession, wanted: Wanted) -> FoundSections:
    if wanted.section is not None:
        return FoundSections([wanted.section], None, 0)
    term = wanted.term and _parse(wanted.term, date.fromisoformat)
    return await statements.find_sections(db, school=wanted.school, term_last=term or None)


def _period(wanted: Wanted, found: FoundSections, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Return the period, which has ended; that of the term, up to now, where only a term is given."""
    until = _time(wanted.until, zone, end=True) if wanted.until else now
    if wanted.since is None and found.begins is None:
        raise CommandError("A statement needs its first day.", "Give --from, or the --term.")
    first = datetime.combine(found.begins, time(), zone) if found.begins else now
    since = _time(wanted.since, zone) if wanted.since else first
    if not since < until <= now:
        raise CommandError("A statement is of a period that has ended.", "Give --from, and a later --to.")
    return since, until


def _parse(text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except (ValueError, OverflowError):
        raise CommandError(f"{text} is no day and no time.", "Write 2026-11-28, or a time.") from None


def _time(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime:
    """Parse a time with its offset, or a day: its beginning, or its `end`, in the district's zone."""

    def parse(text: str) -> datetime:
        if len(text) == len("2026-11-28"):
            day = date.fromisoformat(text) + (A_DAY if end else timedelta())
            at = datetime.combine(day, time(), zone)
        else:
            at = datetime.fromisoformat(text)
        _ = at - A_DAY, at + A_DAY  # every zone's clock can show it
        return at if at.tzinfo else at.replace(tzinfo=zone)

    return _parse(text, parse)
