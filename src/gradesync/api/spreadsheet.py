"""Write outcomes as rows of a spreadsheet (CSV, RFC 4180) that a teacher can open directly."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from unicodedata import normalize

from gradesync.api import schemas
from gradesync.core.csv_line import format_line

COLUMNS = (
    "section",
    "requested by",
    "requested at",
    "sync status",
    "sync result",
    "assignment id",
    "assignment",
    "student id",
    "student",
    "kind",
    "count",
    "result",
    "needs attention",
    "reason",
    "what happened",
    "what to do",
    "details",
    "worth knowing",
    "before",
    "after",
)
ROWS_PER_READ = 1000
# A spreadsheet reads the file as UTF-8 by it.
BYTE_ORDER_MARK = "\ufeff"
NAME_MAX = 60
# The words of the log.
STATUS = {"processing": "Processing", "complete": "Complete", "failed": "Failed"}


@dataclass(frozen=True, slots=True)
class About:
    """Describe the sync of a spreadsheet: section, requester, time in the section's zone, status, result.

    The result is empty while the sync is in progress.
    """

    section: str
    requester: str
    at: datetime
    preview: bool
    status: str
    result: str

    @property
    def file_name(self) -> str:
        """Return a name that names them, in letters that every system takes."""
        plain = normalize("NFKD", self.section).encode("ascii", "ignore").decode().lower()
        parts = ("preview" if self.preview else "sync", *re.findall("[a-z0-9]+", plain))
        return f"{'-'.join(parts)[:NAME_MAX]}-{self.at:%Y-%m-%d-%H%M}.csv"

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the first cells of every line."""
        return self.section, self.requester, f"{self.at:%Y-%m-%d %H:%M %Z}", STATUS[self.status], self.result


def format_outcome(outcome: schemas.Outcome, about: About) -> str:
    """Format an outcome as one line."""
    assignment, student, reason = outcome.assignment, outcome.student, outcome.reason
    return format_line(
        (
            *about.cells,
            assignment.id if assignment else "",
            assignment.title or "" if assignment else "",
            student.id if student else "",
            student.name or "" if student else "",
            outcome.kind,
            str(outcome.count),
            outcome.result,
            "yes" if _needs_attention(outcome) else "",
            reason.code if reason else "",
            reason.explanation if reason else "",
            reason.fix if reason else "",
            outcome.detail or "",
            " ".join(warning.explanation for warning in outcome.warnings),
            outcome.before or _join((edit.field, edit.before_title or edit.before) for edit in outcome.edits),
            outcome.after or _join((edit.field, edit.after_title or edit.after) for edit in outcome.edits),
        )
    )


def _needs_attention(outcome: schemas.Outcome) -> bool:
    stopped = [outcome.reason] if outcome.reason and outcome.result in {"skipped", "failed"} else []
    return any(reason.needs_attention for reason in (*stopped, *outcome.warnings))


def _join(values: Iterable[tuple[str, str]]) -> str:
    return "; ".join(" ".join(pair) for pair in values)


HEAD = BYTE_ORDER_MARK + format_line(COLUMNS)
EXAMPLE = format_line(COLUMNS) + format_line(
    (
        *("Algebra 1", "57002", "2026-11-02 15:20 CST", "Failed", "needs-attention"),
        *("5001", "Essay", "57001", "", "score", "1"),
        *("failed", "yes", "student-not-in-sis-section", "…", "…", "", "", "", "9.5"),
    )
)
