"""Write outcomes as rows of a spreadsheet (CSV, RFC 4180) that a teacher can open directly."""

import re
from dataclasses import dataclass
from datetime import datetime
from unicodedata import normalize

from gradesync.api import schemas
from gradesync.api.spreadsheet_words import (
    KINDS,
    STATUS,
    word_edit,
    word_result,
    word_score,
    word_sync_result,
)
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
    "what happened",
    "what to do",
    "details",
    "worth knowing",
    "before",
    "after",
    "sync code",
    "result code",
    "reason code",
    "worth knowing codes",
)
ROWS_PER_READ = 1000
# A spreadsheet reads the file as UTF-8 by it.
BYTE_ORDER_MARK = "\ufeff"
NAME_MAX = 48
YES = "Yes"


@dataclass(frozen=True, slots=True)
class About:
    """Describe the sync of a spreadsheet: its section, who requested it, and when in the section's zone."""

    section: str
    requester: str
    at: datetime
    sync: schemas.Sync

    @property
    def file_name(self) -> str:
        """Return a name that names them, in letters that every system takes."""
        parts = ("preview" if self.sync.dry_run else "sync", _plain(self.section), _plain(self.requester))
        return f"{'-'.join(filter(None, parts))}-{self.at:%Y-%m-%d-%H%M}.csv"

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the first cells of every line."""
        status, result = STATUS[self.sync.status], word_sync_result(self.sync)
        return self.section, self.requester, f"{self.at:%Y-%m-%d %H:%M %Z}", status, result


def _plain(words: str) -> str:
    letters = normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall("[a-z0-9]+", letters))[:NAME_MAX].rstrip("-")


def format_stop(about: About) -> str:
    """Format why a sync stopped, or a preview would, as one line; empty where nothing did."""
    error, guard = about.sync.error, about.sync.guard
    if error is None and not (guard and guard.explanation):
        return ""
    return format_line(
        (
            *about.cells,
            *("", "", "", "", KINDS["sync"], "", word_sync_result(about.sync), YES),
            error.explanation if error else guard.explanation or "" if guard else "",
            error.fix if error else "",
            error.detail or "" if error else "",
            *("", "", ""),
            *(about.sync.result or "", "", error.code if error else "", ""),
        )
    )


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
            KINDS[outcome.kind],
            str(outcome.count),
            word_result(outcome, preview=about.sync.dry_run),
            YES if any(each.needs_attention for each in _stopping(outcome)) else "",
            reason.explanation if reason else "",
            " ".join(dict.fromkeys(each.fix for each in _to_fix(outcome))),
            outcome.detail or "",
            " ".join(warning.explanation for warning in outcome.warnings),
            word_score(outcome.before) or "; ".join(word_edit(edit, after=False) for edit in outcome.edits),
            word_score(outcome.after) or "; ".join(word_edit(edit, after=True) for edit in outcome.edits),
            about.sync.result or "",
            outcome.result,
            reason.code if reason else "",
            " ".join(warning.code for warning in outcome.warnings),
        )
    )


def _stopping(outcome: schemas.Outcome) -> list[schemas.ReasonText]:
    stopped = [outcome.reason] if outcome.reason and outcome.result in {"skipped", "failed"} else []
    return [*stopped, *outcome.warnings]


def _to_fix(outcome: schemas.Outcome) -> list[schemas.ReasonText]:
    """Return the reason, and each warning that needs attention."""
    own = [outcome.reason] if outcome.reason else []
    return [*own, *(warning for warning in outcome.warnings if warning.needs_attention)]


HEAD = BYTE_ORDER_MARK + format_line(COLUMNS)
EXAMPLE = format_line(COLUMNS) + format_line(
    (
        *("Algebra 1", "57002", "2026-11-02 15:20 CST", "Failed", "1 needs attention"),
        *("5001", "Essay", "57001", "", "Score", "1", "Failed", "Yes", "…", "…", "", "", "", "9.5"),
        *("needs-attention", "failed", "student-not-in-sis-section", ""),
    )
)
