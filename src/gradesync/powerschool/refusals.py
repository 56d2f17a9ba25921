"""How PowerSchool says no: the bodies of its refusals, and what they mean for a sync."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.powerschool.wire import Unintelligible, decode
from gradesync.upstream.response import DEFAULT_PAUSE, Answer, retry_after

LONGEST_READ = 64 * 1024
MOST_FIELDS = 20

_TOO_MANY = re.compile(r"too\s+many\s+requests|wait\s+(?:for\s+)?\d+(?:\.\d+)?\s*s", re.IGNORECASE)
_SECONDS = re.compile(r"\b(\d{1,9}(?:\.\d+)?)\s*s(?:ec|\b)", re.IGNORECASE)
_GONE = re.compile(r"unable to find", re.IGNORECASE)
_TEACHES = re.compile(r"does not teach", re.IGNORECASE)
_FIELD = re.compile(r"\b([a-z]{2,30})\.([a-z_]{2,30})\b", re.IGNORECASE)
_NO_COLUMN = re.compile(r"invalid field(?: specified:)?\s+(\w+)", re.IGNORECASE)
_STUDENT = re.compile(r"Student\.id\s*\[(\d+)\]", re.IGNORECASE)
_NUMBERS = re.compile(r"\d+")

GRANTED_TABLES = frozenset(
    {
        *("assignment", "assignmentsection", "assignmentcategoryassoc", "assignmentscore"),
        *("assignmentscorecomment", "teachercategory", "districtteachercategory", "users", "sections"),
        *("cc", "students", "terms", "sectionteacher", "schoolstaff"),
    }
)
"""The tables of the plugin's access request (2): other dotted words in a refusal are no fields."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refusal says: `text` in its messages, `raw` at all. Nothing of it is ever shown as it stands."""

    status: int
    text: str
    raw: str
    errors: tuple[Mapping[str, Any], ...] = ()

    @property
    def numbers(self) -> frozenset[str]:
        """Every number that it names."""
        named = (str(value) for error in self.errors for value in _params(error).values())
        return frozenset([*_NUMBERS.findall(self.text), *named])

    @property
    def gone(self) -> bool:
        """True where it says that a thing does not exist: a 404, or a 500 in PowerSchool's words (5)."""
        return bool(_GONE.search(self.text)) or (self.status == 404 and not self.text.startswith("<"))

    @property
    def not_taught(self) -> bool:
        return self.status == 403 and bool(_TEACHES.search(self.text))

    @property
    def lacks_v1(self) -> bool:
        """A 401 that no new token helps: the plugin lacks the capability for `/ws/v1` (1)."""
        return self.status == 401 and "accesslevelv1api" in self.text.lower()


def refusal(answer: Answer) -> Refusal:
    """Read a refusal leniently: `message`, `errorMessage.message`, `ErrorMessage.message`, `errors[]` (5)."""
    raw = answer.body[:LONGEST_READ].decode(errors="replace").strip()
    try:
        content = decode(answer.body)
    except Unintelligible:
        content = None
    if not isinstance(content, Mapping):
        return Refusal(answer.status, raw, raw)
    found = content.get("errors")
    errors = tuple(error for error in found if isinstance(error, Mapping)) if isinstance(found, list) else ()
    return Refusal(answer.status, " ".join([*_texts(content), *_error_texts(errors)]), raw, errors)


def _texts(content: Mapping[str, Any]) -> Iterator[str]:
    for name in ("message", "errorMessage", "ErrorMessage", "error", "error_description"):
        value = content.get(name)
        value = value.get("message") if isinstance(value, Mapping) else value
        if isinstance(value, str):
            yield value


