"""Write outcomes as rows of a spreadsheet (CSV, RFC 4180) that a teacher can open directly."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from unicodedata import normalize

from gradesync.api import schemas

COLUMNS = (
    "section",
    "requested by",
    "requested at",
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
    "warnings",
    "before",
    "after",
)
ROWS_PER_READ = 1000
# A spreadsheet reads the file as UTF-8 by it.
BYTE_ORDER_MARK = "\ufeff"
NAME_MAX = 60
FORMULA = ("=", "+", "-", "@", "|", "%")


@dataclass(frozen=True, slots=True)
class About:
    """Describe the sync of a spreadsheet: its section, who requested it, and when in the section's zone."""

    section: str
    requester: str
    at: datetime
    preview: bool

    @property
    def file_name(self) -> str:
        """Return a name that says them, in letters that every system takes."""
        plain = normalize("NFKD", self.section).encode("ascii", "ignore").decode().lower()
        parts = ("preview" if self.preview else "sync", *re.findall("[a-z0-9]+", plain))
        return f"{'-'.join(parts)[:NAME_MAX]}-{self.at:%Y-%m-%d-%H%M}.csv"

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the first cells of every line."""
        return escape_formula(self.section), escape_formula(self.requester), f"{self.at:%Y-%m-%d %H:%M %Z}"


def format_outcome(outcome: schemas.Outcome, about: About) -> str:
    """Format an outcome as one line. Text that people wrote never starts a formula."""
    assignment, student, reason = outcome.assignment, outcome.student, outcome.reason
    return format_line(
        (
            *about.cells,
            assignment.id if assignment else "",
            escape_formula(assignment.title or "") if assignment else "",
            student.id if student else "",
            escape_formula(student.name or "") if student else "",
            outcome.kind,
            str(outcome.count),
            outcome.result,
            "yes" if _needs_attention(outcome) else "",
            reason.code if reason else "",
            escape_formula(reason.explanation) if reason else "",
            reason.fix if reason else "",
            escape_formula(outcome.detail or ""),
            escape_formula(" ".join(warning.explanation for warning in outcome.warnings)),
            outcome.before or _join((edit.field, edit.before_title or edit.before) for edit in outcome.edits),
            outcome.after or _join((edit.field, edit.after_title or edit.after) for edit in outcome.edits),
        )
    )


def _needs_attention(outcome: schemas.Outcome) -> bool:
    stopped = [outcome.reason] if outcome.reason and outcome.result in {"skipped", "failed"} else []
    return any(reason.needs_attention for reason in (*stopped, *outcome.warnings))


def _join(values: Iterable[tuple[str, str]]) -> str:
    return escape_formula("; ".join(" ".join(pair) for pair in values))


def escape_formula(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    plain = "".join(letter for letter in text if letter.isprintable())
    return f"'{plain}" if plain.lstrip().startswith(FORMULA) else plain


def format_line(cells: Sequence[str]) -> str:
    """Format cells as one line of a file."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


HEAD = BYTE_ORDER_MARK + format_line(COLUMNS)
EXAMPLE = (
    format_line(COLUMNS)
    + "Algebra 1,57002,2026-11-02 15:20 CST,"
    + "5001,Essay,57001,,score,1,failed,yes,student-not-in-sis-section,…,…,,,,9.5\r\n"
)
