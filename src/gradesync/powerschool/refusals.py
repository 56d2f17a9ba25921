"""Read PowerSchool's refusals, and decide by their status and structure what they mean for a sync (R42).

Text steers nothing here: it may quote what a teacher typed. `refusal_texts` picks sentences by it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gradesync.core.reasons import Reason
from gradesync.errors import AccessRefused, SyncStopped
from gradesync.powerschool import refusal_texts
from gradesync.upstream.response import MalformedError, UpstreamResponse, decode

MAX_READ_BYTES = 64 * 1024
MAX_FIELDS = 20

# The tables of the plugin's access request (upstream.md PowerSchool §2): other dotted words in a refusal are
# no fields.
GRANTED_TABLES = frozenset(
    {
        *("assignment", "assignmentsection", "assignmentcategoryassoc", "assignmentscore"),
        *("assignmentscorecomment", "teachercategory", "districtteachercategory", "users", "sections"),
        *("cc", "students", "terms", "sectionteacher", "schoolstaff"),
    }
)
SCORE_COLUMNS = frozenset({"actualscoreentered", "scorepoints", "scorepercent"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Hold a refusal. Nothing of it is ever shown as it stands.

    `text` is that of its messages, without what we sent ourselves. `errors` are its structured entries.
    """

    status: int
    text: str
    is_html: bool
    errors: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_missing(self) -> bool:
        """Return True for a 404 of PowerSchool itself: what the address names does not exist."""
        return self.status == 404 and not self.is_html

    @property
    def lacks_v1(self) -> bool:
        """Return True for a 401 that no new token helps: the plugin may not use `/ws/v1`.

        See upstream.md PowerSchool §1. These calls concern nothing that a teacher types.
        """
        return self.status == 401 and "accesslevelv1api" in self.text.lower()

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the columns that its entries name, in small letters."""
        return tuple(filter(None, (_read_column(error) for error in self.errors)))

    @property
    def grants(self) -> tuple[str, ...]:
        """Return the fields of granted tables that its entries name, as TABLE.COLUMN."""
        listed = (_name_field(error) for error in self.errors)
        named = (name for text in listed for name in text.replace(",", " ").split())
        return tuple(dict.fromkeys(name.upper() for name in named if is_granted(name)))


def is_granted(name: str) -> bool:
    """Return True for the name of a field, as table.column, of a table of the plugin's access request."""
    table, _, column = name.lower().partition(".")
    return table in GRANTED_TABLES and column.isidentifier()


def read_refusal(response: UpstreamResponse, *sent: str) -> Refusal:
    """Read a refusal leniently: `message`, `errorMessage.message`, `ErrorMessage.message`, `errors[]`.

    `sent` are the texts that our request carried: wherever the refusal quotes them they are taken out.
    """
    raw = response.body[:MAX_READ_BYTES].decode(errors="replace").strip()
    try:
        content = decode(response.body)
    except MalformedError:
        content = None
    is_html = raw.startswith("<")
    if not isinstance(content, Mapping):
        return Refusal(response.status, refusal_texts.strip_sent(raw, sent), is_html)
    listed = content.get("errors")
    errors = tuple(each for each in listed if isinstance(each, Mapping)) if isinstance(listed, list) else ()
    text = " ".join([*_find_messages(content), *_find_error_texts(errors)])
    return Refusal(response.status, refusal_texts.strip_sent(text, sent), is_html, errors)


def _find_messages(content: Mapping[str, Any]) -> Iterator[str]:
    for name in ("message", "errorMessage", "ErrorMessage", "error", "error_description"):
        value = content.get(name)
        value = value.get("message") if isinstance(value, Mapping) else value
        if isinstance(value, str):
            yield value


def _find_error_texts(errors: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    for error in errors:
        yield _name_field(error)
        yield str(error.get("message", ""))


def _name_field(error: Mapping[str, Any]) -> str:
    return ".".join(str(error[name]) for name in ("table", "field") if name in error)


def _read_column(error: Mapping[str, Any]) -> str:
    """Return the column that an entry names; empty where its `field` is a sentence (as measured)."""
    column = str(error.get("field", "")).rpartition(".")[2].lower()
    return column if column.isidentifier() else ""


def _read_params(error: Mapping[str, Any]) -> Mapping[str, Any]:
    params = error.get("params")
    return params if isinstance(params, Mapping) else {}


def stop_for_permission(refusal: Refusal, action: str) -> None:
    """Raise `SyncStopped("sis-permission-missing")` with the fields, for a 403 about the plugin's grants."""
    if refusal.status == 403:
        raise SyncStopped(Reason.SIS_PERMISSION_MISSING, _describe_permission(refusal, action))


def _describe_permission(refusal: Refusal, action: str) -> str:
    named = refusal.grants or tuple(
        dict.fromkeys(name.upper() for name in refusal_texts.find_fields(refusal.text) if is_granted(name))
    )
    fields = ", ".join(named[:MAX_FIELDS]) or "fields that it does not name"
    return f"PowerSchool doesn't let the plugin use {fields} ({action})"


def stop_for_access(refusal: Refusal, action: str) -> None:
    """Raise for a 403 to a call in the name of a teacher.

    Raises `SyncStopped("sis-permission-missing")` where its entries name fields, else `AccessRefused`.
    """
    if refusal.status == 403:
        if refusal.grants:
            stop_for_permission(refusal, action)
        raise AccessRefused(*explain_access(refusal, action))


def explain_access(refusal: Refusal, action: str) -> tuple[Reason, str]:
    """Return the reason and the detail of a 403 that names no field in its entries."""
    if refusal_texts.reads_not_taught(refusal.text):
        return Reason.TEACHER_NOT_IN_SIS_SECTION, refusal_texts.NOT_TAUGHT
    return Reason.SIS_PERMISSION_MISSING, _describe_permission(refusal, action)


def stop_for_refusal(refusal: Refusal, kind: str) -> None:
    """Raise `SyncStopped` for a read of the gradebook that was refused."""
    stop_for_access(refusal, kind)
    raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool answered {refusal.status} to {kind}")


def find_named_parts(refusal: Refusal) -> frozenset[str]:
    """Return the ASSIGNMENTSECTIONIDs that the entries of a refusal name."""
    named = (_read_params(error).get("assignment_section_id") for error in refusal.errors)
    return frozenset(str(part) for part in named if part is not None)


def find_named_students(refusal: Refusal) -> list[tuple[str | None, str]]:
    """Return the (assignmentsectionid, studentsdcid) that a 409 names as not on the assignment.

    See upstream.md PowerSchool §5.
    """
    named = []
    for error in refusal.errors:
        params = _read_params(error)
        # A guess (upstream.md PowerSchool §9): an entry whose field is a column of the score is about the
        # value, not the student.
        if "student_dcid" in params and _read_column(error) not in SCORE_COLUMNS:
            part = params.get("assignment_section_id")
            named.append((None if part is None else str(part), str(params["student_dcid"])))
    return named
