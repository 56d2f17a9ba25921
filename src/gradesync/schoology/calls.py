"""Calls to Schoology's REST API: one GET, several as one multiget, and lists page by page."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

import httpx
import msgspec
from msgspec import Raw

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.schoology.scalars import bare
from gradesync.schoology.wire import MULTIGET, InnerRow, Listing, Page, page, unexpected
from gradesync.upstream.client import Upstream
from gradesync.upstream.response import Answer, PlainDialect, retry_after

REPLAY = b"possible replay attack"
JSON = {"Accept": "application/json"}
JSON_BODY = {**JSON, "Content-Type": "application/json"}
THROTTLE_PAUSE = 5.0
PAGES_MOST = 500
REFUSALS = frozenset({400, 403, 404, 405, 406, 410, 415, 422, 501})
"""Statuses that refuse a multiget as a whole; the same reads may be allowed one by one."""
ROW_REFUSALS = frozenset({400, 403, 405, 501})
"""Codes that refuse a multiget where every one of its rows has one."""

T = TypeVar("T")


class SchoologyDialect(PlainDialect):
    """Schoology's limit window is five seconds, whether or not Retry-After says so (contract 1.7)."""

    def throttled(self, answer: Answer) -> float | None:
        if answer.status != 429:
            return None
        wait = retry_after(answer)
        return THROTTLE_PAUSE if wait is None else wait

    def meant(self, answer: Answer) -> bool:
        return answer.status == 501


@dataclass(frozen=True, slots=True)
class Ask:
    """One GET: the kind of call for metrics, and the path with its query, below the base address."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The body of a 200, and Schoology's time of the HTTP answer that carried it."""

    body: bytes | Raw
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """All pages of a list. `date` is that of the earliest answer, None where one had none."""

    rows: list[T | None]
    date: datetime | None