def _error_texts(errors: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    for error in errors:
        yield ".".join(str(error[name]) for name in ("table", "field") if name in error)
        yield str(error.get("message", ""))


def _params(error: Mapping[str, Any]) -> Mapping[str, Any]:
    params = error.get("params")
    return params if isinstance(params, Mapping) else {}


def unknown_column(no: Refusal) -> str | None:
    """The column of a table query that this PowerSchool does not have, in small letters (5)."""
    found = _NO_COLUMN.search(no.text) if no.status == 400 else None
    return found[1].lower() if found else None


class PowerSchoolDialect:
    """Throttling that is told by status or by text alone, and 500 where others say 404 (5)."""

    def throttled(self, answer: Answer) -> float | None:
        if answer.status < 400:
            return None
        text = answer.body[:LONGEST_READ].decode(errors="replace")
        if answer.status != 429 and not _TOO_MANY.search(text):
            return None
        told, said = retry_after(answer), _SECONDS.search(text)
        if told is not None:
            return told
        return float(said[1]) if said else DEFAULT_PAUSE

    def meant(self, answer: Answer) -> bool:
        return answer.status == 500 and bool(_GONE.search(refusal(answer).text))


def stop_for_permission(no: Refusal, what: str) -> None:
    """Raises `SyncStopped("sis-permission-missing")` with the fields, for a 403 about the plugin's grants."""
    if no.status != 403 or no.not_taught:
        return
    named = dict.fromkeys(
        f"{table}.{column}".upper()
        for table, column in _FIELD.findall(f"{no.text} {no.raw}")
        if table.lower() in GRANTED_TABLES
    )
    fields = ", ".join(list(named)[:MOST_FIELDS]) or "fields that it does not name"
    raise SyncStopped(Reason.SIS_PERMISSION_MISSING, f"PowerSchool lets the plugin not use {fields} ({what})")


def students_named(no: Refusal) -> list[tuple[str | None, str]]:
    """The (assignmentsectionid, studentsdcid) that a 409 names as not on the assignment (5)."""
    found = []
    for error in no.errors:
        params = _params(error)
        if "student_dcid" in params and not _is_score_fault(error):
            part = params.get("assignment_section_id")
            found.append((None if part is None else str(part), str(params["student_dcid"])))
    return found or [(None, student) for student in _STUDENT.findall(no.text)]


def _is_score_fault(error: Mapping[str, Any]) -> bool:
    """A guess (9): an error whose field is a column of the score is about the value, not the student."""
    return str(error.get("field", "")).lower() in ("actualscoreentered", "scorepoints", "scorepercent")


_ASSIGNMENT_FAULTS = (
    (r"lock", Reason.TERM_LOCKED),
    (r"duplicate|unique|already|exists", Reason.DUPLICATE_NAME),
    (r"categor", Reason.ASSIGNMENT_NOT_ACCEPTED),
    (r"due_?\s?date|\bterm\b", Reason.DUE_DATE_OUTSIDE_TERM),
    (r"\bname\b|title", Reason.TITLE_NOT_ACCEPTED),
    (r"points?|totalpointvalue|weight", Reason.POINTS_NOT_ACCEPTED),
)
"""A guess (9): no text of a refused create or update is known. Matched in this order."""


def assignment_fault(no: Refusal, name: str) -> Reason:
    """Why an assignment is refused, by the fields that the refusal names, else by its words.

    `name` is the assignment's own, whose words are not PowerSchool's.
    """
    fields = " ".join(str(error.get("field", "")) for error in no.errors)
    for text in (no.text, fields):
        words = text.replace(name, " ") if name else text
        for pattern, reason in _ASSIGNMENT_FAULTS:
            if re.search(pattern, words, re.IGNORECASE):
                return reason
    return Reason.ASSIGNMENT_NOT_ACCEPTED


_COLUMNS = (
    *("name", "duedate", "scoreentrypoints", "totalpointvalue", "weight", "scoretype"),
    *("iscountedinfinalgrade", "isscoringneeded", "teachercategoryid"),
)


def in_short(no: Refusal, name: str) -> str:
    """What of the refusal of an assignment may be shown: its status, and which of our columns it names.

    All else may hold anything, a student's name too. `name` is the assignment's own.
    """
    fields = " ".join(str(error.get("field", "")) for error in no.errors)
    said = f"{no.text.replace(name, ' ') if name else no.text} {fields}".lower()
    named = [column for column in _COLUMNS if re.search(rf"\b{column}\b", said)]
    return f"PowerSchool answered {no.status}" + (f" and named {', '.join(named)}" if named else "")


_SCORE_FAULTS = (
    (r"lock", Reason.TERM_LOCKED),
    (r"score|number|numeric|character", Reason.SCORE_NOT_ACCEPTED),
)
"""A guess (9), for refusals of scores that name no student."""


def score_fault(no: Refusal) -> Reason | None:
    """Why scores are refused, where no student is named; None where nobody can tell."""
    for pattern, reason in _SCORE_FAULTS:
        if re.search(pattern, no.text, re.IGNORECASE):
            return reason
    return None
