"""Imports of many rows, as JSON or CSV: each row is judged and answered by itself."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from gradesync.api.context import RequestContext
from gradesync.api.problems import CATALOGUE
from gradesync.api.schemas import district as schemas
from gradesync.core.catalogue import CATALOGUE as REASONS
from gradesync.core.reasons import Reason
from gradesync.errors import RequestRefused, Retriable, SyncStopped

MOST = 2000
PATIENCE = timedelta(seconds=25)
LOOK_SECONDS = 0.3

Row = TypeVar("Row", bound=BaseModel)
Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowError:
    """Why something was not done: `code` of a problem or of a reason, and it in words."""

    code: str
    detail: str


NOT_ATTEMPTED = RowError("not-attempted", "There was no time left for it. Send it again.")


@dataclass(frozen=True, slots=True)
class ParsedRow(Generic[Row]):
    """One row as it came: what it says, or what is wrong with it."""

    number: int
    section: str | None
    row: Row | None
    trouble: RowError | None = None


async def raw_rows(request: Request) -> Sequence[Raw]:
    """The rows of a body. Raises `RequestRefused("rows-not-readable")`."""
    body = await request.body()
    is_csv = request.headers.get("content-type", "").startswith("text/csv")
    try:
        rows = _of_csv(body.decode("utf-8-sig")) if is_csv else _of_json(body)
    except (ValueError, csv.Error, RecursionError) as error:
        raise RequestRefused("rows-not-readable", "The body is neither.") from error
    if not 0 < len(rows) <= MOST:
        raise RequestRefused("rows-not-readable", f"It holds {len(rows)} rows.")
    return rows


RawRows = Annotated[Sequence[Raw], Depends(raw_rows)]


def _of_csv(text: str) -> list[Raw]:
    """Empty cells say nothing; columns without a heading are kept under a name that no row knows."""
    reader = csv.DictReader(io.StringIO(text), restkey="more", strict=True)
    return [
        {(name or "").strip(): cell for name, cell in row.items() if cell and not _is_blank(cell)}
        for row in reader
    ]


def _is_blank(cell: object) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _of_json(body: bytes) -> list[Raw]:
    content = json.loads(body)
    if not isinstance(content, dict) or not isinstance(content.get("rows"), list):
        raise ValueError("no rows")
    return [row if isinstance(row, dict) else {"row": row} for row in content["rows"]]


def read(rows: Sequence[Raw], kind: type[Row]) -> list[ParsedRow[Row]]:
    """Each row by itself, in its place."""
    return [_read(number, row, kind) for number, row in enumerate(rows, 1)]


def _read(number: int, raw: Raw, kind: type[Row]) -> ParsedRow[Row]:
    cells = {name: cell.strip() if isinstance(cell, str) else cell for name, cell in raw.items()}
    section = cells.get("section")
    named = section[:20] if isinstance(section, str) and section.isascii() else None
    try:
        return ParsedRow(number, named, kind.model_validate(cells))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(ascii(part)[:64].strip("'") for part in first["loc"])
        return ParsedRow(number, named, None, RowError("request-not-valid", f"{where}: {first['msg']}"))


async def attempt(do: Awaitable[object]) -> RowError | None:
    """Do one thing; what went wrong concerns it alone."""
    try:
        await do
    except RequestRefused as refused:
        kind = CATALOGUE[refused.code]
        code = str(refused.extensions.get("reason", refused.code))
        return RowError(code, f"{refused.detail or kind.title} {refused.extensions.get('fix', kind.fix)}")
    except SyncStopped as stopped:
        said = REASONS[Reason(stopped.reason)]
        return RowError(stopped.reason, f"{said.title} {said.fix}")
    except Retriable:
        kind = CATALOGUE["upstream-unavailable"]
        return RowError("upstream-unavailable", f"{kind.title} {kind.fix}")
    return None


@dataclass(slots=True)
class Deadline:
    """The time that one request has, and its calls to Schoology among those of syncs."""

    context: RequestContext
    ends: float

    @classmethod
    def of(cls, context: RequestContext) -> "Deadline":
        return cls(context, asyncio.get_running_loop().time() + PATIENCE.total_seconds())

    @property
    def over(self) -> bool:
        return asyncio.get_running_loop().time() >= self.ends

    async def room(self, calls: int) -> bool:
        """Wait until no sync misses so many calls to Schoology; False where time is over before."""
        district = await self.context.district()
        while not self.over:
            if await self.context.service.runtime.systems.reserve_spare(district, calls):
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False


async def each(
    told: Sequence[ParsedRow[Row]], hours: Deadline, do: Callable[[Row], Awaitable[RowError | None]]
) -> schemas.Imported:
    """Do every good row, as long as there is time, and answer all of them."""
    troubles = []
    for one in told:
        if one.row is None:
            troubles.append(one.trouble)
        else:
            troubles.append(NOT_ATTEMPTED if hours.over else await do(one.row))
    return answered(told, troubles)


def answered(told: Sequence[ParsedRow[Row]], troubles: Sequence[RowError | None]) -> schemas.Imported:
    rows = [
        schemas.RowAnswer(
            row=one.number,
            section=one.section,
            result=result(trouble),
            code=trouble and trouble.code,
            detail=trouble and trouble.detail,
        )
        for one, trouble in zip(told, troubles, strict=True)
    ]
    counts = [sum(row.result == kind for row in rows) for kind in ("done", "failed", "not-attempted")]
    return schemas.Imported(done=counts[0], failed=counts[1], not_attempted=counts[2], rows=rows)


def result(trouble: RowError | None) -> Any:
    """As an answer says it."""
    if trouble is None:
        return "done"
    return "not-attempted" if trouble is NOT_ATTEMPTED else "failed"


def body_of(row: type[BaseModel], heading: str, example: Sequence[Raw]) -> dict[str, Any]:
    """How the API document describes the body of an import."""
    schema = row.model_json_schema()
    lines = "\r\n".join(",".join(str(cell) for cell in one.values()) for one in example)
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["rows"],
                        "properties": {"rows": {"type": "array", "items": schema, "maxItems": MOST}},
                    },
                    "example": {"rows": list(example)},
                },
                "text/csv": {"schema": {"type": "string"}, "example": f"{heading}\r\n{lines}\r\n"},
            },
        }
    }
