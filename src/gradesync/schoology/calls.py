"""Call Schoology's REST API: one GET, several as one multiget, and lists page by page."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

import httpx
import msgspec
from msgspec import Raw

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.schoology.scalars import is_id, read_bare
from gradesync.schoology.wire import MULTIGET, InnerRow, Listing, Page, decode_page, identify_row, unexpected
from gradesync.upstream.client import Upstream, read_url
from gradesync.upstream.response import MAX_BYTES, PlainDialect, UpstreamResponse, retry_after

REPLAY = b"possible replay attack"
JSON = {"Accept": "application/json"}
JSON_BODY = {**JSON, "Content-Type": "application/json"}
# Schoology's limit window, which its 429 does not name (upstream.md Schoology §1.7).
THROTTLE_PAUSE = 5.0
PAGE = "limit=200"
MAX_PAGES = 500
# Statuses that refuse a multiget as a whole; the same reads may be allowed one by one.
MULTIGET_REFUSALS = frozenset({400, 403, 404, 405, 406, 410, 415, 422, 501})
# Codes that refuse a multiget where every one of its rows has one.
ROW_REFUSALS = frozenset({400, 403, 405, 501})

T = TypeVar("T")


class SchoologyDialect(PlainDialect):
    """Read a 429 as a pause of Schoology's window, with or without Retry-After."""

    def throttled(self, response: UpstreamResponse, kind: str) -> float | None:
        if response.status != 429:
            return None
        wait = retry_after(response)
        return THROTTLE_PAUSE if wait is None else wait

    def is_answer(self, response: UpstreamResponse, kind: str) -> bool:
        return response.status == 501


@dataclass(frozen=True, slots=True)
class Request:
    """Describe one GET: the kind of call for metrics, and the path with its query, below the base address."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Payload:
    """Hold the body of a 200, and the HTTP response that carried it."""

    body: bytes | Raw
    response: UpstreamResponse


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """Hold the rows of a list; not `complete` where it announces more than it shows.

    `first` is the response that carried the first of them.
    """

    rows: list[T | None]
    complete: bool = True
    first: UpstreamResponse | None = None

    @property
    def begun(self) -> datetime | None:
        """Return the time on Schoology's own clock when the list was read, where the response has it."""
        return self.first.date if self.first else None


@dataclass(slots=True)
class _Found(Generic[T]):
    """Collect the rows of a list, each once, and how many rows it announces.

    `again`: rows come that may have come before.
    """

    rows: dict[object, T | None] = field(default_factory=dict)
    first: UpstreamResponse | None = None
    total: int = 0
    again: bool = False

    @property
    def is_short(self) -> bool:
        return len(self.rows) < self.total

    def add(self, page: Page[T]) -> None:
        """Add a page. A row without an id is known by its place the first time, so that it is not lost."""
        self.total = max(self.total, page.total or 0)
        for row in page.rows:
            key = None if page.total is None else identify_row(row)
            if key is not None or not self.again:
                self.rows[len(self.rows) if key is None else key] = row


