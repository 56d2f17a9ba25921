"""Outcomes as rows of a spreadsheet (CSV, RFC 4180) that a teacher can open as it is."""

import csv
import io
from collections.abc import Iterable, Sequence

from gradesync.api import schemas

COLUMNS = (
    "assignment id",
    "assignment",
    "student id",
    "student",
    "result",
    "reason",
    "what happened",
    "what to do",
    "details",
    "warnings",
    "before",
    "after",
)
BYTE_ORDER_MARK = "\ufeff"
"""By this, spreadsheets know that it is UTF-8."""
FORMULA = ("=", "+", "-", "@", "|", "%")


def row(one: schemas.Outcome) -> str:
    """One line. Text that other people wrote never starts a formula."""
    student, reason = one.student, one.reason
    return line(
        (
            one.assignment.id,
            harmless(one.assignment.title or ""),
            student.id if student else "",
            harmless(student.name or "") if student else "",
            one.result,
            reason.code if reason else "",
            reason.title if reason else "",
            reason.fix if reason else "",
            harmless(one.detail or ""),
            " ".join(warning.title for warning in one.warnings),
            one.before or _fields((edit.field, edit.before_title or edit.before) for edit in one.edits),
            one.after or _fields((edit.field, edit.after_title or edit.after) for edit in one.edits),
        )
    )


def _fields(told: Iterable[tuple[str, str]]) -> str:
    return harmless("; ".join(" ".join(one) for one in told))


def harmless(text: str) -> str:
    """What a spreadsheet would take for a formula gets an apostrophe before it."""
    plain = "".join(letter for letter in text if letter.isprintable())
    return f"'{plain}" if plain.lstrip().startswith(FORMULA) else plain


def line(cells: Sequence[str]) -> str:
    """Cells as one line of a file."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


HEAD = BYTE_ORDER_MARK + line(COLUMNS)
EXAMPLE = line(COLUMNS) + "5001,Essay,5790001,,failed,student-not-in-sis-section,…,…,,,,9.5\r\n"
