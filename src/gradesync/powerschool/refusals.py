"""Read the bodies of PowerSchool's refusals, and decide what they mean for a sync."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.powerschool.wire import MalformedError, decode
from gradesync.upstream.response import DEFAULT_PAUSE, UpstreamResponse, retry_after

MAX_READ_BYTES = 64 * 1024
MAX_FIELDS = 20
NOT_TAUGHT = "PowerSchool reports that the teacher doesn't teach the section"

_TOO_MANY = re.compile(r"too\s+many\s+requests|wait\s+(?:for\s+)?\d+(?:\.\d+)?\s*s", re.IGNORECASE)
_SECONDS = re.compile(r"\b(\d{1,9}(?:\.\d+)?)\s*s(?:ec|\b)", re.IGNORECASE)
_GONE = re.compile(r"unable to find", re.IGNORECASE)
_TEACHES = re.compile(r"does not teach", re.IGNORECASE)
_FIELD = re.compile(r"\b([a-z]{2,30})\.([a-z_]{2,30})\b", re.IGNORECASE)
_NO_COLUMN = re.compile(r"invalid field(?: specified:)?\s+(\w+)", re.IGNORECASE)
_STUDENT = re.compile(r"Student\.id\s*\[(\d+)\]", re.IGNORECASE)
_NUMBERS = re.compile(r"\d+")

# The tables of the plugin's access request (upstream.md PowerSchool §2): other dotted words in a refusal are
# no fields.
GRANTED_TABLES = frozenset(
    {
        *("assignment", "assignmentsection", "assignmentcategoryassoc", "assignmentscore"),
        *("assignmentscorecomment", "teachercategory", "districtteachercategory", "users", "sections"),
        *("cc", "students", "terms", "sectionteacher", "schoolstaff"),
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Hold a refusal: `text` of its messages, `raw` of all. Nothing of it is ever shown as it stands."""

    status: int
    text: str
    raw: str
    errors: tuple[Mapping[str, Any], ...] = ()

    @property
    def numbers(self) -> frozenset[str]:
        """Return every number that it names."""
        named = (str(value) for error in self.errors for value in _read_params(error).values())
        return frozenset([*_NUMBERS.findall(self.text), *named])

    @property
    def is_gone(self) -> bool:
        """Return True where it means that a thing does not exist.

        That is a 404, or a 500 in PowerSchool's words (upstream.md PowerSchool §5).
        """
        return bool(_GONE.search(self.text)) or (self.status == 404 and not self.text.startswith("<"))

    @property
    def is_not_taught(self) -> bool:
        """Return True where it means that the acting teacher does not teach the section."""
        return self.status == 403 and bool(_TEACHES.search(self.text))

    @property
    def lacks_v1(self) -> bool:
        """Return True for a 401 that no new token helps: the plugin may not use `/ws/v1`.

        See upstream.md PowerSchool §1.
        """
        return self.status == 401 and "accesslevelv1api" in self.text.lower()


def read_refusal(response: UpstreamResponse) -> Refusal:
    """Read a refusal leniently: `message`, `errorMessage.message`, `ErrorMessage.message`, `errors[]`."""
    raw = response.body[:MAX_READ_BYTES].decode(errors="replace").strip()
    try:
        content = decode(response.body)
    except MalformedError:
        content = None
    if not isinstance(content, Mapping):
        return Refusal(response.status, raw, raw)
    listed = content.get("errors")
    errors = tuple(each for each in listed if isinstance(each, Mapping)) if isinstance(listed, list) else ()
    return Refusal(
        response.status, " ".join([*_find_messages(content), *_find_error_texts(errors)]), raw, errors
    )


def _find_messages(content: Mapping[str, Any]) -> Iterator[str]:
    for name in ("message", "errorMessage", "ErrorMessage", "error", "error_description"):
        value = content.get(name)
        value = value.get("message") if isinstance(value, Mapping) else value
        if isinstance(value, str):
            yield value


