"""Call one district's SIS over OneRoster: tokens, headers, pages, and how many calls at once."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol
from urllib.parse import quote

from gradesync.core.reasons import Reason
from gradesync.errors import AccessRefused, SyncStopped
from gradesync.oneroster.objects import Object
from gradesync.oneroster.refusals import Refusal, read_refusal
from gradesync.upstream.client import Params, Upstream
from gradesync.upstream.response import MalformedError, UpstreamResponse, decode, encode

PAGE_SIZE = 1000
MAX_PAGES = 300


class Tokens(Protocol):
    """Provide the bearer token of a district, where it has one."""

    async def get_token(self) -> str:
        """Return the token in force. Raises `SyncStopped("sis-credentials-refused")`, `Retriable`."""
        ...

    def discard(self, token: str) -> None:
        """Forget a token that was refused."""
        ...


def path_to(*parts: str) -> str:
    """Return a path of these parts, ids percent-encoded."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


@dataclass(frozen=True, slots=True)
class Calls:
    """Send calls to a SIS. `rostering` and `gradebook` are its two services, one and the same in 1.1.

    `gate` is shared by all syncs of the district in a process.
    """

    rostering: Upstream
    gradebook: Upstream
    auth: Tokens
    gate: asyncio.Semaphore
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def send(
        self,
        service: Upstream,
        kind: str,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: object = None,
    ) -> UpstreamResponse:
        """Send one call; a 401 is tried once more with a new token.

        Raises `SyncStopped("sis-credentials-refused")` for a second 401, and what `Upstream.call` raises.
        """
        content = None if body is None else encode(body)
        written = {} if body is None else {"Content-Type": "application/json"}
        for _ in range(2):
            async with self.gate:
                token = await self.auth.get_token()
                response = await service.call(
                    kind,
                    method,
                    path,
                    params=params,
                    content=content,
                    headers={"Accept": "application/json", **written, **self.headers},
                    repeatable=method == "GET",
                )
            if response.status != 401:
                return response
            self.auth.discard(token)
        raise SyncStopped(
            Reason.SIS_CREDENTIALS_REFUSED, f"the SIS does not accept the credentials for {kind}"
        )

    async def read_one(self, service: Upstream, kind: str, path: str, name: str) -> Object | None:
        """Read one object by id; None for a 404. Raises `SyncStopped` for anything else."""
        response = await self.send(service, kind, "GET", path)
        if response.status == 404:
            return None
        found = _content(response, kind).get(name)
        if not isinstance(found, Mapping):
            raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS's answer to {kind} has no {name}")
        return found

    async def read_all(self, service: Upstream, kind: str, path: str, name: str) -> list[Object]:
        """Read every page of a set. Raises `SyncStopped` where it is refused, or not complete.

        No single page is trusted to be all: a SIS may cap its size.
        """
        rows: dict[str, Object] = {}
        total, offset = None, 0
        for _ in range(MAX_PAGES):
            params = {"limit": str(PAGE_SIZE), "offset": str(offset)}
            response = await self.send(service, kind, "GET", path, params=params)
            total = _read_total(response)
            page = _read_page(response, kind, name, total)
            before = len(rows)
            rows.update((str(row.get("sourcedId")), row) for row in page)
            offset += len(page)
            if (total is not None and offset >= total) or not page:
                break
            if len(rows) == before:  # the same page again: offsets are ignored there
                break
        if total is not None and len(rows) < total:
            raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS shows only a part of {kind}")
        return list(rows.values())


def _read_total(response: UpstreamResponse) -> int | None:
    text = response.headers.get("x-total-count", "").strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _read_page(response: UpstreamResponse, kind: str, name: str, total: int | None) -> list[Object]:
    """Return the rows of a page. One without any list has none only where the total says so."""
    content = _content(response, kind)
    listed: Any = content.get(name)
    if listed is None and total == 0:
        return []
    if not isinstance(listed, list):
        raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS's answer to {kind} has no {name}")
    return [row for row in listed if isinstance(row, Mapping)]


def _content(response: UpstreamResponse, kind: str) -> Object:
    """Return the object of a successful read. Raises `SyncStopped` for any other answer."""
    refusal = read_refusal(response)
    if response.status != 200 or refusal.failed:
        stop_for_refusal(refusal, kind)
    try:
        content = decode(response.body)
    except MalformedError as error:
        raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS's answer to {kind} is not JSON") from error
    if not isinstance(content, Mapping):
        raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS's answer to {kind} is not an object")
    return content


def stop_for_refusal(refusal: Refusal, kind: str) -> NoReturn:
    """Raise why a call that every sync needs is refused."""
    if refusal.status == 403 or "forbidden" in refusal.codes:
        raise AccessRefused(Reason.SIS_PERMISSION_MISSING, refusal.describe(kind))
    raise SyncStopped(Reason.SIS_UNREADABLE, refusal.describe(kind))
