"""Call one district's SIS over OneRoster: tokens, headers, pages, and how many calls at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol
from urllib.parse import quote

from gradesync.core.reasons import Reason
from gradesync.errors import AccessRefused, SyncStopped
from gradesync.oneroster.empty_sets import EmptySets
from gradesync.oneroster.objects import Object, read_id, read_ref
from gradesync.oneroster.refusals import Refusal, read_refusal
from gradesync.upstream.client import Params, Upstream
from gradesync.upstream.response import MalformedError, UpstreamResponse, decode, encode

PAGE_SIZE = 1000
MAX_PAGES = 300
_NEXT = re.compile(r"""rel\s*=\s*["']?next\b""", re.IGNORECASE)


class Tokens(Protocol):
    """Provide the bearer token of a district, where it has one."""

    @property
    def held(self) -> str | None:
        """Return the token in force; None where one has to be fetched."""
        ...

    async def get_token(self) -> str:
        """Return the token in force. Raises `SyncStopped("sis-credentials-refused")`, `Retriable`."""
        ...

    def discard(self, token: str) -> None:
        """Forget a token that was refused."""
        ...


def path_to(*parts: str) -> str:
    """Return a path of these parts, ids percent-encoded."""
    return "".join(f"/{quote(part, safe='', errors='replace')}" for part in parts)


@dataclass(frozen=True, slots=True)
class Calls:
    """Send calls to a SIS. `rostering` and `gradebook` are its two services, one and the same in 1.1.

    Their gate is shared by all syncs of the district in a process.
    """

    rostering: Upstream
    gradebook: Upstream
    auth: Tokens
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    empty_sets: EmptySets = field(default_factory=EmptySets)

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
            token = self.auth.held
            if token is None:
                async with service.gate:  # a token is fetched by a call
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

    async def read_one(
        self, service: Upstream, kind: str, collection: str, key: str, name: str
    ) -> Object | None:
        """Read one object by id; None for a 404. Raises `SyncStopped` for all else, another object too."""
        response = await self.send(service, kind, "GET", path_to(collection, key))
        if response.status == 404:
            return None
        found = _content(response, kind).get(name)
        if not isinstance(found, Mapping):
            raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS's answer to {kind} has no {name}")
        if not is_same(read_id(found), key):
            raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS answers {kind} with another {name}")
        return found

    async def read_all(self, service: Upstream, kind: str, path: str, name: str) -> list[Object]:
        """Read every page of a set. Raises `SyncStopped` where it is refused, or not complete.

        No single page is trusted to be all: a SIS may cap its size. Of several totals the largest counts.
        """
        rows: dict[str, Object] = {}
        total, offset, listed = None, 0, 0
        for _ in range(MAX_PAGES):
            params = {"limit": str(PAGE_SIZE), "offset": str(offset)}
            response = await self.send(service, kind, "GET", path, params=params)
            shown = _read_total(response)
            total = max((each for each in (total, shown) if each is not None), default=None)
            page = await self._read_page(service, response, kind, name)
            new = _add_page(rows, page, kind)
            offset, listed = offset + len(page), listed + new
            more = _NEXT.search(response.headers.get("link", "")) is not None
            if not new:  # the end, or the same page again where offsets are ignored
                whole = not page or not (more or len(page) >= PAGE_SIZE)
                break
            if listed == total and not more:
                return list(rows.values())
        else:
            whole = False
        if not whole if total is None else listed < total:
            raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS shows only a part of {kind}")
        return list(rows.values())

    async def _read_page(
        self, service: Upstream, response: UpstreamResponse, kind: str, name: str
    ) -> list[Object]:
        """Return the rows of a page. One without a list has none where that is certain.

        The total is zero; or there is none, and the SIS is seen to write `{}` for no rows.
        """
        content, total = _content(response, kind), _read_total(response)
        if content.get(name) is None and total == 0:
            return []
        if not content and "x-total-count" not in response.headers:
            title = "rostering" if service is self.rostering else "gradebook"

            async def read(path: str, offset: str) -> UpstreamResponse:
                params = {"limit": "1", "offset": offset}
                return await self.send(service, f"{title}.probe", "GET", path, params=params)

            if await self.empty_sets.are_objects(title, read):
                return []
        return _read_rows(content, kind, name)


def is_same(shown: str | None, key: str) -> bool:
    """Return True where an object that is shown has an id; some servers change its case."""
    return shown is not None and shown.casefold() == key.casefold()


def is_other(response: UpstreamResponse, name: str, key: str) -> bool:
    """Return True where the answer to a write is no JSON, or shows another object than was written (R41)."""
    if not response.body.strip():
        return False
    try:
        content = decode(response.body)
    except MalformedError:
        return True
    shown = content.get(name) if isinstance(content, Mapping) else None
    return isinstance(shown, Mapping) and "sourcedId" in shown and not is_same(read_id(shown), key)


def _add_page(rows: dict[str, Object], page: Sequence[Object], kind: str) -> int:
    """Add the rows of a page; return how many are not of an earlier page. One listed twice there counts.

    Raises `SyncStopped` where two objects have one id: each would hide the other.
    """
    before, new = rows.keys() | (), 0
    for row in page:
        key = read_id(row)
        if key is None:
            raise SyncStopped(Reason.SIS_UNREADABLE, f"a row of the SIS's answer to {kind} has no id")
        if key in rows and _owner_of(rows[key]) != _owner_of(row):
            raise SyncStopped(Reason.SIS_UNREADABLE, f"two rows of {kind} have the id {key}")
        rows[key] = row
        new += key not in before
    return new


def _owner_of(row: Object) -> tuple[str | None, str | None]:
    return read_ref(row, "lineItem"), read_ref(row, "student")


def _read_total(response: UpstreamResponse) -> int | None:
    text = response.headers.get("x-total-count", "").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _read_rows(content: Object, kind: str, name: str) -> list[Object]:
    listed: Any = content.get(name)
    if not isinstance(listed, list):
        raise SyncStopped(Reason.SIS_UNREADABLE, f"the SIS's answer to {kind} has no {name}")
    if not all(isinstance(row, Mapping) for row in listed):
        raise SyncStopped(Reason.SIS_UNREADABLE, f"a row of the SIS's answer to {kind} is no object")
    return listed


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
