"""Render statements as CSV, and their manifest as JSON: the same statements give the same bytes."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256

from gradesync.core.csv_line import format_line
from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.gradebook import EXCEPTION_NAMES, Mark
from gradesync.core.statement.lines import Balance, Kind, Line, Statement

FORMAT = "gradesync-statement-2"
COLUMNS = (
    "line",
    "section",
    "kind",
    "at",
    "assignment id",
    "sis assignment id",
    "student id",
    "sis student id",
    "before",
    "after",
    "count",
    "scores",
    "points",
    "after term",
    "reason",
    "sync",
    "mode",
    "requested by",
    "approved by",
    "reason given",
)
HEADER = format_line(COLUMNS).encode()


@dataclass(frozen=True, slots=True)
class Scope:
    """Name what a file of statements is about, and the end of the audit log by the end of its period.

    `about` has the section, the school or the last day of the term that was asked for; all are the district's
    where it is empty. `unplaced` counts sections that are not in it because their school, or term, is not
    known.
    """

    district_id: str
    since: datetime
    until: datetime
    about: Mapping[str, str]
    audit_entries: int
    audit_head: str
    unplaced: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """Name a section, and the term that it belongs to in the SIS, as far as that is known."""

    id: str
    title: str = ""
    school: str = ""
    term_last: date | None = None


@dataclass(frozen=True, slots=True)
class SectionPart:
    """Sum up one section's part of a file. `unknown` counts by reason; `digest` is that of its lines."""

    section: Section
    rows: Mapping[str, int]
    totals: Mapping[Kind, Balance]
    late: int
    unknown: Mapping[str, int]
    digest: str

    @classmethod
    def of(cls, section: Section, statement: Statement, lines: bytes) -> "SectionPart":
        unknown = Counter(line.reason for line in statement.lines if line.kind is Kind.UNKNOWN)
        digest = sha256(lines).hexdigest()
        return cls(section, statement.rows, statement.totals, statement.late, unknown, digest)


@dataclass(slots=True)
class Totals:
    """Add up the parts of a file."""

    rows: Counter[str] = field(default_factory=lambda: Counter({kind.value: 0 for kind in Kind}))
    balances: dict[Kind, Balance] = field(default_factory=dict)
    late: int = 0

    def add(self, part: SectionPart) -> None:
        self.rows.update(part.rows)
        self.late += part.late
        for kind, balance in part.totals.items():
            self.balances[kind] = self.balances.get(kind, Balance()).plus(balance)

    @classmethod
    def of(cls, parts: Iterable[SectionPart]) -> "Totals":
        totals = cls()
        for part in parts:
            totals.add(part)
        return totals


def render_lines(section_id: str, statement: Statement, first: int) -> bytes:
    """Render a section's lines as UTF-8 CSV, numbered from `first`, with times in UTC."""
    rows = (_cells(number, section_id, line) for number, line in enumerate(statement.lines, first))
    return "".join(map(format_line, rows)).encode()


def render_sections(parts: Iterable[SectionPart]) -> bytes:
    """Render one line for each section: its balances, its open lines, and the digest of its lines."""
    moved = [kind for kind in Kind if kind not in {Kind.FAILED, Kind.OWED, Kind.UNKNOWN}]
    names = [f"{kind.value} {unit}" for kind in moved for unit in ("scores", "points")]
    opened = [Kind.FAILED.value, Kind.OWED.value, Kind.UNKNOWN.value]
    head = ("section", "title", "school", "term ends", "lines", *names, *opened, "after term", "sha256")
    lines = [format_line(head)]
    for part in parts:
        section = part.section
        balances = [part.totals[kind] for kind in moved]
        amounts = [text for one in balances for text in (str(one.scores), render_number(one.points))]
        about = (section.id, section.title, section.school, str(section.term_last or ""))
        counts = [str(sum(part.rows.values())), *amounts, *(str(part.rows[name]) for name in opened)]
        lines.append(format_line((*about, *counts, str(part.late), part.digest)))
    return "".join(lines).encode()


def render_manifest(
    scope: Scope, totals: Totals, sections: int, digests: Mapping[str, str], key_id: str | None
) -> bytes:
    """Render what identifies the other parts: their hashes, rows and totals, scope, audit log and key."""
    manifest = {
        **scope.about,
        "format": FORMAT,
        "district": scope.district_id,
        "from": _time(scope.since),
        "to": _time(scope.until),
        "files": dict(digests),
        "sections": sections,
        "sections_not_placed": scope.unplaced,
        "rows": {**totals.rows, "all": totals.rows.total()},
        "totals": render_totals(totals.balances),
        "after_term": totals.late,
        "audit": {"entries": scope.audit_entries, "head": scope.audit_head},
        "key": key_id,
    }
    return (json.dumps(manifest, sort_keys=True, indent=2) + "\n").encode()


def render_totals(balances: Mapping[Kind, Balance]) -> Mapping[str, Mapping[str, int | str]]:
    """Render each balance and movement: the scores, and the points as a decimal string."""
    return {kind.value: _total(balance) for kind, balance in balances.items()}


def _total(balance: Balance) -> Mapping[str, int | str]:
    return {"scores": balance.scores, "points": render_number(balance.points)}


def _cells(number: int, section_id: str, line: Line) -> Sequence[str]:
    cause, change = line.cause, line.change
    return (
        str(number),
        section_id,
        line.kind.value,
        _time(line.at) if line.at else "",
        line.assignment_id,
        line.ref,
        line.student,
        line.sis_student,
        render_value(line.before),
        render_value(line.after),
        str(line.count),
        str(change.scores),
        render_number(change.points),
        "yes" if line.late else "",
        line.reason,
        cause.sync_id if cause else "",
        cause.mode if cause else "",
        cause.requested_by if cause else "",
        cause.approved_by or "" if cause else "",
        cause.reason or "" if cause else "",
    )


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def render_value(value: Sent) -> str:
    """Render a score; a blank by that word, and nothing where nothing stood."""
    if value is NEVER_SENT:
        return ""
    if value is None:
        return "blank"
    if not isinstance(value, Mark):
        return render_number(value)
    name = EXCEPTION_NAMES.get(value.exception, f"exception {value.exception}")
    return name if value.points is None else f"{name} {render_number(value.points)}"


def render_number(number: Decimal) -> str:
    """Render a decimal without exponent and trailing zeros: 9.50 and 9.5 are the same points."""
    text = format(number or Decimal(0), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