def _find_error_texts(errors: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    for error in errors:
        yield ".".join(str(error[name]) for name in ("table", "field") if name in error)
        yield str(error.get("message", ""))


def _read_params(error: Mapping[str, Any]) -> Mapping[str, Any]:
    params = error.get("params")
    return params if isinstance(params, Mapping) else {}


def find_unknown_column(refusal: Refusal) -> str | None:
    """Return the column of a table query that this PowerSchool does not have, in small letters."""
    match = _NO_COLUMN.search(refusal.text) if refusal.status == 400 else None
    return match[1].lower() if match else None


class PowerSchoolDialect:
    """Recognize throttling by status or by text alone, and 500 where others answer 404.

    See upstream.md PowerSchool §5.
    """

    def throttled(self, response: UpstreamResponse) -> float | None:
        if response.status < 400:
            return None
        text = response.body[:MAX_READ_BYTES].decode(errors="replace")
        if response.status != 429 and not _TOO_MANY.search(text):
            return None
        wait, in_text = retry_after(response), _SECONDS.search(text)
        if wait is not None:
            return wait
        return float(in_text[1]) if in_text else DEFAULT_PAUSE

    def is_answer(self, response: UpstreamResponse) -> bool:
        return response.status == 500 and bool(_GONE.search(read_refusal(response).text))


def stop_for_permission(refusal: Refusal, action: str) -> None:
    """Raise `SyncStopped("sis-permission-missing")` with the fields, for a 403 about the plugin's grants."""
    if refusal.status != 403 or refusal.is_not_taught:
        return
    named = dict.fromkeys(
        f"{table}.{column}".upper()
        for table, column in _FIELD.findall(f"{refusal.text} {refusal.raw}")
        if table.lower() in GRANTED_TABLES
    )
    fields = ", ".join(list(named)[:MAX_FIELDS]) or "fields that it does not name"
    raise SyncStopped(
        Reason.SIS_PERMISSION_MISSING, f"PowerSchool doesn't let the plugin use {fields} ({action})"
    )


def stop_for_refusal(refusal: Refusal, kind: str) -> None:
    """Raise `SyncStopped` for a read of the gradebook that was refused."""
    if refusal.is_not_taught:
        raise SyncStopped(Reason.TEACHER_NOT_IN_SIS_SECTION, NOT_TAUGHT)
    stop_for_permission(refusal, kind)
    raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool answered {refusal.status} to {kind}")


def find_named_students(refusal: Refusal) -> list[tuple[str | None, str]]:
    """Return the (assignmentsectionid, studentsdcid) that a 409 names as not on the assignment.

    See upstream.md PowerSchool §5.
    """
    named = []
    for error in refusal.errors:
        params = _read_params(error)
        if "student_dcid" in params and not _is_score_fault(error):
            part = params.get("assignment_section_id")
            named.append((None if part is None else str(part), str(params["student_dcid"])))
    return named or [(None, student) for student in _STUDENT.findall(refusal.text)]


def _is_score_fault(error: Mapping[str, Any]) -> bool:
    # A guess (upstream.md PowerSchool §9): an error whose field is a column of the score is about the value,
    # not the student.
    return _read_field(error).lower() in ("actualscoreentered", "scorepoints", "scorepercent")


def _read_field(error: Mapping[str, Any]) -> str:
    return str(error.get("field", ""))


# A guess (upstream.md PowerSchool §9): no text of a refused create or update is known. Matched in this order.
_ASSIGNMENT_FAULTS = (
    (r"lock", Reason.TERM_LOCKED),
    (r"duplicate|unique|already|exists", Reason.DUPLICATE_NAME),
    (r"categor", Reason.ASSIGNMENT_NOT_ACCEPTED),
    (r"due_?\s?date|\bterm\b", Reason.DUE_DATE_OUTSIDE_TERM),
    (r"\bname\b|title", Reason.TITLE_NOT_ACCEPTED),
    (r"points?|totalpointvalue|weight", Reason.POINTS_NOT_ACCEPTED),
)


def classify_assignment_refusal(refusal: Refusal, name: str) -> Reason:
    """Return why an assignment is refused, by the words of the refusal, else by the fields that it names.

    `name` is the assignment's own, whose words are not PowerSchool's.
    """
    fields = " ".join(_read_field(error) for error in refusal.errors)
    for text in (refusal.text, fields):
        words = text.replace(name, " ") if name else text
        for pattern, reason in _ASSIGNMENT_FAULTS:
            if re.search(pattern, words, re.IGNORECASE):
                return reason
    return Reason.ASSIGNMENT_NOT_ACCEPTED


_COLUMNS = (
    *("name", "duedate", "scoreentrypoints", "totalpointvalue", "weight", "scoretype"),
    *("iscountedinfinalgrade", "isscoringneeded", "teachercategoryid"),
)


def summarize_refusal(refusal: Refusal, name: str) -> str:
    """Return what may be shown of the refusal of an assignment: its status, and which columns it names.

    All else may hold anything, a student's name too. `name` is the assignment's own.
    """
    fields = " ".join(_read_field(error) for error in refusal.errors)
    text = f"{refusal.text.replace(name, ' ') if name else refusal.text} {fields}".lower()
    named = [column for column in _COLUMNS if re.search(rf"\b{column}\b", text)]
    return f"PowerSchool answered {refusal.status}" + (f" and named {', '.join(named)}" if named else "")


# A guess (upstream.md PowerSchool §9), for refusals of scores that name no student.
_SCORE_FAULTS = (
    (r"lock", Reason.TERM_LOCKED),
    (r"score|number|numeric|character", Reason.SCORE_NOT_ACCEPTED),
)


def classify_score_refusal(refusal: Refusal) -> Reason | None:
    """Return why scores are refused, where no student is named; None where nothing shows it."""
    for pattern, reason in _SCORE_FAULTS:
        if re.search(pattern, refusal.text, re.IGNORECASE):
            return reason
    return None
