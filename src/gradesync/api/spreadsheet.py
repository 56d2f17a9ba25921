"""Write outcomes as rows of a spreadsheet (CSV, RFC 4180) that a teacher can open directly."""

import csv
import io
from collections.abc import Iterable, Sequence

from gradesync.api import schemas

COLUMNS = (
    "assignment id",
    "assignment",
    "student id",
    "student",
    "kind",
    "count",
    "result",
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
FORMULA = ("=", "+", "-", "@", "|", "%")


def format_outcome(outcome: schemas.Outcome) -> str:
    """Format an outcome as one line. Text that people wrote never starts a formula."""
    assignment, student, reason = outcome.assignment, outcome.student, outcome.reason
    return format_line(
        (
            assignment.id if assignment else "",
            escape_formula(assignment.title or "") if assignment else "",
            student.id if student else "",
            escape_formula(student.name or "") if student else "",
            outcome.kind,
            str(outcome.count),
            outcome.result,
            reason.code if reason else "",
            reason.title if reason else "",
            reason.fix if reason else "",
            escape_formula(outcome.detail or ""),
            " ".join(warning.title for warning in outcome.warnings),
            outcome.before or _join((edit.field, edit.before_title or edit.before) for edit in outcome.edits),
            outcome.after or _join((edit.field, edit.after_title or edit.after) for edit in outcome.edits),
        )
    )


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
EXAMPLE = format_line(COLUMNS) + "5001,Essay,57001,,score,1,failed,student-not-in-sis-section,…,…,,,,9.5\r\n"
