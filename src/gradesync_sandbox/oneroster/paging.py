"""Answer sets: filtered, sorted, cut into pages, with the headers that lead through them."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.oneroster.state import OneRoster
from gradesync_sandbox.oneroster.wire import Refused, answer

Object = dict[str, Any]

_TERM = re.compile(r"\s*([\w.]+)\s*(!=|>=|<=|=|>|<|~)\s*'((?:[^'])*)'\s*")
_SIGNS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "~": lambda a, b: b.lower() in a.lower(),
}
PAGE = 100


def answer_set(face: OneRoster, request: Request, name: str, rows: Sequence[Object]) -> Response:
    """Return one page of a set."""
    query = request.query_params
    found = _sorted([row for row in rows if _passes(row, query.get("filter"))], query)
    limit, offset = _number(query, "limit", PAGE, 1), _number(query, "offset", 0, 0)
    limit = min(limit, face.demands.page_cap)
    page = [_chosen(row, query.get("fields")) for row in found[offset : offset + limit]]
    headers = {"x-total-count": str(len(found))} if face.switches.totals else {}
    if offset + limit < len(found):
        after = urlencode({**dict(query), "limit": limit, "offset": offset + limit})
        headers["link"] = f'<{request.url.replace(query=after)}>; rel="next"'
    empty = not page and face.switches.empty_sets
    return answer({} if empty else {name: page}, headers=headers)


def _number(query: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal()) or int(text) < least:
        raise Refused(400, "invalid_selection_field", f"{name} is not a number of at least {least}")
    return int(text)


def _passes(row: Object, rule: str | None) -> bool:
    """Return whether an object passes a filter: one comparison, or two joined by AND or OR."""
    if rule is None:
        return True
    first = _TERM.match(rule)
    if first is None:
        raise Refused(400, "invalid_filter_field", "The filter cannot be read")
    left, rest = _holds(row, first), rule[first.end() :]
    if not rest:
        return left
    second = _TERM.fullmatch(rest.removeprefix("AND").removeprefix("OR"))
    if second is None:
        raise Refused(400, "invalid_filter_field", "The filter cannot be read")
    right = _holds(row, second)
    return left and right if rest.startswith("AND") else left or right


def _holds(row: Object, term: re.Match[str]) -> bool:
    value: object = row
    for part in term[1].split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return _SIGNS[term[2]]("" if value is None else str(value), term[3])


def _sorted(rows: list[Object], query: Mapping[str, str]) -> list[Object]:
    if "sort" not in query:
        return rows
    return sorted(
        rows, key=lambda row: str(row.get(query["sort"], "")), reverse=query.get("orderBy") == "desc"
    )


def _chosen(row: Object, fields: str | None) -> Object:
    if fields is None:
        return row
    names = fields.split(",")
    if not row.keys() & set(names):
        raise Refused(400, "invalid_selection_field", "No such field")
    return {name: value for name, value in row.items() if name in names}
