"""Serve `/ws/schema/table`: projection, queries, pages and counts over the tables. All values are texts."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import islice
from operator import eq, ge, gt, le, lt
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.tables import CLOSED, TABLES, Row, Table
from gradesync_sandbox.powerschool.wire import Refused, json_response, no_access, whole_number

_CONDITION = re.compile(r"(?P<column>\w+)(?P<sign>==|=gt=|=ge=|=lt=|=le=)(?P<value>.*)")
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "==": eq,
    "=gt=": gt,
    "=ge=": ge,
    "=lt=": lt,
    "=le=": le,
}


@dataclass(frozen=True)
class Condition:
    """Compare a row as one condition of a query asks."""

    column: str
    sign: str
    value: str

    def holds(self, row: Row) -> bool:
        """Return whether the row compares as asked: numbers as numbers, else as text."""
        found = as_text(row.get(self.column))
        if found is None:
            return False
        if self.sign == "==" and "*" in self.value:
            return fnmatchcase(found, self.value.replace("[", "[[]").replace("?", "[?]"))
        compare = _SIGNS[self.sign]
        numbers = _number(found), _number(self.value)
        return bool(compare(found, self.value) if None in numbers else compare(*numbers))


def _number(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def as_text(value: object) -> str | None:
    """Return a column's value as the tables' API shows it; None is left out."""
    match value:
        case None:
            return None
        case bool():
            return str(int(value))
        case Decimal():
            return f"{value.normalize():f}"
        case date():
            return value.isoformat()
    return str(value)


def read_table(sis: PowerSchool, request: Request) -> Response:
    """Answer one page of rows, as `{"name", "record": [{"id", "tables"}]}`."""
    name, table = _table(request)
    columns = _projection(sis, request, name, table)
    page, size = _page(request, sis.switches.page_cap)
    matching = _matching(sis, request, name, table)
    rows = islice(matching, (page - 1) * size, page * size)
    return json_response({"name": name, "record": [_record(name, table, columns, row) for row in rows]})


def count_table(sis: PowerSchool, request: Request) -> Response:
    """Count the rows that a query finds."""
    name, table = _table(request)
    return json_response({"count": sum(1 for _ in _matching(sis, request, name, table))})


def read_record(sis: PowerSchool, request: Request) -> Response:
    """Answer one row by its key, as `{"id", "tables"}`."""
    name, table = _table(request)
    columns = _projection(sis, request, name, table)
    key: int = request.path_params["key"]
    rows = _candidates(sis, table, [Condition(table.key, "==", str(key))])
    found = [row for row in rows if row[table.key] == key]
    if not found:
        raise Refused(404, "Resource not found")
    return json_response({**_record(name, table, columns, found[0]), "name": name})


def describe_table(sis: PowerSchool, request: Request) -> Response:
    """Answer a table's columns, each with the plugin's access where `expansions=access` asks for it."""
    name, table = _table(request)
    shown: list[dict[str, object]] = [{"name": column.upper()} for column in table.columns]
    if request.query_params.get("expansions") == "access":
        for column, row in zip(table.columns, shown, strict=True):
            row["access"] = sis.plugin.access(name, column) or "NoAccess"
    return json_response({"name": name.upper(), "primaryKey": table.key.upper(), "columns": shown})


def _record(name: str, table: Table, columns: list[str], row: Row) -> dict[str, object]:
    texts = {column: as_text(row.get(column)) for column in columns}
    shown = {column: text for column, text in texts.items() if text is not None}
    return {"id": row[table.key], "tables": {name: shown}}


def _table(request: Request) -> tuple[str, Table]:
    name = request.path_params["table"].lower()
    if name in CLOSED:
        raise Refused(405, "Method not allowed")
    if name not in TABLES:
        raise Refused(404, "Resource not found")
    return name, TABLES[name]


def _projection(sis: PowerSchool, request: Request, name: str, table: Table) -> list[str]:
    asked = request.query_params.get("projection", "")
    columns = [column.strip().lower() for column in asked.split(",") if column.strip()]
    if not columns:
        raise Refused(400, "Required parameter projection is missing")
    _check_columns(sis, name, table, columns)
    return columns


def _check_columns(sis: PowerSchool, name: str, table: Table, columns: Iterable[str]) -> None:
    columns = list(columns)
    if unknown := [column for column in columns if column not in table.columns]:
        raise Refused(400, f"Invalid field specified: {unknown[0]} is not valid column for table: {name}")
    withheld = [f"{name}.{column}" for column in columns if not sis.plugin.reads(name, column)]
    if withheld:
        raise no_access(withheld)


def _page(request: Request, cap: int) -> tuple[int, int]:
    page = whole_number(request.query_params.get("page", "1"), "page")
    size = whole_number(request.query_params.get("pagesize", str(cap)), "pagesize")
    if page < 1 or size < 1:
        raise Refused(400, "page and pagesize must be at least 1")
    return page, min(size, cap)


def _matching(sis: PowerSchool, request: Request, name: str, table: Table) -> Iterable[Row]:
    conditions = _conditions(request.query_params.get("q", ""))
    _check_columns(sis, name, table, (condition.column for condition in conditions))
    rows = _candidates(sis, table, conditions)
    return (row for row in rows if all(condition.holds(row) for condition in conditions))


def _conditions(query: str) -> list[Condition]:
    read = [(text, _CONDITION.fullmatch(text.strip())) for text in query.split(";") if text.strip()]
    for text, match in read:
        if match is None:
            raise Refused(400, f"Invalid query: {text}")
    return [Condition(m["column"].lower(), m["sign"], m["value"]) for _, m in read if m is not None]


def _candidates(sis: PowerSchool, table: Table, conditions: list[Condition]) -> Iterable[Row]:
    for condition in conditions:
        quick = table.found_by.get(condition.column)
        if quick and condition.sign == "==" and re.fullmatch(r"-?\d+", condition.value):
            return quick(sis, int(condition.value))
    return table.rows(sis)