@dataclass(slots=True)
class Calls:
    """What Schoology is asked, and what its refusals mean.

    `multiget_cost` is what one multiget counts for; `prepaid` is cost that was acquired before and is
    spent first. `multiget_refused` may be read afterwards: True where plain GETs had to replace it.
    """

    upstream: Upstream
    multiget_cost: int
    prepaid: int
    multiget_refused: bool
    _base: httpx.URL = field(init=False)

    def __post_init__(self) -> None:
        self._base = httpx.URL(self.upstream.base_url)

    async def get(self, ask: Ask) -> Reply:
        """Ask once. Raises `SyncStopped` for everything that is not a 200."""
        answer = await self._sent(ask.kind, "GET", ask.path)
        if answer.status != 200:
            raise refusal(ask.kind, answer.status, answer.body)
        return Reply(answer.body, answer.date)

    async def together(self, asks: Sequence[Ask]) -> list[Reply]:
        """Ask all at once: as one multiget, or one by one where the district's Schoology refuses that."""
        if self.multiget_refused:
            return await gathered([self.get(ask) for ask in asks])
        replies = await self._multiget(asks)
        if replies is None:
            replies = await gathered([self.get(ask) for ask in asks])
            self.multiget_refused = True
        return replies

    async def rows(self, listing: Listing[T], ask: Ask, first: Reply | None = None) -> Rows[T]:
        """Read a list to its end. `first` is its first page, where that was read already."""
        reply = first or await self.get(ask)
        rows: list[T | None] = []
        dates = [reply.date]
        seen = {ask.path}
        while True:
            part = page(listing, reply.body)
            rows += part.rows
            if part.next is None:
                return Rows(rows, _earliest(dates))
            address = self._address(listing.kind, part.next)
            _check_progress(listing.kind, part, len(rows), address, seen)
            seen.add(address)
            reply = await self.get(Ask(listing.kind, address))
            dates.append(reply.date)

    def _address(self, kind: str, link: str) -> str:
        """A link of an answer. Old ones say http (contract 1.3); ours is the scheme that is called.

        Raises `SyncStopped` where it leads to another host: our signature is for this one alone.
        """
        try:
            url = self._base.join(link).copy_with(scheme=self._base.scheme)
        except httpx.InvalidURL:
            raise unexpected(kind, "its link to the next page is no address") from None
        if (url.host, url.port) != (self._base.host, self._base.port):
            raise unexpected(kind, "its link to the next page leads to another host")
        return str(url)

    async def _multiget(self, asks: Sequence[Ask]) -> list[Reply] | None:
        """The replies in order, or None where Schoology refuses the multiget as such."""
        prefix = self._base.path.rstrip("/")
        content = msgspec.json.encode({"request": [prefix + ask.path for ask in asks]})
        answer = await self._sent("multiget", "POST", "/multiget", content, self.multiget_cost)
        if answer.status in REFUSALS:
            return None
        if answer.status not in (200, 207):
            raise refusal("multiget", answer.status, answer.body)
        rows = page(MULTIGET, answer.body).rows
        if len(rows) != len(asks):
            raise unexpected("multiget", f"{len(asks)} questions, {len(rows)} answers")
        if all(_code(row) in ROW_REFUSALS for row in rows):
            return None
        found = zip(asks, rows, strict=True)
        return await gathered([self._inner(ask, row, answer.date) for ask, row in found])

    async def _inner(self, ask: Ask, row: InnerRow | None, date: datetime | None) -> Reply:
        """One row of a multiget; it fails as a plain answer would, or is asked for plainly."""
        code = _code(row)
        if row is None or code not in (200, 401, 403, 404):
            return await self.get(ask)
        if code != 200:
            raise refusal(ask.kind, code, b"" if _blank(bytes(row.body)) else b"text")
        return Reply(row.body, date)

    async def _sent(
        self, kind: str, method: str, path: str, content: bytes | None = None, cost: int = 1
    ) -> Answer:
        answer = await self._once(kind, method, path, content, cost)
        if answer.status == 401 and REPLAY in answer.body:
            answer = await self._once(kind, method, path, content, cost)
        return answer

    async def _once(self, kind: str, method: str, path: str, content: bytes | None, cost: int) -> Answer:
        spent = min(self.prepaid, cost)
        self.prepaid -= spent
        headers = JSON if content is None else JSON_BODY
        return await self.upstream.call(
            kind, method, path, content=content, headers=headers, repeatable=True, cost=cost - spent
        )


def refusal(kind: str, status: int, body: bytes) -> SyncStopped:
    """What a status other than 200 means for a sync (contract 1.4 and 1.6)."""
    if status == 401 and not _blank(body):
        return SyncStopped(Reason.SCHOOLOGY_CREDENTIALS_REFUSED, f"{kind}: status 401 with a text")
    if status in (401, 403):
        return SyncStopped(Reason.SCHOOLOGY_KEY_NOT_ALLOWED, f"{kind}: status {status}")
    if status == 404:
        return SyncStopped(Reason.SECTION_NOT_FOUND, f"{kind}: status 404")
    return unexpected(kind, f"status {status}")


def _blank(body: bytes) -> bool:
    return body.strip(b' \t\r\n"') in (b"", b"null")


def _code(row: InnerRow | None) -> int:
    text = bare(row.response_code) if row else ""
    return int(text) if text.isascii() and text.isdigit() else 0


def _earliest(dates: Sequence[datetime | None]) -> datetime | None:
    known = [date for date in dates if date is not None]
    return min(known) if len(known) == len(dates) else None


def _check_progress(kind: str, part: Page[T], rows: int, address: str, seen: set[str]) -> None:
    """A list that goes on must bring rows, new addresses, and no more than it announced."""
    if address in seen or not part.rows or len(seen) >= PAGES_MOST:
        raise unexpected(kind, "its pages do not end")
    if part.total is not None and rows > part.total:
        raise unexpected(kind, "it has more pages than rows announced")


async def gathered(asks: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """Run all at once; the first failure ends the others and is raised as it is."""
    with first_error():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask) for ask in asks]
    return [task.result() for task in tasks]


@contextmanager
def first_error() -> Iterator[None]:
    """Raise the first error of a task group instead of the group."""
    try:
        yield
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
