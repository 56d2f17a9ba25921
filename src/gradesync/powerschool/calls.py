"""Call one district's PowerSchool: the bearer token, JSON in and out, pages of tables."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from gradesync.core.reasons import Reason
from gradesync.errors import Retriable, SyncStopped
from gradesync.powerschool.refusals import Refusal, read_refusal, stop_for_refusal
from gradesync.powerschool.wire import Object, read_key, read_objects
from gradesync.upstream.client import Params, Upstream
from gradesync.upstream.response import MalformedError, UpstreamResponse, decode, encode

HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}
PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
MAX_PAGES = 300
REFUSED_SECONDS = 900.0
STUDENTS_SECONDS = 900.0
MAX_STUDENTS = 50_000
# Conditions that at most one row meets: its page is the only one. Student numbers are typed, and come twice.
UNIQUE: Mapping[str, frozenset[frozenset[str]]] = {
    "sections": frozenset({frozenset({"dcid=="})}),
    "schoolstaff": frozenset({frozenset({"id=="})}),
    "students": frozenset({frozenset({"dcid=="}), frozenset({"id=="})}),
    "terms": frozenset({frozenset({"id==", "schoolid=="})}),
    "assignmentsection": frozenset({frozenset({"assignmentsectionid=="})}),
}


@dataclass(slots=True)
class Memory:
    """Keep what a process learns of one district's PowerSchool, so that it need not ask again.

    Reads that the plugin may not do are refused for a while, so that a grant given later is noticed.
    """

    plugin_id: str | None = None
    page_size: int = PAGE_SIZE
    metadata_read: bool = False
    _refused: dict[str, float] = field(default_factory=dict)
    _students: dict[tuple[str, str], str] = field(default_factory=dict)
    _students_until: float = 0.0

    def students(self) -> dict[tuple[str, str], str]:
        """Return STUDENTS.DCID by column and id, as found lately."""
        # Forgotten soon: a student number can move to another record.
        if self._students_until <= time.monotonic() or len(self._students) > MAX_STUDENTS:
            self._students, self._students_until = {}, time.monotonic() + STUDENTS_SECONDS
        return self._students

    def mark_refused(self, read: str) -> None:
        """Note that the plugin may not do this read."""
        self._refused[read] = time.monotonic() + REFUSED_SECONDS

    def is_refused(self, read: str) -> bool:
        """Return True where this read was refused lately."""
        return self._refused.get(read, 0.0) > time.monotonic()


class ReadRefused(Exception):
    """Report a read that the plugin may not do, or that this PowerSchool does not have."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


def _find_records(name: str, content: Object) -> list[Object]:
    if not {"name", "record"} & content.keys():
        raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool's {name} is not a table")
    return read_objects(content.get("record"))


def _read_row(record: Object, name: str) -> Mapping[str, str] | None:
    tables = record.get("tables")
    row = tables.get(name) if isinstance(tables, Mapping) else None
    if not isinstance(row, Mapping):
        return None
    return {column.lower(): str(value) for column, value in row.items() if value is not None}


class Tokens(Protocol):
    """Provide the bearer token of a district's plugin."""

    async def get_token(self) -> str:
        """Return the token in force. Raises `SyncStopped("sis-credentials-refused")`, `Retriable`."""
        ...

    def discard(self, token: str) -> None:
        """Forget a token that was refused."""
        ...


