"""Calls to one district's PowerSchool: JSON in and out, the token's one retry, pages of tables."""

import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradesync.core.reasons import Reason
from gradesync.errors import Retriable, SyncStopped
from gradesync.powerschool.auth import ClientCredentials
from gradesync.powerschool.refusals import Refusal, refusal, stop_for_permission
from gradesync.powerschool.wire import Unintelligible, decode, encode, key_of, objects
from gradesync.upstream.client import Params, Upstream
from gradesync.upstream.response import Answer

HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}
PAGE_SIZE = 100
LARGEST_PAGE = 1000
MOST_PAGES = 200
CLOSED_SECONDS = 900.0
STUDENTS_SECONDS = 900.0
MOST_STUDENTS = 50_000


@dataclass(slots=True)
class Memory:
    """What a process learns of one district's PowerSchool, so that it need not ask again.

    `plugin_id` is worth keeping for longer. Reads that the plugin may not do are closed for a while, so that
    a grant given later is noticed.
    """

    plugin_id: str | None = None
    page_size: int = PAGE_SIZE
    metadata_asked: bool = False
    _closed: dict[str, float] = field(default_factory=dict)
    _students: dict[tuple[str, str], str] = field(default_factory=dict)
    _students_until: float = 0.0

    def students(self) -> dict[tuple[str, str], str]:
        """STUDENTS.DCID by column and id, as found lately. Forgotten soon: a student number can move."""
        if self._students_until <= time.monotonic() or len(self._students) > MOST_STUDENTS:
            self._students, self._students_until = {}, time.monotonic() + STUDENTS_SECONDS
        return self._students

    def close(self, read: str) -> None:
        self._closed[read] = time.monotonic() + CLOSED_SECONDS

    def is_closed(self, read: str) -> bool:
        return self._closed.get(read, 0.0) > time.monotonic()


class Closed(Exception):
    """The plugin may not read this, or this PowerSchool does not have it."""

    def __init__(self, no: Refusal) -> None:
        super().__init__(no.status)
        self.no = no


@dataclass(frozen=True, slots=True)
class Calls:
    """What the modules of this package ask with."""

    upstream: Upstream
    auth: ClientCredentials
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
    ) -> Answer:
        """One call; a 401 is tried once more with a new token, except where a capability is missing (1).

        Raises `SyncStopped("sis-credentials-refused")` for a second 401, and what `Upstream.call` raises.
        """
        content = None if body is None else encode(body)
        for _ in range(2):
            token = await self.auth.token()
            answer = await self.upstream.call(
                kind,
                method,
                path,
                params=params,
                content=content,
                headers=HEADERS,
                repeatable=repeatable,
            )
            if answer.status != 401 or refusal(answer).lacks_v1:
                return answer
            self.auth.drop(token)
        raise SyncStopped(Reason.SIS_CREDENTIALS_REFUSED, "PowerSchool does not accept the token it gave")

    async def read(self, kind: str, path: str, params: Params) -> Answer:
        """A read of the gradebook that must succeed; raises `SyncStopped` where it does not."""
        answer = await self.send(kind, "GET", path, params)
        if answer.status != 200:
            stop_for_refusal(refusal(answer), kind)
        return answer

    async def table(
        self, name: str, columns: Sequence[str], conditions: Mapping[str, str | int]
    ) -> list[Mapping[str, str]]:
        """The rows of a table that meet all conditions: texts, nulls absent (5). Raises `Closed`.

        A condition's key is a column with its sign, as in `dcid==` or `id=ge=`.
        """
        query = ";".join(f"{sign}{value}" for sign, value in conditions.items())
        params = {"projection": ",".join(columns), "q": query}
        return [row async for row in self._rows(name, params)]

    async def probe(self, name: str, columns: Sequence[str]) -> None:
        """Read one row, to see whether these columns may be read. Raises `Closed`."""
        params = {"projection": ",".join(columns), "page": "1", "pagesize": "1"}
        await self._page(f"schema.{name}", f"/ws/schema/table/{name}", params)

    async def _rows(self, name: str, params: Params) -> AsyncIterator[Mapping[str, str]]:
        size = self.memory.page_size
        async for content in self.pages(f"schema.{name}", f"/ws/schema/table/{name}", params, size):
            if not {"name", "record"} & content.keys():
                raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool's {name} is not a table")
            records = objects(content.get("record"))
            for record in records:
                tables = record.get("tables")
                row = tables.get(name) if isinstance(tables, Mapping) else None
                if isinstance(row, Mapping):
                    yield {column.lower(): str(value) for column, value in row.items() if value is not None}
            if len(records) < size:
                return

    async def pages(
        self, kind: str, path: str, params: Params, size: int
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Pages as objects, one call each; who reads them stops at a short one. Raises `Closed`."""
        for page in range(1, MOST_PAGES + 1):
            paging = {"page": str(page), "pagesize": str(size)}
            yield await self._page(kind, path, {**params, **paging})
        raise SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, f"PowerSchool's {kind} does not end")

    async def _page(self, kind: str, path: str, params: Params) -> Mapping[str, Any]:
        answer = await self.send(kind, "GET", path, params)
        if answer.status != 200:
            raise Closed(refusal(answer))
        try:
            content = decode(answer.body)
        except Unintelligible as error:
            raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool's {kind} is not JSON") from error
        if not isinstance(content, Mapping):
            raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool's {kind} is not what it should be")
        return content

    async def plugin_id(self) -> str | None:
        """Our plugin's id in this PowerSchool, asked for once; None where it is not told."""
        memory = self.memory
        if memory.plugin_id is None and not memory.metadata_asked:
            with contextlib.suppress(Retriable):
                await self.learn()
                memory.metadata_asked = True
        return memory.plugin_id

    async def learn(self) -> Answer:
        """Ask for the metadata (5) and keep what helps: the plugin's id and the size of pages."""
        answer = await self.send("v1.metadata", "GET", "/ws/v1/metadata", {})
        try:
            content = decode(answer.body) if answer.status == 200 else None
        except Unintelligible:
            content = None
        found = content.get("metadata") if isinstance(content, Mapping) else None
        if isinstance(found, Mapping):
            self._keep(found)
        return answer

    def _keep(self, metadata: Mapping[str, Any]) -> None:
        with contextlib.suppress(Unintelligible):
            self.memory.plugin_id = key_of(metadata, "plugin_id")
        with contextlib.suppress(Unintelligible):
            size = int(key_of(metadata, "schema_table_query_max_page_size"))
            self.memory.page_size = min(max(size, 1), LARGEST_PAGE)


def stop_for_refusal(no: Refusal, kind: str) -> None:
    """Raises `SyncStopped` for a read of the gradebook that was refused."""
    if no.not_taught:
        raise SyncStopped(
            Reason.TEACHER_NOT_IN_SIS_SECTION, "PowerSchool says that the teacher does not teach it"
        )
    stop_for_permission(no, kind)
    raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool answered {no.status} to {kind}")
