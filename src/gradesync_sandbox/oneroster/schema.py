"""Check what is written as the standard's schemas do: required fields, no others, each of its form."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gradesync_sandbox.oneroster.demands import Demands
from gradesync_sandbox.oneroster.wire import Refused

Check = Callable[[object, Demands], bool]

_STATUS = re.compile(r"ext:[a-zA-Z0-9.\-_]+")
STATUSES = frozenset({"exempt", "fully graded", "not submitted", "partially graded", "submitted"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def _text(value: object, demands: Demands) -> bool:
    return isinstance(value, str)


def _line(value: object, demands: Demands) -> bool:
    return isinstance(value, str) and bool(value.strip()) and not re.search(r"[\t\r\n]", value)


def _moment(value: object, demands: Demands) -> bool:
    return (
        isinstance(value, str) and bool(_MOMENT.fullmatch(value)) and _parses(datetime.fromisoformat, value)
    )


def _day(value: object, demands: Demands) -> bool:
    if demands.score_date == "date-time":
        return _moment(value, demands)
    return isinstance(value, str) and len(value) == 10 and _parses(date.fromisoformat, value)


def _parses(parse: Callable[[str], object], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _number(value: object, demands: Demands) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _flag(value: object, demands: Demands) -> bool:
    return value in ("true", "false")


def _active(value: object, demands: Demands) -> bool:
    return value in ("active", "tobedeleted")


def _status(value: object, demands: Demands) -> bool:
    return isinstance(value, str) and (value in STATUSES or bool(_STATUS.fullmatch(value)))


def _object(value: object, demands: Demands) -> bool:
    return isinstance(value, Mapping)


def _list(value: object, demands: Demands) -> bool:
    return isinstance(value, list)


def _ref(kind: str) -> Check:
    def check(value: object, demands: Demands) -> bool:
        if not isinstance(value, Mapping) or not isinstance(value.get("sourcedId"), str):
            return False
        if demands.refs == "minimal":
            return value.keys() == {"sourcedId"}
        if demands.refs == "any":
            return value.keys() <= {"sourcedId", "href", "type"} and value.get("type", kind) == kind
        href = value.get("href")
        return (
            value.keys() == {"sourcedId", "href", "type"}
            and value["type"] == kind
            and isinstance(href, str)
            and href.startswith("http")
        )

    return check


_BASE: dict[str, Check] = {"sourcedId": _text, "status": _active, "dateLastModified": _moment}
FIELDS: dict[str, dict[str, Check]] = {
    "lineItem": {
        **_BASE,
        "metadata": _object,
        "title": _line,
        "description": _text,
        "assignDate": _moment,
        "dueDate": _moment,
        "class": _ref("class"),
        "school": _ref("org"),
        "category": _ref("category"),
        "gradingPeriod": _ref("academicSession"),
        "academicSession": _ref("academicSession"),
        "scoreScale": _ref("scoreScale"),
        "resultValueMin": _number,
        "resultValueMax": _number,
        "learningObjectiveSet": _list,
    },
    "result": {
        **_BASE,
        "metadata": _object,
        "lineItem": _ref("lineItem"),
        "student": _ref("user"),
        "class": _ref("class"),
        "scoreScale": _ref("scoreScale"),
        "scoreStatus": _status,
        "score": _number,
        "textScore": _text,
        "scoreDate": _day,
        "comment": _text,
        "learningObjectiveSet": _list,
        **dict.fromkeys(("inProgress", "incomplete", "late", "missing"), _flag),
    },
}
# What version 1.1 doesn't have.
_NEW = {
    "lineItem": {"school", "academicSession", "scoreScale", "learningObjectiveSet"},
    "result": {
        *("class", "scoreScale", "textScore", "learningObjectiveSet"),
        *("inProgress", "incomplete", "late", "missing"),
    },
}
_REQUIRED = {
    "lineItem": {"sourcedId", "title", "assignDate", "dueDate", "class"},
    "result": {"sourcedId", "lineItem", "student", "scoreStatus", "scoreDate"},
}


def check_object(name: str, body: object, demands: Demands) -> Mapping[str, Any]:
    """Return the object in its envelope. Raises `Refused` 422 for the first fault."""
    if not isinstance(body, Mapping) or body.keys() != {name} or not isinstance(body[name], Mapping):
        raise Refused(422, "invaliddata", f"The body is not one {name}")
    found: Mapping[str, Any] = body[name]
    known = FIELDS[name].keys() - (_NEW[name] if demands.old else set())
    faults = [
        *(f"{field} is missing" for field in sorted(_required(name, demands) - found.keys())),
        *(f"{field} is not known" for field in sorted(found.keys() - known)),
        *(
            f"{field} is not valid"
            for field in known & found.keys()
            if not _is_valid(name, field, found, demands)
        ),
    ]
    if faults:
        raise Refused(422, "invaliddata", faults[0])
    return found


def _is_valid(name: str, field: str, found: Mapping[str, Any], demands: Demands) -> bool:
    return FIELDS[name][field](found[field], demands)


def _required(name: str, demands: Demands) -> set[str]:
    required = set(_REQUIRED[name])
    if demands.refs == "full":
        required |= {"status", "dateLastModified"}
    if name == "lineItem":
        required |= {"category"} if demands.needs_category else set()
        required |= set() if demands.old else {"school"}
        if demands.old:
            required |= {"resultValueMin", "resultValueMax"}
        if demands.grading_period:
            required.add("gradingPeriod")
    elif demands.old:
        required.add("score")
    return required
