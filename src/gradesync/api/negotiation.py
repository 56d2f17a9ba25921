"""Choose between JSON and another representation by the `Accept` header (RFC 9110 section 12.5.1)."""

import re
from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError

JSON, CSV = "application/json", "text/csv"
WEIGHT = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", re.ASCII | re.IGNORECASE)


class _Range(NamedTuple):
    """Hold one part of the header. The greater is preferred: by weight, then exactness, then place."""

    weight: float
    exactness: int
    place: int


NOT_ACCEPTED = _Range(0.0, 0, 0)


def prefers(accept: str, kind: str) -> bool:
    """Return whether a client prefers a media type, such as `text/csv`, to JSON, which it gets otherwise."""
    parts = [part.split(";") for part in accept.lower().split(",")]
    return _find(parts, kind) > _find(parts, JSON)


async def wants_spreadsheet(request: Request) -> bool:
    """Return whether a client prefers CSV. Raises `RequestValidationError` where it asks for a page of it."""
    if not prefers(request.headers.get("accept", ""), CSV):
        return False
    wrong = "A spreadsheet is whole: leave this out"
    paged = [
        {"loc": ("query", name), "type": "value_error", "msg": wrong}
        for name in ("limit", "cursor")
        if name in request.query_params
    ]
    if paged:
        raise RequestValidationError(paged)
    return True


WantsSpreadsheet = Annotated[bool, Depends(wants_spreadsheet)]


def _find(parts: list[list[str]], kind: str) -> _Range:
    """Return the part that names a media type most exactly, and first."""
    exactness = {kind: 2, f"{kind.partition('/')[0]}/*": 1, "*/*": 0}
    found = [
        _Range(_read_weight(parameters), exactness[name.strip()], -place)
        for place, (name, *parameters) in enumerate(parts)
        if name.strip() in exactness
    ]
    best = max(found, key=lambda each: each[1:], default=NOT_ACCEPTED)
    return best if best.weight else NOT_ACCEPTED


def _read_weight(parameters: list[str]) -> float:
    weights = [match for each in parameters if (match := WEIGHT.fullmatch(each))]
    return float(weights[0][1]) if weights else 1.0