@dataclass(frozen=True, slots=True)
class Calls:
    """Send calls to a district's PowerSchool in the name of its plugin."""

    upstream: Upstream
    auth: Tokens
    memory: Memory

    async def send(
        self,
        kind: str,
        method: str,
        path: str,
        params: Params,
        *,
        body: object = None,
        repeatable: bool = True,
    ) -> UpstreamResponse:
        """Send one call; a 401 is tried once more with a new token, except where a capability is missing.

        Raises `SyncStopped("sis-credentials-refused")` for a second 401, and what `Upstream.call` raises.
        """
        content = None if body is None else encode(body)
        for _ in range(2):
            token = await self.auth.get_token()
            response = await self.upstream.call(
                kind,
                method,
                path,
                params=params,
                content=content,
                headers=HEADERS,
                repeatable=repeatable,
            )
            if response.status != 401 or (path.startswith("/ws/v1/") and read_refusal(response).lacks_v1):
                return response
            self.auth.discard(token)
        raise SyncStopped(Reason.SIS_CREDENTIALS_REFUSED, "PowerSchool does not accept the token it gave")

    async def read(self, kind: str, path: str, params: Params) -> UpstreamResponse:
        """Send a read of the gradebook that must succeed. Raises `SyncStopped` where it does not."""
        response = await self.send(kind, "GET", path, params)
        if response.status != 200:
            stop_for_refusal(read_refusal(response), kind)
        return response

    async def read_table(
        self,
        name: str,
        columns: Sequence[str],
        conditions: Mapping[str, str | int],
        *,
        until: Callable[[Mapping[str, str]], bool] = lambda row: False,
    ) -> list[Mapping[str, str]]:
        """Return the rows of a table that meet all conditions: texts, nulls absent. Raises `ReadRefused`.

        A condition's key is a column with its sign, as in `dcid==` or `id=ge=` (upstream.md PowerSchool §5).
        `until`: the row after whose page no other is needed.
        """
        rows = []
        async for page in self._read_row_pages(name, columns, conditions):
            rows += page
            if any(map(until, page)):
                break
        return rows

    async def read_rows(
        self, name: str, columns: Sequence[str], conditions: Mapping[str, str | int]
    ) -> AsyncIterator[Mapping[str, str]]:
        """Yield the rows of `read_table` one by one; some may come twice."""
        async for page in self._read_row_pages(name, columns, conditions):
            for row in page:
                yield row

    async def _read_row_pages(
        self, name: str, columns: Sequence[str], conditions: Mapping[str, str | int]
    ) -> AsyncIterator[list[Mapping[str, str]]]:
        query = ";".join(f"{sign}{value}" for sign, value in conditions.items())
        params = {"projection": ",".join(columns), "q": query}
        single = frozenset(conditions) in UNIQUE.get(name, ())
        path = f"/ws/schema/table/{name}"
        async for records in self.read_pages(f"schema.{name}", path, params, partial(_find_records, name)):
            yield [row for record in records if (row := _read_row(record, name)) is not None]
            if single:
                return

    async def probe_table(self, name: str, columns: Sequence[str]) -> None:
        """Read one row, to see whether these columns may be read. Raises `ReadRefused`."""
        params = {"projection": ",".join(columns), "page": "1", "pagesize": "1"}
        await self._read_page(f"schema.{name}", f"/ws/schema/table/{name}", params)

    async def read_pages(
        self, kind: str, path: str, params: Params, find_rows: Callable[[Object], list[Object]]
    ) -> AsyncIterator[list[Object]]:
        """Yield the rows of pages, one call each, until a page has none. Raises `ReadRefused`.

        A short page is no end: an admin may lower the page size at any time.
        """
        page, size, before = 1, 0, list[Object]()
        for _ in range(MAX_PAGES):
            paging = {"page": str(page), "pagesize": str(self.memory.page_size)}
            rows = find_rows(await self._read_page(kind, path, {**params, **paging}))
            if not rows or rows == before:  # the same again: pages are ignored there
                return
            if page == 1:
                size = len(rows)
            if len(rows) > size:  # pages grew meanwhile, and left rows out
                page, before = 1, []
                continue
            yield rows
            page, before = page + 1, rows
        raise SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, f"PowerSchool's {kind} does not end")

    async def _read_page(self, kind: str, path: str, params: Params) -> Mapping[str, Any]:
        response = await self.send(kind, "GET", path, params)
        if response.status != 200:
            raise ReadRefused(read_refusal(response))
        try:
            content = decode(response.body)
        except MalformedError as error:
            raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool's {kind} is not JSON") from error
        if not isinstance(content, Mapping):
            raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool's {kind} is not what it should be")
        return content

    async def find_plugin_id(self) -> str | None:
        """Return our plugin's id in this PowerSchool, read once; None where it is unknown."""
        memory = self.memory
        if memory.plugin_id is None and not memory.metadata_read:
            with contextlib.suppress(Retriable):
                await self.read_metadata()
                memory.metadata_read = True
        return memory.plugin_id

    async def read_metadata(self) -> UpstreamResponse:
        """Read the metadata and remember the plugin's id and the size of pages."""
        response = await self.send("v1.metadata", "GET", "/ws/v1/metadata", {})
        try:
            content = decode(response.body) if response.status == 200 else None
        except MalformedError:
            content = None
        metadata = content.get("metadata") if isinstance(content, Mapping) else None
        if isinstance(metadata, Mapping):
            self._remember(metadata)
        return response

    def _remember(self, metadata: Mapping[str, Any]) -> None:
        with contextlib.suppress(MalformedError):
            self.memory.plugin_id = read_key(metadata, "plugin_id")
        with contextlib.suppress(MalformedError):
            size = int(read_key(metadata, "schema_table_query_max_page_size"))
            self.memory.page_size = min(max(size, 1), MAX_PAGE_SIZE)