@dataclass(slots=True)
class Calls:
    """Send reads to Schoology, and turn its refusals into errors.

    `multiget_cost` is what one multiget counts for; `prepaid` is cost that was acquired before and is
    spent first. `multiget_refused` may be read afterwards: True where plain GETs had to replace it.
    """

    upstream: Upstream
    multiget_cost: int
    prepaid: int
    multiget_refused: bool

    @property
    def _base(self) -> httpx.URL:
        return read_url(self.upstream.base_url)

    async def get(self, request: Request) -> Payload:
        """Send one GET. Raises `SyncStopped` for everything that is not a 200."""
        response = await self._send(request.kind, "GET", request.path)
        if response.status != 200:
            raise refused(request.kind, response.status, response.body)
        return Payload(response.body, response)

    async def get_all(self, requests: Sequence[Request], max_bytes: int = MAX_BYTES) -> list[Payload]:
        """Send one multiget, or one GET for each where the district's Schoology refuses multigets.

        Raises `ResponseTooLarge` for a multiget's response of more than `max_bytes`.
        """
        if self.multiget_refused:
            return await gather_all([self.get(request) for request in requests])
        payloads = await self._multiget(requests, max_bytes)
        if payloads is None:
            payloads = await gather_all([self.get(request) for request in requests])
            self.multiget_refused = True
        return payloads

    async def read_list(self, listing: Listing[T], request: Request, first: Payload | None = None) -> Rows[T]:
        """Read a list to its end. `first` is its first page, where that was read already.

        A list that announces more rows than its pages show is asked for the rest, then for all once more:
        `start` counts by type in a list of assignments (R49, upstream.md Schoology §1.8).
        """
        found: _Found[T] = _Found()
        await self._read_pages(listing, request, found, first)
        found.again, shown = True, -1
        while found.is_short and len(found.rows) > shown:
            shown = len(found.rows)
            joint = "&" if "?" in request.path else "?"
            rest = replace(request, path=f"{request.path}{joint}start={shown}")
            await self._read_pages(listing, rest, found)
        if found.is_short:
            await self._read_pages(listing, request, found)
        return Rows(list(found.rows.values()), complete=not found.is_short, first=found.first)

    async def _read_pages(
        self, listing: Listing[T], request: Request, found: "_Found[T]", first: Payload | None = None
    ) -> None:
        """Add the rows of a page, and of all that it links to."""
        payload = first or await self.get(request)
        found.first = found.first or payload.response
        rows, seen = 0, {request.path}
        while True:
            page = decode_page(listing, payload.body)
            rows += len(page.rows)
            found.add(page)
            if page.next is None:
                return
            address = self._resolve_link(listing.kind, page.next)
            _check_progress(listing.kind, page, rows, address, seen)
            seen.add(address)
            payload = await self.get(Request(listing.kind, address))

    def _resolve_link(self, kind: str, link: str) -> str:
        """Return the address of a link, in the scheme of the base address.

        Old links have http (upstream.md Schoology §1.3). Raises `SyncStopped` where one leads to another
        host: our signature is for this one alone.
        """
        try:
            url = self._base.join(link).copy_with(scheme=self._base.scheme)
        except httpx.InvalidURL:
            raise unexpected(kind, "its link to the next page is no address") from None
        if (url.host, url.port) != (self._base.host, self._base.port):
            raise unexpected(kind, "its link to the next page leads to another host")
        return str(url)

    async def _multiget(self, requests: Sequence[Request], max_bytes: int) -> list[Payload] | None:
        """Return the payloads in order, or None where Schoology refuses the multiget as such."""
        prefix = self._base.path.rstrip("/")
        content = msgspec.json.encode({"request": [prefix + request.path for request in requests]})
        response = await self._send(
            "multiget", "POST", "/multiget", content, cost=self.multiget_cost, max_bytes=max_bytes
        )
        if response.status in MULTIGET_REFUSALS:
            return None
        if response.status not in (200, 207):
            raise refused("multiget", response.status, response.body)
        rows = decode_page(MULTIGET, response.body).rows
        if len(rows) != len(requests):
            raise unexpected("multiget", f"{len(requests)} requests, {len(rows)} responses")
        if all(_read_code(row) in ROW_REFUSALS for row in rows):
            return None
        payloads = list(map(partial(_read_row, response), requests, rows))
        unclear = [request for request, payload in zip(requests, payloads, strict=True) if payload is None]
        plain = iter(await gather_all(list(map(self.get, unclear))) if unclear else ())
        return [payload or next(plain) for payload in payloads]

    async def _send(
        self,
        kind: str,
        method: str,
        path: str,
        content: bytes | None = None,
        *,
        cost: int = 1,
        max_bytes: int = MAX_BYTES,
    ) -> UpstreamResponse:
        response = await self._send_once(kind, method, path, content, cost=cost, max_bytes=max_bytes)
        if response.status == 401 and REPLAY in response.body:
            response = await self._send_once(kind, method, path, content, cost=cost, max_bytes=max_bytes)
        return response

    async def _send_once(
        self, kind: str, method: str, path: str, content: bytes | None, *, cost: int, max_bytes: int
    ) -> UpstreamResponse:
        spent = min(self.prepaid, cost)
        self.prepaid -= spent
        headers = JSON if content is None else JSON_BODY
        call = partial(self.upstream.call, kind, method, path, content=content, headers=headers)
        return await call(repeatable=True, cost=cost - spent, max_bytes=max_bytes)


def refused(kind: str, status: int, body: bytes) -> SyncStopped:
    """Make the error for a status other than 200 (upstream.md Schoology §1.4, §1.6)."""
    if status == 401 and not _is_blank(body):
        return SyncStopped(Reason.SCHOOLOGY_CREDENTIALS_REFUSED, f"{kind}: status 401 with a text")
    if status in (401, 403):
        return SyncStopped(Reason.SCHOOLOGY_KEY_NOT_ALLOWED, f"{kind}: status {status}")
    if status == 404:
        return SyncStopped(Reason.SECTION_NOT_FOUND, f"{kind}: status 404")
    return unexpected(kind, f"status {status}")


def _read_row(response: UpstreamResponse, request: Request, row: InnerRow | None) -> Payload | None:
    """Return one row of a multiget; None where only a plain response can show it. It fails as that would."""
    code = _read_code(row)
    if row is None or code not in (200, 401, 403, 404):
        return None
    if code != 200:
        raise refused(request.kind, code, b"" if _is_blank(bytes(row.body)) else b"text")
    return Payload(row.body, response)


def _is_blank(body: bytes) -> bool:
    return body.strip(b' \t\r\n"') in (b"", b"null")


def _read_code(row: InnerRow | None) -> int:
    text = read_bare(row.response_code) if row else ""
    return int(text) if is_id(text) else 0


def _check_progress(kind: str, page: Page[T], rows: int, address: str, seen: set[str]) -> None:
    """Raise `SyncStopped` for a page without rows or a new address, or with more rows than announced."""
    if address in seen or not page.rows or len(seen) >= MAX_PAGES:
        raise unexpected(kind, "its pages do not end")
    if page.total is not None and rows > page.total:
        raise unexpected(kind, "it has more pages than rows announced")


async def gather_all(calls: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """Run all at once; the first failure ends the others and is raised as it is."""
    with raise_first_error():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    return [task.result() for task in tasks]


@contextmanager
def raise_first_error() -> Iterator[None]:
    """Raise the first error of a task group instead of the group."""
    try:
        yield
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
