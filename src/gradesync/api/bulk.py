"""Import many rows, as JSON or CSV: each row is validated and reported separately."""

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

from gradesync.api.auth import RequestContext
from gradesync.api.problems import CATALOG
from gradesync.api.schemas import mapping as schemas
from gradesync.core.catalog import CATALOG as REASONS
from gradesync.core.reasons import Reason
from gradesync.errors import RequestRefused, Retriable, SyncStopped

MAX_ROWS = 2000
TIME_LIMIT = timedelta(seconds=25)
RETRY_SECONDS = 0.3

Row = TypeVar("Row", bound=BaseModel)
Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowError:
    """Explain why a row was not done: `code` of a problem or of a reason, and a text."""

    code: str
    detail: str


NOT_ATTEMPTED = RowError("not-attempted", "There was no time left for this row. Send it again.")


@dataclass(frozen=True, slots=True)
class ParsedRow(Generic[Row]):
    """Hold one row of the body: its content, or what is wrong with it."""

    number: int
    section: str | None
    row: Row | None
    error: RowError | None = None


async def load_rows(request: Request) -> Sequence[Raw]:
    """Return the rows of a body. Raises `RequestRefused("rows-not-readable")`."""
    body = await request.body()
    is_csv = request.headers.get("content-type", "").startswith("text/csv")
    try:
        rows = _load_csv(body.decode("utf-8-sig")) if is_csv else _load_json(body)
    except (ValueError, csv.Error, RecursionError) as error:
        raise RequestRefused("rows-not-readable", "The body is neither JSON rows nor CSV.") from error
    if not 0 < len(rows) <= MAX_ROWS:
        raise RequestRefused("rows-not-readable", f"The body has {len(rows)} rows.")
    return rows


RawRows = Annotated[Sequence[Raw], Depends(load_rows)]


def _load_csv(text: str) -> list[Raw]:
    """Return the cells of each row by heading, without empty cells."""
    # Cells without a heading get a name that no row has, so that the row is refused.
    reader = csv.DictReader(io.StringIO(text), restkey="more", strict=True)
    return [
        {(name or "").strip(): cell for name, cell in row.items() if cell and not _is_blank(cell)}
        for row in reader
    ]


def _is_blank(cell: object) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _load_json(body: bytes) -> list[Raw]:
    content = json.loads(body)
    if not isinstance(content, dict) or not isinstance(content.get("rows"), list):
        raise ValueError("no rows")
    return [row if isinstance(row, dict) else {"row": row} for row in content["rows"]]


def parse_rows(rows: Sequence[Raw], kind: type[Row]) -> list[ParsedRow[Row]]:
    """Parse each row separately, numbered from 1."""
    return [_parse_row(number, row, kind) for number, row in enumerate(rows, 1)]


def _parse_row(number: int, raw: Raw, kind: type[Row]) -> ParsedRow[Row]:
    cells = {name: cell.strip() if isinstance(cell, str) else cell for name, cell in raw.items()}
    section = cells.get("section")
    section_id = section[:20] if isinstance(section, str) and section.isascii() else None
    try:
        return ParsedRow(number, section_id, kind.model_validate(cells))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(ascii(part)[:64].strip("'") for part in first["loc"])
        return ParsedRow(number, section_id, None, RowError("request-not-valid", f"{where}: {first['msg']}"))


async def attempt(action: Awaitable[object]) -> RowError | None:
    """Run the action of one row; return its error where it fails."""
    try:
        await action
    except RequestRefused as refused:
        kind = CATALOG[refused.code]
        code = str(refused.extensions.get("reason", refused.code))
        return RowError(code, f"{refused.detail or kind.title} {refused.extensions.get('fix', kind.fix)}")
    except SyncStopped as stopped:
        reason = REASONS[Reason(stopped.reason)]
        return RowError(stopped.reason, f"{reason.title} {reason.fix}")
    except Retriable:
        kind = CATALOG["upstream-unavailable"]
        return RowError("upstream-unavailable", f"{kind.title} {kind.fix}")
    return None


@dataclass(slots=True)
class Deadline:
    """Bound the time of one request, and reserve its calls to Schoology so that no sync lacks them."""

    context: RequestContext
    ends_at: float

    @classmethod
    def start(cls, context: RequestContext) -> "Deadline":
        """Start the time limit now."""
        return cls(context, asyncio.get_running_loop().time() + TIME_LIMIT.total_seconds())

    @property
    def passed(self) -> bool:
        """Return true once the time is over."""
        return asyncio.get_running_loop().time() >= self.ends_at

    async def reserve_calls(self, calls: int) -> bool:
        """Wait until no sync needs so many calls to Schoology; return False where the time ends first."""
        district = await self.context.district()
        while not self.passed:
            if await self.context.runtime.systems.reserve_spare(district, calls):
                return True
            await asyncio.sleep(RETRY_SECONDS)
        return False


async def import_rows(
    parsed: Sequence[ParsedRow[Row]],
    deadline: Deadline,
    import_row: Callable[[Row], Awaitable[RowError | None]],
) -> schemas.ImportReport:
    """Import every valid row while there is time, and report on all of them."""
    errors = []
    for row in parsed:
        if row.row is None:
            errors.append(row.error)
        else:
            errors.append(NOT_ATTEMPTED if deadline.passed else await import_row(row.row))
    return render_report(parsed, errors)


def render_report(
    parsed: Sequence[ParsedRow[Row]], errors: Sequence[RowError | None]
) -> schemas.ImportReport:
    """Render the result of every row, and how many have which."""
    rows = [
        schemas.RowResult(
            row=row.number,
            section=row.section,
            result=render_result(error),
            code=error and error.code,
            detail=error and error.detail,
        )
        for row, error in zip(parsed, errors, strict=True)
    ]
    counts = [sum(row.result == kind for row in rows) for kind in ("done", "failed", "not-attempted")]
    return schemas.ImportReport(done=counts[0], failed=counts[1], not_attempted=counts[2], rows=rows)


def render_result(error: RowError | None) -> Any:
    """Return the result of a row as the API names it."""
    if error is None:
        return "done"
    return "not-attempted" if error is NOT_ATTEMPTED else "failed"


def describe_body(row: type[BaseModel], example: Sequence[Raw]) -> dict[str, Any]:
    """Describe the body of an import for the API document: JSON alone, and CSV in the operation's text.

    Generated clients send only JSON, forms and bytes. Of several types in one body they are broken.
    """
    schema = row.model_json_schema()
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["rows"],
                        "properties": {"rows": {"type": "array", "items": schema, "maxItems": MAX_ROWS}},
                    },
                    "example": {"rows": list(example)},
                },
            },
        }
    }
