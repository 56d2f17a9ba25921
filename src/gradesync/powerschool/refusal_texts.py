"""Pick a sentence for a refusal by its text. No decision rests on it: it may quote what a teacher typed."""

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import unquote_plus

from gradesync.core.reasons import Reason

NOT_TAUGHT = "PowerSchool reports that the teacher doesn't teach the section"
UNESCAPES = 3  # how often a quoted text may have been escaped

_JSON_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[\"\\/bfnrt])")
_JSON_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_TEACHES = re.compile(r"does not teach", re.IGNORECASE)
_FIELD = re.compile(r"\b([a-z]{2,30}\.[a-z_]{2,30})\b", re.IGNORECASE)
_NO_COLUMN = re.compile(r"invalid field(?: specified:)?\s+(\w+)", re.IGNORECASE)


def strip_sent(text: str, sent: Iterable[str]) -> str:
    """Return a text without what we sent, however it is quoted there.

    Plain, in other letter case, normalized, or escaped as JSON, HTML or in an address: both are compared in
    one form, and the text is returned in that form. Without anything sent it is returned as it is.
    """
    quoted = [form for each in sent if (form := _canonical(each))]
    if not quoted:
        return text
    stripped = _canonical(text)
    for form in sorted(quoted, key=len, reverse=True):
        stripped = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", " ", stripped)
    return stripped


def _canonical(text: str) -> str:
    for _ in range(UNESCAPES):
        unescaped = _JSON_ESCAPE.sub(_unescape, text).encode("utf-16", "surrogatepass")
        text = html.unescape(unquote_plus(unescaped.decode("utf-16", "replace")))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.casefold().split())


def _unescape(escape: re.Match[str]) -> str:
    letter = escape[1]
    return chr(int(letter[1:], 16)) if len(letter) > 1 else _JSON_LETTERS.get(letter, letter)


def reads_not_taught(text: str) -> bool:
    """Return True where a text reads as if the acting teacher did not teach the section."""
    return bool(_TEACHES.search(text))


def find_fields(text: str) -> list[str]:
    """Return what reads as the name of a field: table.column."""
    return _FIELD.findall(text)


def find_unknown_column(status: int, text: str) -> str | None:
    """Return the column of a table query that this PowerSchool does not have, in small letters."""
    match = _NO_COLUMN.search(text) if status == 400 else None
    return match[1].lower() if match else None


# Guesses (upstream.md PowerSchool §9): no refusal of a create or update is known. Columns first, because they
# are PowerSchool's own; then words, in this order.
_COLUMN_FAULTS = {
    "duedate": Reason.DUE_DATE_OUTSIDE_TERM,
    "teachercategoryid": Reason.ASSIGNMENT_NOT_ACCEPTED,
    "_assignmentcategoryassociations": Reason.ASSIGNMENT_NOT_ACCEPTED,
    **dict.fromkeys(("scoreentrypoints", "totalpointvalue", "weight"), Reason.POINTS_NOT_ACCEPTED),
}
_ASSIGNMENT_FAULTS = (
    (r"lock", Reason.TERM_LOCKED),
    (r"duplicate|unique|already|exists", Reason.DUPLICATE_NAME),
    (r"categor", Reason.ASSIGNMENT_NOT_ACCEPTED),
    (r"due_?\s?date|\bterm\b", Reason.DUE_DATE_OUTSIDE_TERM),
    (r"\bname\b|title", Reason.TITLE_NOT_ACCEPTED),
    (r"points?|totalpointvalue|weight", Reason.POINTS_NOT_ACCEPTED),
)
_SCORE_FAULTS = ((r"lock", Reason.TERM_LOCKED),)


def classify_assignment_refusal(text: str, columns: Sequence[str]) -> Reason:
    """Return why an assignment is refused, by the columns that the refusal names, else by its words."""
    for column in columns:
        if column in _COLUMN_FAULTS:
            return _COLUMN_FAULTS[column]
    return _match(text, _ASSIGNMENT_FAULTS) or Reason.ASSIGNMENT_NOT_ACCEPTED


def classify_score_refusal(text: str) -> Reason | None:
    """Return why scores are refused, where no student is named; None where nothing shows it."""
    return _match(text, _SCORE_FAULTS)


def _match(text: str, faults: Iterable[tuple[str, Reason]]) -> Reason | None:
    return next((reason for pattern, reason in faults if re.search(pattern, text, re.IGNORECASE)), None)


_COLUMNS = (
    *("name", "duedate", "scoreentrypoints", "totalpointvalue", "weight", "scoretype"),
    *("iscountedinfinalgrade", "isscoringneeded", "teachercategoryid"),
)


def summarize(status: int, text: str) -> str:
    """Return what may be shown of the refusal of an assignment: its status, and the columns it names.

    All else may hold anything, a student's name too.
    """
    named = [column for column in _COLUMNS if re.search(rf"\b{column}\b", text, re.IGNORECASE)]
    return f"PowerSchool answered {status}" + (f" and named {', '.join(named)}" if named else "")
