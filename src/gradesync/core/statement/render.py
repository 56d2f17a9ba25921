"""Render a statement as CSV and its manifest as JSON: the same statement gives the same bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

from gradesync.core.csv_line import format_line
from gradesync.core.decide import NEVER_SENT, Sent
from gradesync.core.gradebook import EXCUSED, INCOMPLETE, MISSING, Mark
from gradesync.core.statement.lines import Balance, Line, Statement

FORMAT = "gradesync-statement-1"
COLUMNS = (
    "line",
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
    "reason",
    "sync",
    "mode",
    "requested by",
    "approved by",
    "reason given",
)
EXCEPTIONS = {EXCUSED: "excused", INCOMPLETE: "incomplete", MISSING: "missing"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Name what a statement is about, and the end of the audit log by the end of its period."""

    district_id: str
    section_id: str
    audit_entries: int
    audit_head: str


def render_csv(statement: Statement) -> bytes:
    """Render the lines as UTF-8 CSV, numbered, with times in UTC."""
    rows = (_cells(number, line) for number, line in enumerate(statement.lines, 1))
    return (format_line(COLUMNS) + "".join(map(format_line, rows))).encode()


def render_manifest(statement: Statement, scope: Scope, csv: bytes, key_id: str | None) -> bytes:
    """Render what identifies the CSV: its hash, rows and totals, scope, audit log and key."""
    manifest = {
        "format": FORMAT,
        "district": scope.district_id,
        "section": scope.section_id,
        "from": _time(statement.since),
        "to": _time(statement.until),
        "sha256": sha256(csv).hexdigest(),
        "rows": {**statement.rows, "all": len(statement.lines)},
        "totals": render_totals(statement),
        "audit": {"entries": scope.audit_entries, "head": scope.audit_head},
        "key": key_id,
    }
    return (json.dumps(manifest, sort_keys=True, indent=2) + "\n").encode()


def render_totals(statement: Statement) -> Mapping[str, Mapping[str, int | str]]:
    """Render each balance and movement: the scores, and the points as a decimal string."""
    return {kind.value: _total(balance) for kind, balance in statement.totals.items()}


def _total(balance: Balance) -> Mapping[str, int | str]:
    return {"scores": balance.scores, "points": _number(balance.points)}


def _cells(number: int, line: Line) -> tuple[str, ...]:
    cause, change = line.cause, line.change
    return (
        str(number),
        line.kind.value,
        _time(line.at) if line.at else "",
        line.assignment_id,
        line.ref,
        line.student,
        line.sis_student,
        _value(line.before),
        _value(line.after),
        str(line.count),
        str(change.scores),
        _number(change.points),
        line.reason,
        cause.sync_id if cause else "",
        cause.mode if cause else "",
        cause.requested_by if cause else "",
        cause.approved_by or "" if cause else "",
        cause.reason or "" if cause else "",
    )


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _value(value: Sent) -> str:
    """Render a score; a blank by that word, and nothing where nothing stood."""
    if value is NEVER_SENT:
        return ""
    if value is None:
        return "blank"
    if not isinstance(value, Mark):
        return _number(value)
    name = EXCEPTIONS.get(value.exception, f"exception {value.exception}")
    return name if value.points is None else f"{name} {_number(value.points)}"


def _number(number: Decimal) -> str:
    """Render a decimal without exponent and trailing zeros: 9.50 and 9.5 are the same points."""
    text = format(number or Decimal(0), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
